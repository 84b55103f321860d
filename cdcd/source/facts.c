#include "source/facts.h"

#include "source/remedy.h"

#include <stdlib.h>
#include <string.h>

static const char facts_sql[] =
    "SELECT (SELECT setting FROM pg_settings WHERE name = 'max_slot_wal_keep_size') AS keep,"
    "       current_setting('max_replication_slots')::int"
    "         - (SELECT count(*) FROM pg_replication_slots) AS free_slots,"
    "       current_setting('max_wal_senders')::int"
    "         - (SELECT count(*) FROM pg_stat_replication) AS free_senders,"
    "       s.active AS slot_active, to_jsonb(s) ->> 'wal_status' = 'unreserved' AS slot_runs_out,"
    "       r.rolsuper AS superuser,"
    "       has_database_privilege(current_database(), 'CREATE') AS may_create,"
    "       pg_has_role(p.pubowner, 'USAGE') AS owns_publication"
    "  FROM pg_roles r"
    "  LEFT JOIN pg_replication_slots s ON s.slot_name = $1"
    "  LEFT JOIN pg_publication p ON p.pubname = $2"
    " WHERE r.rolname = current_user";

void facts_ask(struct pgconn *conn, const char *slot, const char *publication,
               pgconn_answer_fn answer, void *ctx)
{
    const char *params[] = {slot, publication};
    pgconn_query(conn, facts_sql, params, 2, answer, ctx);
}

/* "" for NULL, and where our role is gone. */
static const char *text_of(const PGresult *result, const char *column)
{
    return PQntuples(result) ? PQgetvalue(result, 0, PQfnumber(result, column)) : "";
}

static bool bool_of(const PGresult *result, const char *column)
{
    return text_of(result, column)[0] == 't';
}

struct facts facts_read(const PGresult *result)
{
    return (struct facts){
        .wal_is_unlimited = strcmp(text_of(result, "keep"), "-1") == 0,
        .free_slots = atoi(text_of(result, "free_slots")),
        .free_senders = atoi(text_of(result, "free_senders")),
        .slot_active = bool_of(result, "slot_active"),
        .slot_runs_out = bool_of(result, "slot_runs_out"),
        .superuser = bool_of(result, "superuser"),
        .may_create_publication = bool_of(result, "may_create"),
        .owns_publication = bool_of(result, "owns_publication"),
    };
}

void facts_judge(const struct facts *facts, const struct catalog *catalog, bool create,
                 const char *file, struct complaints *complaints)
{
    if (facts->wal_is_unlimited)
        complain(complaints, SEVERITY_WARNING, file, 0,
                 "max_slot_wal_keep_size is unlimited: while cdcd is away the slot keeps WAL until "
                 "PostgreSQL's disk is full; ALTER SYSTEM SET max_slot_wal_keep_size = '20GB' (or "
                 "what the disk can spare), and SELECT pg_reload_conf()");
    if (!catalog->slot.exists && facts->free_slots <= 0)
        complain(complaints, SEVERITY_ERROR, file, 0,
                 "all replication slots are in use, and %s is still to be made%s; raise "
                 "max_replication_slots and restart PostgreSQL, or drop a slot that is not needed "
                 "(SELECT * FROM pg_replication_slots WHERE NOT active)",
                 catalog->slot.name_sql, create ? "" : " by hand");
    if (!facts->slot_active && facts->free_senders <= 0)
        complain(complaints, SEVERITY_ERROR, file, 0,
                 "all walsenders are in use, so that no stream can start; raise max_wal_senders "
                 "and restart PostgreSQL, or end one that is not needed (SELECT * FROM "
                 "pg_stat_replication)");
    if (facts->slot_runs_out)
        complain(complaints, SEVERITY_WARNING, file, 0,
                 "replication slot %s is about to be lost: it lags by more than "
                 "max_slot_wal_keep_size; start cdcd, or raise max_slot_wal_keep_size",
                 catalog->slot.name_sql);
}

static void complain_denied(const struct catalog *catalog, const char *file,
                            struct complaints *complaints)
{
    struct buf reason = {0}, sql = {0};
    struct err err = {0};
    buf_printf(&reason,
               catalog->publication.exists ? "role %s does not own it"
                                           : "role %s may not create in this database",
               catalog->server.role_sql);
    remedy_publication_sql(catalog, &sql);
    remedy_denied(catalog, buf_str(&reason), buf_str(&sql), &err);
    complain_code(complaints, err.code, file, 0, "%s", err.text);
    buf_free(&reason);
    buf_free(&sql);
}

void facts_judge_rights(const struct facts *facts, const struct catalog *catalog,
                        const struct wanted_list *wanted, const char *file,
                        struct complaints *complaints)
{
    const struct catalog_publication *publication = &catalog->publication;
    struct buf sql = {0};
    bool as_it_should_be = !remedy_publication_sql(catalog, &sql);
    buf_free(&sql);
    if (as_it_should_be || facts->superuser)
        return;
    if (publication->exists ? !facts->owns_publication : !facts->may_create_publication) {
        complain_denied(catalog, file, complaints);
        return;
    }
    for (unsigned i = 0; i < catalog->n_tables; i++) {
        const struct catalog_table *table = &catalog->tables[i];
        if (table->kind == TABLE_MISSING || table->published || table->owned)
            continue;
        complain_code(complaints, EX_NOPERM, wanted->tables[i].file, wanted->tables[i].line,
                      "table %s is not in publication %s, and role %s, which does not own the "
                      "table, may not add it; as its owner ALTER PUBLICATION %s ADD TABLE %s, or "
                      "GRANT the owner's role to %s",
                      table->name_sql, publication->name_sql, catalog->server.role_sql,
                      publication->name_sql, table->name_sql, catalog->server.role_sql);
    }
}
