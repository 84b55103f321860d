#include "source/remedy_outbox.h"

/* Roles are the cluster's: what is missing here may be no role. */
static int refuse_missing(const struct catalog *catalog, struct err *err)
{
    const char *database = catalog->server.database_sql;
    if (catalog->outbox_role)
        return err_set(err, EX_CONFIG,
                       "the outbox, schema cdcd, is not in database %s; as the owner of its tables "
                       "run there: psql -v ON_ERROR_STOP=1 -d %s -f sql/004_outbox.sql",
                       database, database);
    return err_set(err, EX_CONFIG,
                   "the outbox, schema cdcd, is not in database %s, nor is there its role; run "
                   "there, as a role that may create roles: psql -v ON_ERROR_STOP=1 -d %s -f "
                   "sql/003_outbox_role.sql; then, as the owner of its tables: psql -v "
                   "ON_ERROR_STOP=1 -d %s -f sql/004_outbox.sql",
                   database, database, database);
}

int remedy_outbox_schema(const struct catalog *catalog, struct err *err)
{
    const char *database = catalog->server.database_sql;
    int version = catalog->outbox_version;
    if (version == 0)
        return refuse_missing(catalog, err);
    if (version < 0)
        return err_set(err, EX_NOPERM, "role %s may not read the outbox of database %s; %s",
                       catalog->server.role_sql, database, catalog->outbox_grants);
    if (version < CATALOG_OUTBOX_VERSION)
        return err_set(err, EX_CONFIG,
                       "the outbox of database %s is of version %d, and %d is wanted; run again, "
                       "of this cdcd: psql -v ON_ERROR_STOP=1 -d %s -f sql/004_outbox.sql",
                       database, version, CATALOG_OUTBOX_VERSION, database);
    if (version > CATALOG_OUTBOX_VERSION)
        return err_set(err, EX_CONFIG,
                       "the outbox of database %s is of version %d, and this cdcd knows %d; update "
                       "cdcd",
                       database, version, CATALOG_OUTBOX_VERSION);
    return 0;
}

void remedy_outbox_table(const struct catalog *catalog, const struct catalog_table *table,
                         const struct wanted *wanted, enum severity severity,
                         struct complaints *complaints)
{
    if (!catalog_outbox_is_usable(catalog))
        return; /* nothing is known of it */
    if (!table->watched && wanted->pattern)
        return; /* the pattern tells */
    if (!table->watched)
        complain(complaints, severity, wanted->file, wanted->line,
                 "table %s is not watched, and its changes would be missed; %s (or what cdcd sql "
                 "--mode outbox prints)",
                 table->name_sql, table->watch_all_sql);
    else if (!table->published)
        complain(complaints, severity, wanted->file, wanted->line,
                 "triggers of table %s were disabled or dropped, or are not ENABLE ALWAYS, and "
                 "changes would be missed; %s makes them anew",
                 table->name_sql, table->watch_sql);
    else if (table->unguarded)
        complain(complaints, SEVERITY_WARNING, wanted->file, wanted->line,
                 "table %s got partitions after it was watched (%s), and a TRUNCATE of one alone "
                 "would be missed; %s again",
                 table->name_sql, table->unguarded, table->watch_sql);
}
