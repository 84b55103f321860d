#include "expression/typmod.h"

#include "base/mem.h"

#include <string.h>

#define MAX_CHARACTERS 10485760
#define MAX_DIGITS 1000

/* Bytes of the first `most` characters; *n counts those that there are. */
static uint32_t cut(struct text text, int64_t most, int64_t *n)
{
    uint32_t at = 0;
    for (*n = 0; at < text.len && *n < most; ++*n)
        for (at++; at < text.len && (text.bytes[at] & 0xC0) == 0x80;)
            at++;
    return at;
}

/* args: a text, and of how many characters. */
static const char *fit_varchar(struct call *call)
{
    int64_t n;
    call->result->text = call->args[0].text;
    call->result->text.len = cut(call->args[0].text, call->args[1].integer, &n);
    return NULL;
}

static const char *fit_bpchar(struct call *call)
{
    int64_t n, most = call->args[1].integer;
    struct text text = call->args[0].text;
    text.len = cut(text, most, &n);
    if (n < most) {
        char *padded = arena_alloc(call->arena, text.len + (size_t)(most - n));
        if (text.len)
            memcpy(padded, text.bytes, text.len);
        memset(padded + text.len, ' ', (size_t)(most - n));
        text = (struct text){padded, text.len + (uint32_t)(most - n)};
    }
    call->result->text = text;
    return NULL;
}

static call_fn row_call(const struct catalog_function *rows, const char *name, enum type first,
                        enum type second)
{
    bool ambiguous;
    const struct catalog_function *row = choose_row(rows, name, (enum type[]){first, second},
                                                    second == TYPE_NONE ? 1 : 2, &ambiguous);
    return row ? row->call : NULL;
}

static const char *run_row(struct call *like, const struct catalog_function *rows, const char *name,
                           const struct datum *args, const enum type *types, unsigned n,
                           struct datum *result)
{
    call_fn call = row_call(rows, name, types[0], n == 2 ? types[1] : TYPE_NONE);
    struct call inner = {like->arena, args, types, n, result};
    result->kind = DATUM_VALUE;
    return call ? call(&inner) : "a cast that cannot be done";
}

/* NaN fits: in order it stands above every limit, and PostgreSQL gives it no digits to count. */
static const char *is_nan(struct call *call, const struct datum *number, bool *answer)
{
    static const enum type types[] = {TYPE_NUMERIC, TYPE_NUMERIC};
    struct datum pair[2] = {*number}, equal = {.truth = false};
    const char *error = catalog_input(TYPE_NUMERIC, (struct text){"NaN", 3}, call->arena, &pair[1]);
    if (!error)
        error = run_row(call, catalog_operators(), "=", pair, types, 2, &equal);
    *answer = equal.truth;
    return error;
}

/* args: a numeric, its scale, and the least power of ten that has too many digits. */
static const char *fit_numeric(struct call *call)
{
    static const enum type round_types[] = {TYPE_NUMERIC, TYPE_INT4};
    static const enum type same_types[] = {TYPE_NUMERIC, TYPE_NUMERIC};
    struct datum rounded = {0}, size[2] = {[1] = call->args[2]}, over = {.truth = false};
    const struct catalog_function *functions = catalog_functions();
    bool nan = false;
    const char *error = run_row(call, functions, "round", call->args, round_types, 2, &rounded);
    if (!error)
        error = run_row(call, functions, "abs", &rounded, same_types, 1, &size[0]);
    if (!error)
        error = run_row(call, catalog_operators(), ">=", size, same_types, 2, &over);
    if (!error && over.truth)
        error = is_nan(call, &rounded, &nan);
    if (!error && over.truth && !nan)
        error = "numeric field overflow";
    *call->result = rounded;
    return error;
}

static struct typed *constant(struct typing *typing, enum type type, unsigned position,
                              struct datum value)
{
    struct typed *typed = typed_make(typing, TYPED_CONST, type, position, 0, NULL);
    if (typed)
        typed->value = value;
    return typed;
}

static struct typed *apply(struct typing *typing, struct typed *from, call_fn call, unsigned n,
                           const struct datum *mods, const enum type *types)
{
    struct typed *args[3] = {from};
    for (unsigned i = 0; i < n; i++)
        args[i + 1] = constant(typing, types[i], from->position, mods[i]);
    struct typed *typed = typed_make(typing, TYPED_CALL, from->type, from->position, n + 1, args);
    if (!typed)
        return NULL;
    typed->call = call;
    typed->name = "a cast";
    typed->soft = from->soft;
    return typed;
}

static struct typed *fit_characters(struct typing *typing, struct typed *from,
                                    const struct node *cast)
{
    static const enum type types[] = {TYPE_INT4};
    struct datum n = {.kind = DATUM_VALUE, .integer = cast->mods[0]};
    if (cast->n_mods != 1 || cast->mods[0] < 1 || cast->mods[0] > MAX_CHARACTERS)
        return typing_refuse(typing, cast->position, "the length of %s is one number from 1 to %d",
                             cast->text, MAX_CHARACTERS);
    return apply(typing, from, from->type == TYPE_VARCHAR ? fit_varchar : fit_bpchar, 1, &n, types);
}

static struct typed *fit_digits(struct typing *typing, struct typed *from, const struct node *cast)
{
    static const enum type types[] = {TYPE_INT4, TYPE_NUMERIC};
    int precision = cast->mods[0], scale = cast->n_mods == 2 ? cast->mods[1] : 0;
    struct datum mods[2] = {{.kind = DATUM_VALUE, .integer = scale}, {0}};
    if (precision < 1 || precision > MAX_DIGITS || scale > precision)
        return typing_refuse(typing, cast->position,
                             "numeric takes (precision, scale): precision from 1 to %d, scale from "
                             "0 to the precision",
                             MAX_DIGITS);
    const char *power = arena_printf(typing->arena, "1e%d", precision - scale);
    struct text text = {power, (uint32_t)strlen(power)};
    if (catalog_input(TYPE_NUMERIC, text, typing->arena, &mods[1]))
        return typing_refuse(typing, cast->position, "numeric(%d,%d) cannot be done", precision,
                             scale);
    mods[1].kind = DATUM_VALUE;
    return apply(typing, from, fit_numeric, 2, mods, types);
}

struct typed *typmod_apply(struct typing *typing, struct typed *from, const struct node *cast)
{
    if (from->type == TYPE_VARCHAR || from->type == TYPE_BPCHAR)
        return fit_characters(typing, from, cast);
    if (from->type == TYPE_NUMERIC)
        return fit_digits(typing, from, cast);
    return typing_refuse(typing, cast->position,
                         "%s with a precision is not among what cdcd evaluates; a lookup can do it",
                         cast->text);
}
