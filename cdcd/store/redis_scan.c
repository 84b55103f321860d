#include "store/redis_scan.h"

#include "store/redis_command.h"
#include "store/redis_due.h"
#include "store/redis_slots.h"

#include <hiredis/hiredis.h>
#include <stdlib.h>
#include <string.h>

#define CURSOR_MAX 20

static void send_page(struct redis_scanner *scanner, const struct scan *scan, const char *cursor)
{
    const struct batch_op *op = flight_op(scan->flight, scan->place);
    redis_put_scan(link_out(scanner->server->link), cursor, op);
    redis_expect(scanner->server, DUE_PAGE, scan->flight, scan->place, 1);
}

static void list_keys(void *driver, const struct scan *scan)
{
    send_page(driver, scan, "0");
}

void redis_scanner_init(struct redis_scanner *scanner, struct server *server, const char *store)
{
    *scanner = (struct redis_scanner){
        .server = server,
        .store = store,
        .scans = {.list = list_keys, .driver = scanner},
    };
}

void redis_scanner_add(struct redis_scanner *scanner, struct flight *flight)
{
    scans_add(&scanner->scans, flight);
}

/* Checks the shape of a page: a cursor, and keys. */
static bool is_page(const redisReply *reply)
{
    if (reply->type != REDIS_REPLY_ARRAY || reply->elements != 2)
        return false;
    const redisReply *cursor = reply->element[0], *keys = reply->element[1];
    if (cursor->type != REDIS_REPLY_STRING || keys->type != REDIS_REPLY_ARRAY)
        return false;
    for (size_t i = 0; i < keys->elements; i++)
        if (keys->element[i]->type != REDIS_REPLY_STRING)
            return false;
    return cursor->len > 0 && cursor->len <= CURSOR_MAX &&
           strspn(cursor->str, "0123456789") == cursor->len;
}

static void unlink_keys(struct redis_scanner *scanner, struct scan *scan, redisReply **keys,
                        size_t n)
{
    struct buf *out = link_out(scanner->server->link);
    if (n == 0)
        return;
    redis_put_head(out, n + 1);
    redis_put_bulk(out, "UNLINK", 6);
    for (size_t i = 0; i < n; i++)
        redis_put_bulk(out, keys[i]->str, keys[i]->len);
    redis_expect(scanner->server, DUE_PAGE_UNLINK, scan->flight, scan->place, (unsigned)n);
    scan->n_due++;
}

static unsigned slot_of(const redisReply *key)
{
    return redis_slot(key->str, key->len);
}

static int compare_slots(const void *a, const void *b)
{
    unsigned slot_a = slot_of(*(redisReply *const *)a), slot_b = slot_of(*(redisReply *const *)b);
    return slot_a < slot_b ? -1 : slot_a > slot_b;
}

static void unlink_page(struct redis_scanner *scanner, struct scan *scan, const redisReply *page)
{
    redisReply **keys = page->element;
    size_t n = page->elements, len;
    if (!scanner->by_slot) {
        unlink_keys(scanner, scan, keys, n);
        return;
    }
    if (n > 0)
        qsort(keys, n, sizeof *keys, compare_slots);
    for (; n > 0; keys += len, n -= len) {
        for (len = 1; len < n && slot_of(keys[len]) == slot_of(keys[0]); len++)
            ;
        unlink_keys(scanner, scan, keys, len);
    }
}

bool redis_scanner_take_page(struct redis_scanner *scanner, const struct due *due,
                             const redisReply *reply)
{
    struct scan *scan = scanner->scans.first;
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_due_fail(due, reply, scanner->store);
        scan->failed = true;
    } else if (!is_page(reply)) {
        return server_drop(scanner->server, "SCAN was not answered with a cursor and keys");
    }
    if (!scan->failed) {
        const char *cursor = reply->element[0]->str;
        unlink_page(scanner, scan, reply->element[1]);
        scan->listed = strcmp(cursor, "0") == 0;
        if (!scan->listed)
            send_page(scanner, scan, cursor);
    }
    scan->listed = scan->listed || scan->failed;
    scans_settle(&scanner->scans);
    return true;
}

bool redis_scanner_take_unlinked(struct redis_scanner *scanner, const struct due *due,
                                 const redisReply *reply)
{
    struct scan *scan = scanner->scans.first;
    if (reply->type == REDIS_REPLY_ERROR) {
        redis_due_fail(due, reply, scanner->store);
        scan->failed = true;
    } else if (reply->type != REDIS_REPLY_INTEGER || reply->integer < 0 ||
               reply->integer > due->n) {
        return server_drop(scanner->server, "UNLINK was not answered with the number of its keys");
    } else if (reply->integer > 0) {
        scan->found = true;
    }
    scan->n_due--;
    scans_settle(&scanner->scans);
    return true;
}

void redis_scanner_forget(struct redis_scanner *scanner)
{
    scans_forget(&scanner->scans);
}
