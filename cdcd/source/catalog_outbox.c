#include "source/catalog_outbox.h"

#include "source/outbox_sql.h"

#include <stdlib.h>

/* The version is taken from the text of cdcd.version(), for a function that may be missing, or that
 * our role may not call, cannot stand in a query. Names are looked up in pg_class: to_regclass
 * fails where our role may not use the schema.
 *
 * Rights are wanted for cdcd_reader, and that role for ours; where there is no such role, for ours.
 */
static const char server_sql[] =
    "SELECT o.version AS outbox_version, o.has_reader AS outbox_role,"
    "       CASE WHEN NOT bool_and(r.ours) THEN"
    "         concat_ws('; ', o.membership,"
    "           string_agg(format('GRANT %s TO %s', r.what, o.grantee), '; ' ORDER BY r.what)"
    "             FILTER (WHERE NOT r.theirs)) END AS outbox_grants"
    "  FROM (SELECT s.oid AS schema, me.oid AS me, coalesce(reader.oid, me.oid) AS reader,"
    "               reader.oid IS NOT NULL AS has_reader,"
    "               quote_ident(coalesce(reader.rolname, me.rolname)) AS grantee,"
    "               (SELECT substring(p.prosrc FROM '^ *SELECT ([0-9]{1,6}) *$')::int FROM pg_proc "
    "p"
    "                 WHERE p.pronamespace = s.oid AND p.proname = 'version' AND p.pronargs = 0)"
    "                 AS version,"
    "               CASE WHEN pg_has_role(me.oid, coalesce(reader.oid, me.oid), 'USAGE') THEN NULL"
    "                    WHEN NOT pg_has_role(me.oid, reader.oid, 'MEMBER')"
    "                    THEN format('GRANT cdcd_reader TO %I', me.rolname)"
    "                    WHEN current_setting('server_version_num')::int < 160000"
    "                    THEN format('ALTER ROLE %I INHERIT', me.rolname)"
    "                    ELSE format('GRANT cdcd_reader TO %I WITH INHERIT TRUE', me.rolname)"
    "                    END AS membership"
    "          FROM pg_roles me"
    "          LEFT JOIN pg_roles reader ON reader.rolname = 'cdcd_reader'"
    "          LEFT JOIN pg_namespace s ON s.nspname = 'cdcd'"
    "         WHERE me.rolname = current_user) o"
    " CROSS JOIN LATERAL ("
    "   SELECT 'USAGE ON SCHEMA cdcd' AS what, has_schema_privilege(o.me, o.schema, 'USAGE') AS "
    "ours,"
    "          has_schema_privilege(o.reader, o.schema, 'USAGE') AS theirs"
    "   UNION ALL"
    "   SELECT format('%s ON cdcd.%s', w.privilege, w.name),"
    "          has_table_privilege(o.me, c.oid, w.privilege),"
    "          has_table_privilege(o.reader, c.oid, w.privilege)"
    "     FROM (VALUES ('outbox', 'SELECT'), ('outbox', 'DELETE'), ('watched', 'SELECT'),"
    "                  ('asleep_until', 'UPDATE')) AS w (name, privilege)"
    "     JOIN pg_class c ON c.relnamespace = o.schema AND c.relname = w.name"
    "   UNION ALL"
    "   SELECT format('EXECUTE ON FUNCTION cdcd.%I(%s)', p.proname,"
    "                 pg_get_function_identity_arguments(p.oid)),"
    "          has_function_privilege(o.me, p.oid, 'EXECUTE'),"
    "          has_function_privilege(o.reader, p.oid, 'EXECUTE')"
    "     FROM pg_proc p WHERE p.pronamespace = o.schema AND"
    "           p.proname IN ('rotate', 'unread')) r"
    " GROUP BY o.version, o.has_reader, o.membership, o.grantee";

const char *catalog_outbox_server_sql(void)
{
    return server_sql;
}

void catalog_outbox_read_server(struct catalog *catalog, struct row row)
{
    catalog->outbox_version = atoi(text_of(row, "outbox_version"));
    catalog->outbox_role = bool_of(row, "outbox_role");
    catalog->outbox_grants = text_or_null(catalog->arena, row, "outbox_grants");
    if (catalog->outbox_version > 0 && catalog->outbox_grants)
        catalog->outbox_version = -1;
}

/* Once a column that is watched was dropped or renamed the triggers give whole rows.
 *
 * Calls of cdcd.watch keep `notify` as it is, for a database that prepares transactions depends on
 * it. */
static const char published_sql[] =
    "published AS MATERIALIZED ("
    "  SELECT f.schema, f.name, w.\"table\" IS NOT NULL AS watched, coalesce(w.enabled, false) AS "
    "enabled,"
    "         CASE WHEN k.known THEN to_jsonb(w.columns) END AS columns,"
    "         NULL::text AS filter, w.any_update, w.stamp,"
    "         CASE WHEN cardinality(w.unguarded) > 0 THEN concat("
    "           (SELECT string_agg(format('%I.%I', pn.nspname, pc.relname), ', ')"
    "              FROM pg_class pc JOIN pg_namespace pn ON pn.oid = pc.relnamespace"
    "             WHERE pc.oid = ANY (w.unguarded[1:3])),"
    "           CASE WHEN cardinality(w.unguarded) > 3"
    "                THEN format(' and %s more', cardinality(w.unguarded) - 3) END) END AS "
    "unguarded,"
    "         concat('SELECT cdcd.watch(', k.name, k.columns, k.notify,"
    "                CASE WHEN w.any_update AND NOT w.all_columns THEN ', any_update => true' END,"
    "                ')') AS watch_sql,"
    "         concat('SELECT cdcd.watch(', k.name, k.notify, ')') AS watch_all_sql,"
    "         concat('SELECT cdcd.watch(', k.name, k.columns, k.notify, ', any_update => true)')"
    "           AS watch_updates_sql,"
    "         " OUTBOX_SHAPE_SQL("f.oid") " AS shape"
                                          "    FROM found f LEFT JOIN ";

static const char nothing_watched_sql[] =
    "(SELECT NULL::oid AS \"table\", NULL::text[] AS columns, NULL::boolean AS all_columns,"
    "        NULL::boolean AS any_update, NULL::boolean AS notify, NULL::boolean AS enabled,"
    "        NULL::oid[] AS unguarded, NULL::text AS stamp)";

static const char calls_sql[] =
    " w ON w.\"table\" = f.oid"
    "   CROSS JOIN LATERAL ("
    "     SELECT quote_literal(format('%I.%I', f.schema, f.name)) AS name,"
    "            CASE WHEN NOT w.notify THEN ', notify => false' END AS notify,"
    "            NOT w.all_columns AND NOT EXISTS ("
    "              SELECT FROM unnest(w.columns) u (name) WHERE NOT EXISTS ("
    "                SELECT FROM pg_attribute c WHERE c.attrelid = f.oid AND c.attname = u.name"
    "                   AND c.attnum > 0 AND NOT c.attisdropped)) AS known,"
    "            CASE WHEN NOT w.all_columns THEN"
    "              (SELECT ', ARRAY[' || string_agg(quote_literal(c.attname), ', ' ORDER BY "
    "c.attnum)"
    "                      || ']'"
    "                 FROM pg_attribute c WHERE c.attrelid = f.oid AND c.attnum > 0"
    "                  AND NOT c.attisdropped AND c.attname = ANY (w.columns)) END AS columns) "
    "k), ";

void catalog_outbox_put_published(struct buf *sql, const struct catalog *catalog)
{
    buf_put_str(sql, published_sql);
    buf_put_str(sql, catalog_outbox_is_usable(catalog) ? "cdcd.watched" : nothing_watched_sql);
    buf_put_str(sql, calls_sql);
}

const char *catalog_outbox_columns_sql(void)
{
    return ", p.watched, p.enabled, p.any_update, p.stamp, p.unguarded, p.watch_sql,"
           " p.watch_all_sql, p.watch_updates_sql, p.shape";
}

void catalog_outbox_read_table(struct catalog *catalog, struct catalog_table *table, struct row row)
{
    struct arena *arena = catalog->arena;
    struct relation *relation = &table->relation;
    bool of_these =
        relation->left_out.n > 0 && !is_null(row, "any_update") && !bool_of(row, "any_update");
    table->logged = true;
    table->has_identity = true;
    table->watched = bool_of(row, "watched");
    table->published = bool_of(row, "enabled");
    table->unguarded = text_or_null(arena, row, "unguarded");
    table->stamp = arena_strdup(arena, text_of(row, "stamp"));
    table->shape = strtoll(text_of(row, "shape"), NULL, 10);
    table->watch_sql = arena_strdup(arena, text_of(row, "watch_sql"));
    table->watch_all_sql = arena_strdup(arena, text_of(row, "watch_all_sql"));
    if (of_these)
        relation->updates_sql = arena_strdup(arena, text_of(row, "watch_updates_sql"));
    relation->updates_of_these = of_these;
    relation->left_out.where = "watched";
    relation->left_out.remedy =
        arena_printf(arena, "%s (or what cdcd sql --mode outbox prints)", table->watch_all_sql);
}
