/* Makes the steps of a typed expression. Registers are a stack: what a node gives stands where its
 * first argument stood. */
#include "expression/program.h"

#include "base/mem.h"

#include <string.h>

struct making {
    struct typing *typing;
    struct program *program;
    unsigned room;
    bool failed;
};

static void make(struct making *making, const struct typed *typed, uint32_t to);

static struct step *add(struct making *making, enum step_kind kind, uint32_t to)
{
    struct program *program = making->program;
    if (program->n_steps == making->room) {
        unsigned room = making->room ? making->room * 2 : 8;
        struct step *steps = arena_alloc(making->typing->arena, room * sizeof *steps);
        if (program->n_steps)
            memcpy(steps, program->steps, program->n_steps * sizeof *steps);
        program->steps = steps;
        making->room = room;
    }
    if (to >= program->n_registers)
        program->n_registers = to + 1;
    making->failed |= program->n_steps >= PROGRAM_MAX_STEPS;
    struct step *step = &program->steps[program->n_steps];
    program->n_steps += !making->failed;
    *step = (struct step){.kind = (uint8_t)kind, .to = to};
    return step;
}

static void set_target(struct making *making, unsigned step)
{
    making->program->steps[step].target = making->program->n_steps;
}

static struct datum *copy_constant(struct making *making, const struct typed *typed)
{
    struct datum *copy = arena_alloc(making->typing->arena, sizeof *copy);
    *copy = typed->value;
    return copy;
}

static bool is_integer(enum type type)
{
    return type == TYPE_INT2 || type == TYPE_INT4 || type == TYPE_INT8;
}

static bool is_plain_text(enum type type)
{
    return type == TYPE_TEXT || type == TYPE_VARCHAR || type == TYPE_OTHER;
}

static bool comparison_of(const struct typed *typed, enum comparison *comparison)
{
    static const char *const names[] = {"=", "<>", "<", "<=", ">", ">="};
    for (unsigned i = 0; i < 6; i++)
        if (strcmp(typed->name, names[i]) == 0) {
            *comparison = (enum comparison)i;
            return true;
        }
    return false;
}

static enum comparison turned(enum comparison comparison)
{
    static const enum comparison others[] = {COMPARE_EQ, COMPARE_NE, COMPARE_GT,
                                             COMPARE_GE, COMPARE_LT, COMPARE_LE};
    return others[comparison];
}

static void set_column(struct step *step, const struct typed *column)
{
    step->row = (uint8_t)column->row;
    step->column = column->column;
    step->stored = (uint8_t)column->stored;
    step->checked = column->soft;
}

/* A column beside a constant, the most frequent condition, in one step. */
static bool make_comparison(struct making *making, const struct typed *typed, uint32_t to)
{
    enum comparison comparison;
    if (typed->n_args != 2 || !comparison_of(typed, &comparison))
        return false;
    bool turn = typed->args[0]->kind == TYPED_CONST;
    const struct typed *column = typed->args[turn], *constant = typed->args[!turn];
    if (column->kind != TYPED_COLUMN || constant->kind != TYPED_CONST)
        return false;
    bool integers =
        is_integer(column->stored) && is_integer(column->type) && is_integer(constant->type);
    bool texts = is_plain_text(column->stored) && is_plain_text(column->type) &&
                 is_plain_text(constant->type) && comparison <= COMPARE_NE;
    if (!integers && !texts)
        return false;
    struct step *step = add(making, integers ? STEP_COLUMN_INTEGER : STEP_COLUMN_TEXT, to);
    set_column(step, column);
    step->comparison = (uint8_t)(turn ? turned(comparison) : comparison);
    step->constants = copy_constant(making, constant);
    return true;
}

static void make_call(struct making *making, const struct typed *typed, uint32_t to)
{
    enum type *types = arena_alloc(making->typing->arena, (typed->n_args + 1) * sizeof *types);
    if (typed->kind == TYPED_CALL && make_comparison(making, typed, to))
        return;
    for (unsigned i = 0; i < typed->n_args; i++) {
        make(making, typed->args[i], to + i);
        types[i] = typed->args[i]->type;
    }
    enum step_kind kind = typed->kind == TYPED_DISTINCT ? STEP_DISTINCT
                          : typed->kind == TYPED_NULLIF ? STEP_NULLIF
                                                        : STEP_CALL;
    struct step *step = add(making, kind, to);
    step->call = typed->call;
    step->lenient = typed->lenient;
    step->types = types;
    step->n_args = (uint16_t)typed->n_args;
}

static void make_chain(struct making *making, const struct typed *typed, uint32_t to)
{
    bool is_and = typed->kind == TYPED_AND;
    unsigned *ends = arena_alloc(making->typing->arena, (typed->n_args + 1) * sizeof *ends);
    for (unsigned i = 0; i < typed->n_args; i++) {
        make(making, typed->args[i], to + (i > 0));
        if (i > 0)
            add(making, is_and ? STEP_AND : STEP_OR, to);
        ends[i] = making->program->n_steps;
        if (i + 1 < typed->n_args)
            add(making, is_and ? STEP_END_AND : STEP_END_OR, to);
    }
    for (unsigned i = 0; !making->failed && i + 1 < typed->n_args; i++)
        set_target(making, ends[i]);
}

static void make_coalesce(struct making *making, const struct typed *typed, uint32_t to)
{
    unsigned *ends = arena_alloc(making->typing->arena, (typed->n_args + 1) * sizeof *ends);
    for (unsigned i = 0; i < typed->n_args; i++) {
        make(making, typed->args[i], to);
        ends[i] = making->program->n_steps;
        if (i + 1 < typed->n_args)
            add(making, STEP_END_COALESCE, to);
    }
    for (unsigned i = 0; !making->failed && i + 1 < typed->n_args; i++)
        set_target(making, ends[i]);
}

static void make_case(struct making *making, const struct typed *typed, uint32_t to)
{
    unsigned n = typed->n_args / 2;
    unsigned *branches = arena_alloc(making->typing->arena, (n + 1) * sizeof *branches);
    unsigned *jumps = arena_alloc(making->typing->arena, (n + 1) * sizeof *jumps);
    for (unsigned i = 0; i < n; i++) {
        make(making, typed->args[2 * i], to);
        branches[i] = making->program->n_steps;
        add(making, STEP_BRANCH, to);
        make(making, typed->args[2 * i + 1], to);
        jumps[i] = making->program->n_steps;
        add(making, STEP_JUMP, to);
        if (!making->failed)
            set_target(making, branches[i]);
    }
    make(making, typed->args[2 * n], to);
    for (unsigned i = 0; !making->failed && i < n; i++) {
        set_target(making, jumps[i]);
        making->program->steps[branches[i]].end = making->program->n_steps;
    }
}

/* The elements are constants, as a rule; those that are evaluated with each row stand in registers
 * after the value. */
static void make_in(struct making *making, const struct typed *typed, uint32_t to)
{
    unsigned n = typed->n_args - 1;
    struct datum *constants = arena_alloc(making->typing->arena, (n + 1) * sizeof *constants);
    enum type *types = arena_alloc(making->typing->arena, 2 * sizeof *types);
    bool constant = true;
    make(making, typed->args[0], to);
    for (unsigned i = 0; i < n; i++) {
        constants[i] = typed->args[i + 1]->value;
        constant &= typed->args[i + 1]->kind == TYPED_CONST;
    }
    for (unsigned i = 0; !constant && i < n; i++)
        make(making, typed->args[i + 1], to + 1 + i);
    types[0] = typed->args[0]->type;
    types[1] = typed->args[1]->type;
    struct step *step = add(making, STEP_IN, to);
    step->call = typed->call;
    step->types = types;
    step->constants = constant ? constants : NULL;
    step->n_args = (uint16_t)n;
}

static void make_extreme(struct making *making, const struct typed *typed, uint32_t to)
{
    enum type *types = arena_alloc(making->typing->arena, 2 * sizeof *types);
    types[0] = types[1] = typed->type;
    for (unsigned i = 0; i < typed->n_args; i++) {
        make(making, typed->args[i], to + (i > 0));
        if (i == 0)
            continue;
        struct step *step = add(making, STEP_EXTREME, to);
        step->call = typed->call;
        step->types = types;
    }
}

static void make_test(struct making *making, const struct typed *typed, uint32_t to)
{
    const struct typed *arg = typed->args[0];
    if (typed->kind == TYPED_IS_NULL && arg->kind == TYPED_COLUMN) {
        set_column(add(making, STEP_COLUMN_IS_NULL, to), arg);
        return;
    }
    make(making, arg, to);
    struct step *step = add(making,
                            typed->kind == TYPED_NOT       ? STEP_NOT
                            : typed->kind == TYPED_IS_NULL ? STEP_IS_NULL
                                                           : STEP_IS_TRUTH,
                            to);
    step->truth = typed->truth;
}

static void make(struct making *making, const struct typed *typed, uint32_t to)
{
    if (making->failed)
        return;
    switch (typed->kind) {
    case TYPED_CONST:
        add(making, STEP_CONST, to)->constants = copy_constant(making, typed);
        break;
    case TYPED_COLUMN:
        set_column(add(making, STEP_COLUMN, to), typed);
        break;
    case TYPED_CHANGED:
        set_column(add(making, STEP_CHANGED, to), typed);
        break;
    case TYPED_TABLE_SCHEMA:
        add(making, STEP_TABLE_SCHEMA, to);
        break;
    case TYPED_TABLE_NAME:
        add(making, STEP_TABLE_NAME, to);
        break;
    case TYPED_UNDECIDED:
        add(making, STEP_UNDECIDED, to);
        break;
    case TYPED_CALL:
    case TYPED_DISTINCT:
    case TYPED_NULLIF:
        make_call(making, typed, to);
        break;
    case TYPED_AND:
    case TYPED_OR:
        make_chain(making, typed, to);
        break;
    case TYPED_NOT:
    case TYPED_IS_NULL:
    case TYPED_IS_TRUTH:
        make_test(making, typed, to);
        break;
    case TYPED_IN:
        make_in(making, typed, to);
        break;
    case TYPED_CASE:
        make_case(making, typed, to);
        break;
    case TYPED_COALESCE:
        make_coalesce(making, typed, to);
        break;
    case TYPED_EXTREME:
        make_extreme(making, typed, to);
        break;
    }
}

struct program *program_make(struct typing *typing, const struct typed *typed, bool as_text)
{
    struct program *program = arena_alloc(typing->arena, sizeof *program);
    struct making making = {.typing = typing, .program = program};
    program->type = typed->type;
    program->oid = typed->oid;
    make(&making, typed, 0);
    if (making.failed) {
        typing_refuse(typing, typed->position, "it is too long; divide it among triggers");
        return NULL;
    }
    for (unsigned i = 0; i < program->n_steps; i++) {
        uint8_t kind = program->steps[i].kind;
        program->reads_row |= (kind >= STEP_COLUMN && kind <= STEP_UNDECIDED);
    }
    /* What is sent is PostgreSQL's text already, unless the column was cast. */
    if (as_text && typed->kind == TYPED_COLUMN && typed->type == typed->stored &&
        (!typed->soft || typed->type == TYPE_UNKNOWN)) {
        program->steps[0].stored = TYPE_TEXT;
        program->type = TYPE_TEXT;
    }
    return program;
}

static struct typed *as_wanted(struct typing *typing, struct typed *typed,
                               enum expression_want want)
{
    if (want == EXPRESSION_CONDITION)
        return coerce_condition(typing, typed, "this condition");
    bool untyped = typed->type == TYPE_UNKNOWN && typed->kind != TYPED_COLUMN;
    return untyped ? coerce(typing, typed, TYPE_TEXT, 0) : typed;
}

struct program *expression_compile(const struct expression *expression, struct arena *arena,
                                   const struct relation *relation, enum expression_want want,
                                   struct err *err)
{
    struct typing typing = {
        .arena = arena, .relation = relation, .source = expression->source, .err = err};
    err->code = 0;
    struct typed *typed = resolve(&typing, expression->root);
    typed = typed ? as_wanted(&typing, typed, want) : NULL;
    typed = typed ? fold(&typing, typed) : NULL;
    return typed ? program_make(&typing, typed, want == EXPRESSION_TEXT) : NULL;
}

bool program_is_constant(const struct program *program)
{
    return !program->reads_row;
}

uint32_t program_type(const struct program *program)
{
    return program->oid;
}
