#include "store/memcached_lister.h"

#include "base/glob.h"
#include "base/log.h"
#include "base/mem.h"
#include "store/memcached_login.h"
#include "store/memcached_text.h"
#include "store/server.h"

#include <stdio.h>
#include <stdlib.h>

#define BUSY_RETRY_MS 100
#define BUSY_SAY_EVERY 600 /* retries */
#define WALKS_MAX 3

struct memcached_lister {
    struct link *link; /* idle when no scan runs */
    struct memcached_login login;
    bool lists; /* the handshake is done */
    const struct memcached_lister_events *events;
    void *ctx;
    const char *pattern;
    size_t pattern_len;
    struct buf key;
    unsigned n_walks; /* that came to their end */
    unsigned n_found; /* in this walk */
    unsigned n_busy;  /* times that another's listing was in the way */
    const char *server;
    bool paused;
};

static void begin_walk(struct memcached_lister *lister)
{
    lister->lists = true;
    lister->n_found = 0;
    buf_put_str(link_out(lister->link), "lru_crawler metadump all\r\n");
    link_flush(lister->link);
    if (lister->paused)
        link_pause(lister->link, true);
    else
        link_await(lister->link);
}

/* Without a password, what the server is was seen by the connection that deletes. */
static void lister_on_open(void *ctx)
{
    struct memcached_lister *lister = ctx;
    lister->lists = false;
    if (!lister->login.password_file) {
        begin_walk(lister);
        return;
    }
    memcached_login_begin(&lister->login, link_out(lister->link));
    link_flush(lister->link);
    link_await(lister->link);
}

static size_t shake_hands(struct memcached_lister *lister, const char *bytes, size_t n)
{
    struct err err;
    size_t used;
    switch (memcached_login_take(&lister->login, bytes, n, &used, link_out(lister->link), &err)) {
    case LOGIN_MORE:
        link_flush(lister->link);
        link_answered(lister->link, true);
        break;
    case LOGIN_DONE:
        link_answered(lister->link, false);
        begin_walk(lister);
        break;
    case LOGIN_REFUSED:
        link_drop(lister->link, "%s", err.text);
        break;
    }
    return used;
}

/* The link connects again by itself, and the listing begins anew. */
static void lister_on_lost(void *ctx, const char *reason)
{
    (void)ctx;
    (void)reason;
}

static void refuse(struct memcached_lister *lister, const char *line, size_t len)
{
    char words[100], refusal[200];
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    server_quote(line, len, words, sizeof words);
    snprintf(refusal, sizeof refusal,
             "%s: a scan needs the crawler: start memcached without -X and no_lru_crawler", words);
    memcached_lister_stop(lister);
    lister->events->ended(lister->ctx, refusal);
}

static void end_walk(struct memcached_lister *lister)
{
    link_stop(lister->link);
    if (lister->n_found > 0 && ++lister->n_walks < WALKS_MAX)
        link_start(lister->link, 0);
    else
        lister->events->ended(lister->ctx, NULL);
}

/* A match is told to the driver, which deletes it. */
static void take_key(struct memcached_lister *lister)
{
    if (!glob_match(lister->pattern, lister->pattern_len, lister->key.data, lister->key.len))
        return;
    lister->n_found++;
    lister->events->found(lister->ctx, lister->key.data, lister->key.len);
}

static void wait_for_other(struct memcached_lister *lister)
{
    if (lister->n_busy++ % BUSY_SAY_EVERY == 0)
        log_warn("a scan waits for another listing to end server=\"%s\"", lister->server);
    link_stop(lister->link);
    link_start(lister->link, BUSY_RETRY_MS);
}

/* False when the listing does not go on. */
static bool take_line(struct memcached_lister *lister, enum memcached_listing_kind kind,
                      const char *line, size_t len)
{
    switch (kind) {
    case LISTING_PARTIAL:
        return false;
    case LISTING_BROKEN:
        link_drop(lister->link, "protocol error: a line of a listing that makes no sense");
        return false;
    case LISTING_KEY:
        take_key(lister);
        return true;
    case LISTING_END:
        end_walk(lister);
        return false;
    case LISTING_BUSY:
        wait_for_other(lister);
        return false;
    case LISTING_REFUSED:
        refuse(lister, line, len);
        return false;
    }
    return false;
}

static size_t lister_on_data(void *ctx, const char *bytes, size_t n)
{
    struct memcached_lister *lister = ctx;
    enum memcached_listing_kind kind;
    size_t at = 0, used;
    if (!lister->lists)
        return shake_hands(lister, bytes, n);
    do {
        used = memcached_read_listing(bytes + at, n - at, &kind, &lister->key);
        at += used;
    } while (take_line(lister, kind, bytes + at - used, used));
    if (kind == LISTING_PARTIAL)
        link_answered(lister->link, !lister->paused);
    return at;
}

struct memcached_lister *memcached_lister_make(const struct link_opts *opts,
                                               const struct memcached_login *login,
                                               struct event_base *base,
                                               const struct memcached_lister_events *events,
                                               void *ctx)
{
    static const struct link_events link_events = {lister_on_open, lister_on_data, lister_on_lost};
    struct memcached_lister *lister = mem_alloc(sizeof *lister);
    lister->link = link_make(opts, base, &link_events, lister);
    lister->login = *login;
    lister->server = opts->server;
    lister->events = events;
    lister->ctx = ctx;
    return lister;
}

void memcached_lister_start(struct memcached_lister *lister, const char *pattern, size_t len)
{
    lister->pattern = pattern;
    lister->pattern_len = len;
    lister->n_walks = 0;
    lister->n_busy = 0;
    lister->paused = false;
    link_start(lister->link, 0);
}

void memcached_lister_stop(struct memcached_lister *lister)
{
    link_stop(lister->link);
}

void memcached_lister_pause(struct memcached_lister *lister, bool paused)
{
    if (lister->paused == paused)
        return;
    lister->paused = paused;
    if (!link_is_open(lister->link))
        return;
    link_pause(lister->link, paused);
    /* While we do not read, no answer is due. */
    if (paused)
        link_answered(lister->link, false);
    else
        link_await(lister->link);
}

void memcached_lister_free(struct memcached_lister *lister)
{
    if (!lister)
        return;
    link_free(lister->link);
    buf_free(&lister->key);
    free(lister);
}
