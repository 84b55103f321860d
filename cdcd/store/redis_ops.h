/* The ops of one Redis server: what each is on the wire, and what its reply says of it. */
#ifndef CDCD_STORE_REDIS_OPS_H
#define CDCD_STORE_REDIS_OPS_H

#include "base/log.h"
#include "store/redis_scan.h"

enum redis_there { THERE_UNKNOWN, THERE_NO, THERE_YES };

/* A part of the node; borrows the server. */
struct redis_ops {
    struct server *server;
    bool asking;            /* ASKING stands before each command that is sent now */
    enum redis_there there; /* what EXISTS said of the key that is set next */
    uint32_t value_max;     /* bytes; less once the server has hung up on a longer value */
    struct log_limit large_log;
    struct redis_scanner scanner;
};

void redis_ops_init(struct redis_ops *ops, struct server *server, struct event_base *base,
                    const struct redis_scanner_opts *opts);
void redis_ops_free(struct redis_ops *ops);
/* Writes all commands of the flight; each op has a result then, or answers due. */
void redis_ops_send(struct redis_ops *ops, struct flight *flight);
/* The reply to one of those; false when the connection was dropped for it. */
bool redis_ops_take(struct redis_ops *ops, const struct due *due, const struct redisReply *reply);
/* For a lost connection. */
void redis_ops_forget(struct redis_ops *ops);

#endif
