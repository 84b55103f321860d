/* Which ops one change has already made for a cache: a set that is emptied without touching its
 * memory. Private to rule/. */
#ifndef CDCD_RULE_SEEN_H
#define CDCD_RULE_SEEN_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct seen_op {
    size_t at;    /* where its key begins in the change's keys */
    uint32_t len; /* of the key and what follows it there, which makes it another op */
    uint32_t key_len;
    uint32_t hash;
    uint16_t store;
    uint8_t action;
    uint8_t stage; /* the highest so far */
    bool in_doubt;
};

struct seen {
    struct seen_op *ops;
    unsigned n_ops;
    unsigned ops_cap;
    uint64_t *slots; /* turn << 32 | the op's place; a slot of another turn is empty */
    unsigned n_slots;
    uint32_t turn;
};

void seen_begin(struct seen *seen);
/* True when the op is new, or was in doubt before and is not now, or has a higher stage than
 * before: the key then has to go again, after those of the stages between. keys are those of the
 * cache. */
bool seen_add(struct seen *seen, const char *keys, const struct seen_op *op);
void seen_free(struct seen *seen);

#endif
