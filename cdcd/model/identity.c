#include "model/identity.h"

#include "base/reserved.h"

#include <string.h>

#define INDEX_COLUMNS_MAX 32 /* PostgreSQL's */
#define NAME_BYTES_MAX 63    /* PostgreSQL's */
#define VARCHAR_MAX 250      /* characters, so that an entry fits a page of the index */

static bool holds_all(const struct relation *relation, const bool *has, const bool *needed)
{
    for (unsigned i = 0; i < relation->n_columns; i++)
        if (needed[i] && !has[i])
            return false;
    return true;
}

/* The smallest that will do; NULL: none will. */
static const struct relation_index *find_index(const struct relation *relation, const bool *needed)
{
    const struct relation_index *best = NULL;
    for (unsigned i = 0; i < relation->n_indexes; i++) {
        const struct relation_index *index = &relation->indexes[i];
        if (holds_all(relation, index->holds, needed) &&
            (!best || index->n_columns < best->n_columns))
            best = index;
    }
    return best;
}

/* An index refuses values that are larger than a third of a page, and with them the application's
 * row: so no text, and no other type of any length. Oids of pg_type. */
static bool is_small(const struct column *column)
{
    static const uint32_t fixed[] = {16, 20, 21, 23, 26, 700, 701, 1082, 1083, 1114, 1184, 2950};
    for (size_t i = 0; i < sizeof fixed / sizeof *fixed; i++)
        if (column->type == fixed[i])
            return true;
    bool limited = column->type == 1042 || column->type == 1043; /* char(n), varchar(n) */
    return limited && column->typmod > 4 && column->typmod - 4 <= VARCHAR_MAX;
}

/* True when an index may hold what the identity has, by which rows are told apart, and besides
 * what is needed. */
static bool can_index(const struct relation *relation, const bool *needed)
{
    unsigned n = 0, n_identity = 0;
    for (unsigned i = 0; i < relation->n_columns; i++) {
        const struct column *column = &relation->columns[i];
        if (!needed[i] && !column->in_identity)
            continue;
        if (!relation->not_null || !relation->not_null[i] || !is_small(column))
            return false;
        n++;
        n_identity += column->in_identity;
    }
    return n_identity > 0 && n <= INDEX_COLUMNS_MAX;
}

static void put_name(struct buf *sql, const char *name, size_t n)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    if (strspn(name, plain) >= n && n && !strchr("0123456789", *name) && !reserved_word(name)) {
        buf_put(sql, name, n);
        return;
    }
    buf_put(sql, "\"", 1);
    for (size_t i = 0; i < n; i++)
        buf_put(sql, name[i] == '"' ? "\"\"" : &name[i], name[i] == '"' ? 2 : 1);
    buf_put(sql, "\"", 1);
}

/* The table's name, cut between characters, and what it is for. */
static void put_index_name(const struct relation *relation, struct buf *sql)
{
    static const char suffix[] = "_identity";
    struct buf name = {0};
    size_t n = strlen(relation->name), room = NAME_BYTES_MAX - strlen(suffix);
    if (n > room)
        for (n = room; n && ((unsigned char)relation->name[n] & 0xC0) == 0x80;)
            n--;
    buf_put(&name, relation->name, n);
    buf_put_str(&name, suffix);
    const char *text = buf_str(&name);
    put_name(sql, text, name.len);
    buf_free(&name);
}

static void put_new_index(const struct relation *relation, const char *table_sql,
                          const bool *needed, struct buf *sql)
{
    const char *separator = "";
    buf_put_str(sql, "CREATE UNIQUE INDEX CONCURRENTLY ");
    put_index_name(relation, sql);
    buf_printf(sql, " ON %s (", table_sql);
    for (unsigned i = 0; i < relation->n_columns; i++) {
        const struct column *column = &relation->columns[i];
        if (!needed[i] && !column->in_identity)
            continue;
        buf_put_str(sql, separator);
        put_name(sql, column->name, strlen(column->name));
        separator = ", ";
    }
    buf_printf(sql, "); ALTER TABLE %s REPLICA IDENTITY USING INDEX ", table_sql);
    put_index_name(relation, sql);
}

/* For each table of the tree; nothing but psql runs it as one statement. */
static void put_partitions(const char *table_sql, struct buf *sql)
{
    buf_put_str(sql, "in psql: SELECT format('ALTER TABLE %s REPLICA IDENTITY FULL', relid) "
                     "FROM pg_partition_tree('");
    for (; *table_sql; table_sql++)
        buf_put(sql, *table_sql == '\'' ? "''" : table_sql, *table_sql == '\'' ? 2 : 1);
    buf_put_str(sql, "') \\gexec (partitions do not take over their root's)");
}

bool identity_remedy(const struct relation *relation, const char *table_sql, const bool *needed,
                     struct buf *sql)
{
    const struct relation_index *index = find_index(relation, needed);
    if (index) {
        buf_printf(sql, "ALTER TABLE %s REPLICA IDENTITY USING INDEX %s", table_sql,
                   index->name_sql);
        return true;
    }
    if (can_index(relation, needed)) {
        put_new_index(relation, table_sql, needed, sql);
        return true;
    }
    if (relation->partitioned)
        put_partitions(table_sql, sql);
    else
        buf_printf(sql, "ALTER TABLE %s REPLICA IDENTITY FULL", table_sql);
    return false;
}
