#include "store/redis_handshake.h"

#include "base/log.h"
#include "base/timer.h"
#include "store/redis_command.h"
#include "store/redis_due.h"
#include "store/redis_login.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>

/* ---- what is asked ---- */

static void ask(struct server *server, enum redis_due kind, const char *command,
                const char *argument)
{
    const char *words[] = {command, argument};
    if (command)
        redis_put_words(link_out(server->link), words, argument ? 2 : 1);
    redis_expect(server, kind, NULL, 0, 0);
}

static int authenticate(struct redis_handshake *handshake, struct server *server, struct err *err)
{
    const char *user = handshake->opts.user;
    const char *password_file = handshake->opts.store->password_file;
    if (!*user && !password_file)
        return 0;
    if (redis_put_login(link_out(server->link), *user ? user : NULL, password_file, err) < 0)
        return -1;
    ask(server, DUE_AUTH, NULL, NULL);
    return 0;
}

bool redis_handshake_names_servers(const struct redis_handshake *handshake)
{
    return handshake->opts.store->failover_window_ms > 0;
}

void redis_handshake_begin(struct redis_handshake *handshake, struct server *server)
{
    const struct store_opts *store = handshake->opts.store;
    struct err err, denial;
    char db[16];
    handshake->identity = (struct redis_identity){0};
    if (authenticate(handshake, server, &err) < 0) {
        link_drop(server->link, "%s", err.text);
        err_set(&denial, err.code, "store %s: %.900s", store->name, err.text);
        server_denied(server, &denial);
        return;
    }
    snprintf(db, sizeof db, "%u", handshake->opts.db);
    /* An ACL user of the first database needs no `select` then. */
    if (handshake->opts.db != 0)
        ask(server, DUE_SELECT, "SELECT", db);
    if (store->n_sentinels > 0)
        ask(server, DUE_ROLE, "ROLE", NULL);
    if (redis_handshake_names_servers(handshake)) {
        ask(server, DUE_INFO_SERVER, "INFO", "server");
        ask(server, DUE_INFO_REPLICATION, "INFO", "replication");
    }
    ask(server, DUE_PING, "PING", NULL);
    link_flush(server->link);
}

/* ---- what is answered ---- */

static bool refuse(const struct redis_handshake *handshake, struct server *server,
                   enum redis_due kind, const redisReply *reply)
{
    struct err err;
    const char *store = handshake->opts.store->name;
    struct redis_verdict verdict = redis_due_judge(kind, reply, store);
    if (kind == DUE_AUTH && verdict.status == BATCH_REFUSED && !verdict.denied)
        verdict.denied = EX_NOPERM;
    link_drop(server->link, "%s", verdict.reason);
    if (verdict.denied) {
        err_set(&err, verdict.denied, "store %s (%s): %s", store, handshake->opts.name,
                verdict.reason);
        server_denied(server, &err);
    }
    return false;
}

static bool refuse_replica(const struct redis_handshake *handshake, struct server *server)
{
    if (handshake->opts.store->n_sentinels > 0)
        link_drop(server->link, "the sentinels name it as master, but it is none yet");
    else
        link_drop(server->link, "it is a replica: name the master as url of store %s",
                  handshake->opts.store->name);
    return false;
}

/* A line of INFO's text: "field:value". Empty when there is none, or it is too long. */
static void get_field(const redisReply *reply, const char *field, char *to, size_t room)
{
    size_t n_field = strlen(field);
    const char *end = reply->str + reply->len, *next;
    *to = '\0';
    for (const char *line = reply->str; line < end; line = next) {
        const char *stop = memchr(line, '\n', (size_t)(end - line));
        next = stop ? stop + 1 : end;
        size_t n = (size_t)((stop ? stop : end) - line);
        if (n > 0 && line[n - 1] == '\r')
            n--;
        if (n <= n_field || memcmp(line, field, n_field) != 0 || line[n_field] != ':')
            continue;
        if (n - n_field - 1 < room)
            snprintf(to, room, "%.*s", (int)(n - n_field - 1), line + n_field + 1);
        return;
    }
}

static bool take_role(const struct redis_handshake *handshake, struct server *server,
                      const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR)
        return refuse(handshake, server, DUE_ROLE, reply);
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements == 0 ||
        reply->element[0]->type != REDIS_REPLY_STRING)
        return server_drop(server, "ROLE was not answered with a role");
    if (strcmp(reply->element[0]->str, "master") != 0)
        return refuse_replica(handshake, server);
    return true;
}

/* Whatever is wrong here, the server is merely not known. */
static bool take_info(struct redis_handshake *handshake, struct server *server, enum redis_due kind,
                      const redisReply *reply)
{
    char role[16], read_only[4];
    if (reply->type != REDIS_REPLY_STRING)
        return true;
    if (kind == DUE_INFO_SERVER) {
        get_field(reply, "run_id", handshake->identity.run_id, REDIS_ID_SIZE);
        return true;
    }
    get_field(reply, "master_replid", handshake->identity.replid, REDIS_ID_SIZE);
    get_field(reply, "role", role, sizeof role);
    get_field(reply, "slave_read_only", read_only, sizeof read_only);
    if (strcmp(role, "slave") == 0 && strcmp(read_only, "1") == 0)
        return refuse_replica(handshake, server);
    return true;
}

static bool is_known(const struct redis_identity *identity)
{
    return *identity->run_id && *identity->replid;
}

bool redis_identity_same(const struct redis_identity *a, const struct redis_identity *b)
{
    return is_known(a) && strcmp(a->run_id, b->run_id) == 0 && strcmp(a->replid, b->replid) == 0;
}

static void say_unknown(struct redis_handshake *handshake)
{
    if (!handshake->said_unknown)
        log_warn("a store does not say which server it is, what it acknowledged last is sent again "
                 "at each connection: allow its ACL user info store=%s server=\"%s\"",
                 handshake->opts.store->name, handshake->opts.name);
    handshake->said_unknown = true;
}

/* Says whether the server may have lost what was acknowledged. */
static void compare(struct redis_handshake *handshake, struct server *server)
{
    const struct redis_identity *last = &handshake->last, *identity = &handshake->identity;
    if (!is_known(identity))
        say_unknown(handshake);
    /* What a master acknowledged that was none any more is lost, however long ago. */
    int64_t good_ms = handshake->heard_ms;
    if (handshake->vouched_ms < good_ms)
        good_ms = handshake->vouched_ms;
    if (handshake->was_up && !redis_identity_same(last, identity))
        server->events->renewed(server->ctx, server->store, server->number,
                                good_ms - handshake->opts.store->failover_window_ms);
}

static bool take_pong(struct redis_handshake *handshake, struct server *server)
{
    if (redis_handshake_names_servers(handshake))
        compare(handshake, server);
    handshake->last = handshake->identity;
    handshake->was_up = true;
    handshake->heard_ms = timer_now_ms();
    handshake->vouched_ms =
        handshake->opts.store->n_sentinels > 0 ? handshake->heard_ms : INT64_MAX;
    server_up(server);
    return true;
}

bool redis_handshake_take(struct redis_handshake *handshake, struct server *server,
                          const struct due *due, const redisReply *reply)
{
    enum redis_due kind = (enum redis_due)due->kind;
    if (kind == DUE_ROLE)
        return take_role(handshake, server, reply);
    if (kind == DUE_INFO_SERVER || kind == DUE_INFO_REPLICATION)
        return take_info(handshake, server, kind, reply);
    if (reply->type == REDIS_REPLY_ERROR)
        return refuse(handshake, server, kind, reply);
    if (reply->type != REDIS_REPLY_STATUS ||
        strcmp(reply->str, kind == DUE_PING ? "PONG" : "OK") != 0)
        return server_drop(server, "the handshake was not answered as by a Redis");
    return kind == DUE_PING ? take_pong(handshake, server) : true;
}
