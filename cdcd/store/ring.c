#include "store/ring.h"

#include "base/mem.h"

#include <assert.h>
#include <stdbool.h>
#include <stdlib.h>

void ring_add(struct ring *ring, uint32_t value, unsigned server)
{
    if (ring->n == ring->cap) {
        ring->cap = ring->cap ? ring->cap * 2 : 512;
        ring->points = mem_resize(ring->points, ring->cap * sizeof *ring->points);
    }
    ring->points[ring->n++] = (struct ring_point){value, server};
}

static int compare(const void *left, const void *right)
{
    const struct ring_point *a = left, *b = right;
    if (a->value != b->value)
        return a->value < b->value ? -1 : 1;
    return (a->server > b->server) - (a->server < b->server);
}

void ring_sort(struct ring *ring, enum ring_tie tie)
{
    unsigned n = 0;
    assert(ring->n > 0);
    qsort(ring->points, ring->n, sizeof *ring->points, compare);
    for (unsigned i = 0; i < ring->n; i++) {
        bool claimed = n > 0 && ring->points[n - 1].value == ring->points[i].value;
        if (!claimed)
            ring->points[n++] = ring->points[i];
        else if (tie == RING_LAST_SERVER)
            ring->points[n - 1] = ring->points[i];
    }
    ring->n = n;
}

/* How many points are before the hash. */
static unsigned count_before(const struct ring *ring, uint32_t hash)
{
    unsigned low = 0, high = ring->n;
    while (low < high) {
        unsigned middle = low + (high - low) / 2;
        if (ring->points[middle].value < hash)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

unsigned ring_after(const struct ring *ring, uint32_t hash)
{
    unsigned at = count_before(ring, hash);
    return ring->points[at < ring->n ? at : 0].server;
}

unsigned ring_before(const struct ring *ring, uint32_t hash)
{
    unsigned at = count_before(ring, hash);
    if (at < ring->n && ring->points[at].value == hash)
        return ring->points[at].server;
    return ring->points[at > 0 ? at - 1 : ring->n - 1].server;
}

void ring_free(struct ring *ring)
{
    free(ring->points);
    *ring = (struct ring){0};
}
