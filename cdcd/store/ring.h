/* A ring of points, as clients' consistent hashing has it: each server stands at many of them, and
 * a key belongs to the server of a point near its hash. */
#ifndef CDCD_STORE_RING_H
#define CDCD_STORE_RING_H

#include <stdint.h>

struct ring_point {
    uint32_t value;
    uint32_t server;
};

struct ring {
    struct ring_point *points; /* owned */
    unsigned n;
    unsigned cap;
};

/* Who has a point that two servers claim. */
enum ring_tie { RING_FIRST_SERVER, RING_LAST_SERVER };

void ring_add(struct ring *ring, uint32_t value, unsigned server);
/* After all were added, before any is looked for. */
void ring_sort(struct ring *ring, enum ring_tie tie);
/* The server of the first point at or after the hash; past the last, of the first. */
unsigned ring_after(const struct ring *ring, uint32_t hash);
/* The server of the last point at or before the hash; before the first, of the last. */
unsigned ring_before(const struct ring *ring, uint32_t hash);
void ring_free(struct ring *ring);

#endif
