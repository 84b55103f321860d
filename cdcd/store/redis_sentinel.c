#include "store/redis_sentinel.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "store/link.h"
#include "store/redis_command.h"
#include "store/redis_reader.h"
#include "store/server.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define SENTINEL_PORT 26379
#define CHANNEL "+switch-master"

enum vote {
    VOTE_SILENT,  /* it cannot be asked */
    VOTE_PENDING, /* it has been asked, or its connection is being made */
    VOTE_REFUSED, /* it answered with an error */
    VOTE_UNKNOWN, /* it knows no master of that name */
    VOTE_GIVEN,
};

/* The answers to a question, in their order. */
enum answer { ANSWER_UNSUBSCRIBE, ANSWER_MASTER, ANSWER_SUBSCRIBE, N_ANSWERS };

struct sentinel {
    struct redis_sentinels *all;
    struct address address;
    char name[300];
    struct link *link;
    struct redis_reader *reader; /* of this connection */
    unsigned n_dues;
    enum vote vote;
    struct address master; /* VOTE_GIVEN */
    char refusal[120];     /* VOTE_REFUSED */
    char silence[200];     /* VOTE_SILENT */
    unsigned n_outvoted;   /* askings in a row */
};

struct redis_sentinels {
    const struct store_opts *opts;
    const struct redis_sentinel_events *events;
    void *ctx;
    struct timer *timer;
    struct sentinel *sentinels;
    unsigned n;
    bool settled; /* this asking had its event */
    bool counted; /* all have answered to it, or cannot */
    struct address elected;
};

/* ---- the count ---- */

static bool same_address(const struct address *a, const struct address *b)
{
    return a->port == b->port && strcasecmp(a->host, b->host) == 0;
}

static unsigned count(const struct redis_sentinels *all, enum vote vote)
{
    unsigned n = 0;
    for (unsigned i = 0; i < all->n; i++)
        n += all->sentinels[i].vote == vote;
    return n;
}

static bool is_majority(const struct redis_sentinels *all, unsigned n)
{
    return n > all->n / 2;
}

/* NULL when none is. */
static const struct address *find_elected(const struct redis_sentinels *all)
{
    for (unsigned i = 0; i < all->n; i++) {
        unsigned n = 0;
        for (unsigned j = i; j < all->n && all->sentinels[i].vote == VOTE_GIVEN; j++)
            n += all->sentinels[j].vote == VOTE_GIVEN &&
                 same_address(&all->sentinels[i].master, &all->sentinels[j].master);
        if (is_majority(all, n))
            return &all->sentinels[i].master;
    }
    return NULL;
}

static const struct sentinel *find_vote(const struct redis_sentinels *all, enum vote vote)
{
    for (unsigned i = 0; i < all->n; i++)
        if (all->sentinels[i].vote == vote)
            return &all->sentinels[i];
    return NULL;
}

static void explain_refusal(const struct sentinel *sentinel, char *reason, size_t room)
{
    bool is_other = strncmp(sentinel->refusal, "ERR unknown command", 19) == 0;
    snprintf(reason, room, "%.140s does not say who the master is: %s%s", sentinel->name,
             sentinel->refusal,
             is_other ? ": it is no sentinel, whose port is mostly 26379: mend sentinels" : "");
}

static void explain(const struct redis_sentinels *all, char *reason, size_t room)
{
    const struct sentinel *refusing = find_vote(all, VOTE_REFUSED);
    const struct sentinel *silent = find_vote(all, VOTE_SILENT);
    if (count(all, VOTE_UNKNOWN) > 0 && !is_majority(all, count(all, VOTE_GIVEN))) {
        snprintf(reason, room,
                 "%u of %u sentinels know no master \"%s\": mend master, or sentinels, of store %s",
                 count(all, VOTE_UNKNOWN), all->n, all->opts->master, all->opts->name);
        return;
    }
    if (refusing)
        explain_refusal(refusing, reason, room);
    else if (is_majority(all, count(all, VOTE_GIVEN)) || !silent)
        snprintf(reason, room, "the sentinels do not agree on who the master is");
    else
        snprintf(reason, room,
                 "%u of %u sentinels do not answer, so no majority names a master: %.140s: %s",
                 count(all, VOTE_SILENT), all->n, silent->name, silent->silence);
}

/* For a moment that is so at each switch. */
static void warn_of_others(struct redis_sentinels *all)
{
    for (unsigned i = 0; i < all->n; i++) {
        struct sentinel *sentinel = &all->sentinels[i];
        bool other =
            sentinel->vote == VOTE_GIVEN && !same_address(&sentinel->master, &all->elected);
        sentinel->n_outvoted = other ? sentinel->n_outvoted + 1 : 0;
        if (sentinel->n_outvoted == 2)
            log_warn("a sentinel names another master than most, it is not believed store=%s "
                     "server=\"%s\" master=\"%s\" elected=\"%s\"",
                     all->opts->name, sentinel->name, sentinel->master.name, all->elected.name);
    }
}

/* Nothing is touched after an event: it may ask anew. */
static void tally(struct redis_sentinels *all)
{
    char reason[500];
    const struct address *elected = find_elected(all);
    bool over = count(all, VOTE_PENDING) == 0;
    if (elected) {
        bool news = !all->settled || !same_address(elected, &all->elected);
        struct address address = *elected;
        all->elected = address;
        all->settled = true;
        if (over && !all->counted)
            warn_of_others(all);
        all->counted = over;
        if (news)
            all->events->elected(all->ctx, &address);
    } else if (over && !all->settled) {
        all->settled = true;
        all->elected = (struct address){0};
        explain(all, reason, sizeof reason);
        all->events->undecided(all->ctx, reason);
    }
}

/* ---- what a sentinel says ---- */

static void ask(struct sentinel *sentinel)
{
    const char *master = sentinel->all->opts->master;
    struct buf *out = link_out(sentinel->link);
    /* Who is subscribed can ask nothing. */
    redis_put_words(out, (const char *const[]){"UNSUBSCRIBE", CHANNEL}, 2);
    redis_put_words(out, (const char *const[]){"SENTINEL", "get-master-addr-by-name", master}, 3);
    redis_put_words(out, (const char *const[]){"SUBSCRIBE", CHANNEL}, 2);
    sentinel->n_dues += N_ANSWERS;
    link_await(sentinel->link);
    link_flush(sentinel->link);
}

static bool is_word(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

static int read_address(const char *host, size_t n, const char *port, struct address *address)
{
    char text[300];
    struct err err;
    bool v6 = memchr(host, ':', n);
    snprintf(text, sizeof text, v6 ? "[%.*s]:%s" : "%.*s:%s", (int)n, host, port);
    return redis_sentinel_parse(text, address, &err);
}

/* False when it is no answer to the question. */
static bool take_master(struct sentinel *sentinel, const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_NIL) {
        sentinel->vote = VOTE_UNKNOWN;
    } else if (reply->type == REDIS_REPLY_ERROR) {
        sentinel->vote = VOTE_REFUSED;
        server_quote(reply->str, reply->len, sentinel->refusal, sizeof sentinel->refusal);
    } else if (reply->type == REDIS_REPLY_ARRAY && reply->elements == 2 &&
               is_word(reply->element[0]) && is_word(reply->element[1]) &&
               read_address(reply->element[0]->str, reply->element[0]->len, reply->element[1]->str,
                            &sentinel->master) == 0) {
        sentinel->vote = VOTE_GIVEN;
        if (!link_is_up(sentinel->link))
            link_up(sentinel->link);
    } else {
        return false;
    }
    return true;
}

/* "master old-host old-port new-host new-port" */
static void take_switch(struct sentinel *sentinel, const char *text)
{
    struct redis_sentinels *all = sentinel->all;
    char master[200], host[256], port[8];
    struct address address;
    if (sscanf(text, "%199s %*s %*s %255s %7s", master, host, port) != 3 ||
        strcmp(master, all->opts->master) != 0 ||
        read_address(host, strlen(host), port, &address) < 0)
        return;
    sentinel->vote = VOTE_GIVEN;
    sentinel->master = address;
    all->events->switched(all->ctx, &address);
    tally(all);
}

static bool is_message(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_ARRAY && reply->elements == 3 && is_word(reply->element[0]) &&
           strcmp(reply->element[0]->str, "message") == 0 && is_word(reply->element[2]);
}

/* False when the connection was dropped for it. */
static bool take_reply(struct sentinel *sentinel, const redisReply *reply)
{
    if (is_message(reply)) {
        take_switch(sentinel, reply->element[2]->str);
        return true;
    }
    if (sentinel->n_dues > 0) {
        enum answer due = (enum answer)((N_ANSWERS - sentinel->n_dues % N_ANSWERS) % N_ANSWERS);
        sentinel->n_dues--;
        if (due != ANSWER_MASTER)
            return true;
        if (take_master(sentinel, reply)) {
            tally(sentinel->all);
            return true;
        }
    }
    link_drop(sentinel->link, "it does not answer as a sentinel does");
    return false;
}

/* ---- the link's events ---- */

static void on_open(void *ctx)
{
    struct sentinel *sentinel = ctx;
    redis_reader_free(sentinel->reader);
    sentinel->reader = redis_reader_make();
    sentinel->n_dues = 0;
    ask(sentinel);
}

static size_t on_data(void *ctx, const char *bytes, size_t n)
{
    struct sentinel *sentinel = ctx;
    redisReply *reply;
    int got = redis_reader_feed(sentinel->reader, bytes, n);
    while (got >= 0 && (got = redis_reader_next(sentinel->reader, &reply)) > 0) {
        bool good = take_reply(sentinel, reply);
        freeReplyObject(reply);
        if (!good)
            return n;
    }
    if (got < 0) {
        link_drop(sentinel->link, "%s", redis_reader_error(sentinel->reader));
        return n;
    }
    link_answered(sentinel->link, sentinel->n_dues > 0);
    return n;
}

static void on_lost(void *ctx, const char *reason)
{
    struct sentinel *sentinel = ctx;
    sentinel->vote = VOTE_SILENT;
    snprintf(sentinel->silence, sizeof sentinel->silence, "%s", reason);
    tally(sentinel->all);
}

/* ---- all of them ---- */

void redis_sentinels_ask(struct redis_sentinels *all)
{
    all->settled = all->counted = false;
    timer_start_ms(all->timer, REDIS_SENTINEL_ASK_MS);
    for (unsigned i = 0; i < all->n; i++) {
        struct sentinel *sentinel = &all->sentinels[i];
        bool connecting = sentinel->vote == VOTE_PENDING;
        sentinel->vote = VOTE_PENDING;
        if (link_is_open(sentinel->link)) {
            ask(sentinel);
        } else if (!connecting) {
            link_stop(sentinel->link);
            link_start(sentinel->link, 0);
        }
    }
}

static void on_timer(void *ctx)
{
    redis_sentinels_ask(ctx);
}

static void make_sentinel(struct redis_sentinels *all, unsigned i, struct event_base *base)
{
    static const struct link_events events = {.open = on_open, .data = on_data, .lost = on_lost};
    struct sentinel *sentinel = &all->sentinels[i];
    struct err err;
    sentinel->all = all;
    redis_sentinel_parse(all->opts->sentinels[i], &sentinel->address, &err);
    snprintf(sentinel->name, sizeof sentinel->name, "sentinel %s", sentinel->address.name);
    struct link_opts link_opts = {
        .store = all->opts->name,
        .server = sentinel->name,
        .what = "sentinel",
        .address = &sentinel->address,
        .tls = all->opts->tls,
        .timeout_ms = all->opts->timeout_ms,
        .retry_min_ms = all->opts->retry_min_ms,
        .retry_max_ms = all->opts->retry_max_ms,
    };
    sentinel->link = link_make(&link_opts, base, &events, sentinel);
}

struct redis_sentinels *redis_sentinels_make(const struct store_opts *opts, struct event_base *base,
                                             const struct redis_sentinel_events *events, void *ctx)
{
    struct redis_sentinels *all = mem_alloc(sizeof *all);
    all->opts = opts;
    all->events = events;
    all->ctx = ctx;
    all->n = opts->n_sentinels;
    all->sentinels = mem_alloc(all->n * sizeof *all->sentinels);
    all->timer = timer_make(base, on_timer, all);
    for (unsigned i = 0; i < all->n; i++)
        make_sentinel(all, i, base);
    return all;
}

void redis_sentinels_free(struct redis_sentinels *all)
{
    if (!all)
        return;
    for (unsigned i = 0; i < all->n; i++) {
        link_free(all->sentinels[i].link);
        redis_reader_free(all->sentinels[i].reader);
    }
    timer_free(all->timer);
    free(all->sentinels);
    free(all);
}

int redis_sentinel_parse(const char *text, struct address *address, struct err *err)
{
    return url_parse_host(text, SENTINEL_PORT, address, err);
}
