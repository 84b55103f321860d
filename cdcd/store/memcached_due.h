/* What a memcached was asked, and what its error means for that. */
#ifndef CDCD_STORE_MEMCACHED_DUE_H
#define CDCD_STORE_MEMCACHED_DUE_H

#include "store/memcached_text.h"
#include "store/server.h"

enum memcached_due {
    DUE_CLEAR, /* before it is up */
    DUE_DELETE,
    DUE_INSTEAD, /* md of a key whose new value the server does not take */
    DUE_BUMP,
    DUE_STALE,
    DUE_LIFE,   /* mg before an expire: how long does it live? */
    DUE_EXPIRE, /* mg or md, with the new time */
    DUE_EXISTS, /* mg before an ms: is it there? */
    DUE_SET,
    DUE_MINT_SIZE, /* of format "mintcache": mg, how large is it? */
    DUE_MINT_READ, /* mg of the value */
    DUE_MINT_WRITE,
    DUE_MINT_DELETE,
    DUE_SCAN_DELETE, /* of a key that a scan found */
    DUE_END,         /* of a batch: there is always something to answer it by */
};

/* After the command of the op at that place of the flight was written. */
void memcached_expect(struct server *server, enum memcached_due kind, struct flight *flight,
                      unsigned place, uint64_t number);
/* True when the answer is an error; it was noted in the flight of the due. */
bool memcached_due_failed(const struct due *due, const struct memcached_answer *answer);
/* What md answers; false when it does not, and the connection was dropped for it. */
bool memcached_take_deleted(struct server *server, struct batch_op *op,
                            const struct memcached_answer *answer);

#endif
