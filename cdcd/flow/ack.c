#include "flow/ack.h"

#include <utlist.h>

static size_t frame_bytes(const struct part *part)
{
    return sizeof *part + part->n_waits * sizeof part->waits[0];
}

static void count_in(struct ack *ack, const struct part *part)
{
    ack->bytes += frame_bytes(part);
    ack->n_tokens += part->token != 0;
    ack->n_owed += part->owed;
}

void ack_add(struct ack *ack, struct part *part)
{
    DL_APPEND(ack->queue, part);
    count_in(ack, part);
}

void ack_add_before(struct ack *ack, struct part *next, struct part *part)
{
    DL_PREPEND_ELEM(ack->queue, next, part);
    count_in(ack, part);
}

static void take_out(struct ack *ack, struct part *part)
{
    DL_DELETE(ack->queue, part);
    ack->bytes -= frame_bytes(part);
    ack->n_tokens -= part->token != 0;
    ack->n_owed -= part->owed;
    part_free(part);
}

static void set_token(struct ack *ack, struct part *part, uint64_t token)
{
    ack->n_tokens += part->token == 0;
    part->token = token;
}

bool ack_reached(struct ack *ack, uint64_t token)
{
    if (!ack->queue)
        return true;
    set_token(ack, ack->queue->prev, token);
    return false;
}

static bool waits_for_no_more(const struct part *part, const struct part *other)
{
    for (unsigned lane = 0; lane < part->n_waits; lane++)
        if (part->waits[lane] > other->waits[lane])
            return false;
    return true;
}

static void wait_for_both(struct part *part, const struct part *other)
{
    for (unsigned lane = 0; lane < part->n_waits; lane++)
        if (part->waits[lane] < other->waits[lane])
            part->waits[lane] = other->waits[lane];
}

void ack_released(struct ack *ack, struct part *part)
{
    part->released = true;
    part_empty(part);
    if (part == ack->queue)
        return;
    struct part *before = part->prev;
    if (!before->released || part->owed != before->owed)
        return;
    /* Without a token of its own, the one before is not done before this one either. */
    if (before->token && !waits_for_no_more(part, before))
        return;
    wait_for_both(before, part);
    if (part->token)
        set_token(ack, before, part->token);
    take_out(ack, part);
}

uint64_t ack_advance(struct ack *ack, const uint64_t *done)
{
    uint64_t token = 0;
    for (struct part *part; (part = ack->queue);) {
        if (!part->released || !part_answered(part, done))
            break;
        if (part->token)
            token = part->token;
        take_out(ack, part);
    }
    return token;
}

void ack_reset(struct ack *ack)
{
    while (ack->queue)
        take_out(ack, ack->queue);
}
