#include "doubt.h"

#include "base/mem.h"

#include <string.h>

#define N_FILLINGS 6

struct doubt {
    struct trial *trial;
    struct value *const *rows;
    unsigned n_rows, n;
    uint64_t seed;
    struct value *old_row, *new_row;   /* with what is hidden; of n values */
    struct value *old_full, *new_full; /* filled in */
};

struct result trial_run(struct trial *trial, const struct change *change)
{
    struct result result = {.outcome = PROGRAM_ERROR};
    if (trial->condition) {
        result.outcome = program_test(trial->program, change, trial->image, &trial->scratch);
        bool truth = result.outcome == PROGRAM_TRUE;
        result.value = (struct value){truth ? "t" : "f", 1, VALUE_TEXT};
    } else {
        result.outcome =
            program_value(trial->program, change, trial->image, &trial->scratch, &result.value);
    }
    result.error = trial->scratch.error;
    return result;
}

/* xorshift: the same numbers everywhere. */
static unsigned below(struct doubt *doubt, unsigned n)
{
    doubt->seed ^= doubt->seed << 13;
    doubt->seed ^= doubt->seed >> 7;
    doubt->seed ^= doubt->seed << 17;
    return (unsigned)(doubt->seed % n);
}

static struct value *copy(struct doubt *doubt, const struct value *row)
{
    struct value *made = arena_alloc(doubt->trial->scratch.arena, doubt->n * sizeof *made);
    if (row)
        memcpy(made, row, doubt->n * sizeof *made);
    return made;
}

/* A large value that an UPDATE does not touch is no NULL, and the same in both images. */
static void hide(struct doubt *doubt)
{
    const struct change *change = &doubt->trial->change;
    const struct value absent = {.kind = VALUE_ABSENT};
    for (unsigned i = 0; i < doubt->n; i++) {
        bool untouched = change->op == CHANGE_UPDATE && doubt->old_row[i].kind == VALUE_TEXT &&
                         below(doubt, 5) == 0;
        if (untouched)
            doubt->new_row[i] = (struct value){.kind = VALUE_UNCHANGED};
        else if (below(doubt, 4) == 0)
            doubt->new_row[i] = absent;
        if (below(doubt, 2))
            doubt->old_row[i] = absent;
    }
}

static struct value other(struct doubt *doubt, unsigned column, bool null)
{
    const struct value *value = NULL;
    for (int tries = 0; tries < 100; tries++) {
        value = &doubt->rows[below(doubt, doubt->n_rows)][column];
        if (null || value->kind == VALUE_TEXT)
            return *value;
    }
    return (struct value){"", 0, VALUE_TEXT};
}

static void fill(struct doubt *doubt, bool no_old_row)
{
    const struct column *columns = doubt->trial->change.relation->columns;
    for (unsigned i = 0; i < doubt->n; i++) {
        bool untouched = doubt->new_row[i].kind == VALUE_UNCHANGED;
        doubt->old_full[i] = doubt->old_row[i];
        doubt->new_full[i] = doubt->new_row[i];
        if (doubt->old_row[i].kind == VALUE_ABSENT)
            doubt->old_full[i] = other(doubt, i, !untouched);
        if (untouched)
            doubt->new_full[i] = doubt->old_full[i];
        else if (doubt->new_row[i].kind == VALUE_ABSENT)
            doubt->new_full[i] = other(doubt, i, true);
        if (no_old_row && columns[i].in_identity)
            doubt->old_full[i] = doubt->new_full[i];
    }
}

static bool same(const struct result *left, const struct result *right)
{
    if (left->outcome != right->outcome)
        return false;
    if (left->outcome == PROGRAM_NULL)
        return true;
    return left->value.len == right->value.len &&
           memcmp(left->value.text, right->value.text, left->value.len) == 0;
}

static const char *try_fillings(struct doubt *doubt, const struct result *known, bool no_old_row)
{
    struct change change = doubt->trial->change;
    const char *said = "same";
    change.old_row = change.old_row ? doubt->old_full : NULL;
    change.new_row = change.new_row ? doubt->new_full : NULL;
    for (int i = 0; i < N_FILLINGS; i++) {
        fill(doubt, no_old_row);
        struct result result = trial_run(doubt->trial, &change);
        if (result.outcome == PROGRAM_DOUBT)
            return "doubt though all is known";
        if (result.outcome == PROGRAM_ERROR)
            said = "error";
        else if (!same(known, &result))
            return "another answer when all is known";
    }
    return said;
}

const char *doubt_try(struct trial *trial, struct value *const *rows, unsigned n_rows,
                      uint64_t seed)
{
    struct doubt doubt = {
        .trial = trial,
        .rows = rows,
        .n_rows = n_rows,
        .n = trial->change.relation->n_columns,
        .seed = seed,
    };
    doubt.old_row = copy(&doubt, trial->change.old_row);
    doubt.new_row = copy(&doubt, trial->change.new_row);
    doubt.old_full = copy(&doubt, NULL);
    doubt.new_full = copy(&doubt, NULL);
    hide(&doubt);
    struct change change = trial->change;
    bool no_old_row = change.op == CHANGE_UPDATE && below(&doubt, 4) == 0;
    if (no_old_row)
        for (unsigned i = 0; i < doubt.n; i++)
            doubt.old_row[i] = (struct value){.kind = VALUE_ABSENT};
    change.old_row = change.old_row && !no_old_row ? doubt.old_row : NULL;
    change.new_row = change.new_row ? doubt.new_row : NULL;
    struct result known = trial_run(trial, &change);
    /* An error counts as true, as doubt does. */
    if (known.outcome == PROGRAM_DOUBT || known.outcome == PROGRAM_ERROR)
        return "doubt";
    return try_fillings(&doubt, &known, no_old_row);
}
