/* What the catalog tells of the types that a database has made itself: which of them are equal by
 * their texts, and what domains are made of. The stream gives no more than their oids. */
#ifndef CDCD_SOURCE_TYPES_H
#define CDCD_SOURCE_TYPES_H

#include "model/change.h"

#include <stdbool.h>
#include <stdint.h>

/* Types with lower oids are the same in every database. */
#define TYPES_FIRST_OWN_OID 10000

struct types;

struct types_entry {
    uint32_t oid;
    uint32_t base;              /* of a domain, what it is made of at last; else the oid */
    int32_t typmod;             /* of a domain, as numeric(10,2); -1: none */
    const struct own_type *own; /* what base is; NULL: a type of PostgreSQL's */
};

/* The caller owns it. */
struct types *types_make(void);
/* Copies the entry, in place of what was known of that oid. What was given of it by types_resolve
 * stays valid until types_forget. */
void types_add(struct types *types, const struct types_entry *entry);
/* Takes over what another knows, without labels, which a database may add at any time. True when
 * that is news. */
bool types_learn(struct types *types, const struct types *from);
/* Replaces a column's own type, and a domain by what it is made of. Unchanged when nothing is
 * known of it. */
void types_resolve(const struct types *types, struct column *column);
/* Nothing is known any more. */
void types_forget(struct types *types);
/* NULL is allowed. */
void types_free(struct types *types);

#endif
