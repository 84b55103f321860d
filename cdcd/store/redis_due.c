#include "store/redis_due.h"

#include <hiredis/hiredis.h>

/* The rights that an ACL user needs for it. */
static const char *const commands[] = {
    [DUE_AUTH] = "auth",
    [DUE_SELECT] = "select",
    [DUE_ROLE] = "role",
    [DUE_INFO_SERVER] = "info",
    [DUE_INFO_REPLICATION] = "info",
    [DUE_PING] = "ping",
    [DUE_UNLINK] = "unlink",
    [DUE_BUMP] = "eval exists time incr incrby",
    [DUE_INSTEAD] = "unlink",
    [DUE_STALE] = "eval pttl pexpire set",
    [DUE_MINT] = "eval type strlen getrange setrange unlink",
    [DUE_EXPIRE] = "eval pttl pexpire",
    [DUE_PUBLISH] = "publish (and its channel: &CHANNEL)",
    [DUE_EXISTS] = "exists",
    [DUE_SET] = "set",
    [DUE_ASIDE] = "eval exists scard rename persist",
    [DUE_PAGE] = "scan",
    [DUE_MEMBERS] = "sscan",
    [DUE_ASIDE_UNLINK] = "unlink",
    [DUE_PAGE_UNLINK] = "unlink",
    [DUE_ASKING] = "asking",
    [DUE_ASKED] = "cluster|slots",
    [DUE_WAIT] = "wait",
    [DUE_END] = "ping",
};

void redis_expect(struct server *server, enum redis_due kind, struct flight *flight, unsigned from,
                  unsigned n)
{
    server_expect(server, (struct due){.kind = (int)kind, .flight = flight, .from = from, .n = n});
}

struct redis_verdict redis_due_judge(enum redis_due kind, const struct redisReply *reply,
                                     const char *store)
{
    return redis_judge(reply->str, reply->len, store, commands[kind]);
}

void redis_due_fail(const struct due *due, const struct redisReply *reply, const char *store)
{
    struct redis_verdict verdict = redis_due_judge((enum redis_due)due->kind, reply, store);
    flight_fail(due->flight, verdict.status, verdict.reason);
}
