/* The calls of sql/004_outbox.sql that the rules need. */
#include "verb/sql_modes.h"

#include <string.h>

#define WATCHES_ALL(need) ((need)->row & RULE_WANTS || (need)->open)

static const char up_head[] =
    "The tables that the rules need in the outbox. Run it as the owner of the tables, after\n"
    "sql/003_outbox_role.sql and sql/004_outbox.sql:\n"
    "  cdcd sql --mode outbox | psql -v ON_ERROR_STOP=1 -d DATABASE\n"
    "It is safe to run twice, and is run again when the rules have changed: a table that is\n"
    "watched as it should be is left alone, another is locked for a moment. A table that no\n"
    "rule names any more stays watched: SELECT cdcd.unwatch('schema.table').";

static const char down_head[] =
    "No table is watched any more; changes that cdcd has not read yet it still reads. Safe to run\n"
    "twice. sql/004_outbox.down.sql takes away the outbox itself, and these calls are not needed\n"
    "before it, nor are they after it.";

static const char unwatch_head[] = "Does nothing where there is no outbox any more.";

static const char unwatch[] =
    "CREATE OR REPLACE FUNCTION pg_temp.cdcd_unwatch(\"table\" regclass) RETURNS void\n"
    "LANGUAGE plpgsql SET search_path = pg_catalog AS $$\n"
    "BEGIN\n"
    "    IF to_regprocedure('cdcd.unwatch(regclass)') IS NOT NULL THEN\n"
    "        PERFORM cdcd.unwatch(\"table\");\n"
    "    END IF;\n"
    "END\n"
    "$$;";

static void put_any_update(const struct need *need, struct buf *sql)
{
    /* Without an array it is so anyway. */
    if (need->any_update)
        buf_put_str(sql, ", any_update => true");
}

static void put_watch(const struct need *need, struct buf *comment, struct buf *sql)
{
    buf_put_str(sql, "SELECT cdcd.watch(");
    sql_put_table_literal(sql, need->schema, need->name);
    if (WATCHES_ALL(need)) {
        buf_put_str(comment, need->row & RULE_WANTS
                                 ? "\nAll columns, because a key takes {row|json}."
                                 : "\nAll columns, because a lookup does not name what it gives.");
    } else if (need->n_columns == 0) {
        buf_put_str(comment, "\nThe rules read no column, and one must be watched: the first.");
        buf_put_str(sql, ", ARRAY(SELECT attname::text FROM pg_catalog.pg_attribute\n"
                         "    WHERE attrelid = ");
        sql_put_table_literal(sql, need->schema, need->name);
        buf_put_str(sql, "::regclass AND attnum > 0 AND NOT attisdropped\n"
                         "      AND attgenerated <> 'v' ORDER BY attnum LIMIT 1)");
        put_any_update(need, sql);
    } else {
        buf_put_str(sql, ", ");
        need_put_columns(need, RULE_WANTS, sql);
        put_any_update(need, sql);
    }
    buf_put_str(sql, ");");
}

static void put_pattern(const struct need *need, struct buf *sql)
{
    if (WATCHES_ALL(need))
        buf_put_str(sql, "NULL");
    else
        need_put_columns(need, RULE_WANTS, sql);
    buf_printf(sql, "::text[], %s", need->any_update ? "true" : "false");
}

static void put_matching(const struct needs *needs, struct buf *sql)
{
    buf_put_str(sql, "  FROM patterns p\n"
                     "  JOIN pg_catalog.pg_namespace n ON n.nspname LIKE p.schema\n"
                     "  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid"
                     " AND c.relname LIKE p.name\n");
    buf_put_str(sql,
                "  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0\n"
                "       AND NOT a.attisdropped AND a.attgenerated <> 'v'\n"
                "       AND (a.attname = ANY (p.columns) OR a.attnum = 1)\n"
                " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
                " AND c.relpersistence <> 't'\n"
                "   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', "
                "'cdcd')\n");
    struct buf named = {0};
    if (needs_put_named(needs, &named))
        buf_printf(sql, "   AND (n.nspname, c.relname) NOT IN %s\n", buf_str(&named));
    buf_free(&named);
}

static void add_patterns(struct script *script, const struct needs *needs)
{
    struct buf comment = {0}, sql = {0};
    needs_put_patterns(needs, "columns, any_update", put_pattern, "watched", &comment, &sql);
    buf_put_str(&sql, "SELECT c.oid::regclass AS \"table\", cdcd.watch(c.oid,\n"
                      "       CASE WHEN bool_and(p.columns IS NOT NULL) THEN array_agg(DISTINCT "
                      "a.attname::text)\n"
                      "               FILTER (WHERE a.attname IS NOT NULL) END,\n"
                      "       any_update => bool_or(p.any_update))\n");
    put_matching(needs, &sql);
    buf_put_str(&sql, " GROUP BY c.oid;");
    script_add(script, &comment, &sql);
    buf_free(&comment);
    buf_free(&sql);
}

static void add_role(struct script *script, const char *role)
{
    struct buf comment = {0};
    buf_put_str(&comment, "cdcd reads the outbox with the rights of cdcd_reader:\n"
                          "  GRANT cdcd_reader TO ");
    sql_put_name(&comment, role);
    buf_put_str(&comment, ";");
    script_add(script, &comment, NULL);
    buf_free(&comment);
}

void sql_outbox_up(struct script *script, const struct needs *needs, const char *role)
{
    struct buf comment = {0}, sql = {0};
    script_add_text(script, up_head, NULL);
    for (unsigned i = 0; i < needs->n; i++) {
        struct need *need = &needs->list[i];
        if (need->is_pattern)
            continue;
        buf_put_str(&comment, buf_str(&need->who));
        put_watch(need, &comment, &sql);
        script_add(script, &comment, &sql);
    }
    if (needs->n_patterns)
        add_patterns(script, needs);
    if (role && strcmp(role, "cdcd_reader") != 0)
        add_role(script, role);
    buf_free(&comment);
    buf_free(&sql);
}

static void put_unwatch(const struct need *need, struct buf *sql)
{
    if (!need->is_pattern) {
        buf_put_str(sql, "SELECT pg_temp.cdcd_unwatch(to_regclass(");
        sql_put_table_literal(sql, need->schema, need->name);
        buf_put_str(sql, "));");
        return;
    }
    buf_put_str(sql, "SELECT c.oid::regclass AS \"table\", pg_temp.cdcd_unwatch(c.oid)\n"
                     "  FROM pg_catalog.pg_class c\n"
                     "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace\n"
                     "  JOIN pg_catalog.pg_trigger t ON t.tgrelid = c.oid"
                     " AND t.tgname = 'cdcd_change'\n"
                     " WHERE NOT c.relispartition AND n.nspname LIKE ");
    sql_put_pattern(sql, need->schema);
    buf_put_str(sql, " AND c.relname LIKE ");
    sql_put_pattern(sql, need->name);
    buf_put_str(sql, ";");
}

void sql_outbox_down(struct script *script, const struct needs *needs)
{
    struct buf sql = {0};
    script_add_text(script, down_head, NULL);
    script_add_text(script, unwatch_head, unwatch);
    for (unsigned i = 0; i < needs->n; i++) {
        put_unwatch(&needs->list[i], &sql);
        script_add(script, NULL, &sql);
    }
    buf_free(&sql);
}
