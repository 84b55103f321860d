/* The publication that the rules need, and the replica identities. */
#include "verb/sql_modes.h"

#include "verb/sql_functions.h"

static const char up_head[] =
    "The publication that the rules need, and what old values they need of its tables. Run it as\n"
    "the owner of the tables, who may make publications in the database, after sql/001_role.sql:\n"
    "  cdcd sql --mode replication | psql -v ON_ERROR_STOP=1 -d DATABASE\n"
    "It is safe to run twice, and is run again when the rules have changed: a table that is as it\n"
    "should be is left alone. A replica identity is changed under a lock that waits for all who\n"
    "use the table; set lock_timeout before, if nobody may wait long. Functions in pg_temp are\n"
    "gone when the session ends.";

static const char wal_level_head[] =
    "First, because until this is so the rest is of no use, and replica identities cost WAL.";

static const char wal_level[] =
    /* clang-format off */
    "DO $$\n"
    "BEGIN\n"
    "    IF current_setting('wal_level') <> 'logical' THEN\n"
    "        RAISE EXCEPTION 'wal_level is %, and logical replication needs logical', current_setting('wal_level')\n"
    "            USING ERRCODE = 'object_not_in_prerequisite_state',\n"
    "                  HINT = 'As a superuser: ALTER SYSTEM SET wal_level = logical; then restart PostgreSQL, and '\n"
    "                         'run this again. Or read the outbox, which does without: sql/README.md.';\n"
    "    END IF;\n"
    "END\n"
    "$$;";
/* clang-format on */

static const char slot_head[] =
    "Last, and once: the slot, unless source.create = true. PostgreSQL keeps its WAL for it until\n"
    "cdcd has read it, or for ever when nobody does.\n";

static const char down_head[] =
    "Takes the publication away; the role stays, see sql/001_role.down.sql. The slot goes first,\n"
    "when cdcd has stopped, or PostgreSQL keeps its WAL for ever:\n";

static const char identity_head[] =
    "Replica identities stay: what they were before is not known, and others may need them. Where\n"
    "nobody does, a smaller one costs less WAL:";

/* Arguments of pg_temp.cdcd_publish; NULL stands for every column. */
static void put_columns(const struct need *need, unsigned want, struct buf *sql)
{
    if (need->row & want)
        buf_put_str(sql, "NULL");
    else
        need_put_columns(need, want, sql);
}

static bool wants(const struct need *need, unsigned want)
{
    unsigned all = need->row;
    for (unsigned i = 0; i < need->n_columns; i++)
        all |= need->columns[i].want;
    return (all & want) != 0;
}

static void put_publish(const struct need *need, const char *publication, struct buf *sql)
{
    buf_put_str(sql, "SELECT pg_temp.cdcd_publish(");
    sql_put_literal(sql, publication);
    buf_put_str(sql, ", ");
    sql_put_table_literal(sql, need->schema, need->name);
    buf_put_str(sql, ",\n    reads => ");
    put_columns(need, RULE_WANTS, sql);
    if (wants(need, RULE_WANTS_OLD)) {
        buf_put_str(sql, ",\n    old => ");
        put_columns(need, RULE_WANTS_OLD, sql);
    }
    if (wants(need, RULE_COMPARES_OLD)) {
        buf_put_str(sql, ",\n    compared => ");
        put_columns(need, RULE_COMPARES_OLD, sql);
    }
    buf_put_str(sql, ");");
}

static void put_pattern(const struct need *need, struct buf *sql)
{
    put_columns(need, RULE_WANTS, sql);
    buf_put_str(sql, "::text[], ");
    put_columns(need, RULE_WANTS_OLD, sql);
    buf_put_str(sql, "::text[], ");
    put_columns(need, RULE_COMPARES_OLD, sql);
    buf_put_str(sql, "::text[]");
}

/* All that any pattern which the table matches wants. */
static void put_union(const char *name, struct buf *sql)
{
    buf_printf(sql,
               "       %s => CASE WHEN bool_and(p.%s IS NOT NULL) THEN coalesce(array_agg("
               "DISTINCT a.attname::text)\n"
               "               FILTER (WHERE a.attname = ANY (p.%s)), '{}') END",
               name, name, name);
}

static void add_patterns(struct script *script, const struct needs *needs, const char *publication)
{
    struct buf comment = {0}, sql = {0}, named = {0};
    needs_put_patterns(needs, "reads, old, compared", put_pattern, "published", &comment, &sql);
    buf_put_str(&sql, "SELECT pg_temp.cdcd_publish(");
    sql_put_literal(&sql, publication);
    buf_put_str(&sql, ", c.oid,\n");
    put_union("reads", &sql);
    buf_put_str(&sql, ",\n");
    put_union("old", &sql);
    buf_put_str(&sql, ",\n");
    put_union("compared", &sql);
    buf_put_str(&sql,
                ")\n  FROM patterns p\n"
                "  JOIN pg_catalog.pg_namespace n ON n.nspname LIKE p.schema\n"
                "  JOIN pg_catalog.pg_class c ON c.relnamespace = n.oid AND c.relname LIKE p.name\n"
                "  LEFT JOIN pg_catalog.pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0\n"
                "       AND NOT a.attisdropped\n"
                " WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition"
                " AND c.relpersistence = 'p'\n"
                "   AND n.nspname !~ '^pg_' AND n.nspname NOT IN ('information_schema', 'cdcd')\n");
    if (needs_put_named(needs, &named))
        buf_printf(&sql, "   AND (n.nspname, c.relname) NOT IN %s\n", buf_str(&named));
    buf_put_str(&sql, " GROUP BY c.oid;");
    script_add(script, &comment, &sql);
    buf_free(&comment);
    buf_free(&sql);
    buf_free(&named);
}

static void add_call(struct script *script, const char *comment, const char *function,
                     const char *argument)
{
    struct buf sql = {0};
    buf_printf(&sql, "SELECT pg_temp.%s(", function);
    sql_put_literal(&sql, argument);
    buf_put_str(&sql, ");");
    script_add_text(script, comment, arena_strdup(script->arena, buf_str(&sql)));
    buf_free(&sql);
}

static void put_slot_call(const char *head, const char *call, const char *slot, const char *rest,
                          struct buf *comment)
{
    buf_printf(comment, "%s  SELECT %s(", head, call);
    sql_put_literal(comment, slot);
    buf_printf(comment, "%s);", rest);
}

void sql_replication_up(struct script *script, const struct needs *needs,
                        const struct source_opts *source, const char *role)
{
    struct buf comment = {0}, sql = {0};
    script_add_text(script, up_head, NULL);
    script_add_text(script, wal_level_head, wal_level);
    sql_functions_add(script);
    if (role)
        add_call(script, "The role that source.conninfo names.", "cdcd_role", role);
    add_call(script, "The publication.", "cdcd_publication", source->publication);
    for (unsigned i = 0; i < needs->n; i++) {
        struct need *need = &needs->list[i];
        if (need->is_pattern)
            continue;
        buf_put_str(&comment, buf_str(&need->who));
        put_publish(need, source->publication, &sql);
        script_add(script, &comment, &sql);
    }
    if (needs->n_patterns)
        add_patterns(script, needs, source->publication);
    put_slot_call(slot_head, "pg_create_logical_replication_slot", source->slot, ", 'pgoutput'",
                  &comment);
    script_add(script, &comment, NULL);
    buf_free(&comment);
    buf_free(&sql);
}

static void put_default_identity(const struct need *need, struct buf *comment)
{
    buf_put_str(comment, "\n  ALTER TABLE ");
    sql_put_table(comment, need->schema, need->name);
    buf_put_str(comment, " REPLICA IDENTITY DEFAULT;");
}

void sql_replication_down(struct script *script, const struct needs *needs,
                          const struct source_opts *source)
{
    struct buf comment = {0}, sql = {0};
    put_slot_call(down_head, "pg_drop_replication_slot", source->slot, "", &comment);
    buf_put_str(&sql, "DROP PUBLICATION IF EXISTS ");
    sql_put_name(&sql, source->publication);
    buf_put_str(&sql, ";");
    script_add(script, &comment, &sql);
    buf_put_str(&comment, identity_head);
    for (unsigned i = 0; i < needs->n; i++)
        if (!needs->list[i].is_pattern && wants(&needs->list[i], RULE_WANTS_OLD))
            put_default_identity(&needs->list[i], &comment);
    script_add(script, &comment, NULL);
    buf_free(&comment);
    buf_free(&sql);
}
