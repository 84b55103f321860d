/* The stores of a cdcd.cfg as rules see them; the rest of the file is not looked at, so that rules
 * can be tested where its databases, secrets and folders are not. */
#ifndef CDCD_VERB_STORELIST_H
#define CDCD_VERB_STORELIST_H

#include "rule/rule.h"

#include <stdbool.h>

struct arena;

struct storelist {
    struct rule_store *list; /* the arena's */
    unsigned n;
};

/* Every action that a store's type will ever do counts. False, and complained about, when the file
 * cannot be read or has no stores. */
bool storelist_read(struct storelist *stores, struct arena *arena, const char *path,
                    struct complaints *complaints);

#endif
