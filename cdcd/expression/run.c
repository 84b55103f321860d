#include "expression/program.h"

#include "base/mem.h"

#include <string.h>

/* Most programs need no more; others take theirs from the scratch memory. */
#define FEW_REGISTERS 16

struct frame {
    const struct change *change;
    enum image image;
    const struct value *rows[3]; /* by enum expression_row; NULL when it is not simply there */
    struct arena *arena;
    const char *error;
};

/* ---- values of the row ---- */

static enum image image_of(const struct frame *frame, uint8_t row)
{
    if (row == EXPRESSION_THIS)
        return frame->image;
    return row == EXPRESSION_OLD ? IMAGE_OLD : IMAGE_NEW;
}

/* An image that the change has not, or of which not all was sent. */
static struct value fetch_slowly(const struct frame *frame, uint8_t row, uint32_t column)
{
    const struct change *change = frame->change;
    enum image image = image_of(frame, row);
    if (!change || column >= change->relation->n_columns)
        return (struct value){.kind = VALUE_ABSENT};
    if (image == IMAGE_OLD && change->op == CHANGE_INSERT)
        return (struct value){.kind = VALUE_NULL};
    if (image == IMAGE_NEW && change->op == CHANGE_DELETE)
        return (struct value){.kind = VALUE_NULL};
    return change_value(change, image, column);
}

static inline struct value fetch(const struct frame *frame, uint8_t row, uint32_t column)
{
    if (frame->rows[row] && column < frame->change->relation->n_columns)
        return frame->rows[row][column];
    return fetch_slowly(frame, row, column);
}

static bool read_integer(const struct value *value, int64_t *integer)
{
    const char *at = value->text;
    uint32_t len = value->len, negative = len > 1 && *at == '-';
    uint64_t sum = 0;
    if (len - negative == 0 || len - negative > 18)
        return false;
    for (uint32_t i = negative; i < len; i++) {
        unsigned digit = (unsigned)(unsigned char)at[i] - '0';
        if (digit > 9)
            return false;
        sum = sum * 10 + digit;
    }
    *integer = negative ? -(int64_t)sum : (int64_t)sum;
    return true;
}

static bool fits_type(enum type type, int64_t integer)
{
    if (type == TYPE_INT2)
        return integer == (int16_t)integer;
    return type == TYPE_INT8 || integer == (int32_t)integer;
}

/* Of a value that was made: whether all that were are not too many. */
static const char *bounded(const struct frame *frame, const char *error)
{
    if (error || arena_bytes(frame->arena) <= CATALOG_MAX_MADE)
        return error;
    return "the values are too large";
}

static void set_error(struct frame *frame, struct datum *datum, const char *error)
{
    frame->error = error;
    datum->kind = DATUM_ERROR;
}

/* A text as PostgreSQL sends it, into a value. Of a column whose type is a guess, any text. */
static void read_text(struct frame *frame, const struct step *step, const struct value *value,
                      struct datum *to)
{
    enum type type = (enum type)step->stored;
    struct text text = {value->text, value->len};
    to->kind = DATUM_VALUE;
    if (type == TYPE_BOOL && value->len == 1 && (*value->text == 't' || *value->text == 'f')) {
        to->truth = *value->text == 't';
        return;
    }
    if ((type == TYPE_INT2 || type == TYPE_INT4 || type == TYPE_INT8) &&
        read_integer(value, &to->integer) && fits_type(type, to->integer))
        return;
    bool is_text = type == TYPE_TEXT || type == TYPE_VARCHAR || type == TYPE_BPCHAR ||
                   type == TYPE_OTHER || type == TYPE_UNKNOWN;
    if (is_text || (!step->checked && (type == TYPE_JSON || type == TYPE_JSONB))) {
        to->text = text;
        return;
    }
    const char *error = bounded(frame, catalog_input(type, text, frame->arena, to));
    if (error)
        set_error(frame, to, error);
}

static void read_column(struct frame *frame, const struct step *step, struct datum *to)
{
    struct value value = fetch(frame, step->row, step->column);
    if (value.kind == VALUE_TEXT)
        read_text(frame, step, &value, to);
    else
        to->kind = value.kind == VALUE_NULL ? DATUM_NULL : DATUM_DOUBT;
}

static void set_truth(struct datum *datum, bool truth)
{
    datum->kind = DATUM_VALUE;
    datum->truth = truth;
}

static void column_is_null(struct frame *frame, const struct step *step, struct datum *to)
{
    struct value value = fetch(frame, step->row, step->column);
    set_truth(to, value.kind == VALUE_NULL);
    if (value.kind == VALUE_ABSENT)
        to->kind = DATUM_DOUBT;
}

static bool holds(enum comparison comparison, int64_t left, int64_t right)
{
    switch (comparison) {
    case COMPARE_EQ:
        return left == right;
    case COMPARE_NE:
        return left != right;
    case COMPARE_LT:
        return left < right;
    case COMPARE_LE:
        return left <= right;
    case COMPARE_GT:
        return left > right;
    case COMPARE_GE:
        return left >= right;
    }
    return false;
}

static void compare_integer(struct frame *frame, const struct step *step, struct datum *to)
{
    read_column(frame, step, to);
    if (to->kind == DATUM_VALUE)
        to->truth = holds((enum comparison)step->comparison, to->integer, step->constants->integer);
}

static bool same_text(struct text left, struct text right)
{
    return left.len == right.len && (left.len == 0 || !memcmp(left.bytes, right.bytes, left.len));
}

static void compare_text(struct frame *frame, const struct step *step, struct datum *to)
{
    struct value value = fetch(frame, step->row, step->column);
    struct text text = {value.text, value.len};
    if (value.kind != VALUE_TEXT)
        to->kind = value.kind == VALUE_NULL ? DATUM_NULL : DATUM_DOUBT;
    else
        set_truth(to, same_text(text, step->constants->text) == (step->comparison == COMPARE_EQ));
}

/* By the texts of the images: 1.0 and 1.00 are equal, and show differently. */
static void changed(struct frame *frame, const struct step *step, struct datum *to)
{
    struct value before = fetch(frame, EXPRESSION_OLD, step->column);
    struct value after = fetch(frame, EXPRESSION_NEW, step->column);
    struct text texts[2] = {{before.text, before.len}, {after.text, after.len}};
    bool one_null = (before.kind == VALUE_NULL) != (after.kind == VALUE_NULL);
    if (before.kind == VALUE_ABSENT || after.kind == VALUE_ABSENT)
        to->kind = DATUM_DOUBT;
    else if (one_null || before.kind == VALUE_NULL)
        set_truth(to, one_null);
    else if (before.kind == VALUE_TEXT && after.kind == VALUE_TEXT)
        set_truth(to, !same_text(texts[0], texts[1]));
    else
        to->kind = DATUM_DOUBT;
}

static void table_text(struct frame *frame, const struct step *step, struct datum *to)
{
    const struct relation *relation = frame->change ? frame->change->relation : NULL;
    const char *name = !relation                       ? ""
                       : step->kind == STEP_TABLE_NAME ? relation->name
                                                       : relation->schema;
    to->kind = relation ? DATUM_VALUE : DATUM_DOUBT;
    to->text = (struct text){name, (uint32_t)strlen(name)};
}

/* ---- operations ---- */

/* An error goes before NULL, and NULL before doubt: a strict function is not called with NULL, but
 * its arguments are evaluated. */
static enum datum_kind strictest(const struct datum *args, unsigned n)
{
    enum datum_kind kind = DATUM_VALUE;
    for (unsigned i = 0; i < n; i++) {
        if (args[i].kind == DATUM_ERROR)
            return DATUM_ERROR;
        if (args[i].kind == DATUM_NULL || kind == DATUM_VALUE)
            kind = args[i].kind;
    }
    return kind;
}

static void run_call(struct frame *frame, const struct step *step, struct datum *args)
{
    struct datum result = {.kind = DATUM_VALUE};
    enum datum_kind kind = strictest(args, step->n_args);
    if (kind == DATUM_ERROR || (kind != DATUM_VALUE && !step->lenient)) {
        args->kind = kind;
        return;
    }
    struct call call = {frame->arena, args, step->types, step->n_args, &result};
    const char *error = bounded(frame, step->call(&call));
    *args = result;
    if (error)
        set_error(frame, args, error);
}

/* What the type's = (or > or <) says of two values. */
static bool asks(struct frame *frame, const struct step *step, const struct datum *left,
                 const struct datum *right, bool *truth)
{
    struct datum args[2] = {*left, *right}, result = {.kind = DATUM_VALUE};
    struct call call = {frame->arena, args, step->types, 2, &result};
    const char *error = step->call(&call);
    *truth = !error && result.kind == DATUM_VALUE && result.truth;
    if (error)
        frame->error = error;
    return !error;
}

static void run_in(struct frame *frame, const struct step *step, struct datum *to)
{
    const struct datum *list = step->constants ? step->constants : to + 1;
    bool null = false, truth;
    if (!step->constants && strictest(list, step->n_args) == DATUM_ERROR)
        to->kind = DATUM_ERROR;
    if (to->kind != DATUM_VALUE)
        return;
    for (unsigned i = 0; i < step->n_args; i++) {
        null |= list[i].kind == DATUM_NULL;
        if (list[i].kind == DATUM_NULL)
            continue;
        if (!asks(frame, step, to, &list[i], &truth)) {
            to->kind = DATUM_ERROR;
            return;
        }
        if (truth) {
            set_truth(to, true);
            return;
        }
    }
    set_truth(to, false);
    if (null)
        to->kind = DATUM_NULL;
}

static void run_distinct(struct frame *frame, const struct step *step, struct datum *args)
{
    bool left_null = args[0].kind == DATUM_NULL, right_null = args[1].kind == DATUM_NULL, equal;
    if (args[0].kind == DATUM_ERROR || args[1].kind == DATUM_ERROR)
        args->kind = DATUM_ERROR;
    else if (args[0].kind == DATUM_DOUBT || args[1].kind == DATUM_DOUBT)
        args->kind = DATUM_DOUBT;
    else if (left_null || right_null)
        set_truth(args, left_null != right_null);
    else if (asks(frame, step, &args[0], &args[1], &equal))
        set_truth(args, !equal);
    else
        args->kind = DATUM_ERROR;
}

static void run_nullif(struct frame *frame, const struct step *step, struct datum *args)
{
    bool equal;
    if (args[1].kind == DATUM_ERROR)
        args->kind = DATUM_ERROR;
    if (args[0].kind == DATUM_NULL || args[0].kind == DATUM_ERROR || args[1].kind == DATUM_NULL)
        return;
    if (args[0].kind == DATUM_DOUBT || args[1].kind == DATUM_DOUBT)
        args->kind = DATUM_DOUBT;
    else if (!asks(frame, step, &args[0], &args[1], &equal))
        args->kind = DATUM_ERROR;
    else if (equal)
        args->kind = DATUM_NULL;
}

static void run_extreme(struct frame *frame, const struct step *step, struct datum *args)
{
    bool takes;
    if (args[0].kind == DATUM_ERROR || args[1].kind == DATUM_NULL)
        return;
    if (args[0].kind == DATUM_NULL || args[1].kind == DATUM_ERROR) {
        args[0] = args[1];
    } else if (args[0].kind == DATUM_DOUBT || args[1].kind == DATUM_DOUBT) {
        args->kind = DATUM_DOUBT;
    } else if (!asks(frame, step, &args[1], &args[0], &takes)) {
        args->kind = DATUM_ERROR;
    } else if (takes) {
        args[0] = args[1];
    }
}

/* AND, and with deciding true OR: a value that decides is known whatever the other is. args[0] is
 * no error and does not decide. */
static void join(struct datum *args, bool deciding)
{
    bool doubt = args[0].kind == DATUM_DOUBT;
    if (args[1].kind == DATUM_VALUE && args[1].truth == deciding)
        set_truth(args, deciding);
    else if (args[1].kind == DATUM_ERROR)
        args->kind = doubt ? DATUM_DOUBT : DATUM_ERROR;
    else if (doubt || args[1].kind == DATUM_DOUBT)
        args->kind = DATUM_DOUBT;
    else if (args[1].kind == DATUM_NULL)
        args->kind = DATUM_NULL;
}

static bool is_settled(const struct datum *datum, bool deciding)
{
    return datum->kind == DATUM_ERROR || (datum->kind == DATUM_VALUE && datum->truth == deciding);
}

static void run_is(const struct step *step, struct datum *to)
{
    bool known = to->kind == DATUM_VALUE || to->kind == DATUM_NULL;
    if (known && step->kind == STEP_IS_NULL)
        set_truth(to, to->kind == DATUM_NULL);
    else if (known)
        set_truth(to, to->kind == DATUM_VALUE && to->truth == step->truth);
}

/* CASE: where to go after a condition. */
static unsigned branch(const struct step *step, const struct datum *condition, unsigned next)
{
    if (condition->kind == DATUM_ERROR || condition->kind == DATUM_DOUBT)
        return step->end;
    return condition->kind == DATUM_VALUE && condition->truth ? next : step->target;
}

static void run_leaf(struct frame *frame, const struct step *step, struct datum *to)
{
    switch ((enum step_kind)step->kind) {
    case STEP_CHANGED:
        changed(frame, step, to);
        break;
    case STEP_COLUMN_IS_NULL:
        column_is_null(frame, step, to);
        break;
    case STEP_TABLE_SCHEMA:
    case STEP_TABLE_NAME:
        table_text(frame, step, to);
        break;
    default: /* STEP_UNDECIDED */
        set_error(frame, to, "the type of a column is not known");
        break;
    }
}

static void run_step(struct frame *frame, const struct step *step, struct datum *to)
{
    switch ((enum step_kind)step->kind) {
    case STEP_CALL:
        run_call(frame, step, to);
        break;
    case STEP_IN:
        run_in(frame, step, to);
        break;
    case STEP_DISTINCT:
        run_distinct(frame, step, to);
        break;
    case STEP_NULLIF:
        run_nullif(frame, step, to);
        break;
    case STEP_EXTREME:
        run_extreme(frame, step, to);
        break;
    case STEP_NOT:
        to->truth = to->kind == DATUM_VALUE && !to->truth;
        break;
    case STEP_IS_NULL:
    case STEP_IS_TRUTH:
        run_is(step, to);
        break;
    default:
        run_leaf(frame, step, to);
        break;
    }
}

static void run(const struct program *program, struct frame *frame, struct datum *registers)
{
    for (unsigned at = 0; at < program->n_steps;) {
        const struct step *step = &program->steps[at++];
        struct datum *to = &registers[step->to];
        switch ((enum step_kind)step->kind) {
        case STEP_CONST:
            *to = *step->constants;
            break;
        case STEP_COLUMN:
            read_column(frame, step, to);
            break;
        case STEP_COLUMN_INTEGER:
            compare_integer(frame, step, to);
            break;
        case STEP_COLUMN_TEXT:
            compare_text(frame, step, to);
            break;
        case STEP_AND:
        case STEP_OR:
            join(to, step->kind == STEP_OR);
            break;
        case STEP_END_AND:
        case STEP_END_OR:
            at = is_settled(to, step->kind == STEP_END_OR) ? step->target : at;
            break;
        case STEP_END_COALESCE:
            at = to->kind != DATUM_NULL ? step->target : at;
            break;
        case STEP_BRANCH:
            at = branch(step, to, at);
            break;
        case STEP_JUMP:
            at = step->target;
            break;
        default:
            run_step(frame, step, to);
            break;
        }
    }
}

/* Runs, and gives the first register. */
static struct datum result_of(const struct program *program, struct frame *frame)
{
    struct datum few[FEW_REGISTERS], *registers = few;
    if (program->n_registers > FEW_REGISTERS)
        registers = arena_alloc(frame->arena, program->n_registers * sizeof *registers);
    run(program, frame, registers);
    return registers[0];
}

static struct frame begin(const struct change *change, enum image image, struct arena *arena)
{
    const struct value *before = change->op == CHANGE_INSERT ? NULL : change->old_row;
    const struct value *after = change->op == CHANGE_DELETE ? NULL : change->new_row;
    return (struct frame){.change = change,
                          .image = image,
                          .rows = {image == IMAGE_OLD ? before : after, before, after},
                          .arena = arena};
}

static enum program_outcome outcome_of(const struct datum *datum)
{
    if (datum->kind == DATUM_ERROR)
        return PROGRAM_ERROR;
    if (datum->kind == DATUM_DOUBT)
        return PROGRAM_DOUBT;
    return datum->kind == DATUM_NULL ? PROGRAM_NULL : PROGRAM_TRUE;
}

enum program_outcome program_test(const struct program *program, const struct change *change,
                                  enum image image, struct program_scratch *scratch)
{
    struct frame frame = begin(change, image, scratch->arena);
    struct datum datum = result_of(program, &frame);
    scratch->error = frame.error;
    if (datum.kind == DATUM_VALUE)
        return datum.truth ? PROGRAM_TRUE : PROGRAM_FALSE;
    return outcome_of(&datum);
}

enum program_outcome program_value(const struct program *program, const struct change *change,
                                   enum image image, struct program_scratch *scratch,
                                   struct value *value)
{
    struct frame frame = begin(change, image, scratch->arena);
    struct datum datum = result_of(program, &frame);
    struct text text = {NULL, 0};
    bool is_text = program->type == TYPE_TEXT || program->type == TYPE_VARCHAR ||
                   program->type == TYPE_BPCHAR || program->type == TYPE_OTHER;
    if (datum.kind == DATUM_VALUE && is_text) {
        text = datum.text;
    } else if (datum.kind == DATUM_VALUE) {
        const char *error = catalog_output(program->type, &datum, scratch->arena, &text);
        if (error)
            set_error(&frame, &datum, error);
    }
    scratch->error = frame.error;
    *value = (struct value){.kind = datum.kind == DATUM_NULL ? VALUE_NULL : VALUE_TEXT,
                            .text = text.bytes ? text.bytes : "",
                            .len = text.len};
    return outcome_of(&datum);
}

const char *program_evaluate(const struct program *program, struct arena *arena,
                             struct datum *result)
{
    struct frame frame = {.arena = arena};
    *result = result_of(program, &frame);
    return result->kind == DATUM_ERROR ? frame.error : NULL;
}
