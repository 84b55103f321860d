#include "verb/needs.h"

#include "verb/opline.h"
#include "verb/script.h"

#include <stdlib.h>
#include <string.h>

struct gathering {
    struct arena *arena;
    struct need *need;
};

static void on_trigger(void *ctx, const struct rule_wanter *wanter)
{
    struct need *need = ((struct gathering *)ctx)->need;
    need->row |= wanter->row;
    need->any_update |= wanter->any_update;
    buf_put_str(&need->who, need->who.len ? "\n" : "");
    opline_put_text(&need->who, wanter->file, strlen(wanter->file));
    buf_printf(&need->who, ":%d %s", wanter->line, wanter->cache);
}

static void on_column(void *ctx, const char *column, unsigned want)
{
    const struct gathering *gathering = ctx;
    struct need *need = gathering->need;
    unsigned n = need->n_columns;
    need->open |= (want & RULE_WANTS_PERHAPS) != 0;
    for (unsigned i = 0; i < n; i++) {
        if (strcmp(need->columns[i].name, column) != 0)
            continue;
        need->columns[i].want |= want;
        return;
    }
    if ((n & (n - 1)) == 0) { /* full at each power of two */
        struct need_column *more = arena_alloc(gathering->arena, (n ? 2 * n : 1) * sizeof *more);
        if (n)
            memcpy(more, need->columns, n * sizeof *more);
        need->columns = more;
    }
    need->columns[need->n_columns++] =
        (struct need_column){arena_strdup(gathering->arena, column), want};
}

struct needs *needs_make(const struct ruleset *ruleset)
{
    static const struct rule_want_sink sink = {on_trigger, on_column};
    struct arena *arena = arena_make();
    struct needs *needs = arena_alloc(arena, sizeof *needs);
    const struct rule_table *tables = ruleset_tables(ruleset, &needs->n);
    needs->arena = arena;
    needs->list = arena_alloc(arena, needs->n * sizeof *needs->list);
    for (unsigned i = 0; i < needs->n; i++) {
        struct gathering gathering = {arena, &needs->list[i]};
        *gathering.need = (struct need){.schema = tables[i].schema, .name = tables[i].name};
        gathering.need->is_pattern =
            strpbrk(tables[i].schema, "*?") || strpbrk(tables[i].name, "*?");
        needs->n_patterns += gathering.need->is_pattern;
        ruleset_wants(ruleset, tables[i].schema, tables[i].name, &sink, &gathering);
    }
    return needs;
}

void needs_free(struct needs *needs)
{
    for (unsigned i = 0; i < needs->n; i++)
        buf_free(&needs->list[i].who);
    arena_free(needs->arena);
}

static unsigned weakened(unsigned want)
{
    return want & RULE_WANTS_OLD ? (want & ~(unsigned)RULE_WANTS_OLD) | RULE_COMPARES_OLD : want;
}

void needs_weaken(struct needs *needs)
{
    for (unsigned i = 0; i < needs->n; i++) {
        struct need *need = &needs->list[i];
        need->row = weakened(need->row);
        for (unsigned k = 0; k < need->n_columns; k++)
            need->columns[k].want = weakened(need->columns[k].want);
    }
}

void need_put_columns(const struct need *need, unsigned want, struct buf *sql)
{
    unsigned n = 0;
    for (unsigned i = 0; i < need->n_columns; i++) {
        if (!(need->columns[i].want & want))
            continue;
        buf_put_str(sql, n++ ? ", " : "ARRAY[");
        sql_put_literal(sql, need->columns[i].name);
    }
    buf_put_str(sql, n ? "]" : "'{}'");
}

void needs_put_patterns(const struct needs *needs, const char *columns, need_put_fn *put,
                        const char *called, struct buf *comment, struct buf *sql)
{
    unsigned n = 0;
    buf_printf(comment,
               "Every table that matches one of the patterns now. A table that is made later is "
               "%s\nwhen this runs again. One transaction: thousands of tables want a larger "
               "max_locks_per_transaction.",
               called);
    buf_printf(sql, "WITH patterns (schema, name, %s) AS (VALUES\n", columns);
    for (unsigned i = 0; i < needs->n; i++) {
        const struct need *need = &needs->list[i];
        if (!need->is_pattern)
            continue;
        buf_printf(comment, "\n%.*s", (int)need->who.len, need->who.data);
        buf_put_str(sql, n++ ? ",\n    (" : "    (");
        sql_put_pattern(sql, need->schema);
        buf_put_str(sql, ", ");
        sql_put_pattern(sql, need->name);
        buf_put_str(sql, ", ");
        put(need, sql);
        buf_put_str(sql, ")");
    }
    buf_put_str(sql, ")\n");
}

bool needs_put_named(const struct needs *needs, struct buf *sql)
{
    bool some = false;
    for (unsigned i = 0; i < needs->n; i++) {
        const struct need *need = &needs->list[i];
        if (need->is_pattern)
            continue;
        buf_put_str(sql, some ? ",\n       (" : "((");
        sql_put_literal(sql, need->schema);
        buf_put_str(sql, ", ");
        sql_put_literal(sql, need->name);
        buf_put(sql, ")", 1);
        some = true;
    }
    buf_put_str(sql, some ? ")" : "");
    return some;
}
