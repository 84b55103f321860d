#include "verb/row.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>

struct parsing {
    const char *at;
    struct arena *arena;
    struct err *err;
};

static int parse_cell(struct parsing *p, struct row *row);

int row_parse(struct row *row, struct arena *arena, const char *text, struct err *err)
{
    struct parsing p = {text, arena, err};
    size_t most = 1;
    for (const char *at = text; *at; at++)
        most += *at == ',';
    *row = (struct row){.cells = arena_alloc(arena, most * sizeof *row->cells)};
    while (*p.at) {
        if (parse_cell(&p, row) < 0)
            return -1;
        if (*p.at == ',')
            p.at++;
    }
    return 0;
}

const struct cell *row_cell(const struct row *row, const char *column)
{
    for (unsigned i = 0; i < row->n; i++)
        if (strcmp(row->cells[i].column, column) == 0)
            return &row->cells[i];
    return NULL;
}

static int parse_quoted(struct parsing *p, const char *column, struct value *value)
{
    char quote = *p->at++;
    char *text = arena_strdup(p->arena, p->at);
    uint32_t n = 0;
    while (*p->at && (*p->at != quote || p->at[1] == quote)) {
        p->at += *p->at == quote;
        text[n++] = *p->at++;
    }
    if (!*p->at++)
        return err_set(p->err, EX_USAGE, "the value of %s: its %c is not closed", column, quote);
    if (*p->at && *p->at != ',')
        return err_set(p->err, EX_USAGE, "the value of %s: a comma must follow its quote", column);
    text[n] = '\0';
    *value = (struct value){.text = text, .len = n, .kind = VALUE_TEXT};
    return 0;
}

static int parse_cell(struct parsing *p, struct row *row)
{
    size_t n = strcspn(p->at, "=,");
    if (p->at[n] != '=' || n == 0)
        return err_set(p->err, EX_USAGE, "\"%.60s\" is no column=value", p->at);
    struct cell cell = {.column = arena_strndup(p->arena, p->at, n)};
    if (row_cell(row, cell.column))
        return err_set(p->err, EX_USAGE, "%s has two values", cell.column);
    p->at += n + 1;
    if (*p->at == '\'' || *p->at == '"') {
        if (parse_quoted(p, cell.column, &cell.value) < 0)
            return -1;
    } else {
        n = strcspn(p->at, ",");
        cell.value.text = arena_strndup(p->arena, p->at, n);
        cell.value.len = (uint32_t)n;
        cell.value.kind = VALUE_TEXT;
        if (strcasecmp(cell.value.text, "NULL") == 0)
            cell.value.kind = VALUE_NULL;
        p->at += n;
    }
    row->cells[row->n++] = cell;
    return 0;
}
