#include "base/mem.h"
#include "base/str.h"
#include "verb/json.h"
#include "verb/load.h"
#include "verb/row.h"

#include <stdlib.h>
#include <string.h>

/* A change given by hand, of a table that has the columns that somebody names. */
struct explaining {
    struct arena *arena;
    const struct ruleset *ruleset;
    bool json;
    unsigned n_files; /* 1 when a rules file was named; 0: those of cdcd.cfg */
    enum change_op op;
    struct row old_row, new_row;
    struct relation relation;
    struct column *columns;
    unsigned n_ops;
    bool lists; /* triggers, not a change */
};

static int read_change(struct explaining *e, const struct verb_args *args);
static void find_table(struct explaining *e, const char *text);
static void run_change(struct explaining *e, struct ruleset *ruleset);
static void list_table(struct explaining *e, struct ruleset *ruleset);

static int explain(struct explaining *e, const struct verb_args *args)
{
    struct loaded loaded;
    load_all(&loaded, args, args->operands, e->n_files);
    int code = loaded.complaints.code;
    if (loaded.ruleset) {
        e->ruleset = loaded.ruleset;
        find_table(e, args->table ? args->table : args->operands[e->n_files + 1]);
        if (args->table)
            list_table(e, loaded.ruleset);
        else
            run_change(e, loaded.ruleset);
    } else {
        complaints_print(&loaded.complaints, stderr);
    }
    load_free(&loaded);
    return code;
}

static bool is_op(const char *word)
{
    enum change_op op = CHANGE_INSERT;
    while (op <= CHANGE_TRUNCATE && strcmp(change_op_name(op), word) != 0)
        op++;
    return op <= CHANGE_TRUNCATE;
}

int verb_explain(const struct verb_args *args)
{
    unsigned n_words = args->table ? 0 : 2; /* beside FILE */
    bool change = args->old_row || args->new_row || (args->n_operands && is_op(args->operands[0]));
    if (args->n_operands < n_words || args->n_operands > n_words + 1 || (args->table && change))
        return verb_misused(
            "usage: cdcd explain [FILE] OP TABLE, or cdcd explain [FILE] --table T");
    struct explaining e = {.arena = arena_make(), .json = args->json};
    e.n_files = args->n_operands - n_words;
    int code = args->table ? 0 : read_change(&e, args);
    if (code == 0)
        code = explain(&e, args);
    free(e.columns);
    arena_free(e.arena);
    return code;
}

static int read_change(struct explaining *e, const struct verb_args *args)
{
    const char *ops[CHANGE_TRUNCATE + 2] = {0};
    const char *op = args->operands[e->n_files];
    struct err err = {0};
    for (int i = CHANGE_INSERT; i <= CHANGE_TRUNCATE; i++)
        ops[i] = change_op_name((enum change_op)i);
    while (ops[e->op] && strcmp(ops[e->op], op) != 0)
        e->op++;
    if (!ops[e->op]) {
        const char *nearest = str_nearest(op, ops);
        return verb_misused("unknown operation \"%s\"; did you mean \"%s\"?", op,
                            nearest ? nearest : "update");
    }
    if (args->old_row && (e->op == CHANGE_INSERT || e->op == CHANGE_TRUNCATE))
        return verb_misused("%s has no old row: leave --old out", op);
    if (args->new_row && (e->op == CHANGE_DELETE || e->op == CHANGE_TRUNCATE))
        return verb_misused("%s has no new row: leave --new out", op);
    if (args->old_row && row_parse(&e->old_row, e->arena, args->old_row, &err) < 0)
        return verb_misused("--old: %s", err.text);
    if (args->new_row && row_parse(&e->new_row, e->arena, args->new_row, &err) < 0)
        return verb_misused("--new: %s", err.text);
    return 0;
}

/* "schema.table", or the first table of that name that the rules know. */
static void find_table(struct explaining *e, const char *text)
{
    unsigned n;
    const struct rule_table *tables = ruleset_tables(e->ruleset, &n);
    const char *dot = strchr(text, '.');
    const char **names = arena_alloc(e->arena, (n + 1) * sizeof *names);
    struct relation *relation = &e->relation;
    *relation = (struct relation){.oid = 1, .version = 1, .schema = "public"};
    relation->name = dot ? dot + 1 : text;
    if (dot)
        relation->schema = arena_strndup(e->arena, text, (size_t)(dot - text));
    for (unsigned i = 0; i < n; i++) {
        names[i] = tables[i].name;
        bool schema_fits = !dot || strcmp(tables[i].schema, relation->schema) == 0;
        if (!schema_fits || strcmp(tables[i].name, relation->name) != 0)
            continue;
        relation->schema = tables[i].schema;
        return;
    }
    const char *nearest = str_nearest(relation->name, names);
    fprintf(stderr, "no trigger names table %s.%s%s%s%s\n", relation->schema, relation->name,
            nearest ? "; did you mean " : "", nearest ? nearest : "", nearest ? "?" : "");
}

static void add_column(void *ctx, const char *name)
{
    struct explaining *e = ctx;
    for (unsigned i = 0; i < e->relation.n_columns; i++)
        if (strcmp(e->columns[i].name, name) == 0)
            return;
    e->columns = mem_resize(e->columns, (e->relation.n_columns + 1) * sizeof *e->columns);
    e->columns[e->relation.n_columns++] =
        (struct column){.name = name, .typmod = -1, .in_identity = true};
}

static void find_columns(struct explaining *e)
{
    for (unsigned i = 0; i < e->old_row.n; i++)
        add_column(e, e->old_row.cells[i].column);
    for (unsigned i = 0; i < e->new_row.n; i++)
        add_column(e, e->new_row.cells[i].column);
    ruleset_columns(e->ruleset, e->relation.schema, e->relation.name, add_column, e);
    e->relation.columns = e->columns;
}

/* The values of the columns: of the first row that names one, else NULL. */
static struct value *make_row(struct explaining *e, const struct row *first,
                              const struct row *second)
{
    unsigned n = e->relation.n_columns;
    struct value *values = arena_alloc(e->arena, n * sizeof *values);
    for (unsigned i = 0; i < n; i++) {
        const struct cell *cell = row_cell(first, e->columns[i].name);
        if (!cell)
            cell = row_cell(second, e->columns[i].name);
        values[i] = cell ? cell->value : (struct value){.kind = VALUE_NULL};
    }
    return values;
}

/* A value may hold what would end the line, or do things to a terminal. */
static void print_key(const char *key, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++) {
        unsigned char byte = (unsigned char)key[i];
        if (byte < ' ' || byte == 127)
            printf("\\x%02x", byte);
        else
            putchar(byte);
    }
}

static void print_json(const struct explaining *e, const struct op *op, const struct origin *origin)
{
    printf("%s{\"store\":", e->n_ops ? "," : "");
    json_string(stdout, ruleset_store_name(e->ruleset, op->store));
    printf(",\"action\":\"%s\",\"key\":", op_action_name((enum op_action)op->action));
    json_text(stdout, op->key, op->key_len);
    printf(",\"app\":");
    json_string(stdout, origin->app);
    printf(",\"cache\":");
    json_string(stdout, origin->cache);
    printf(",\"file\":");
    json_string(stdout, origin->file);
    printf(",\"line\":%d,\"image\":\"%s\"}", origin->line, origin->image);
}

static void on_op(void *ctx, const struct op *op, const struct origin *origin)
{
    struct explaining *e = ctx;
    if (e->json) {
        print_json(e, op, origin);
    } else {
        printf("%s %s ", ruleset_store_name(e->ruleset, op->store),
               op_action_name((enum op_action)op->action));
        print_key(op->key, op->key_len);
        printf("  %s:%d %s\n", origin->file, origin->line,
               e->lists ? origin->cache : origin->image);
    }
    e->n_ops++;
}

static void run_change(struct explaining *e, struct ruleset *ruleset)
{
    static const struct row nothing;
    struct change change = {.op = e->op, .relation = &e->relation};
    find_columns(e);
    if (e->op == CHANGE_UPDATE || e->op == CHANGE_DELETE)
        change.old_row = make_row(e, &e->old_row, &nothing);
    if (e->op == CHANGE_INSERT || e->op == CHANGE_UPDATE)
        change.new_row = make_row(e, &e->new_row, &e->old_row);
    if (e->json)
        printf("[");
    static const struct rule_sink sink = {.op = on_op};
    ruleset_change(ruleset, &change, &sink, e);
    if (e->json)
        printf("]\n");
    if (e->n_ops == 0)
        fprintf(stderr, "nothing matches this change\n");
}

static void list_table(struct explaining *e, struct ruleset *ruleset)
{
    e->lists = true;
    if (e->json)
        printf("[");
    ruleset_list(ruleset, e->relation.schema, e->relation.name, on_op, e);
    if (e->json)
        printf("]\n");
}
