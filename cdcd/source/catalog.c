#include "source/catalog.h"

#include "base/buf.h"
#include "base/mem.h"
#include "source/catalog_outbox.h"
#include "source/catalog_row.h"
#include "source/catalog_type.h"
#include "source/pgoutput.h"

#include <assert.h>
#include <stdlib.h>
#include <string.h>

/* to_jsonb reaches columns that older servers have not. RDS gives no role the REPLICATION
 * attribute, but a role to be member of. */
static const char server_sql[] =
    "SELECT current_setting('server_version_num') AS version,"
    "       current_setting('wal_level') AS wal_level,"
    "       pg_is_in_recovery() AS in_recovery,"
    "       r.rolsuper OR r.rolreplication"
    "         OR EXISTS (SELECT FROM pg_roles g WHERE g.rolname = 'rds_replication'"
    "                    AND pg_has_role(g.oid, 'MEMBER')) AS may_replicate,"
    "       (SELECT setting FROM pg_settings WHERE name = 'wal_sender_timeout')"
    "         AS wal_sender_timeout,"
    "       quote_ident(current_database()) AS database,"
    "       quote_ident(current_user) AS role,"
    "       quote_literal($1::text) AS slot_name,"
    "       s.slot_name IS NOT NULL AS slot_exists,"
    "       s.plugin AS slot_plugin,"
    "       s.database AS slot_database,"
    "       s.database = current_database() AS slot_here,"
    "       to_jsonb(s) ->> 'two_phase' = 'true' AS slot_two_phase,"
    "       to_jsonb(s) ->> 'wal_status' = 'lost' AS slot_lost,"
    "       s.confirmed_flush_lsn - '0/0'::pg_lsn AS slot_confirmed,"
    "       quote_ident($2::text) AS publication_name,"
    "       p.pubname IS NOT NULL AS publication_exists,"
    "       to_jsonb(p) ->> 'pubviaroot' = 'true' AS publication_via_root,"
    "       NULLIF(concat_ws(', ', CASE WHEN NOT p.pubinsert THEN 'insert' END,"
    "                 CASE WHEN NOT p.pubupdate THEN 'update' END,"
    "                 CASE WHEN NOT p.pubdelete THEN 'delete' END,"
    "                 CASE WHEN NOT p.pubtruncate THEN 'truncate' END), '') AS "
    "publication_leaves_out"
    "  FROM pg_roles r"
    "  LEFT JOIN pg_replication_slots s ON s.slot_name = $1"
    "  LEFT JOIN pg_publication p ON p.pubname = $2"
    " WHERE r.rolname = current_user";

static const char published_sql[] =
    "published AS MATERIALIZED ("
    "  SELECT schemaname::text AS schema, tablename::text AS name,"
    "         to_jsonb(t) -> 'attnames' AS columns, to_jsonb(t) ->> 'rowfilter' AS filter"
    "    FROM pg_publication_tables t WHERE pubname = $6),";

/* A row a column of each table; one row with no column for a table that has none, or is not there.
 * After the tables that are named come those that match patterns; a partition is its root's matter.
 * in_identity is what pgoutput will flag: the key columns of the identity's index, which for the
 * default identity is the primary key, and all columns with FULL. Partitions do not take their
 * root's over: where one has another, no more than the primary key, which they have, is sure.
 *
 * The gate's questions wait behind this one, and there may be thousands of tables, in as many
 * schemas: what is materialized, or asked by a subquery, is so lest it be done for each column, or
 * by an index that begins with a name which they all have. */
static const char tables_sql[] =
    " visible AS MATERIALIZED (SELECT txid_current_snapshot() AS snapshot),"
    " named AS MATERIALIZED ("
    "  SELECT * FROM unnest($1::text[], $2::text[]) WITH ORDINALITY AS w (schema, name, n)),"
    " candidates AS MATERIALIZED ("
    "  SELECT c.oid, c.relname::text AS name, (SELECT s.nspname::text FROM pg_namespace s"
    "                                           WHERE s.oid = c.relnamespace) AS schema"
    "    FROM pg_class c"
    "   WHERE cardinality($3::text[]) > 0 AND c.relkind IN ('r', 'p') AND NOT c.relispartition),"
    " matching AS MATERIALIZED ("
    "  SELECT c.oid, c.schema, c.name, min(p.n) AS pattern"
    "    FROM candidates c"
    "    JOIN unnest($3::text[], $4::text[]) WITH ORDINALITY AS p (schema, name, n)"
    "         ON c.schema LIKE p.schema AND c.name LIKE p.name"
    "   WHERE c.schema !~ '^pg_' AND c.schema <> 'information_schema'"
    "     AND (c.schema, c.name) NOT IN (SELECT schema, name FROM named)"
    "   GROUP BY 1, 2, 3),"
    " wanted AS MATERIALIZED ("
    "  SELECT n.schema, n.name, n.n, NULL::bigint AS pattern,"
    "         (SELECT c.oid FROM pg_class c"
    "           WHERE c.relname = n.name AND c.relkind NOT IN ('i', 'I', 'S', 't', 'c')"
    "             AND c.relnamespace = (SELECT s.oid FROM pg_namespace s"
    "                                    WHERE s.nspname = n.schema)) AS oid"
    "    FROM named n"
    "  UNION ALL"
    "  SELECT schema, name, (SELECT count(*) FROM named)"
    "         + row_number() OVER (ORDER BY pattern, schema, name), pattern, oid FROM matching),"
    " found AS MATERIALIZED ("
    "  SELECT w.*, c.relkind, c.relpersistence = 'p' AS logged, c.relreplident,"
    "         pg_has_role(c.relowner, 'USAGE') AS owned,"
    "         (SELECT format('%I.%I', rn.nspname, rc.relname)"
    "            FROM pg_class rc JOIN pg_namespace rn ON rn.oid = rc.relnamespace"
    "           WHERE c.relispartition AND rc.oid = pg_partition_root(c.oid)) AS root,"
    "         (SELECT (i.indkey::int2[])[0:i.indnkeyatts - 1] FROM pg_index i"
    "           WHERE i.indrelid = c.oid AND i.indisvalid AND i.indisunique"
    "             AND i.indimmediate AND i.indpred IS NULL"
    "             AND CASE c.relreplident WHEN 'd' THEN i.indisprimary"
    "                                     WHEN 'i' THEN i.indisreplident END"
    "           LIMIT 1) AS identity,"
    "         (SELECT i.indkey::int2[] FROM pg_index i"
    "           WHERE i.indrelid = c.oid AND i.indisprimary) AS primary_key,"
    "         c.relkind = 'p' AND c.relreplident <> 'd' AND EXISTS ("
    "           SELECT FROM pg_partition_tree(c.oid) t JOIN pg_class l ON l.oid = t.relid"
    "            WHERE t.isleaf AND l.relreplident NOT IN ('f', c.relreplident)) AS weakened,"
    "         (SELECT string_agg(array_to_string(u.attnums, ' ') || ':' || quote_ident(u.name),"
    "                            E'\n' ORDER BY u.name)"
    "            FROM (SELECT xc.relname AS name,"
    "                         (i.indkey::int2[])[0:i.indnkeyatts - 1] AS attnums"
    "                    FROM pg_index i JOIN pg_class xc ON xc.oid = i.indexrelid"
    "                   WHERE i.indrelid = c.oid AND c.relkind = 'r' AND i.indisvalid"
    "                     AND i.indisunique AND i.indimmediate AND i.indpred IS NULL"
    "                     AND i.indexprs IS NULL AND xc.relname !~ E'\n') u"
    "           WHERE NOT EXISTS (SELECT FROM pg_attribute ua WHERE ua.attrelid = c.oid"
    "                 AND ua.attnum = ANY (u.attnums) AND NOT ua.attnotnull)) AS indexes"
    "    FROM wanted w LEFT JOIN pg_class c ON c.oid = w.oid),";

static const char columns_sql[] =
    " SELECT f.n - 1 AS n, f.schema, f.name AS table, f.pattern, f.oid, f.relkind, f.logged,"
    "       format('%I.%I', f.schema, f.name) AS name, f.root, f.owned,"
    "       p.name IS NOT NULL AS published, p.filter,"
    "       f.relreplident = 'f' OR f.identity IS NOT NULL AS has_identity,"
    "       f.indexes, a.attnum, a.attnotnull, a.attname, a.atttypid, a.atttypmod,"
    "       a.attstorage <> 'p' AS movable,"
    "       p.columns IS NULL OR p.columns ? a.attname::text AS given,"
    "       (f.relreplident = 'f' OR a.attnum = ANY (f.identity))"
    "       AND (NOT f.weakened OR COALESCE(a.attnum = ANY (f.primary_key), false)) AS in_identity,"
    "       a.folding, y.base, y.typmod, y.name AS type_name, y.kind, y.casts_to_text, y.labels,"
    "       txid_snapshot_xmin(v.snapshot) AS xmin, txid_snapshot_xmax(v.snapshot) AS xmax";

static const char joined_sql[] =
    "  FROM visible v CROSS JOIN found f"
    "  LEFT JOIN published p ON p.schema = f.schema AND p.name = f.name"
    "  LEFT JOIN attributes a ON a.n = f.n"
    "  LEFT JOIN types y ON y.first = a.n * 10000 + a.attnum"
    " ORDER BY f.n, a.attnum";

void catalog_ask_server(struct catalog *catalog, struct pgconn *conn,
                        const struct source_opts *opts, pgconn_answer_fn answer, void *ctx)
{
    const char *params[] = {opts->slot, opts->publication};
    struct buf sql = {0};
    catalog->mode = opts->mode;
    if (opts->mode == SOURCE_OUTBOX)
        buf_printf(&sql, "SELECT * FROM (%s) s CROSS JOIN (%s) o", server_sql,
                   catalog_outbox_server_sql());
    else
        buf_put_str(&sql, server_sql);
    pgconn_query(conn, buf_str(&sql), params, 2, answer, ctx);
    buf_free(&sql);
}

/* An element of an array's text. */
static void put_element(struct buf *array, const char *text)
{
    buf_put_str(array, array->len ? ",\"" : "{\"");
    for (; *text; text++) {
        if (*text == '"' || *text == '\\')
            buf_put(array, "\\", 1);
        buf_put(array, text, 1);
    }
    buf_put(array, "\"", 1);
}

/* * and ? in LIKE's words. */
static void put_like(struct buf *array, const char *pattern)
{
    struct buf like = {0};
    for (; *pattern; pattern++) {
        if (strchr("%_\\", *pattern))
            buf_put(&like, "\\", 1);
        buf_put(&like, *pattern == '*' ? "%" : *pattern == '?' ? "_" : pattern, 1);
    }
    put_element(array, buf_str(&like));
    buf_free(&like);
}

/* Generated columns that are stored have values where triggers see them, but not in the WAL. */
static void put_tables_sql(const struct catalog *catalog, struct buf *sql)
{
    bool outbox = catalog->mode == SOURCE_OUTBOX;
    buf_put_str(sql, "WITH RECURSIVE ");
    if (outbox)
        catalog_outbox_put_published(sql, catalog);
    else
        buf_put_str(sql, published_sql);
    buf_put_str(sql, tables_sql);
    buf_put_str(sql, catalog_type_sql());
    buf_put_str(sql, columns_sql);
    if (outbox)
        buf_put_str(sql, catalog_outbox_columns_sql());
    buf_put_str(sql, joined_sql);
}

void catalog_ask_tables(const struct catalog *catalog, struct pgconn *conn,
                        const struct wanted_list *wanted, const struct source_opts *opts,
                        pgconn_answer_fn answer, void *ctx)
{
    enum { SCHEMAS, NAMES, LIKE_SCHEMAS, LIKE_NAMES, ARRAYS };
    bool outbox = catalog->mode == SOURCE_OUTBOX;
    struct buf arrays[ARRAYS] = {0};
    for (unsigned i = 0; i < wanted->n; i++) {
        put_element(&arrays[SCHEMAS], wanted->tables[i].schema);
        put_element(&arrays[NAMES], wanted->tables[i].name);
    }
    for (unsigned i = 0; i < wanted->n_patterns; i++) {
        put_like(&arrays[LIKE_SCHEMAS], wanted->patterns[i].schema);
        put_like(&arrays[LIKE_NAMES], wanted->patterns[i].name);
    }
    for (unsigned i = 0; i < ARRAYS; i++)
        buf_put_str(&arrays[i], arrays[i].len ? "}" : "{}");
    const char *params[] = {
        buf_str(&arrays[SCHEMAS]),    buf_str(&arrays[NAMES]), buf_str(&arrays[LIKE_SCHEMAS]),
        buf_str(&arrays[LIKE_NAMES]), outbox ? "s" : "",       opts->publication};
    struct buf sql = {0};
    put_tables_sql(catalog, &sql);
    pgconn_query(conn, buf_str(&sql), params, outbox ? 5 : 6, answer, ctx);
    buf_free(&sql);
    for (unsigned i = 0; i < ARRAYS; i++)
        buf_free(&arrays[i]);
}

struct catalog *catalog_make(void)
{
    struct catalog *catalog = mem_alloc(sizeof *catalog);
    catalog->arena = arena_make();
    catalog->types = types_make();
    return catalog;
}

void catalog_read_server(struct catalog *catalog, const PGresult *result)
{
    struct row row = {result, 0};
    struct arena *arena = catalog->arena;
    if (PQntuples(result) == 0)
        return;
    catalog->server = (struct catalog_server){
        .version = atoi(text_of(row, "version")),
        .wal_level = arena_strdup(arena, text_of(row, "wal_level")),
        .in_recovery = bool_of(row, "in_recovery"),
        .may_replicate = bool_of(row, "may_replicate"),
        .wal_sender_timeout_ms = atoll(text_of(row, "wal_sender_timeout")),
        .database_sql = arena_strdup(arena, text_of(row, "database")),
        .role_sql = arena_strdup(arena, text_of(row, "role")),
    };
    if (catalog->mode == SOURCE_OUTBOX) {
        catalog_outbox_read_server(catalog, row);
        return;
    }
    catalog->slot = (struct catalog_slot){
        .name_sql = arena_strdup(arena, text_of(row, "slot_name")),
        .exists = bool_of(row, "slot_exists"),
        .here = bool_of(row, "slot_here"),
        .two_phase = bool_of(row, "slot_two_phase"),
        .lost = bool_of(row, "slot_lost"),
        .confirmed_lsn = strtoull(text_of(row, "slot_confirmed"), NULL, 10),
        .plugin = arena_strdup(arena, text_of(row, "slot_plugin")),
        .database = arena_strdup(arena, text_of(row, "slot_database")),
    };
    catalog->publication = (struct catalog_publication){
        .name_sql = arena_strdup(arena, text_of(row, "publication_name")),
        .exists = bool_of(row, "publication_exists"),
        .via_root = bool_of(row, "publication_via_root"),
        .leaves_out = text_or_null(arena, row, "publication_leaves_out"),
    };
}

static enum table_kind kind_of(struct row row)
{
    if (is_null(row, "oid"))
        return TABLE_MISSING;
    switch (text_of(row, "relkind")[0]) {
    case 'r':
        return TABLE_ORDINARY;
    case 'p':
        return TABLE_PARTITIONED;
    default:
        return TABLE_OTHER;
    }
}

#define PLACE_BYTES 24 /* what is not longer gains nothing from being stored elsewhere */

/* False of types of any length whose values are too short to be stored out of line. */
static bool may_be_large(const struct column *column)
{
    enum { CIDR = 650, INET = 869, BPCHAR = 1042, VARCHAR = 1043, NUMERIC = 1700 };
    int32_t limit = column->typmod - 4;
    switch (column->type) {
    case CIDR:
    case INET:
        return false;
    case BPCHAR:
    case VARCHAR: /* characters, of four bytes each, and a length */
        return limit < 0 || 4 * (int64_t)limit + 4 > PLACE_BYTES;
    case NUMERIC: /* digits, four of them in two bytes, and 8 of its own */
        return limit < 0 || (limit >> 16 & 0xffff) / 2 + 8 + 2 > PLACE_BYTES;
    default:
        return true;
    }
}

static void read_columns(struct catalog *catalog, struct catalog_table *table, struct row row,
                         unsigned n)
{
    struct arena *arena = catalog->arena;
    struct relation *relation = &table->relation;
    bool outbox = catalog->mode == SOURCE_OUTBOX; /* it leaves nothing out */
    struct column *columns = arena_alloc(arena, n * sizeof *columns);
    bool *large = arena_alloc(arena, n * sizeof *large);
    const char **left_out = arena_alloc(arena, n * sizeof *left_out);
    relation->columns = columns;
    relation->large = large;
    relation->left_out.names = left_out;
    for (unsigned i = 0; i < n; i++, row.number++) {
        if (is_null(row, "attname"))
            continue;
        catalog_type_learn(catalog, row.result, row.number);
        if (!bool_of(row, "given")) {
            left_out[relation->left_out.n++] = arena_strdup(arena, text_of(row, "attname"));
            continue;
        }
        struct column *column = &columns[relation->n_columns];
        *column = (struct column){
            .name = arena_strdup(arena, text_of(row, "attname")),
            .type = oid_of(row, "atttypid"),
            .typmod = atoi(text_of(row, "atttypmod")),
            .in_identity = outbox || bool_of(row, "in_identity"),
        };
        catalog_type_set(catalog, row.result, row.number, column);
        large[relation->n_columns++] = !outbox && bool_of(row, "movable") && may_be_large(column);
    }
}

/* Which column of the relation has the number; n_columns when none of those that are given. */
static unsigned place_of(const struct relation *relation, const int *numbers, long number)
{
    unsigned i = 0;
    while (i < relation->n_columns && numbers[i] != number)
        i++;
    return i;
}

/* `1 3:name`, the columns' numbers and the index' name; false when it has a column that is not
 * given. */
static bool read_index(struct arena *arena, const struct relation *relation, const int *numbers,
                       const char *line, size_t n, struct relation_index *index)
{
    char *at = arena_strndup(arena, line, n);
    bool *holds = arena_alloc(arena, relation->n_columns * sizeof *holds);
    *index = (struct relation_index){.holds = holds};
    while (*at && *at != ':') {
        unsigned place = place_of(relation, numbers, strtol(at, &at, 10));
        if (place == relation->n_columns)
            return false;
        holds[place] = true;
        index->n_columns++;
    }
    index->name_sql = *at ? at + 1 : at;
    return *at;
}

static void read_indexes(struct arena *arena, struct relation *relation, const int *numbers,
                         const char *lines)
{
    unsigned n = 1;
    for (const char *at = lines; *at; at++)
        n += *at == '\n';
    struct relation_index *indexes = arena_alloc(arena, n * sizeof *indexes);
    relation->indexes = indexes;
    for (const char *line = lines; *line;) {
        size_t len = strcspn(line, "\n");
        if (read_index(arena, relation, numbers, line, len, &indexes[relation->n_indexes]))
            relation->n_indexes++;
        line += len + (line[len] == '\n');
    }
}

/* What could be the table's identity. That of partitions is not their root's, and no index of the
 * root can be it. */
static void read_identity(struct arena *arena, struct catalog_table *table, struct row row,
                          unsigned n)
{
    struct relation *relation = &table->relation;
    bool *not_null = arena_alloc(arena, n * sizeof *not_null);
    int *numbers = arena_alloc(arena, n * sizeof *numbers);
    const char *lines = text_of(row, "indexes");
    unsigned k = 0;
    if (table->kind != TABLE_ORDINARY)
        return;
    for (unsigned i = 0; i < n; i++, row.number++) {
        if (is_null(row, "attname") || !bool_of(row, "given"))
            continue;
        not_null[k] = bool_of(row, "attnotnull");
        numbers[k++] = atoi(text_of(row, "attnum"));
    }
    relation->not_null = not_null;
    read_indexes(arena, relation, numbers, lines);
}

/* What it takes to publish the whole table. SET TABLE would do it in one statement, and throw all
 * other tables out. */
static void read_published(struct catalog *catalog, struct catalog_table *table)
{
    const char *publication = catalog->publication.name_sql;
    struct left_out *left_out = &table->relation.left_out;
    table->whole_sql = arena_printf(catalog->arena,
                                    "BEGIN; ALTER PUBLICATION %s DROP TABLE %s; ALTER PUBLICATION "
                                    "%s ADD TABLE %s; COMMIT",
                                    publication, table->name_sql, publication, table->name_sql);
    left_out->where = arena_printf(catalog->arena, "in publication %s", publication);
    left_out->remedy = table->whole_sql;
}

/* A table from the n rows that are about it. */
static void read_table(struct catalog *catalog, struct catalog_table *table, struct wanted *wanted,
                       struct row row, unsigned n)
{
    struct arena *arena = catalog->arena;
    *table = (struct catalog_table){
        .kind = kind_of(row),
        .name_sql = arena_strdup(arena, text_of(row, "name")),
        .root_sql = text_or_null(arena, row, "root"),
        .logged = bool_of(row, "logged"),
        .owned = bool_of(row, "owned"),
        .published = bool_of(row, "published"),
        .filter_sql = text_or_null(arena, row, "filter"),
        .has_identity = bool_of(row, "has_identity"),
        .relation = {.oid = oid_of(row, "oid"),
                     .version = pgoutput_next_version(),
                     .schema = wanted->schema,
                     .name = wanted->name},
    };
    table->relation.partitioned = table->kind == TABLE_PARTITIONED;
    read_columns(catalog, table, row, n);
    if (catalog->mode == SOURCE_OUTBOX) {
        catalog_outbox_read_table(catalog, table, row);
    } else {
        read_published(catalog, table);
        read_identity(arena, table, row, n);
    }
    wanted->gone = wanted->pattern && table->kind == TABLE_MISSING;
}

/* The rows give each table in the order of its place. */
static void add_matching(struct wanted_list *wanted, const PGresult *result)
{
    for (struct row row = {result, 0}; row.number < PQntuples(result); row.number++)
        if ((unsigned)atoi(text_of(row, "n")) == wanted->n)
            wanted_add(wanted, text_of(row, "schema"), text_of(row, "table"),
                       (unsigned)atoi(text_of(row, "pattern")));
}

void catalog_read_tables(struct catalog *catalog, struct wanted_list *wanted,
                         const PGresult *result)
{
    int n_rows = PQntuples(result);
    add_matching(wanted, result);
    catalog->tables = arena_alloc(catalog->arena, wanted->n * sizeof *catalog->tables);
    catalog->n_tables = wanted->n;
    if (n_rows > 0) {
        catalog->xmin = strtoull(text_of((struct row){result, 0}, "xmin"), NULL, 10);
        catalog->xmax = strtoull(text_of((struct row){result, 0}, "xmax"), NULL, 10);
    }
    for (int first = 0, end; first < n_rows; first = end) {
        struct row row = {result, first};
        unsigned place = (unsigned)atoi(text_of(row, "n"));
        for (end = first + 1; end < n_rows; end++)
            if ((unsigned)atoi(text_of((struct row){result, end}, "n")) != place)
                break;
        assert(place < wanted->n);
        read_table(catalog, &catalog->tables[place], &wanted->tables[place], row,
                   (unsigned)(end - first));
    }
}

bool catalog_outbox_is_usable(const struct catalog *catalog)
{
    return catalog->outbox_version == CATALOG_OUTBOX_VERSION;
}

void catalog_free(struct catalog *catalog)
{
    if (!catalog)
        return;
    types_free(catalog->types);
    arena_free(catalog->arena);
    free(catalog);
}
