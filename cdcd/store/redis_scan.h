/* The scans of one Redis server: SCAN page by page, UNLINK of what each page found.
 *
 * One runs at a time, beside all else that the server is sent. */
#ifndef CDCD_STORE_REDIS_SCAN_H
#define CDCD_STORE_REDIS_SCAN_H

#include "store/scan.h"

struct redisReply;

/* A part of the node; borrows the server and the store's name. */
struct redis_scanner {
    struct server *server;
    const char *store;
    bool by_slot; /* a command's keys must be of one slot */
    struct scans scans;
};

void redis_scanner_init(struct redis_scanner *scanner, struct server *server, const char *store);
/* The flight's next op is a scan: it runs now, or after those before it. */
void redis_scanner_add(struct redis_scanner *scanner, struct flight *flight);
/* The replies for DUE_PAGE and DUE_PAGE_UNLINK; false when the connection was dropped for it. */
bool redis_scanner_take_page(struct redis_scanner *scanner, const struct due *due,
                             const struct redisReply *reply);
bool redis_scanner_take_unlinked(struct redis_scanner *scanner, const struct due *due,
                                 const struct redisReply *reply);
/* For a lost connection, and the end. */
void redis_scanner_forget(struct redis_scanner *scanner);

#endif
