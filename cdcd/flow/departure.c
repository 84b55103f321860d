#include "flow/departure.h"

#include "base/mem.h"
#include "model/stats.h"

#include <stdlib.h>
#include <utlist.h>

void departure_set_caches(struct departure *out, unsigned n_caches)
{
    free(out->doubt_ms);
    out->n_caches = n_caches;
    out->doubt_ms = mem_alloc(n_caches * sizeof *out->doubt_ms);
}

void departure_free(struct departure *out)
{
    gate_reset(&out->gate);
    ack_reset(&out->ack);
    fleet_free(&out->fleet);
    free(out->doubt_ms);
}

static void put_stage(struct departure *out, struct part *part, int64_t now_ms)
{
    struct op op;
    for (size_t at = 0; part_next(part, &at, &op);) {
        if (op.stage != part->stage || !part_chooses(part, &op))
            continue;
        fleet_put(&out->fleet, &op, part);
        stats()->redeletes += part->again_ms != 0;
        if (op.in_doubt && op.cache < out->n_caches)
            out->doubt_ms[op.cache] = now_ms;
    }
    part->stage++;
}

/* Puts the ops of the part's next stage into lanes; those of the stage after it, and those that
 * are to be done again, follow when these were answered. */
static void release(struct departure *out, struct part *part, int64_t now_ms)
{
    put_stage(out, part, now_ms);
    if (part->stage > part->last_stage && part->last_again_ms <= part->again_ms) {
        ack_released(&out->ack, part);
        return;
    }
    DL_APPEND2(out->climbing, part, held_prev, held_next);
    out->climbing_bytes += part_bytes(part);
}

static void climb(struct departure *out, int64_t now_ms)
{
    struct part *part, *after;
    DL_FOREACH_SAFE2(out->climbing, part, after, held_next)
    {
        if (!part_answered(part, out->fleet.done))
            continue;
        DL_DELETE2(out->climbing, part, held_prev, held_next);
        out->climbing_bytes -= part_bytes(part);
        if (part->stage > part->last_stage && part_again(part, now_ms))
            gate_hold(&out->gate, part);
        else
            release(out, part, now_ms);
    }
}

void departure_release(struct departure *out, int64_t now_ms)
{
    for (struct part *part; (part = gate_next(&out->gate, now_ms));)
        release(out, part, now_ms);
}

/* The part is complete. */
static void take_part(struct departure *out, struct part *part, int64_t now_ms)
{
    ack_add(&out->ack, part);
    if (gate_is_open(&out->gate, part))
        release(out, part, now_ms);
    else
        gate_hold(&out->gate, part);
}

bool departure_take(struct departure *out, struct staging *staging, unsigned n_ops, int64_t now_ms)
{
    struct part *part;
    bool taken = false;
    for (; (part = staging_take(staging, n_ops)); taken = true)
        take_part(out, part, now_ms);
    return taken;
}

uint64_t departure_advance(struct departure *out, int64_t now_ms)
{
    fleet_count_done(&out->fleet);
    climb(out, now_ms);
    return ack_advance(&out->ack, out->fleet.done);
}

void departure_reset(struct departure *out)
{
    gate_reset(&out->gate);
    out->climbing = NULL;
    out->climbing_bytes = 0;
    fleet_void(&out->fleet);
    ack_reset(&out->ack);
}
