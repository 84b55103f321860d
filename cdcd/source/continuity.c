#include "source/continuity.h"

#include <stddef.h>

enum slot_found continuity_judge(struct continuity *continuity, const struct catalog_slot *slot)
{
    bool seen = continuity->slot_seen;
    continuity->slot_seen |= slot->exists;
    if (!slot->exists) {
        if (seen)
            continuity->gap = "the replication slot is gone, and made anew";
        return SLOT_MISSING;
    }
    if (slot->lost) {
        continuity->gap = "the replication slot was lost, and is made anew";
        return SLOT_LOST;
    }
    if (continuity->remake) {
        continuity->gap = "the replication slot is older than the publication, and is made anew";
        return SLOT_LOST;
    }
    /* Behind is as it should be: PostgreSQL goes back when it crashes. */
    if (continuity->confirmed && slot->confirmed_lsn > continuity->confirmed)
        continuity->gap = "the replication slot was moved, or made anew, by somebody else";
    return SLOT_THERE;
}

void continuity_made(struct continuity *continuity)
{
    continuity->slot_seen = true;
    continuity->remake = false;
    continuity->confirmed = 0;
}

void continuity_confirmed(struct continuity *continuity, uint64_t lsn)
{
    if (lsn > continuity->confirmed)
        continuity->confirmed = lsn;
}

void continuity_taken(struct continuity *continuity)
{
    continuity->confirmed = 0;
}

const char *continuity_take_gap(struct continuity *continuity)
{
    const char *gap = continuity->gap;
    continuity->gap = NULL;
    if (gap)
        continuity->confirmed = 0;
    return gap;
}
