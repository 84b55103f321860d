#include "verb/row.h"

#include "base/mem.h"

#include <string.h>
#include <strings.h>

#define OID_INT8 20
#define OID_INT4 23
#define OID_FLOAT8 701

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
    for (p.at += strspn(p.at, " "); *p.at; p.at += strspn(p.at, " ")) {
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

uint32_t row_common_type(uint32_t a, uint32_t b)
{
    bool a_int = a == OID_INT4 || a == OID_INT8, b_int = b == OID_INT4 || b == OID_INT8;
    if (a == b || b == 0)
        return a;
    if (a == 0)
        return b;
    if (a_int && b_int)
        return OID_INT8;
    if ((a_int || a == OID_FLOAT8) && (b_int || b == OID_FLOAT8))
        return OID_FLOAT8;
    return ROW_UNTYPED;
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
        return err_set(p->err, EX_USAGE,
                       "the value of %s: its %c is not closed; end it, and double one inside",
                       column, quote);
    p->at += strspn(p->at, " ");
    if (*p->at && *p->at != ',')
        return err_set(p->err, EX_USAGE, "the value of %s: a comma must follow its quote", column);
    text[n] = '\0';
    *value = (struct value){.text = text, .len = n, .kind = VALUE_TEXT};
    return 0;
}

/* Length of the text without the blanks at its end. */
static size_t trimmed(const char *text, size_t n)
{
    while (n > 0 && text[n - 1] == ' ')
        n--;
    return n;
}

static int parse_cell(struct parsing *p, struct row *row)
{
    size_t n = strcspn(p->at, "=,");
    if (p->at[n] != '=' || n == 0)
        return err_set(p->err, EX_USAGE, "\"%.60s\" is no column=value; write a=1,b='a, b',c=NULL",
                       p->at);
    struct cell cell = {.column = arena_strndup(p->arena, p->at, trimmed(p->at, n))};
    if (row_cell(row, cell.column))
        return err_set(p->err, EX_USAGE, "%s has two values; leave one out", cell.column);
    p->at += n + 1;
    p->at += strspn(p->at, " ");
    if (*p->at == '\'' || *p->at == '"') {
        if (parse_quoted(p, cell.column, &cell.value) < 0)
            return -1;
    } else {
        n = strcspn(p->at, ",");
        cell.value.len = (uint32_t)trimmed(p->at, n);
        cell.value.text = arena_strndup(p->arena, p->at, cell.value.len);
        cell.value.kind = VALUE_TEXT;
        if (strcasecmp(cell.value.text, "NULL") == 0)
            cell.value.kind = VALUE_NULL;
        p->at += n;
    }
    cell.type = cell.value.kind == VALUE_NULL ? 0 : ROW_UNTYPED;
    row->cells[row->n++] = cell;
    return 0;
}
