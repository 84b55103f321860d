/* Which lookups a connection has prepared. No name is used twice, by this process or another:
 * behind a pooler a connection may know statements that are not ours. */
#ifndef CDCD_SOURCE_LOOKUP_STATEMENT_H
#define CDCD_SOURCE_LOOKUP_STATEMENT_H

#include <stdbool.h>
#include <stdint.h>

/* A statement costs PostgreSQL some 10 kB. */
#define STATEMENTS_MAX 256

struct statement {
    uint64_t number;     /* of the lookup */
    uint64_t generation; /* of the statement; 0: none */
};

struct statements {
    struct statement list[STATEMENTS_MAX]; /* a ring: the oldest is at next once it is full */
    unsigned next;
    uint64_t n_made;
    uint64_t token; /* in all names */
};

struct statement_name {
    char text[48];
};

struct statements statements_make(void);
/* Its generation, or 0 when it is not prepared. */
uint64_t statements_find(const struct statements *statements, uint64_t number);
/* The generation of the new statement. *dropped is that of the one that must go for it, or 0. */
uint64_t statements_add(struct statements *statements, uint64_t number, uint64_t *dropped);
/* Forgets the statement of that generation; false when it was not known. */
bool statements_forget(struct statements *statements, uint64_t generation);
/* The connection is gone, and all that was prepared with it. */
void statements_clear(struct statements *statements);
struct statement_name statement_name(const struct statements *statements, uint64_t generation);

#endif
