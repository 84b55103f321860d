#include "source/lookup_statement.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>

struct statements statements_make(void)
{
    struct statements statements = {0};
    if (getrandom(&statements.token, sizeof statements.token, 0) != sizeof statements.token)
        abort(); /* it always gives so few */
    return statements;
}

uint64_t statements_find(const struct statements *statements, uint64_t number)
{
    for (unsigned i = 0; i < STATEMENTS_MAX; i++)
        if (statements->list[i].generation && statements->list[i].number == number)
            return statements->list[i].generation;
    return 0;
}

uint64_t statements_add(struct statements *statements, uint64_t number, uint64_t *dropped)
{
    struct statement *place = &statements->list[statements->next];
    statements->next = (statements->next + 1) % STATEMENTS_MAX;
    *dropped = place->generation;
    *place = (struct statement){.number = number, .generation = ++statements->n_made};
    return place->generation;
}

bool statements_forget(struct statements *statements, uint64_t generation)
{
    for (unsigned i = 0; generation && i < STATEMENTS_MAX; i++) {
        if (statements->list[i].generation != generation)
            continue;
        statements->list[i] = (struct statement){0};
        return true;
    }
    return false;
}

void statements_clear(struct statements *statements)
{
    memset(statements->list, 0, sizeof statements->list);
    statements->next = 0;
}

struct statement_name statement_name(const struct statements *statements, uint64_t generation)
{
    struct statement_name name;
    snprintf(name.text, sizeof name.text, "cdcd_%016" PRIx64 "_%" PRIu64, statements->token,
             generation);
    return name;
}
