#include "source/remedy.h"

#include "source/remedy_outbox.h"

#include <string.h>

#define VERSION_MIN 120000
#define NAMED_MAX 10 /* tables in a sentence */
#define VERSION_VIA_ROOT 130000

static int judge_slot(const struct catalog *catalog, bool create, struct err *err)
{
    const struct catalog_slot *slot = &catalog->slot;
    if (!slot->exists)
        return 0;
    if (strcmp(slot->plugin, "pgoutput") != 0)
        return err_set(err, EX_CONFIG,
                       "replication slot %s is %s%s, not one of pgoutput; name another in "
                       "source.slot, or SELECT pg_drop_replication_slot(%s)",
                       slot->name_sql, *slot->plugin ? "a slot of " : "a physical one",
                       slot->plugin, slot->name_sql);
    if (!slot->here)
        return err_set(err, EX_CONFIG,
                       "replication slot %s belongs to database \"%s\", and source.conninfo leads "
                       "to %s; name another in source.slot, or the other database",
                       slot->name_sql, slot->database, catalog->server.database_sql);
    if (slot->two_phase)
        return err_set(err, EX_CONFIG,
                       "replication slot %s was made with two_phase, which gives prepared "
                       "transactions before they are committed; SELECT "
                       "pg_drop_replication_slot(%s) and make it without",
                       slot->name_sql, slot->name_sql);
    if (slot->lost && !create)
        return err_set(err, EX_CONFIG,
                       "replication slot %s is lost: it lagged by more than "
                       "max_slot_wal_keep_size; SELECT pg_drop_replication_slot(%s); SELECT "
                       "pg_create_logical_replication_slot(%s, 'pgoutput'); and clear the caches, "
                       "or set source.create = true",
                       slot->name_sql, slot->name_sql, slot->name_sql);
    return 0;
}

/* The publication comes first: a slot that is older than its publication cannot be read. */
static int judge_missing(const struct catalog *catalog, struct err *err)
{
    bool no_slot = !catalog->slot.exists, no_publication = !catalog->publication.exists;
    if (!no_slot && !no_publication)
        return 0;
    struct buf sql = {0};
    if (no_publication && remedy_publication_sql(catalog, &sql))
        buf_put_str(&sql, "; ");
    if (no_slot)
        buf_printf(&sql, "SELECT pg_create_logical_replication_slot(%s, 'pgoutput'); ",
                   catalog->slot.name_sql);
    err_set(err, EX_CONFIG, "%s%s%s%s%s %s not exist; %sor set source.create = true",
            no_publication ? "publication " : "",
            no_publication ? catalog->publication.name_sql : "",
            no_publication && no_slot ? " and " : "", no_slot ? "replication slot " : "",
            no_slot ? catalog->slot.name_sql : "", no_publication && no_slot ? "do" : "does",
            buf_str(&sql));
    buf_free(&sql);
    return -1;
}

static int judge_version(const struct catalog *catalog, struct err *err)
{
    int version = catalog->server.version;
    if (version >= VERSION_MIN)
        return 0;
    return err_set(err, EX_CONFIG, "PostgreSQL %d is too old; update it to 12 or later",
                   version / 10000);
}

static int judge_wal_level(const struct catalog *catalog, struct err *err)
{
    const char *level = catalog->server.wal_level;
    if (strcmp(level, "logical") == 0)
        return 0;
    return err_set(err, EX_CONFIG,
                   "wal_level is %s, and logical replication needs logical; ALTER SYSTEM SET "
                   "wal_level = logical, and restart PostgreSQL",
                   level);
}

static int judge_role(const struct catalog *catalog, struct err *err)
{
    const char *role = catalog->server.role_sql;
    if (catalog->server.may_replicate)
        return 0;
    return err_set(err, EX_NOPERM,
                   "role %s has no REPLICATION privilege; ALTER ROLE %s REPLICATION", role, role);
}

int remedy_server(const struct catalog *catalog, bool create, struct err *err)
{
    if (catalog->mode == SOURCE_OUTBOX)
        return judge_version(catalog, err) != 0 ? -1 : remedy_outbox_schema(catalog, err);
    if (judge_version(catalog, err) != 0 || judge_wal_level(catalog, err) != 0 ||
        judge_role(catalog, err) != 0 || judge_slot(catalog, create, err) != 0)
        return -1;
    return create ? 0 : judge_missing(catalog, err);
}

void remedy_server_all(const struct catalog *catalog, bool create, const char *file,
                       struct complaints *complaints)
{
    struct err errs[6] = {0};
    judge_version(catalog, &errs[0]);
    if (catalog->mode == SOURCE_OUTBOX) {
        remedy_outbox_schema(catalog, &errs[1]);
    } else {
        judge_wal_level(catalog, &errs[1]);
        judge_role(catalog, &errs[2]);
        judge_slot(catalog, create, &errs[3]);
        if (!create)
            judge_missing(catalog, &errs[4]);
        remedy_operations(catalog, create, &errs[5]);
    }
    if (catalog->mode == SOURCE_OUTBOX && create)
        complain(complaints, SEVERITY_WARNING, file, 0,
                 "source.create makes nothing where the source is an outbox; leave it out, and run "
                 "what cdcd sql --mode outbox prints");
    for (size_t i = 0; i < sizeof errs / sizeof *errs; i++)
        if (errs[i].code)
            complain_code(complaints, errs[i].code, file, 0, "%s", errs[i].text);
}

void remedy_old_slot(const char *slot, const char *reason, struct err *err)
{
    err_set(err, EX_CONFIG,
            "%s: replication slot '%s' is older than the publication; SELECT "
            "pg_drop_replication_slot('%s'); SELECT pg_create_logical_replication_slot('%s', "
            "'pgoutput'); and clear the caches, or set source.create = true",
            reason, slot, slot, slot);
}

bool remedy_is_covered(const struct catalog *catalog, const struct catalog_table *table)
{
    return table->published && !table->filter_sql && !catalog->publication.leaves_out &&
           (table->kind == TABLE_ORDINARY || table->kind == TABLE_PARTITIONED);
}

static void put_set_operations(const struct catalog *catalog, struct buf *sql)
{
    buf_printf(sql, "ALTER PUBLICATION %s SET (publish = 'insert, update, delete, truncate')",
               catalog->publication.name_sql);
}

int remedy_operations(const struct catalog *catalog, bool create, struct err *err)
{
    const struct catalog_publication *publication = &catalog->publication;
    if (catalog->mode == SOURCE_OUTBOX)
        return remedy_outbox_schema(catalog, err);
    if (create || !publication->leaves_out)
        return 0;
    struct buf sql = {0};
    put_set_operations(catalog, &sql);
    err_set(err, EX_CONFIG, "publication %s leaves out %s, and such changes would be missed; %s",
            publication->name_sql, publication->leaves_out, buf_str(&sql));
    buf_free(&sql);
    return -1;
}

/* True when the table may be added to the publication, without harm to those who write it. */
static bool is_addable(const struct catalog *catalog, const struct catalog_table *table)
{
    if (table->published || !table->logged || table->root_sql || !table->has_identity)
        return false;
    if (table->kind == TABLE_PARTITIONED)
        return catalog->server.version >= VERSION_VIA_ROOT &&
               (catalog->publication.via_root || !catalog->publication.exists);
    return table->kind == TABLE_ORDINARY;
}

/* A table that nobody named must not keep the others from being looked after. */
static enum severity severity_of(const struct wanted *wanted)
{
    return wanted->pattern ? SEVERITY_WARNING : SEVERITY_ERROR;
}

static void complain_partition(const struct catalog_table *table, const struct wanted *wanted,
                               struct complaints *complaints)
{
    complain(complaints, severity_of(wanted), wanted->file, wanted->line,
             "table %s is a partition, and its changes come as those of %s; name %s in the rule",
             table->name_sql, table->root_sql, table->root_sql);
}

static void complain_unpublished(const struct catalog *catalog, const struct catalog_table *table,
                                 const struct wanted *wanted, struct complaints *complaints)
{
    const char *publication = catalog->publication.name_sql;
    if (table->root_sql)
        complain_partition(table, wanted, complaints);
    else if (!catalog->publication.exists)
        return;
    else if (table->kind == TABLE_PARTITIONED && !catalog->publication.via_root)
        complain(complaints, severity_of(wanted), wanted->file, wanted->line,
                 "table %s is partitioned, and publication %s gives the changes of each partition; "
                 "ALTER PUBLICATION %s SET (publish_via_partition_root = true)",
                 table->name_sql, publication, publication);
    else
        complain(complaints, severity_of(wanted), wanted->file, wanted->line,
                 "table %s is not in publication %s; ALTER PUBLICATION %s ADD TABLE %s",
                 table->name_sql, publication, publication, table->name_sql);
}

/* In a publication, a table without identity refuses every UPDATE and DELETE of the application. */
static void complain_identity(const struct catalog_table *table, const struct wanted *wanted,
                              struct complaints *complaints)
{
    complain(complaints, table->published ? SEVERITY_WARNING : severity_of(wanted), wanted->file,
             wanted->line,
             "table %s has no replica identity: %s a publication its UPDATE and DELETE fail; "
             "ALTER TABLE %s ADD PRIMARY KEY (...), or ALTER TABLE %s REPLICA IDENTITY FULL",
             table->name_sql, table->published ? "in" : "it is not published, as in",
             table->name_sql, table->name_sql);
}

static void complain_filter(const struct catalog *catalog, const struct catalog_table *table,
                            const struct wanted *wanted, struct complaints *complaints)
{
    complain(complaints, severity_of(wanted), wanted->file, wanted->line,
             "publication %s gives of table %s only the rows WHERE %s, and changes of others "
             "would be missed; %s",
             catalog->publication.name_sql, table->name_sql, table->filter_sql, table->whole_sql);
}

/* Nothing but a statement of the publication's owner, or of the table's, is missing. */
static bool is_simply_unpublished(const struct catalog *catalog, const struct catalog_table *table)
{
    if (catalog->mode == SOURCE_OUTBOX)
        return catalog_outbox_is_usable(catalog) && !table->watched && !table->root_sql;
    return catalog->publication.exists && is_addable(catalog, table);
}

static void complain_unpublished_of(const struct catalog *catalog, const struct wanted_pattern *of,
                                    unsigned n, const char *names, struct complaints *complaints)
{
    const char *publication = catalog->publication.name_sql;
    const char *more = n > NAMED_MAX ? ", and so on" : "";
    struct buf tables = {0};
    buf_printf(&tables, "%u table%s that match%s %s.%s %s not", n, n == 1 ? "" : "s",
               n == 1 ? "es" : "", of->schema, of->name, n == 1 ? "is" : "are");
    if (catalog->mode == SOURCE_OUTBOX)
        complain(complaints, SEVERITY_WARNING, of->file, of->line, "%s watched; %s%s",
                 buf_str(&tables), names, more);
    else
        complain(complaints, SEVERITY_WARNING, of->file, of->line,
                 "%s in publication %s; ALTER PUBLICATION %s ADD TABLE %s%s", buf_str(&tables),
                 publication, publication, names, more);
    buf_free(&tables);
}

void remedy_pattern(const struct catalog *catalog, const struct wanted_list *wanted,
                    unsigned pattern, bool create, struct complaints *complaints)
{
    const struct wanted_pattern *of = &wanted->patterns[pattern - 1];
    bool outbox = catalog->mode == SOURCE_OUTBOX;
    unsigned n = 0, n_unpublished = 0;
    struct buf names = {0};
    for (unsigned i = 0; i < catalog->n_tables; i++) {
        const struct catalog_table *table = &catalog->tables[i];
        if (wanted->tables[i].pattern != pattern || table->kind == TABLE_MISSING)
            continue;
        n++;
        if ((create && !outbox) || !is_simply_unpublished(catalog, table))
            continue;
        if (n_unpublished++ < NAMED_MAX)
            buf_printf(&names, "%s%s", names.len ? outbox ? "; " : ", " : "",
                       outbox ? table->watch_all_sql : table->name_sql);
    }
    if (n == 0)
        complain(complaints, SEVERITY_WARNING, of->file, of->line,
                 "no table matches %s.%s; the rule sleeps until one does", of->schema, of->name);
    if (n_unpublished)
        complain_unpublished_of(catalog, of, n_unpublished, buf_str(&names), complaints);
    buf_free(&names);
}

void remedy_table(const struct catalog *catalog, unsigned place, const struct wanted *wanted,
                  bool create, struct complaints *complaints)
{
    const struct catalog_table *table = &catalog->tables[place];
    if (table->kind == TABLE_MISSING && wanted->pattern)
        return;
    if (table->kind == TABLE_MISSING) {
        complain(complaints, SEVERITY_WARNING, wanted->file, wanted->line,
                 "table %s does not exist; the rule sleeps until it does", table->name_sql);
        return;
    }
    if (table->kind == TABLE_OTHER) {
        complain(complaints, severity_of(wanted), wanted->file, wanted->line,
                 "%s is no table, and has no changes of its own; name the tables behind it",
                 table->name_sql);
        return;
    }
    if (catalog->mode == SOURCE_OUTBOX) {
        if (table->root_sql)
            complain_partition(table, wanted, complaints);
        else
            remedy_outbox_table(catalog, table, wanted, severity_of(wanted), complaints);
        return;
    }
    if (!table->logged) {
        complain(complaints, severity_of(wanted), wanted->file, wanted->line,
                 "table %s is unlogged or temporary, and its changes are not in the WAL; ALTER "
                 "TABLE %s SET LOGGED",
                 table->name_sql, table->name_sql);
        return;
    }
    if (!table->has_identity && !table->root_sql)
        complain_identity(table, wanted, complaints);
    if (table->filter_sql)
        complain_filter(catalog, table, wanted, complaints);
    if (table->published || (create && is_addable(catalog, table)))
        return;
    if (create && !table->has_identity && !table->root_sql)
        return;
    if (wanted->pattern && is_simply_unpublished(catalog, table))
        return; /* the pattern tells */
    complain_unpublished(catalog, table, wanted, complaints);
}

bool remedy_publication_sql(const struct catalog *catalog, struct buf *sql)
{
    unsigned n = 0;
    const struct catalog_publication *publication = &catalog->publication;
    bool lacks = publication->leaves_out;
    if (catalog->mode == SOURCE_OUTBOX)
        return false;
    if (lacks)
        put_set_operations(catalog, sql);
    if (!publication->exists)
        buf_printf(sql, "CREATE PUBLICATION %s", publication->name_sql);
    for (unsigned i = 0; i < catalog->n_tables; i++) {
        const struct catalog_table *table = &catalog->tables[i];
        if (!is_addable(catalog, table))
            continue;
        if (n == 0 && publication->exists)
            buf_printf(sql, "%sALTER PUBLICATION %s ADD TABLE ", lacks ? "; " : "",
                       publication->name_sql);
        else
            buf_put_str(sql, n ? ", " : " FOR TABLE ");
        buf_put_str(sql, table->name_sql);
        n++;
    }
    if (!publication->exists && catalog->server.version >= VERSION_VIA_ROOT)
        buf_put_str(sql, " WITH (publish_via_partition_root = true)");
    return n > 0 || lacks || !publication->exists;
}

void remedy_denied(const struct catalog *catalog, const char *reason, const char *sql,
                   struct err *err)
{
    if (catalog->publication.exists)
        err_set(err, EX_NOPERM, "cannot change the publication: %s; have its owner run: %s", reason,
                sql);
    else
        err_set(err, EX_NOPERM,
                "cannot make the publication: %s; GRANT CREATE ON DATABASE %s TO %s, if that owns "
                "the tables; or, as the tables' owner with that right: %s",
                reason, catalog->server.database_sql, catalog->server.role_sql, sql);
}
