#include "verb/table.h"

#include "base/buf.h"
#include "base/glob.h"
#include "base/mem.h"
#include "base/str.h"

#include <string.h>

#define MAX_SHOWN 20 /* names of tables in one message */

/* Rules may name tables by patterns. */
static bool fits(const char *pattern, const char *name)
{
    return strcmp(pattern, name) == 0 ||
           (strpbrk(pattern, "*?") && glob_match(pattern, strlen(pattern), name, strlen(name)));
}

void table_find(struct table *table, struct arena *arena, const struct ruleset *ruleset,
                const char *text)
{
    unsigned n;
    const struct rule_table *tables = ruleset_tables(ruleset, &n);
    const char *dot = strchr(text, '.');
    *table = (struct table){.arena = arena, .schema = "public"};
    table->name = arena_strdup(arena, dot ? dot + 1 : text);
    if (dot)
        table->schema = arena_strndup(arena, text, (size_t)(dot - text));
    for (unsigned i = 0; i < n && !table->known; i++) {
        if (!fits(tables[i].name, table->name) || (dot && !fits(tables[i].schema, table->schema)))
            continue;
        table->known = dot || !strpbrk(tables[i].schema, "*?") || fits(tables[i].schema, "public");
        if (!dot && table->known && !strpbrk(tables[i].schema, "*?"))
            table->schema = tables[i].schema;
    }
}

/* "; there is: blog_post, archive.post": those that the rules name, each once. */
static const char *list_tables(struct arena *arena, const struct rule_table *tables, unsigned n)
{
    struct buf list = {0};
    unsigned shown = n < MAX_SHOWN ? n : MAX_SHOWN;
    for (unsigned i = 0; i < shown; i++) {
        bool plain = strcmp(tables[i].schema, "public") == 0;
        buf_printf(&list, "%s%s%s%s", i ? ", " : "; there is: ", plain ? "" : tables[i].schema,
                   plain ? "" : ".", tables[i].name);
    }
    if (n > shown)
        buf_printf(&list, " and %u more", n - shown);
    const char *copy = arena_strdup(arena, buf_str(&list));
    buf_free(&list);
    return copy;
}

const char *table_suggestion(const struct table *table, const struct ruleset *ruleset)
{
    unsigned n;
    const struct rule_table *tables = ruleset_tables(ruleset, &n);
    const char **names = arena_alloc(table->arena, (n + 1) * sizeof *names);
    for (unsigned i = 0; i < n; i++)
        names[i] = tables[i].name;
    const char *nearest = str_nearest(table->name, names);
    for (unsigned i = 0; i < n && nearest; i++) {
        if (tables[i].name != nearest)
            continue;
        bool elsewhere = strcmp(nearest, table->name) == 0;
        return arena_printf(table->arena, "; did you mean %s%s%s?",
                            elsewhere ? tables[i].schema : "", elsewhere ? "." : "", nearest);
    }
    return list_tables(table->arena, tables, n);
}

static struct table_column *add_column(struct table *table, const char *name)
{
    unsigned n = table->n_columns;
    for (unsigned i = 0; i < n; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return &table->columns[i];
    if ((n & (n - 1)) == 0) { /* full at each power of two */
        struct table_column *more = arena_alloc(table->arena, (n ? 2 * n : 1) * sizeof *more);
        if (n)
            memcpy(more, table->columns, n * sizeof *more);
        table->columns = more;
    }
    table->columns[n] = (struct table_column){.name = name};
    return &table->columns[table->n_columns++];
}

void table_add_row(struct table *table, const struct row *row)
{
    for (unsigned i = 0; i < row->n; i++) {
        struct table_column *column = add_column(table, row->cells[i].column);
        column->given = true;
        column->type = row_common_type(column->type, row->cells[i].type);
    }
}

static void on_read(void *ctx, const char *name)
{
    add_column(ctx, name)->read = true;
}

void table_add_read(struct table *table, const struct ruleset *ruleset)
{
    bool whole = ruleset_columns(ruleset, table->schema, table->name, on_read, table);
    for (unsigned i = 0; whole && i < table->n_columns; i++)
        table->columns[i].read = true;
}

const char *const *table_missing(const struct table *table)
{
    const char **missing = arena_alloc(table->arena, (table->n_columns + 1) * sizeof *missing);
    unsigned n = 0;
    for (unsigned i = 0; i < table->n_columns; i++)
        if (!table->columns[i].given)
            missing[n++] = table->columns[i].name;
    return missing;
}

const char *table_meant(const struct table_column *column, const char *const *missing)
{
    return column->read ? NULL : str_nearest(column->name, missing);
}

struct relation table_relation(const struct table *table, uint64_t version)
{
    struct column *columns = arena_alloc(table->arena, (table->n_columns + 1) * sizeof *columns);
    for (unsigned i = 0; i < table->n_columns; i++) {
        const struct table_column *from = &table->columns[i];
        columns[i] = (struct column){.name = from->name,
                                     .type = from->type ? from->type : ROW_UNTYPED,
                                     .typmod = -1,
                                     .in_identity = true};
    }
    return (struct relation){.oid = 1,
                             .version = version,
                             .schema = table->schema,
                             .name = table->name,
                             .n_columns = table->n_columns,
                             .columns = columns};
}

struct value *table_values(const struct table *table, const struct row *first,
                           const struct row *second)
{
    struct value *values = arena_alloc(table->arena, (table->n_columns + 1) * sizeof *values);
    for (unsigned i = 0; i < table->n_columns; i++) {
        const struct cell *cell = row_cell(first, table->columns[i].name);
        if (!cell)
            cell = row_cell(second, table->columns[i].name);
        values[i] = cell ? cell->value : (struct value){.kind = VALUE_NULL};
    }
    return values;
}
