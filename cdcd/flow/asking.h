/* Asking: questions of parts whose units are visible, on their way to PostgreSQL and back.
 *
 * Parts are asked in commit order, and only so many questions are out at once: fewer when answers
 * take long, because the time of a question runs while it waits behind others. Answers come in any
 * order. */
#ifndef CDCD_FLOW_ASKING_H
#define CDCD_FLOW_ASKING_H

#include "flow/part.h"
#include "rule/rule.h"
#include "source/source.h"

/* Enough to keep a connection busy over any distance; what they are answered with has to be held
 * whatever the stores do. */
#define ASKING_MOST 64
#define ASKING_FAILURES 16

/* A question that is out. */
struct asked {
    uint64_t number; /* 0: none */
    struct part *part;
    unsigned place; /* among the part's questions */
    uint64_t at;    /* the departure's clock when it was asked */
    int64_t asked_ms;
};

struct asking {
    struct lookups *lookups; /* borrowed; NULL: every lookup fails */
    struct part *parts;      /* with questions that are not answered; borrowed, oldest first */
    struct part *next;       /* the first of them with questions that were not asked */
    size_t bytes;
    struct asked out[ASKING_MOST];
    unsigned n_out;
    unsigned most_out; /* at least 1, at most ASKING_MOST */
    uint64_t last_number;
    struct {
        uint64_t lookup; /* its number */
        int64_t until_ms;
    } failures[ASKING_FAILURES]; /* by the lookup's number */
};

/* Takes charge of a part that has questions, until its last is answered. */
void asking_add(struct asking *asking, struct part *part);
/* Asks the next question; its place in *asked. False when there is none, or too many are out. With
 * *failed it was not asked: it would fail for that reason. */
bool asking_next(struct asking *asking, uint64_t clock, int64_t now_ms, struct asked *asked,
                 const char **failed);
/* What an answer answers. */
struct asked asking_answered(struct asking *asking, uint64_t number);
/* Counts an answer. What a failure clears, and why, the rules say. */
void asking_note(struct asking *asking, const struct lookup *lookup, const struct asked *asked,
                 const struct answer *answer, int64_t now_ms);
/* All questions of the part were answered. */
void asking_remove(struct asking *asking, struct part *part);
/* Forgets all parts, and what is out. */
void asking_reset(struct asking *asking);

#endif
