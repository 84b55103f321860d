/* Ops of format "mintcache" of a memcached: the time within the value becomes zero, in place.
 *
 *     mg s -> mg v c f t -> ms C    read again when the value was written meanwhile
 *        '----------'--------'--> md   what cannot be changed is deleted instead
 *
 * Values are read whole, so only a few are under way at a time, and the others wait. */
#ifndef CDCD_STORE_MEMCACHED_MINT_H
#define CDCD_STORE_MEMCACHED_MINT_H

#include "store/memcached_due.h"

/* A larger one is deleted. */
#define MINT_VALUE_MAX (8u << 20)

struct mint;

/* Zeroed, but for the server. */
struct mints {
    struct server *server; /* borrowed */
    struct mint *waiting;
    unsigned n_running;
};

/* The flight's next op, whose key is one that a memcached takes, is one of these. */
void mints_add(struct mints *mints, struct flight *flight);
/* The answer to a due of one of the DUE_MINT. False when the connection was dropped for it. */
bool mints_take(struct mints *mints, const struct due *due, const struct memcached_answer *answer);
/* For a lost connection, and the end. */
void mints_forget(struct mints *mints);

#endif
