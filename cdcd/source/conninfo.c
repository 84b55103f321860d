#include "source/conninfo.h"

#include "base/mem.h"

#include <assert.h>
#include <libpq-fe.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PINNED                                                                           \
    "-c datestyle=ISO -c intervalstyle=postgres -c timezone=UTC -c extra_float_digits=1" \
    " -c bytea_output=hex"
/* Our queries name nothing but the catalog; our DDL must not queue for long before a table in use
 * (others queue behind us, and so do the gate's questions), and need not wait for standbys. */
#define PINNED_SQL                                                                 \
    " -c search_path=pg_catalog -c lock_timeout=200ms -c synchronous_commit=local" \
    " -c statement_timeout=0"

/* What was taken out of the outbox twice does no harm. The triggers of sql/004_outbox.sql tell by
 * cdcd.reader who takes rows out. The outbox is empty or full when its statistics say otherwise, so
 * plans that are good for one alone are not for it. cdcd.rotate() needs a snapshot a statement; and
 * a read lasts for as long as the stores make it wait. The server must notice soon when our host is
 * gone or cut off, for until then it keeps the lock of the daemon that reads. */
#define PINNED_OUTBOX                                                                              \
    " -c search_path=pg_catalog -c lock_timeout=200ms -c synchronous_commit=off -c cdcd.reader=on" \
    " -c enable_seqscan=off -c enable_nestloop=off -c jit=off"                                     \
    " -c default_transaction_isolation=read\\ committed -c default_transaction_read_only=off"      \
    " -c statement_timeout=0"                                                                      \
    " -c tcp_keepalives_idle=10 -c tcp_keepalives_interval=3 -c tcp_keepalives_count=3"

/* A peer that is silent is given up after about this long, rather than after the kernel's two
 * hours. It is less than our own limit for a connection, so that of several hosts a dead one is
 * passed over in time. */
static const char *const defaults[][2] = {
    {"keepalives_idle", "10"},
    {"keepalives_interval", "3"},
    {"keepalives_count", "3"},
    {"tcp_user_timeout", "9000"},
};

static const char *find_value(const PQconninfoOption *list, const char *keyword)
{
    for (; list && list->keyword; list++)
        if (strcmp(list->keyword, keyword) == 0)
            return list->val && *list->val ? list->val : NULL;
    return NULL;
}

int conninfo_check(const char *text, struct err *err)
{
    char *message = NULL;
    PQconninfoOption *parsed = PQconninfoParse(text, &message);
    if (parsed) {
        PQconninfoFree(parsed);
        return 0;
    }
    /* libpq ends its sentences with a line end. */
    int n = message ? (int)strcspn(message, "\n") : 0;
    err_set(err, EX_CONFIG,
            "source.conninfo: %.*s; mend it, as in \"host=/run/postgresql dbname=blog\"", n,
            message ? message : "");
    PQfreemem(message);
    return -1;
}

/* What PG* variables, and the service that either they or the conninfo name, say. libpq reads a
 * service file only for PGSERVICE, or on the way to a connection; so PGSERVICE it is, for as long
 * as this takes. */
static PQconninfoOption *read_defaults(const char *service)
{
    const char *old = getenv("PGSERVICE");
    char *saved = old ? mem_strdup(old) : NULL;
    if (service)
        setenv("PGSERVICE", service, 1);
    PQconninfoOption *list = PQconndefaults();
    if (saved)
        setenv("PGSERVICE", saved, 1);
    else
        unsetenv("PGSERVICE");
    free(saved);
    return list;
}

static void add(struct conninfo *conninfo, const char *keyword, const char *value)
{
    size_t n = 0;
    while (conninfo->keywords[n])
        n++;
    assert(n + 1 < sizeof conninfo->keywords / sizeof *conninfo->keywords);
    conninfo->keywords[n] = keyword;
    conninfo->values[n] = value;
}

static const char *options_of(struct arena *arena, enum conninfo_use use, int64_t work_mem_bytes)
{
    int64_t kb = work_mem_bytes / 1024;
    if (use == CONNINFO_SQL)
        return PINNED PINNED_SQL;
    if (use == CONNINFO_OUTBOX)
        return PINNED PINNED_OUTBOX;
    if (work_mem_bytes == 0)
        return PINNED;
    kb = kb < 64 ? 64 : kb > INT32_MAX ? INT32_MAX : kb;
    return arena_printf(arena, "%s -c logical_decoding_work_mem=%lldkB", PINNED, (long long)kb);
}

/* Of several hosts lookups want the one that the stream wants. libpq takes a session whose
 * transactions are read-only by default for a server that is, so "read-write" is not for them. */
static void want_primary(struct conninfo *conninfo, const PQconninfoOption *given,
                         const PQconninfoOption *others)
{
    static const char *const lists[] = {"host", "hostaddr"};
    const char *wanted = find_value(given, "target_session_attrs");
    bool several = false;
    if (!wanted)
        wanted = find_value(others, "target_session_attrs");
    if (wanted && wanted != find_value(given, "target_session_attrs") && strcmp(wanted, "any") == 0)
        wanted = NULL; /* what libpq has where nobody said anything */
    for (size_t i = 0; i < 2; i++) {
        const char *list = find_value(given, lists[i]);
        if (!list)
            list = find_value(others, lists[i]);
        several = several || (list && strchr(list, ','));
    }
    if (wanted ? strcmp(wanted, "read-write") == 0 : several)
        add(conninfo, "target_session_attrs", "primary");
}

static struct conninfo make(struct arena *arena, const char *text, enum conninfo_use use,
                            const char *ours)
{
    struct conninfo conninfo = {0};
    bool looks_up = use == CONNINFO_LOOKUPS;
    PQconninfoOption *given = PQconninfoParse(text, NULL);
    PQconninfoOption *others = read_defaults(find_value(given, "service"));
    const char *options = find_value(given, "options");
    /* These would be sent as settings of their own, and win over options. */
    unsetenv("PGDATESTYLE");
    unsetenv("PGTZ");
    add(&conninfo, "dbname", text);
    for (size_t i = 0; i < sizeof defaults / sizeof *defaults; i++)
        if (!find_value(given, defaults[i][0]) && !find_value(others, defaults[i][0]))
            add(&conninfo, defaults[i][0], defaults[i][1]);
    if (!options)
        options = find_value(others, "options");
    add(&conninfo, "options",
        options ? arena_printf(arena, "%s %s", options, ours) : arena_strdup(arena, ours));
    add(&conninfo, "client_encoding", "UTF8");
    add(&conninfo, "fallback_application_name", looks_up ? "cdcd lookups" : "cdcd");
    if (use == CONNINFO_REPLICATION)
        add(&conninfo, "replication", "database");
    if (looks_up)
        want_primary(&conninfo, given, others);
    conninfo.has_hostaddr = find_value(given, "hostaddr") || find_value(others, "hostaddr");
    PQconninfoFree(given);
    PQconninfoFree(others);
    return conninfo;
}

struct conninfo conninfo_make(struct arena *arena, const char *text, enum conninfo_use use,
                              int64_t decoding_work_mem_bytes)
{
    return make(arena, text, use, options_of(arena, use, decoding_work_mem_bytes));
}

const char *conninfo_user(struct arena *arena, const char *text)
{
    const char *user = NULL;
    PQconninfoOption *given = PQconninfoParse(text, NULL);
    for (PQconninfoOption *option = given; option && option->keyword; option++)
        if (strcmp(option->keyword, "user") == 0 && option->val && *option->val)
            user = arena_strdup(arena, option->val);
    PQconninfoFree(given);
    return user;
}

struct conninfo conninfo_make_lookups(struct arena *arena, const char *text, int64_t timeout_ms)
{
    int64_t ms = timeout_ms < 1 ? 1 : timeout_ms > INT32_MAX ? INT32_MAX : timeout_ms;
    return make(arena, text, CONNINFO_LOOKUPS,
                arena_printf(arena,
                             PINNED " -c default_transaction_read_only=on"
                                    " -c statement_timeout=%lldms",
                             (long long)ms));
}

/* A SQL_ASCII database has bytes of any encoding; asked for UTF-8, it would end a stream at the
 * first that is none, and again each time.
 *
 * What not every server knows may not stand in options, which it would refuse. A connection may be
 * idle for long, and a read lasts for as long as the stores make it wait. */
void conninfo_settle_sql(char sql[CONNINFO_SETTLE_BYTES], int version, const char *encoding)
{
    bool any_bytes = encoding && strcmp(encoding, "SQL_ASCII") == 0;
    snprintf(sql, CONNINFO_SETTLE_BYTES, "%s%s%s",
             any_bytes ? "SET client_encoding = 'SQL_ASCII'; " : "",
             version >= 140000 ? "SET idle_session_timeout = 0; " : "",
             version >= 170000 ? "SET transaction_timeout = 0" : "");
}

/* libpq takes no "" that would undo the user's list of addresses: with a unix socket among those
 * all stays as it is. */
void conninfo_pin(struct conninfo *conninfo, struct arena *arena, const char *host,
                  const char *hostaddr, const char *port)
{
    if (!*host || (!*hostaddr && conninfo->has_hostaddr))
        return;
    add(conninfo, "host", arena_strdup(arena, host));
    if (*hostaddr)
        add(conninfo, "hostaddr", arena_strdup(arena, hostaddr));
    if (*port)
        add(conninfo, "port", arena_strdup(arena, port));
}
