/* The handshake with a Redis server: who we are, which database, and which server this is.
 *
 *     AUTH   SELECT   ROLE   INFO server   INFO replication   PING
 *
 * each but the last only where it is needed. Which server it is matters where ops are kept for one
 * that has lost what it acknowledged (failover_window): a server that was started again has
 * another run_id, and one that took its data from elsewhere has another master_replid. A user who
 * may not ask (INFO) makes each connection count as one to such a server. */
#ifndef CDCD_STORE_REDIS_HANDSHAKE_H
#define CDCD_STORE_REDIS_HANDSHAKE_H

#include "store/server.h"

struct redisReply;

#define REDIS_ID_SIZE 41

/* Empty strings: not known. */
struct redis_identity {
    char run_id[REDIS_ID_SIZE];
    char replid[REDIS_ID_SIZE];
};

/* True when it is known of both, and they are the same process with the same data. */
bool redis_identity_same(const struct redis_identity *a, const struct redis_identity *b);

/* Set before the first handshake; all borrowed. */
struct redis_handshake_opts {
    const struct store_opts *store; /* name, password_file, failover_window_ms, sentinels */
    const char *user;               /* empty for none */
    const char *name;               /* of the server, for messages */
    unsigned db;
};

struct redis_handshake {
    struct redis_handshake_opts opts;
    struct redis_identity last; /* of the server that was up last */
    struct redis_identity identity;
    bool said_unknown; /* that INFO is not allowed */
    bool was_up;
    int64_t
        vouched_ms;   /* when it was last known that the server is the master; INT64_MAX: always */
    int64_t heard_ms; /* when the server that is or was up was last heard; the driver notes it */
};

/* True when it asks which server it is. */
bool redis_handshake_names_servers(const struct redis_handshake *handshake);

/* The connection is open: asks. Drops it where it cannot. */
void redis_handshake_begin(struct redis_handshake *handshake, struct server *server);
/* The answer to a question of the handshake. Says that the server is up with the last one.
 * False when the connection was dropped for it. */
bool redis_handshake_take(struct redis_handshake *handshake, struct server *server,
                          const struct due *due, const struct redisReply *reply);

#endif
