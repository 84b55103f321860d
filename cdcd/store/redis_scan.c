#include "store/redis_scan.h"

#include "base/timer.h"
#include "store/redis_command.h"
#include "store/redis_due.h"
#include "store/redis_page.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <string.h>
#include <time.h>

#define PAUSE_MAX_US 100000

static void list_keys(void *driver, const struct scan *scan);
static void ask_for_page(void *ctx);

void redis_scanner_init(struct redis_scanner *scanner, struct server *server,
                        struct event_base *base, const struct redis_scanner_opts *opts)
{
    *scanner = (struct redis_scanner){
        .opts = *opts,
        .server = server,
        .timer = timer_make(base, ask_for_page, scanner),
        .scans = {.list = list_keys, .driver = scanner},
    };
}

void redis_scanner_free(struct redis_scanner *scanner)
{
    scans_forget(&scanner->scans);
    timer_free(scanner->timer);
    buf_free(&scanner->aside);
    buf_free(&scanner->mark.key);
}

void redis_scanner_add(struct redis_scanner *scanner, struct flight *flight)
{
    scans_add(&scanner->scans, flight);
}

static struct batch_op *op_of(const struct scan *scan)
{
    return flight_op(scan->flight, scan->place);
}

static bool has_members(const struct scan *scan)
{
    return op_of(scan)->action == OP_DELETE_MEMBERS;
}

static void expect(struct redis_scanner *scanner, enum redis_due kind, unsigned n)
{
    const struct scan *scan = scanner->scans.first;
    redis_expect(scanner->server, kind, scan->flight, scan->place, n);
}

/* ---- where it was ---- */

static void set_mark(struct redis_scanner *scanner, const struct scan *scan)
{
    struct redis_mark *mark = &scanner->mark;
    const struct batch_op *op = op_of(scan);
    mark->seq = scan->flight->batch->seq;
    mark->found = scan->found;
    mark->server = *scanner->opts.server;
    memcpy(mark->cursor, scanner->cursor, sizeof mark->cursor);
    mark->key.len = 0;
    buf_put(&mark->key, op->key, op->key_len);
}

static bool is_marked(const struct redis_scanner *scanner, const struct scan *scan)
{
    const struct redis_mark *mark = &scanner->mark;
    const struct batch_op *op = op_of(scan);
    return mark->seq && mark->seq == scan->flight->batch->seq &&
           redis_identity_same(&mark->server, scanner->opts.server) &&
           mark->key.len == op->key_len &&
           (op->key_len == 0 || memcmp(mark->key.data, op->key, op->key_len) == 0);
}

/* Of one that was refused a key the mark would say that the key is done. */
void redis_scanner_forget(struct redis_scanner *scanner)
{
    const struct scan *scan = scanner->scans.first;
    if (scan && !scan->failed)
        set_mark(scanner, scan);
    timer_stop(scanner->timer);
    scanner->page++;
    scans_forget(&scanner->scans);
}

/* ---- what is sent ---- */

static int64_t now_us(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000000 + now.tv_nsec / 1000;
}

static void send_page(struct redis_scanner *scanner)
{
    const struct scan *scan = scanner->scans.first;
    struct buf *out = link_out(scanner->server->link);
    scanner->page_us = now_us();
    if (has_members(scan))
        redis_put_members(out, scanner->cursor, &scanner->aside);
    else
        redis_put_scan(out, scanner->cursor, op_of(scan));
    expect(scanner, has_members(scan) ? DUE_MEMBERS : DUE_PAGE, 1);
}

static void ask_for_page(void *ctx)
{
    struct redis_scanner *scanner = ctx;
    memcpy(scanner->cursor, scanner->next, sizeof scanner->cursor);
    send_page(scanner);
    link_flush(scanner->server->link);
}

static void put_aside(struct redis_scanner *scanner)
{
    const struct batch_op *op = op_of(scanner->scans.first);
    scanner->aside.len = 0;
    redis_companion(&scanner->aside, op, ":cdcd-deleting", scanner->opts.by_slot);
    redis_put_aside(link_out(scanner->server->link), op, &scanner->aside);
    expect(scanner, DUE_ASIDE, 1);
}

static void list_keys(void *driver, const struct scan *scan)
{
    struct redis_scanner *scanner = driver;
    snprintf(scanner->cursor, sizeof scanner->cursor, "0");
    if (is_marked(scanner, scan)) {
        memcpy(scanner->cursor, scanner->mark.cursor, sizeof scanner->cursor);
        scanner->scans.first->found = scanner->mark.found;
    }
    scanner->mark.seq = 0;
    if (has_members(scan))
        put_aside(scanner);
    else
        send_page(scanner);
}

static void send_unlinks(struct redis_scanner *scanner, struct scan *scan, redisReply **keys,
                         size_t n)
{
    enum redis_sharing sharing = scan->flight->batch->singly ? SHARING_NONE
                                 : scanner->opts.by_slot     ? SHARING_SLOT
                                                             : SHARING_ALL;
    redis_page_sort(keys, n, sharing);
    while (n > 0) {
        size_t len = redis_put_page_unlink(link_out(scanner->server->link), keys, n, sharing);
        expect(scanner, DUE_PAGE_UNLINK, (unsigned)len);
        scan->n_due++;
        keys += len;
        n -= len;
    }
}

static bool is_key(const redisReply *key, const char *bytes, size_t n)
{
    return key->len == n && memcmp(key->str, bytes, n) == 0;
}

/* A set that names itself would be gone before all of it was read. */
static size_t leave_out_set(struct redis_scanner *scanner, redisReply **keys, size_t n)
{
    const struct batch_op *op = op_of(scanner->scans.first);
    const struct buf *aside = &scanner->aside;
    for (size_t i = 0; i < n; i++) {
        redisReply *key = keys[i];
        if (!is_key(key, op->key, op->key_len) && !is_key(key, aside->data, aside->len))
            continue;
        keys[i--] = keys[--n];
        keys[n] = key; /* its owner frees it there */
    }
    return n;
}

static void unlink_page(struct redis_scanner *scanner, struct scan *scan, const redisReply *page)
{
    redisReply **keys = page->element;
    size_t n = page->elements;
    scanner->page++;
    if (has_members(scan))
        n = leave_out_set(scanner, keys, n);
    if (n > 0 && has_members(scan) && scanner->opts.delete_members) {
        scan->n_due++;
        scanner->opts.delete_members(scanner->opts.ctx, scanner->opts.number, scanner->page, keys,
                                     n);
    } else {
        send_unlinks(scanner, scan, keys, n);
    }
}

/* ---- what follows ---- */

static void end(struct redis_scanner *scanner)
{
    scanner->scans.first->listed = true;
    scans_settle(&scanner->scans);
}

/* The last page was deleted: what was put aside has no member yet that is there. */
static void end_pages(struct redis_scanner *scanner)
{
    const struct scan *scan = scanner->scans.first;
    if (scan->failed || !has_members(scan)) {
        end(scanner);
        return;
    }
    redis_put_unlink_one(link_out(scanner->server->link), &scanner->aside);
    expect(scanner, DUE_ASIDE_UNLINK, 1);
}

/* Nothing of the page is due any more. */
static void end_page(struct redis_scanner *scanner)
{
    const struct scan *scan = scanner->scans.first;
    if (scan->n_due > 0)
        return;
    /* With a command for each key the others are done although one is refused. */
    if (scan->failed && !scan->flight->batch->singly) {
        end(scanner);
    } else if (strcmp(scanner->next, "0") == 0) {
        end_pages(scanner);
    } else {
        int64_t took_us = now_us() - scanner->page_us;
        timer_start_us(scanner->timer, took_us < PAUSE_MAX_US ? took_us : PAUSE_MAX_US);
    }
}

/* ---- what is answered ---- */

static bool is_number(struct redis_scanner *scanner, const redisReply *reply, long long most,
                      const char *why)
{
    return (reply->type == REDIS_REPLY_INTEGER && reply->integer >= 0 && reply->integer <= most) ||
           server_drop(scanner->server, why);
}

/* 0: there is no set; 1: it was put aside; 2: something is there that was put aside before. */
static bool take_aside(struct redis_scanner *scanner, const redisReply *reply)
{
    struct scan *scan = scanner->scans.first;
    if (!is_number(scanner, reply, 2, "a script was not answered with 0, 1 or 2"))
        return false;
    scan->found = scan->found || reply->integer > 0;
    scanner->again = reply->integer == 2;
    if (!scanner->again)
        snprintf(scanner->cursor, sizeof scanner->cursor, "0");
    if (reply->integer == 0)
        end(scanner);
    else
        send_page(scanner);
    return true;
}

static bool take_page(struct redis_scanner *scanner, const redisReply *reply)
{
    if (!redis_is_page(reply, sizeof scanner->next))
        return server_drop(scanner->server, "SCAN was not answered with a cursor and keys");
    memcpy(scanner->next, reply->element[0]->str, reply->element[0]->len + 1);
    unlink_page(scanner, scanner->scans.first, reply->element[1]);
    end_page(scanner);
    return true;
}

static bool take_unlinked(struct redis_scanner *scanner, const struct due *due,
                          const redisReply *reply)
{
    struct scan *scan = scanner->scans.first;
    if (!is_number(scanner, reply, due->n, "UNLINK was not answered with the number of its keys"))
        return false;
    scan->found = scan->found || reply->integer > 0;
    scan->n_due--;
    end_page(scanner);
    return true;
}

static bool take_aside_unlinked(struct redis_scanner *scanner, const redisReply *reply)
{
    if (!is_number(scanner, reply, 1, "UNLINK was not answered with the number of its keys"))
        return false;
    snprintf(scanner->cursor, sizeof scanner->cursor, "0");
    if (scanner->again)
        put_aside(scanner);
    else
        end(scanner);
    return true;
}

static void fail(struct redis_scanner *scanner, const struct due *due, const redisReply *reply)
{
    struct scan *scan = scanner->scans.first;
    redis_due_fail(due, reply, scanner->opts.store);
    scan->failed = true;
    if (due->kind != DUE_PAGE_UNLINK) {
        end(scanner);
        return;
    }
    scan->n_due--;
    end_page(scanner);
}

bool redis_scanner_take(struct redis_scanner *scanner, const struct due *due,
                        const redisReply *reply)
{
    if (reply->type == REDIS_REPLY_ERROR) {
        fail(scanner, due, reply);
        return true;
    }
    if (due->kind == DUE_ASIDE)
        return take_aside(scanner, reply);
    if (due->kind == DUE_PAGE_UNLINK)
        return take_unlinked(scanner, due, reply);
    if (due->kind == DUE_ASIDE_UNLINK)
        return take_aside_unlinked(scanner, reply);
    return take_page(scanner, reply);
}

void redis_scanner_deleted(struct redis_scanner *scanner, uint64_t page, enum batch_status status,
                           const char *reason)
{
    struct scan *scan = scanner->scans.first;
    if (!scan || page != scanner->page)
        return;
    struct flight *flight = scan->flight;
    if (status != BATCH_DONE) {
        flight_fail(flight, status, reason);
        scan->failed = true;
    }
    scan->n_due--;
    end_page(scanner);
    server_settle(scanner->server, flight);
    link_flush(scanner->server->link);
}
