/* What libpq is given to connect: the user's conninfo, and what cdcd pins.
 *
 * Text of values must not depend on the server's or the role's settings, so DateStyle, TimeZone and
 * their like are set by each connection. The user's own `options` stay, ours after them. */
#ifndef CDCD_SOURCE_CONNINFO_H
#define CDCD_SOURCE_CONNINFO_H

#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

enum conninfo_use {
    CONNINFO_SQL,         /* an ordinary connection */
    CONNINFO_REPLICATION, /* logical replication of its database */
    CONNINFO_OUTBOX,      /* reading and emptying the outbox */
    CONNINFO_LOOKUPS,     /* read-only, with the role's own search_path */
};

/* For PQconnectStartParams with expand_dbname; NULL-terminated. */
struct conninfo {
    const char *keywords[16];
    const char *values[16];
    bool has_hostaddr; /* the user's */
};

/* 0, or -1 with err filled in when the text is no conninfo. */
int conninfo_check(const char *text, struct err *err);
/* text must have been checked; it is borrowed, the rest is the arena's. decoding_work_mem_bytes is
 * for CONNINFO_REPLICATION alone; 0 leaves the server's. */
struct conninfo conninfo_make(struct arena *arena, const char *text, enum conninfo_use use,
                              int64_t decoding_work_mem_bytes);
/* The role that the text names, the arena's; NULL when it leaves that to others (a service,
 * PGUSER). text must have been checked. */
const char *conninfo_user(struct arena *arena, const char *text);
/* For lookups; timeout_ms is that of a statement. */
struct conninfo conninfo_make_lookups(struct arena *arena, const char *text, int64_t timeout_ms);
#define CONNINFO_SETTLE_BYTES 160
/* What is pinned once the server is known, as its version and encoding (NULL: it did not tell) say;
 * "" when nothing is. */
void conninfo_settle_sql(char sql[CONNINFO_SETTLE_BYTES], int version, const char *encoding);
/* Of several hosts, only this one: as PQhost, PQhostaddr ("" for a unix socket) and PQport say of
 * another connection of the same conninfo. They are copied. */
void conninfo_pin(struct conninfo *conninfo, struct arena *arena, const char *host,
                  const char *hostaddr, const char *port);

#endif
