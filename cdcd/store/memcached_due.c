#include "store/memcached_due.h"

#include <stdio.h>
#include <string.h>

#define WORDS_MAX 120

void memcached_expect(struct server *server, enum memcached_due kind, struct flight *flight,
                      unsigned place, uint64_t number)
{
    server_expect(
        server,
        (struct due){.kind = (int)kind, .flight = flight, .from = place, .n = 1, .number = number});
}

/* A counter that finds no memory waits by itself: deletes need none. */
static enum batch_status judge(const struct due *due, const struct memcached_answer *answer)
{
    return answer->kind == MEMCACHED_BUSY && due->kind != DUE_BUMP ? BATCH_BUSY : BATCH_REFUSED;
}

bool memcached_due_failed(const struct due *due, const struct memcached_answer *answer)
{
    static const char not_a_number[] = "CLIENT_ERROR cannot increment";
    char words[WORDS_MAX], reason[200];
    if (answer->kind != MEMCACHED_ERROR && answer->kind != MEMCACHED_BUSY)
        return false;
    server_quote(answer->text, answer->len, words, sizeof words);
    bool no_number = strncmp(words, not_a_number, sizeof not_a_number - 1) == 0;
    snprintf(reason, sizeof reason, "%s%s", words,
             no_number ? ": a key to bump holds no number: delete it" : "");
    flight_fail(due->flight, judge(due, answer), reason);
    return true;
}

bool memcached_take_deleted(struct server *server, struct batch_op *op,
                            const struct memcached_answer *answer)
{
    if (answer->kind != MEMCACHED_HD && answer->kind != MEMCACHED_NF)
        return server_drop(server, "md was not answered with HD or NF");
    op->result = answer->kind == MEMCACHED_HD ? RESULT_HIT : RESULT_MISS;
    return true;
}
