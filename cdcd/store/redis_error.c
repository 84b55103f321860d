#include "store/redis_error.h"

#include "store/server.h"

#include <stdio.h>
#include <string.h>

#define QUOTED_MAX 120

/* What a remedy ends with. */
enum about { ABOUT_NOTHING, ABOUT_STORE, ABOUT_COMMANDS };

struct row {
    const char *begins;
    enum batch_status status;
    int denied;
    enum about about;
    const char *remedy;
};

static const struct row rows[] = {
    {"LOADING", BATCH_BUSY, 0, ABOUT_NOTHING, NULL},
    {"BUSY", BATCH_BUSY, 0, ABOUT_NOTHING, "a script runs too long: look at SLOWLOG"},
    {"UNKILLABLE", BATCH_BUSY, 0, ABOUT_NOTHING, "a script runs too long: look at SLOWLOG"},
    {"MASTERDOWN", BATCH_BUSY, 0, ABOUT_NOTHING, NULL},
    /* Deletes are done all the same, and make room: only what writes waits. */
    {"OOM", BATCH_REFUSED, 0, ABOUT_NOTHING, "raise maxmemory, or set an eviction policy"},
    {"MISCONF", BATCH_BUSY, 0, ABOUT_NOTHING, "see why it cannot save: disk and rights"},
    {"NOREPLICAS", BATCH_BUSY, 0, ABOUT_NOTHING, "see min-replicas-to-write and the replicas"},
    {"READONLY", BATCH_BUSY, 0, ABOUT_STORE, "it is a replica: name the master as url"},
    {"ERR max number of clients", BATCH_BUSY, 0, ABOUT_NOTHING, "raise maxclients"},
    {"NOAUTH", BATCH_BUSY, EX_NOPERM, ABOUT_STORE, "set user and password_file"},
    {"WRONGPASS", BATCH_REFUSED, EX_NOPERM, ABOUT_STORE, "mend user and password_file"},
    {"ERR invalid password", BATCH_REFUSED, EX_NOPERM, ABOUT_STORE, "mend password_file"},
    {"ERR AUTH", BATCH_REFUSED, EX_CONFIG, ABOUT_STORE, "it knows no password: drop password_file"},
    {"ERR Client sent AUTH", BATCH_REFUSED, EX_CONFIG, ABOUT_STORE,
     "it knows no password: drop password_file"},
    {"ERR DB index", BATCH_REFUSED, EX_CONFIG, ABOUT_STORE,
     "it has not that many databases: mend url"},
    {"ERR SELECT is not allowed in cluster mode", BATCH_REFUSED, EX_CONFIG, ABOUT_STORE,
     "it is a cluster: set cluster instead of url"},
    {"DENIED", BATCH_REFUSED, EX_NOPERM, ABOUT_NOTHING, "give it a password, or use a unix socket"},
    {"NOPERM", BATCH_REFUSED, EX_NOPERM, ABOUT_COMMANDS, "allow its ACL user, on these keys: "},
    /* Within a script Redis 6 and 7 have no code for it. */
    {"The user executing the script can't", BATCH_REFUSED, EX_NOPERM, ABOUT_COMMANDS,
     "allow its ACL user, on these keys: "},
    {"ERR ACL failure in", BATCH_REFUSED, EX_NOPERM, ABOUT_COMMANDS,
     "allow its ACL user, on these keys: "},
    {"WRONGTYPE", BATCH_REFUSED, 0, ABOUT_NOTHING,
     "a key holds no number to bump, or no set of keys: delete it, or mend the rule"},
    {"ERR value is not an integer", BATCH_REFUSED, 0, ABOUT_NOTHING,
     "a key to bump holds no number: delete it"},
    {"ERR increment or decrement would overflow", BATCH_REFUSED, 0, ABOUT_NOTHING,
     "a key to bump holds too large a number: delete it"},
    {"ERR unknown command", BATCH_REFUSED, 0, ABOUT_COMMANDS,
     "Redis 5 or later is needed, with these not renamed: "},
    {"TRYAGAIN", BATCH_DEFERRED, 0, ABOUT_NOTHING, NULL},
    {"CLUSTERDOWN", BATCH_DEFERRED, 0, ABOUT_NOTHING, NULL},
    {"MOVED", BATCH_DEFERRED, 0, ABOUT_STORE, "it is a cluster: set cluster instead of url"},
    {"ASK", BATCH_DEFERRED, 0, ABOUT_STORE, "it is a cluster: set cluster instead of url"},
    {"CROSSSLOT", BATCH_REFUSED, 0, ABOUT_STORE, "it is a cluster: set cluster instead of url"},
    {"ERR This instance has cluster support disabled", BATCH_REFUSED, EX_CONFIG, ABOUT_STORE,
     "it is no cluster: set url instead of cluster"},
};

static const struct row *find_row(const char *text, size_t len)
{
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = strlen(rows[i].begins);
        if (len < n || memcmp(text, rows[i].begins, n) != 0)
            continue;
        /* BUSY is not BUSYKEY. */
        if (len == n || text[n] == ' ' || strchr(rows[i].begins, ' '))
            return &rows[i];
    }
    return NULL;
}

static const char *find(const char *text, size_t len, const char *word)
{
    return memmem(text, len, word, strlen(word));
}

static void skip_to(const char **text, size_t *len, const char *start)
{
    if (!start)
        return;
    *len -= (size_t)(start - *text);
    *text = start;
}

/* What a script says of itself is left out. Redis 7 puts ` script: SHA, on ...` behind the error;
 * those before it put `ERR Error running script (...): ...: ` before it, and a dash where the code
 * is not ERR. */
static void unwrap(const char **text, size_t *len)
{
    static const char begin[] = "ERR Error running script";
    const char *end = find(*text, *len, " script: ");
    if (end)
        *len = (size_t)(end - *text);
    skip_to(text, len, find(*text, *len, "The user executing the script can't"));
    if (*len < sizeof begin || memcmp(*text, begin, sizeof begin - 1) != 0)
        return;
    const char *inner = find(*text, *len, ": -");
    const char *plain = find(*text + 4, *len - 4, "ERR ");
    skip_to(text, len, inner ? inner + 3 : plain);
}

/* What stays of "to run the 'x' command" when the quotation is gone. */
static void drop_torso(char *reason)
{
    static const char torso[] = " to run the";
    size_t n = strlen(reason);
    if (n >= sizeof torso && strcmp(reason + n - (sizeof torso - 1), torso) == 0)
        reason[n - (sizeof torso - 1)] = '\0';
}

struct redis_verdict redis_judge(const char *text, size_t len, const char *store,
                                 const char *commands)
{
    unwrap(&text, &len);
    const struct row *row = find_row(text, len);
    struct redis_verdict verdict = {.status = row ? row->status : BATCH_REFUSED,
                                    .denied = row ? row->denied : 0,
                                    .demoted = row && strcmp(row->begins, "READONLY") == 0};
    server_quote(text, len, verdict.reason, QUOTED_MAX + 1);
    drop_torso(verdict.reason);
    if (!row || !row->remedy)
        return verdict;
    size_t n = strlen(verdict.reason);
    const char *joint = row->about == ABOUT_STORE ? " of store " : "";
    const char *about = row->about == ABOUT_STORE      ? store
                        : row->about == ABOUT_COMMANDS ? commands
                                                       : "";
    snprintf(verdict.reason + n, sizeof verdict.reason - n, ": %s%s%s", row->remedy, joint, about);
    return verdict;
}
