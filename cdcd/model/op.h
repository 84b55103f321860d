/* What a store is told: to delete a key, to bump a version, to delete all keys that match. */
#ifndef CDCD_MODEL_OP_H
#define CDCD_MODEL_OP_H

#include <stdbool.h>
#include <stdint.h>

enum op_action { OP_DELETE, OP_BUMP, OP_SCAN };
#define OP_N_ACTIONS 3

struct op {
    const char *key; /* with all prefixes; for OP_SCAN the pattern. Lent, key_len bytes, no NUL */
    uint32_t key_len;
    uint16_t store; /* the store's place in the configuration */
    uint16_t cache; /* the cache's number in its ruleset */
    uint8_t action; /* enum op_action */
    uint8_t stage;  /* ops of stage n leave only after those of n - 1 were answered */
    bool in_doubt;  /* the rows did not say enough: may wait to be merged with its like */
};

const char *op_action_name(enum op_action action);

#endif
