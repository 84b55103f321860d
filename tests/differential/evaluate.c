/* Evaluates expressions on rows, for the tests that compare with PostgreSQL. Lines on stdin, their
 * fields parted by tabs and written as COPY writes them:
 *
 *      column NAME OID IDENTITY [TYPE EQUALITY CASTS LABELS]
 *                                          of the relation; IDENTITY and CASTS 0 or 1, EQUALITY
 *                                          its, row, enum or enums, LABELS parted by commas
 *      row VALUE...                        the first is row 0
 *      test|value OP IMAGE OLD NEW SEED EXPRESSION
 *
 * OLD and NEW are numbers of rows, SEED one of which 0 says: no doubt. Each expression is answered
 * by a line: what came of doubt, then `refused WHY`, `error WHY`, `doubt`, `null OID` or
 * `value OID TEXT`. */
#include "doubt.h"

#include "base/buf.h"
#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_COLUMNS 100
#define MAX_ROWS 1000
#define MAX_FIELDS 128

struct field {
    char *bytes; /* NULL of SQL when it is NULL */
    uint32_t len;
};

struct table {
    struct arena *arena;
    struct column columns[MAX_COLUMNS];
    struct relation relation;
    struct value *rows[MAX_ROWS];
    unsigned n_rows;
};

/* What stands for the byte after a backslash. */
static char unescaped(char letter)
{
    static const char letters[] = "bfnrtv", bytes[] = "\b\f\n\r\t\v";
    const char *found = strchr(letters, letter);
    return letter && found ? bytes[found - letters] : letter;
}

static struct field unescape(char *text)
{
    if (strcmp(text, "\\N") == 0)
        return (struct field){0};
    char *to = text;
    for (const char *from = text; *from; from++) {
        if (*from == '\\' && from[1])
            *to++ = unescaped(*++from);
        else
            *to++ = *from;
    }
    *to = '\0';
    return (struct field){text, (uint32_t)(to - text)};
}

static unsigned split(char *line, struct field fields[MAX_FIELDS])
{
    unsigned n = 0;
    line[strcspn(line, "\n")] = '\0';
    for (char *at; n < MAX_FIELDS && (at = strsep(&line, "\t"));)
        fields[n++] = unescape(at);
    return n;
}

static void escape(struct buf *out, const char *bytes, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        if (strchr("\\\t\n\r", bytes[i]) && bytes[i])
            buf_printf(out, "\\%c",
                       bytes[i] == '\t'   ? 't'
                       : bytes[i] == '\n' ? 'n'
                       : bytes[i] == '\r' ? 'r'
                                          : '\\');
        else
            buf_put(out, &bytes[i], 1);
    }
}

static void fail(const char *what)
{
    fprintf(stderr, "evaluate: %s\n", what);
    exit(EX_DATAERR);
}

static const char *const *split_labels(struct arena *arena, const char *text)
{
    const char **labels = arena_alloc(arena, (strlen(text) + 2) * sizeof *labels);
    char *rest = arena_strdup(arena, text);
    for (unsigned n = 0; (labels[n] = strsep(&rest, ",")); n++) {
    }
    return labels;
}

static const struct own_type *own_type(struct table *table, const struct field *fields)
{
    static const char *const equalities[] = {"its", "row", "enum", "enums"};
    struct own_type *own = arena_alloc(table->arena, sizeof *own);
    own->name = arena_strdup(table->arena, fields[4].bytes);
    for (unsigned i = 0; i < 4; i++)
        if (strcmp(fields[5].bytes, equalities[i]) == 0)
            own->equality = (enum own_equality)i;
    own->casts_to_text = *fields[6].bytes == '1';
    if (*fields[7].bytes)
        own->labels = split_labels(table->arena, fields[7].bytes);
    return own;
}

static void add_column(struct table *table, const struct field *fields, unsigned n_fields)
{
    unsigned n = table->relation.n_columns++;
    if (n == MAX_COLUMNS)
        fail("too many columns");
    table->columns[n] = (struct column){
        .name = arena_strdup(table->arena, fields[1].bytes),
        .type = (uint32_t)strtoul(fields[2].bytes, NULL, 10),
        .typmod = -1,
        .in_identity = *fields[3].bytes == '1',
        .own = n_fields == 8 ? own_type(table, fields) : NULL,
    };
}

static void add_row(struct table *table, const struct field *fields)
{
    unsigned n = table->relation.n_columns;
    if (table->n_rows == MAX_ROWS)
        fail("too many rows");
    struct value *row = arena_alloc(table->arena, n * sizeof *row);
    for (unsigned i = 0; i < n; i++) {
        const char *bytes = fields[i + 1].bytes;
        row[i] = (struct value){bytes ? arena_strdup(table->arena, bytes) : NULL, fields[i + 1].len,
                                bytes ? VALUE_TEXT : VALUE_NULL};
    }
    table->rows[table->n_rows++] = row;
}

static const struct value *row_of(const struct table *table, const struct field *field)
{
    unsigned long n = strtoul(field->bytes, NULL, 10);
    if (n >= table->n_rows)
        fail("no such row");
    return table->rows[n];
}

static struct change change_of(const struct table *table, const struct field *fields)
{
    struct change change = {.relation = &table->relation, .op = CHANGE_UPDATE};
    if (strcmp(fields[1].bytes, "insert") == 0)
        change.op = CHANGE_INSERT;
    else if (strcmp(fields[1].bytes, "delete") == 0)
        change.op = CHANGE_DELETE;
    change.old_row = change.op == CHANGE_INSERT ? NULL : row_of(table, &fields[3]);
    change.new_row = change.op == CHANGE_DELETE ? NULL : row_of(table, &fields[4]);
    return change;
}

static void answer(struct buf *out, const struct trial *trial, const struct result *result)
{
    switch (result->outcome) {
    case PROGRAM_ERROR:
        buf_put_str(out, "error\t");
        escape(out, result->error, strlen(result->error));
        break;
    case PROGRAM_DOUBT:
        buf_put_str(out, "doubt");
        break;
    case PROGRAM_NULL:
        buf_printf(out, "null\t%u", program_type(trial->program));
        break;
    case PROGRAM_TRUE:
    case PROGRAM_FALSE:
        buf_printf(out, "value\t%u\t", program_type(trial->program));
        escape(out, result->value.text, result->value.len);
        break;
    }
}

static void evaluate(const struct table *table, const struct field *fields, struct arena *arena,
                     struct buf *out)
{
    struct err err = {0};
    struct trial trial = {.scratch = {.arena = arena}};
    trial.condition = strcmp(fields[0].bytes, "test") == 0;
    trial.image = strcmp(fields[2].bytes, "old") == 0 ? IMAGE_OLD : IMAGE_NEW;
    trial.change = change_of(table, fields);
    struct expression *expression = expression_parse(arena, fields[6].bytes, &err);
    enum expression_want want = trial.condition ? EXPRESSION_CONDITION : EXPRESSION_TEXT;
    if (expression)
        trial.program = expression_compile(expression, arena, &table->relation, want, &err);
    if (!trial.program) {
        buf_put_str(out, "-\trefused\t");
        escape(out, err.text, strlen(err.text));
        return;
    }
    struct result result = trial_run(&trial, &trial.change);
    uint64_t seed = strtoull(fields[5].bytes, NULL, 10);
    if (!expression_compile(expression, arena, NULL, want, &err)) {
        buf_put_str(out, "without a table: ");
        escape(out, err.text, strlen(err.text));
    } else {
        buf_put_str(out, seed ? doubt_try(&trial, table->rows, table->n_rows, seed) : "-");
    }
    buf_put_str(out, "\t");
    answer(out, &trial, &result);
}

static void take(struct table *table, char *line, struct arena *arena, struct buf *out)
{
    struct field fields[MAX_FIELDS];
    unsigned n = split(line, fields);
    if ((n == 4 || n == 8) && strcmp(fields[0].bytes, "column") == 0) {
        add_column(table, fields, n);
    } else if (n == table->relation.n_columns + 1 && strcmp(fields[0].bytes, "row") == 0) {
        add_row(table, fields);
    } else if (n == 7) {
        evaluate(table, fields, arena, out);
        /* Line by line: after a crash it is known which expression it was. */
        puts(buf_str(out));
        fflush(stdout);
    } else {
        fail("a line that is neither column, row, test nor value");
    }
    buf_reset(out, 1 << 16);
    arena_reset(arena);
}

int main(void)
{
    struct arena *arena = arena_make(), *of_table = arena_make();
    struct table *table = arena_alloc(of_table, sizeof *table);
    table->arena = of_table;
    table->relation = (struct relation){
        .oid = 1, .version = 1, .schema = "public", .name = "r", .columns = table->columns};
    struct buf out = {0};
    char *line = NULL;
    size_t size = 0;
    while (getline(&line, &size, stdin) > 0)
        take(table, line, arena, &out);
    free(line);
    buf_free(&out);
    arena_free(arena);
    arena_free(of_table);
    return 0;
}
