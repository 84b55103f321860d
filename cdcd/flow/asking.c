#include "flow/asking.h"

#include "flow/questions.h"
#include "flow/staging.h"
#include "model/stats.h"

#include <assert.h>
#include <string.h>
#include <utlist.h>

/* A lookup that fails after so long is not asked again for as long as its cache, cleared in doubt,
 * would not be cleared again: else a large unit waits for each of its rows. */
#define SLOW_MS 1000
/* How many questions are out at once: halved by each slow answer, one more for each quick one. */
#define MOST_OUT_AT_FIRST 8
#define QUICK_MS 250

void asking_add(struct asking *asking, struct part *part)
{
    DL_APPEND2(asking->parts, part, held_prev, held_next);
    asking->bytes += part_bytes(part);
    if (!asking->next)
        asking->next = part;
}

static const char *expected_failure(const struct asking *asking, const struct lookup *lookup,
                                    int64_t now_ms)
{
    unsigned i = lookup->number % ASKING_FAILURES;
    if (!asking->lookups)
        return "there is no connection for lookups";
    if (asking->failures[i].lookup == lookup->number && now_ms < asking->failures[i].until_ms)
        return "it failed a moment ago";
    return NULL;
}

static unsigned free_slot(const struct asking *asking)
{
    unsigned slot = 0;
    while (asking->out[slot].number)
        slot++;
    return slot;
}

bool asking_next(struct asking *asking, uint64_t clock, int64_t now_ms, struct asked *asked,
                 const char **failed)
{
    struct part *part = asking->next;
    if (asking->most_out == 0)
        asking->most_out = MOST_OUT_AT_FIRST;
    if (!part || asking->n_out >= asking->most_out)
        return false;
    *asked = (struct asked){.part = part, .at = clock, .asked_ms = now_ms};
    asked->place = part->questions->n_asked++;
    if (part->questions->n_asked == part->questions->n)
        asking->next = part->held_next;
    struct question question = questions_get(part->questions, asked->place);
    *failed = expected_failure(asking, question.lookup, now_ms);
    if (*failed)
        return true;
    unsigned slot = free_slot(asking);
    asked->number = ++asking->last_number * ASKING_MOST + slot;
    asking->out[slot] = *asked;
    asking->n_out++;
    stats()->lookups++;
    asking->lookups->ops->ask(asking->lookups, question.lookup, question.params, asked->number);
    return true;
}

struct asked asking_answered(struct asking *asking, uint64_t number)
{
    struct asked *out = &asking->out[number % ASKING_MOST];
    assert(out->number == number);
    struct asked asked = *out;
    out->number = 0;
    asking->n_out--;
    return asked;
}

void asking_note(struct asking *asking, const struct lookup *lookup, const struct asked *asked,
                 const struct answer *answer, int64_t now_ms)
{
    int64_t took_ms = now_ms - asked->asked_ms;
    stats()->lookups_too_many += answer->too_many;
    stats()->lookups_failed += answer->failed != NULL;
    if (took_ms >= SLOW_MS)
        asking->most_out = asking->most_out > 1 ? asking->most_out / 2 : 1;
    else if (took_ms < QUICK_MS && asking->most_out < ASKING_MOST && asked->number)
        asking->most_out++;
    if (answer->failed && took_ms >= SLOW_MS) {
        unsigned i = lookup->number % ASKING_FAILURES;
        asking->failures[i].lookup = lookup->number;
        asking->failures[i].until_ms = now_ms + DOUBT_INTERVAL_MS;
    }
}

void asking_remove(struct asking *asking, struct part *part)
{
    DL_DELETE2(asking->parts, part, held_prev, held_next);
    asking->bytes -= part_bytes(part);
}

void asking_reset(struct asking *asking)
{
    if (asking->lookups)
        asking->lookups->ops->forget(asking->lookups);
    memset(asking->out, 0, sizeof asking->out);
    asking->n_out = 0;
    asking->parts = asking->next = NULL;
    asking->bytes = 0;
}
