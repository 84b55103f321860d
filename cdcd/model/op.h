/* What a store is told: to delete a key, to bump a version, to delete all keys that match. */
#ifndef CDCD_MODEL_OP_H
#define CDCD_MODEL_OP_H

#include <stdbool.h>
#include <stdint.h>

enum op_action {
    OP_DELETE,
    OP_BUMP,
    OP_STALE,          /* serve the old value for grace_ms while one client makes the new */
    OP_EXPIRE,         /* live for ttl_ms at most */
    OP_SET,            /* to value, for ttl_ms */
    OP_DELETE_MEMBERS, /* the key is a set of keys: those, then the set */
    OP_PUBLISH,        /* value, on the channel `key` */
    OP_SCAN,           /* delete all keys that match the pattern `key` */
};
#define OP_N_ACTIONS 8

/* How the value says itself that it is stale, for OP_STALE. */
enum op_format {
    OP_FORMAT_NONE,      /* it does not: the store does */
    OP_FORMAT_MINTCACHE, /* a pickled pair of a time and a value: the time becomes zero */
};

struct op {
    const char *key;     /* with all prefixes. Lent, key_len bytes, no NUL */
    const char *value;   /* OP_SET, OP_PUBLISH; lent, value_len bytes; NULL with other actions */
    int64_t ttl_ms;      /* OP_EXPIRE, OP_SET, OP_STALE; 0: none was said */
    int64_t grace_ms;    /* OP_STALE */
    int64_t redelete_ms; /* done again so long after it left; 0: once */
    uint32_t key_len;
    uint32_t value_len;
    uint16_t store; /* the store's place in the configuration */
    uint16_t cache; /* the cache's number in its ruleset */
    uint8_t action; /* enum op_action */
    uint8_t stage;  /* ops of stage n leave only after those of n - 1 were answered */
    uint8_t format; /* enum op_format */
    bool in_doubt;  /* the rows did not say enough: may wait to be merged with its like */
};

/* As rules files, explain and tail write it: "delete-members". */
const char *op_action_name(enum op_action action);

/* For a set that must not be done: the key is deleted, and whoever misses it sees what holds. */
void op_become_delete(struct op *op);

#endif
