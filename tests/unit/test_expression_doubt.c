/* The fourth truth value, as a property: what an expression says of a row of which not all was
 * sent, it says of every row that this one may be. Programs are made at random, of a few columns
 * and few values, so that all those rows can be tried. */
#include "base/buf.h"
#include "base/mem.h"
#include "expression/expression.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include <stdlib.h>
#include <string.h>

#define N_PROGRAMS 20000
#define N_COLUMNS 3
#define N_CELLS (2 * N_COLUMNS) /* the old row's, then the new row's */
#define N_VALUES 3
#define COUNT(list) (sizeof(list) / sizeof *(list))

static const struct column columns[N_COLUMNS] = {
    {"p", 16, -1, false, NULL}, {"a", 23, -1, false, NULL}, {"t", 25, -1, false, NULL}};
static const struct relation relation = {.oid = 1,
                                         .version = 1,
                                         .schema = "public",
                                         .name = "post",
                                         .n_columns = N_COLUMNS,
                                         .columns = columns};
/* What a column may hold; NULL, and two others. */
static const char *const values[N_COLUMNS][N_VALUES] = {
    {NULL, "t", "f"}, {NULL, "0", "1"}, {NULL, "x", "1"}};

struct maker {
    uint64_t seed;
    struct buf text;
};

/* xorshift: the same numbers everywhere. */
static unsigned below(struct maker *maker, size_t n)
{
    maker->seed ^= maker->seed << 13;
    maker->seed ^= maker->seed >> 7;
    maker->seed ^= maker->seed << 17;
    return (unsigned)(maker->seed % n);
}

/* In a form %b, %i and %t stand for any expression of that type. */
static const char *const leaves[][6] = {
    {"p", "old.p", "new.p", "changed(a)", "NULL", "changed(t)"},
    {"a", "old.a", "new.a", "0", "1", "NULL"},
    {"t", "old.t", "new.t", "'x'", "'1'", "NULL"},
};
static const char *const conditions[] = {
    "%b AND %b",
    "%b OR %b",
    "NOT %b",
    "%b = %b",
    "%i = %i",
    "%i < %i",
    "%t = %t",
    "%t <> 'x'",
    "%t LIKE %t",
    "%b IS NULL",
    "%i IS NOT NULL",
    "%t IS NULL",
    "%b IS TRUE",
    "%b IS NOT FALSE",
    "%b IS UNKNOWN",
    "%b IS DISTINCT FROM %b",
    "%i IS NOT DISTINCT FROM %i",
    "%t IS DISTINCT FROM %t",
    "%i IN (0, 1)",
    "%i IN (1, NULL)",
    "%i IN (%i, %i)",
    "%i NOT IN (%i, 1, 0)",
    "%i BETWEEN %i AND %i",
    "coalesce(%b, %b)",
    "nullif(%b, %b)",
    "greatest(%b, %b)",
    "least(%b, %b, %b)",
    "CASE WHEN %b THEN %b WHEN %b THEN %b ELSE %b END",
    "CASE WHEN %b THEN %b END",
    "CASE %i WHEN %i THEN %b ELSE %b END",
    "starts_with(%t, %t)",
    "10 / %i = 10",
    "(%t)::integer = %i",
};
static const char *const integers[] = {
    "%i + %i",       "coalesce(%i, %i)", "nullif(%i, %i)",
    "least(%i, %i)", "length(%t)",       "CASE WHEN %b THEN %i ELSE %i END",
};
static const char *const texts[] = {
    "%t || %t",   "concat(%t, %i, %b)", "concat_ws(%t, %t, %i)", "coalesce(%t, %t)",
    "(%i)::text", "(%b)::text",         "nullif(%t, %t)",        "CASE WHEN %b THEN %t ELSE %t END",
};

static void make(struct maker *maker, int type, int depth)
{
    static const struct {
        const char *const *forms;
        size_t n;
    } of[] = {{conditions, COUNT(conditions)}, {integers, COUNT(integers)}, {texts, COUNT(texts)}};
    const char *form = leaves[type][below(maker, COUNT(leaves[type]))];
    if (depth > 0 && below(maker, 5))
        form = of[type].forms[below(maker, of[type].n)];
    buf_put_str(&maker->text, "(");
    for (; *form; form++) {
        if (*form != '%') {
            buf_put(&maker->text, form, 1);
            continue;
        }
        form++;
        make(maker, *form == 'b' ? 0 : *form == 'i' ? 1 : 2, depth - 1);
    }
    buf_put_str(&maker->text, ")");
}

struct trial {
    struct arena *arena;
    const struct program *program;
    bool condition;
    enum change_op op;
    enum image image;
};

struct answer {
    enum program_outcome outcome;
    struct value value;
};

static struct answer run(struct trial *trial, const struct value *cells)
{
    struct program_scratch scratch = {.arena = trial->arena};
    struct change change = {trial->op, &relation, trial->op == CHANGE_INSERT ? NULL : cells,
                            trial->op == CHANGE_DELETE ? NULL : cells + N_COLUMNS};
    struct answer answer = {.outcome = PROGRAM_ERROR};
    if (trial->condition)
        answer.outcome = program_test(trial->program, &change, trial->image, &scratch);
    else
        answer.outcome =
            program_value(trial->program, &change, trial->image, &scratch, &answer.value);
    return answer;
}

static bool same(const struct answer *left, const struct answer *right)
{
    if (left->outcome != right->outcome)
        return false;
    return left->value.len == right->value.len &&
           (left->value.len == 0 ||
            memcmp(left->value.text, right->value.text, left->value.len) == 0);
}

static struct value value_of(unsigned column, unsigned which)
{
    const char *text = values[column][which];
    return (struct value){text, text ? (uint32_t)strlen(text) : 0, text ? VALUE_TEXT : VALUE_NULL};
}

/* A large value that an UPDATE does not touch is the new row's alone, and no NULL. */
static void hide(struct maker *maker, struct trial *trial, struct value *cells)
{
    for (unsigned i = 0; i < N_CELLS; i++) {
        unsigned column = i % N_COLUMNS;
        cells[i] = value_of(column, below(maker, N_VALUES));
        bool untouched = trial->op == CHANGE_UPDATE && column == 2 && i >= N_COLUMNS &&
                         cells[column].kind != VALUE_NULL;
        if (below(maker, 3) == 0)
            cells[i] = (struct value){.kind = VALUE_ABSENT};
        else if (untouched && below(maker, 3) == 0)
            cells[i] = (struct value){.kind = VALUE_UNCHANGED};
    }
}

/* The n-th of all rows that it may be; false when it may not be that one. */
static bool fill(const struct value *cells, unsigned n, struct value *full)
{
    for (unsigned i = 0; i < N_CELLS; i++) {
        full[i] = cells[i];
        if (cells[i].kind == VALUE_ABSENT) {
            full[i] = value_of(i % N_COLUMNS, n % N_VALUES);
            n /= N_VALUES;
        }
        if (cells[i].kind == VALUE_UNCHANGED)
            full[i] = full[i - N_COLUMNS];
        if (cells[i].kind == VALUE_UNCHANGED && full[i].kind == VALUE_NULL)
            return false;
    }
    return true;
}

static unsigned n_fillings(const struct value *cells)
{
    unsigned n = 1;
    for (unsigned i = 0; i < N_CELLS; i++)
        n *= cells[i].kind == VALUE_ABSENT ? N_VALUES : 1;
    return n;
}

static void print(const char *text, const struct trial *trial, const struct value *cells)
{
    print_error("%s\nop %d, image %d:", text, (int)trial->op, (int)trial->image);
    for (unsigned i = 0; i < N_CELLS; i++)
        print_error(" %s", cells[i].kind == VALUE_TEXT     ? cells[i].text
                           : cells[i].kind == VALUE_NULL   ? "NULL"
                           : cells[i].kind == VALUE_ABSENT ? "absent"
                                                           : "unchanged");
    print_error("\n");
}

/* An error of another row counts as true, and what decided before it was not an error. */
static void try_fillings(const char *text, struct trial *trial, const struct value *cells,
                         const struct answer *known)
{
    struct value full[N_CELLS];
    bool settled = known->outcome != PROGRAM_DOUBT && known->outcome != PROGRAM_ERROR;
    for (unsigned n = n_fillings(cells); n-- > 0;) {
        if (!fill(cells, n, full))
            continue;
        struct answer answer = run(trial, full);
        bool right = answer.outcome == PROGRAM_ERROR || !settled || same(known, &answer);
        if (right && answer.outcome != PROGRAM_DOUBT)
            continue;
        print(text, trial, cells);
        print(" where all is known:", trial, full);
        fail_msg("%d becomes %d", (int)known->outcome, (int)answer.outcome);
    }
}

/* NULL when PostgreSQL would refuse it, or cdcd does. */
static const struct program *compile(struct maker *maker, struct arena *arena, bool condition)
{
    struct err err = {0};
    maker->text.len = 0;
    make(maker, condition ? 0 : 2, 3);
    struct expression *expression = expression_parse(arena, buf_str(&maker->text), &err);
    assert_non_null(expression);
    return expression_compile(expression, arena, &relation,
                              condition ? EXPRESSION_CONDITION : EXPRESSION_TEXT, &err);
}

static void what_is_said_in_spite_of_doubt_holds_for_every_row(void **state)
{
    (void)state;
    static const struct {
        enum change_op op;
        enum image image;
    } kinds[] = {{CHANGE_UPDATE, IMAGE_OLD},
                 {CHANGE_UPDATE, IMAGE_NEW},
                 {CHANGE_INSERT, IMAGE_NEW},
                 {CHANGE_DELETE, IMAGE_OLD}};
    struct maker maker = {.seed = 88172645463325252};
    unsigned n[PROGRAM_ERROR + 1] = {0};
    struct arena *arena = arena_make();
    for (unsigned i = 0; i < N_PROGRAMS; i++, arena_reset(arena)) {
        struct value cells[N_CELLS];
        unsigned kind = below(&maker, COUNT(kinds));
        struct trial trial = {arena, NULL, below(&maker, 3) > 0, kinds[kind].op, kinds[kind].image};
        trial.program = compile(&maker, arena, trial.condition);
        if (!trial.program)
            continue;
        hide(&maker, &trial, cells);
        struct answer known = run(&trial, cells);
        n[known.outcome] += n_fillings(cells) > 1;
        try_fillings(buf_str(&maker.text), &trial, cells, &known);
    }
    for (unsigned outcome = 0; outcome <= PROGRAM_ERROR; outcome++)
        assert_in_range(n[outcome], N_PROGRAMS / 300, N_PROGRAMS);
    arena_free(arena);
    buf_free(&maker.text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_said_in_spite_of_doubt_holds_for_every_row),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
