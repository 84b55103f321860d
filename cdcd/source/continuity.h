/* Does the stream go on where it was left? A slot that is gone, lost, or stands where nobody who is
 * known left it, has missed changes: that is a gap. Known is what this process has seen. */
#ifndef CDCD_SOURCE_CONTINUITY_H
#define CDCD_SOURCE_CONTINUITY_H

#include "source/catalog.h"

#include <stdbool.h>
#include <stdint.h>

enum slot_found { SLOT_THERE, SLOT_MISSING, SLOT_LOST };

struct continuity {
    bool slot_seen;     /* it existed; if it does not, changes were missed */
    bool remake;        /* it is older than its publication */
    uint64_t confirmed; /* the largest position confirmed by us; 0 when others may have confirmed */
    const char *gap;    /* to be said when the stream begins; NULL when none */
};

/* What is to be done with the slot; notes a gap. */
enum slot_found continuity_judge(struct continuity *continuity, const struct catalog_slot *slot);
/* The slot was made. */
void continuity_made(struct continuity *continuity);
void continuity_confirmed(struct continuity *continuity, uint64_t lsn);
/* Another has the slot, and moves it. */
void continuity_taken(struct continuity *continuity);
/* The gap to be said now, once; NULL when there is none. */
const char *continuity_take_gap(struct continuity *continuity);

#endif
