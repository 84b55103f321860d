/* Every counter of the program, in one table. Process-wide; one thread writes them.
 *
 * A row: its name, and the manual's sentence. */
#ifndef CDCD_MODEL_STATS_H
#define CDCD_MODEL_STATS_H

#include <stdint.h>

#define STATS_TABLE(X)                                                                         \
    X(transactions, "transactions whose end was read from the source")                         \
    X(changes, "row changes and truncations read from the source")                             \
    X(ops, "ops that rules made of changes, before equal ones were merged")                    \
    X(sent, "ops given to a store, repetitions counted")                                       \
    X(hits, "ops whose key was there")                                                         \
    X(misses, "ops whose key was not there")                                                   \
    X(refused, "ops that can never be done: the key cannot exist in that store")               \
    X(errors, "ops that a store answered with an error; they are sent again")                  \
    X(redeletes, "ops that were done again, as their rules say, some time after the first")    \
    X(again, "ops that were done, and sent again because the store may have lost them")        \
    X(doubts, "times that a whole cache was cleared because a row did not say enough")         \
    X(unhandled, "times that a whole cache should have been cleared, but its rule has no all") \
    X(rule_errors,                                                                             \
      "expressions and lookups of rules that failed; what they could name is cleared")         \
    X(lookups, "questions that PostgreSQL was asked for rules")                                \
    X(lookups_failed, "questions that were not answered; all of the cache was cleared")        \
    X(lookups_too_many, "answers of too many rows; all of the cache was cleared")              \
    X(gaps, "times that changes may have been missed")                                         \
    X(reconnects, "times that the source's connection was lost")

struct stats {
#define STATS_MEMBER(name, help) uint64_t name;
    STATS_TABLE(STATS_MEMBER)
#undef STATS_MEMBER
};

/* The process's own; never NULL. */
struct stats *stats(void);

#endif
