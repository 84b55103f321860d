#include "store/memcached_scan.h"

#include "base/mem.h"
#include "store/glob.h"
#include "store/memcached_text.h"
#include "store/server.h"

#include <stdio.h>
#include <stdlib.h>

#define BUSY_RETRY_MS 100
#define WALKS_MAX 3

struct memcached_scan {
    struct link *link; /* idle when no scan runs */
    const struct memcached_scan_events *events;
    void *ctx;
    const char *pattern;
    size_t pattern_len;
    struct buf key;
    unsigned n_walks; /* that came to their end */
    unsigned n_found; /* in this walk */
    bool paused;
};

static void scan_on_open(void *ctx)
{
    struct memcached_scan *scan = ctx;
    scan->n_found = 0;
    buf_put_str(link_out(scan->link), "lru_crawler metadump all\r\n");
    link_flush(scan->link);
    link_await(scan->link);
    link_pause(scan->link, scan->paused);
}

/* The link connects again by itself, and the listing begins anew. */
static void scan_on_lost(void *ctx, const char *reason)
{
    (void)ctx;
    (void)reason;
}

static void refuse(struct memcached_scan *scan, const char *line, size_t len)
{
    char words[100], refusal[200];
    while (len > 0 && (line[len - 1] == '\n' || line[len - 1] == '\r'))
        len--;
    server_quote(line, len, words, sizeof words);
    snprintf(refusal, sizeof refusal,
             "%s: a scan needs the crawler: start memcached without -X and no_lru_crawler", words);
    memcached_scan_stop(scan);
    scan->events->ended(scan->ctx, refusal);
}

static void end_walk(struct memcached_scan *scan)
{
    link_stop(scan->link);
    if (scan->n_found > 0 && ++scan->n_walks < WALKS_MAX)
        link_start(scan->link, 0);
    else
        scan->events->ended(scan->ctx, NULL);
}

/* A match is told to the driver, which deletes it. */
static void take_key(struct memcached_scan *scan)
{
    if (!glob_match(scan->pattern, scan->pattern_len, scan->key.data, scan->key.len))
        return;
    scan->n_found++;
    scan->events->found(scan->ctx, scan->key.data, scan->key.len);
}

/* False when the listing does not go on. */
static bool take_line(struct memcached_scan *scan, enum memcached_listing_kind kind,
                      const char *line, size_t len)
{
    switch (kind) {
    case LISTING_PARTIAL:
        return false;
    case LISTING_BROKEN:
        link_drop(scan->link, "protocol error: a line of a listing that makes no sense");
        return false;
    case LISTING_KEY:
        take_key(scan);
        return true;
    case LISTING_END:
        end_walk(scan);
        return false;
    case LISTING_BUSY:
        link_stop(scan->link);
        link_start(scan->link, BUSY_RETRY_MS);
        return false;
    case LISTING_REFUSED:
        refuse(scan, line, len);
        return false;
    }
    return false;
}

static size_t scan_on_data(void *ctx, const char *bytes, size_t n)
{
    struct memcached_scan *scan = ctx;
    enum memcached_listing_kind kind;
    size_t at = 0, used;
    do {
        used = memcached_read_listing(bytes + at, n - at, &kind, &scan->key);
        at += used;
    } while (take_line(scan, kind, bytes + at - used, used));
    if (kind == LISTING_PARTIAL)
        link_answered(scan->link, !scan->paused);
    return at;
}

struct memcached_scan *memcached_scan_make(const struct link_opts *opts, struct event_base *base,
                                           const struct memcached_scan_events *events, void *ctx)
{
    static const struct link_events link_events = {scan_on_open, scan_on_data, scan_on_lost};
    struct memcached_scan *scan = mem_alloc(sizeof *scan);
    scan->link = link_make(opts, base, &link_events, scan);
    scan->events = events;
    scan->ctx = ctx;
    return scan;
}

void memcached_scan_start(struct memcached_scan *scan, const char *pattern, size_t len)
{
    scan->pattern = pattern;
    scan->pattern_len = len;
    scan->n_walks = 0;
    scan->paused = false;
    link_start(scan->link, 0);
}

void memcached_scan_stop(struct memcached_scan *scan)
{
    link_stop(scan->link);
}

void memcached_scan_pause(struct memcached_scan *scan, bool paused)
{
    if (scan->paused == paused)
        return;
    scan->paused = paused;
    if (!link_is_open(scan->link))
        return;
    link_pause(scan->link, paused);
    /* While we do not read, no answer is due. */
    if (paused)
        link_answered(scan->link, false);
    else
        link_await(scan->link);
}

void memcached_scan_free(struct memcached_scan *scan)
{
    if (!scan)
        return;
    link_free(scan->link);
    buf_free(&scan->key);
    free(scan);
}
