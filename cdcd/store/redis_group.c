#include "store/redis_group.h"

#include "base/mem.h"
#include "store/redis_command.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

#define KEYS_PER_COMMAND 100

/* A cache of a run, within a slot, and where its ops go. */
struct group {
    uint32_t id;
    unsigned n;
    unsigned next;
    UT_hash_handle hh; /* in the order of first appearance */
};

unsigned redis_run_length(const struct flight *flight)
{
    unsigned place = flight->n_sent;
    for (; place < flight->batch->n; place++) {
        const struct batch_op *op = flight_op(flight, place);
        if (op->action != OP_DELETE || !redis_takes_key(op))
            break;
    }
    return place - flight->n_sent;
}

static uint32_t id_of(const struct batch_op *op)
{
    return (uint32_t)op->cache << 16 | op->slot;
}

static struct group *find_group(struct group **groups, uint32_t id)
{
    struct group *group;
    HASH_FIND(hh, *groups, &id, sizeof id, group);
    if (!group) {
        group = mem_alloc(sizeof *group);
        group->id = id;
        HASH_ADD(hh, *groups, id, sizeof group->id, group);
    }
    return group;
}

static bool is_grouped(const struct flight *flight, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        if (id_of(flight_op(flight, flight->n_sent + i)) != id_of(flight_next(flight)))
            return false;
    return true;
}

void redis_group_run(struct flight *flight, unsigned n)
{
    struct group *groups = NULL, *group, *next;
    unsigned *run = flight->order + flight->n_sent;
    unsigned start = 0;
    if (is_grouped(flight, n))
        return;
    unsigned *old = memcpy(mem_alloc(n * sizeof *old), run, n * sizeof *old);
    for (unsigned i = 0; i < n; i++)
        find_group(&groups, id_of(&flight->batch->ops[old[i]]))->n++;
    HASH_ITER (hh, groups, group, next) {
        group->next = start;
        start += group->n;
    }
    for (unsigned i = 0; i < n; i++)
        run[find_group(&groups, id_of(&flight->batch->ops[old[i]]))->next++] = old[i];
    HASH_ITER (hh, groups, group, next) {
        HASH_DEL(groups, group);
        free(group);
    }
    free(old);
}

unsigned redis_command_length(const struct flight *flight, unsigned n)
{
    unsigned len = 1;
    uint32_t id = id_of(flight_next(flight));
    if (flight->batch->singly)
        return 1;
    while (len < n && len < KEYS_PER_COMMAND &&
           id_of(flight_op(flight, flight->n_sent + len)) == id)
        len++;
    return len;
}
