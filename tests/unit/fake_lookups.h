/* Lookups for tests: keeps the questions that it was asked until the test answers them. */
#ifndef TESTS_UNIT_FAKE_LOOKUPS_H
#define TESTS_UNIT_FAKE_LOOKUPS_H

#include "source/source.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include <cmocka.h>

#define FAKE_QUESTIONS 1024

struct fake_lookups {
    struct lookups lookups;
    uint64_t out[FAKE_QUESTIONS]; /* oldest first */
    unsigned n_out;
    unsigned n_asked;
    unsigned n_forgets;
    char said[1024]; /* the parameters of the questions, each ended by "|"; what does not fit is
                        left out */
};

static inline void lookups_ask(struct lookups *lookups, const struct lookup *lookup,
                               const struct value *params, uint64_t question)
{
    struct fake_lookups *fake = (struct fake_lookups *)lookups;
    size_t n = strlen(fake->said);
    assert_int_equal(lookup->n_params, 1);
    assert_true(fake->n_out < FAKE_QUESTIONS);
    fake->out[fake->n_out++] = question;
    fake->n_asked++;
    snprintf(fake->said + n, sizeof fake->said - n, "%.*s|", (int)params[0].len, params[0].text);
}

static inline void lookups_forget(struct lookups *lookups)
{
    ((struct fake_lookups *)lookups)->n_out = 0;
    ((struct fake_lookups *)lookups)->n_forgets++;
}

static const struct lookups_ops fake_lookups_ops = {.ask = lookups_ask, .forget = lookups_forget};

/* Takes a question that is out; it is the test's to answer. */
static inline uint64_t lookups_take(struct fake_lookups *fake, unsigned place)
{
    assert_true(place < fake->n_out);
    uint64_t question = fake->out[place];
    fake->n_out--;
    memmove(fake->out + place, fake->out + place + 1, (fake->n_out - place) * sizeof fake->out[0]);
    return question;
}

#endif
