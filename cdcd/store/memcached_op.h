/* What a memcached is told for an op, and what its answer means.
 *
 * Each command has one answer, in the order of the wire: a `due` each (server.h), whose kind is one
 * of these. */
#ifndef CDCD_STORE_MEMCACHED_OP_H
#define CDCD_STORE_MEMCACHED_OP_H

#include "store/memcached_text.h"
#include "store/server.h"

enum memcached_due {
    DUE_VERSION,
    DUE_DELETE,
    DUE_BUMP,
    DUE_SCAN_DELETE, /* of a key that a scan found */
    DUE_END,         /* of a batch: there is always something to answer it by */
};

/* Writes the flight's next op, which is no scan; it counts as sent. */
void memcached_op_send(struct server *server, struct flight *flight);
/* The answer to what memcached_op_send wrote. False when the connection was dropped for it. */
bool memcached_op_take(struct server *server, const struct due *due,
                       const struct memcached_answer *answer);
/* True when the answer is an error; it was noted in the flight of the due. */
bool memcached_op_failed(const struct due *due, const struct memcached_answer *answer);

#endif
