/* Questions that a change asked, kept until they are answered. */
#ifndef CDCD_VERB_ASKED_H
#define CDCD_VERB_ASKED_H

#include "rule/rule.h"

struct arena;

struct asked {
    const struct lookup *lookup;
    const struct value *params;
    const char *context;
    uint32_t context_len;
    struct origin origin;
    struct asked *next;
};

struct asked_list {
    struct asked *first, *last;
};

/* Copies the question into the arena, and adds it. */
void asked_add(struct asked_list *list, struct arena *arena, const struct question *question,
               const struct origin *origin);

#endif
