/* Arithmetic of numerics, with the scale of results that PostgreSQL chooses. */
#include "expression/calls.h"
#include "expression/numeric_parts.h"

#include "base/mem.h"

#include <string.h>

#define BASE NUMERIC_BASE
/* Schoolbook products of more digits than this would stop the daemon for a noticeable time. */
#define MAX_PRODUCT (INT64_C(1) << 24)
#define MIN_SIGNIFICANT 16
#define MAX_RESULT_SCALE 1000
#define MAX_ROUND 2000

static const char BY_ZERO[] = "division by zero";

static const char TOO_COSTLY[] = "numbers too long to multiply or divide";

static int32_t larger(int32_t left, int32_t right)
{
    return left > right ? left : right;
}

static const char *give(struct call *call, struct numeric *made)
{
    call->result->numeric = made;
    return numeric_trim(made);
}

static const char *give_special(struct call *call, enum numeric_kind kind)
{
    call->result->numeric = numeric_special(kind, call->arena);
    return NULL;
}

static int sign_of(const struct numeric *numeric)
{
    if (numeric->kind != NUMERIC_FINITE)
        return numeric->kind == NUMERIC_INFINITY ? 1 : -1;
    return numeric->negative ? -1 : numeric->n != 0;
}

/* The weight of the last digit. */
static int32_t last_weight(const struct numeric *numeric)
{
    return numeric->weight - (int32_t)numeric->n + 1;
}

static struct numeric *copy(const struct numeric *numeric, struct arena *arena)
{
    struct numeric *made = numeric_room(arena, numeric->n);
    memcpy(made, numeric, sizeof *made + numeric->n * sizeof made->digits[0]);
    return made;
}

/* |left| + |right|, or |left| - |right| of which left is the larger. */
static struct numeric *combine(const struct numeric *left, const struct numeric *right, int sign,
                               struct arena *arena)
{
    int32_t top = larger(left->weight, right->weight) + 1;
    int32_t a = last_weight(left), b = last_weight(right);
    int32_t low = a < b ? a : b;
    struct numeric *made = numeric_room(arena, (uint32_t)(top - low + 1));
    made->weight = top;
    made->scale = larger(left->scale, right->scale);
    int carry = 0;
    for (int32_t weight = low; weight <= top; weight++) {
        int digit = numeric_digit(left, weight) + sign * numeric_digit(right, weight) + carry;
        carry = digit < 0 ? -1 : digit >= BASE;
        made->digits[top - weight] = (int16_t)(digit - carry * BASE);
    }
    return made;
}

static struct numeric *sum(const struct numeric *left, const struct numeric *right, bool negate,
                           struct arena *arena)
{
    bool right_negative = right->negative != negate;
    bool same = left->negative == right_negative;
    bool swap = !same && numeric_order_sizes(left, right) < 0;
    struct numeric *made =
        swap ? combine(right, left, -1, arena) : combine(left, right, same ? 1 : -1, arena);
    made->negative = swap ? right_negative : left->negative;
    return made;
}

static bool any_special(const struct call *call)
{
    return call->args[0].numeric->kind != NUMERIC_FINITE ||
           call->args[1].numeric->kind != NUMERIC_FINITE;
}

static bool any_nan(const struct call *call)
{
    return call->args[0].numeric->kind == NUMERIC_NAN || call->args[1].numeric->kind == NUMERIC_NAN;
}

static const char *add_special(struct call *call, int sign)
{
    const struct numeric *left = call->args[0].numeric, *right = call->args[1].numeric;
    if (any_nan(call))
        return give_special(call, NUMERIC_NAN);
    int a = left->kind == NUMERIC_FINITE ? 0 : sign_of(left);
    int b = right->kind == NUMERIC_FINITE ? 0 : sign * sign_of(right);
    if (a + b == 0)
        return give_special(call, NUMERIC_NAN);
    return give_special(call, a + b > 0 ? NUMERIC_INFINITY : NUMERIC_MINUS_INFINITY);
}

const char *numeric_add(struct call *call)
{
    if (any_special(call))
        return add_special(call, 1);
    return give(call, sum(call->args[0].numeric, call->args[1].numeric, false, call->arena));
}

const char *numeric_sub(struct call *call)
{
    if (any_special(call))
        return add_special(call, -1);
    return give(call, sum(call->args[0].numeric, call->args[1].numeric, true, call->arena));
}

/* Rounds half away from zero, or cuts, at so many decimals, which may be negative. The value may
 * have a leading digit more. */
static struct numeric *at_scale(const struct numeric *numeric, int32_t scale, bool cut,
                                struct arena *arena)
{
    int32_t shown = larger(scale, 0);
    struct numeric *made = numeric_room(arena, numeric->n + 1);
    made->weight = numeric->weight + 1;
    made->scale = shown;
    made->negative = numeric->negative;
    memcpy(made->digits + 1, numeric->digits, numeric->n * sizeof made->digits[0]);
    int64_t kept = ((int64_t)made->weight + 1) * 4 + scale; /* decimals, from the first digit on */
    if (kept < 0)
        kept = 0, made->n = 0;
    if (kept >= (int64_t)made->n * 4)
        return made;
    static const int UNIT[] = {10000, 1000, 100, 10};
    int64_t i = kept / 4;
    int unit = UNIT[kept % 4];
    int rest = made->digits[i] % unit;
    bool up = !cut && rest >= unit / 2;
    made->digits[i] = (int16_t)(made->digits[i] - rest);
    for (int64_t k = i + 1; k < (int64_t)made->n; k++)
        made->digits[k] = 0;
    for (int carry = up ? unit : 0; carry && i >= 0; i--) {
        int digit = made->digits[i] + carry;
        made->digits[i] = (int16_t)(digit % BASE);
        carry = digit >= BASE;
    }
    return made;
}

static struct numeric *product(const struct numeric *left, const struct numeric *right,
                               struct arena *arena)
{
    uint32_t n = left->n + right->n;
    uint64_t *sums = arena_alloc(arena, (n + 1) * sizeof *sums);
    for (uint32_t i = 0; i < left->n; i++) {
        for (uint32_t k = 0; k < right->n; k++)
            sums[i + k + 1] += (uint64_t)left->digits[i] * (uint64_t)right->digits[k];
    }
    struct numeric *made = numeric_room(arena, n);
    made->weight = left->weight + right->weight + 1;
    made->scale = left->scale + right->scale;
    made->negative = left->negative != right->negative;
    uint64_t carry = 0;
    for (uint32_t i = n; i-- > 0;) {
        carry += sums[i];
        made->digits[i] = (int16_t)(carry % BASE);
        carry /= BASE;
    }
    return made;
}

const char *numeric_mul(struct call *call)
{
    const struct numeric *left = call->args[0].numeric, *right = call->args[1].numeric;
    if (any_special(call)) {
        int sign = sign_of(left) * sign_of(right);
        if (any_nan(call) || !sign)
            return give_special(call, NUMERIC_NAN);
        return give_special(call, sign > 0 ? NUMERIC_INFINITY : NUMERIC_MINUS_INFINITY);
    }
    if ((int64_t)left->n * right->n > MAX_PRODUCT)
        return TOO_COSTLY;
    struct numeric *made = product(left, right, call->arena);
    if (made->scale > NUMERIC_MAX_SCALE)
        made = at_scale(made, NUMERIC_MAX_SCALE, false, call->arena);
    return give(call, made);
}

/* Long division with digits of base 10000: rest holds what is left of the dividend, and one digit
 * of the quotient is estimated from its head (Knuth, "The Art of Computer Programming", 4.3.1 D).
 */
static int next_digit(int32_t *rest, const int32_t *by, uint32_t n)
{
    int64_t head = (int64_t)rest[0] * BASE + rest[1];
    int64_t digit = head / by[0];
    if (digit >= BASE)
        digit = BASE - 1;
    while (n > 1 && digit * by[1] > (head - digit * by[0]) * BASE + rest[2])
        digit--;
    int64_t carry = 0;
    for (uint32_t i = n; i-- > 0;) {
        int64_t value = rest[i + 1] - digit * by[i] + carry;
        carry = value / BASE - (value % BASE < 0);
        rest[i + 1] = (int32_t)(value - carry * BASE);
    }
    rest[0] = (int32_t)(rest[0] + carry);
    if (rest[0] >= 0)
        return (int)digit;
    int32_t over = 0;
    for (uint32_t i = n; i-- > 0;) {
        int32_t value = rest[i + 1] + by[i] + over;
        over = value >= BASE;
        rest[i + 1] = value - over * BASE;
    }
    rest[0] += over;
    return (int)digit - 1;
}

static void scale_up(int32_t *to, const int16_t *from, uint32_t n, int factor)
{
    int carry = 0;
    for (uint32_t i = n; i-- > 0;) {
        int value = from[i] * factor + carry;
        to[i + 1] = value % BASE;
        carry = value / BASE;
    }
    to[0] = carry;
}

/* The quotient cut after the digit of 10000^low; divisor is not 0. */
static struct numeric *quotient(const struct numeric *dividend, const struct numeric *divisor,
                                int32_t low, struct arena *arena)
{
    int32_t top = dividend->weight - divisor->weight;
    if (top < low || !dividend->n)
        return numeric_room(arena, 0);
    uint32_t n = divisor->n, n_digits = (uint32_t)(top - low + 1);
    uint32_t n_rest = (n_digits + n > dividend->n ? n_digits + n : dividend->n) + 2;
    int32_t *rest = arena_alloc(arena, n_rest * sizeof *rest);
    int32_t *by = arena_alloc(arena, (n + 1) * sizeof *by);
    int factor = BASE / (divisor->digits[0] + 1);
    scale_up(by, divisor->digits, n, factor);
    scale_up(rest, dividend->digits, dividend->n, factor);
    struct numeric *made = numeric_room(arena, n_digits);
    made->weight = top;
    made->negative = dividend->negative != divisor->negative;
    for (uint32_t i = 0; i < n_digits; i++)
        made->digits[i] = (int16_t)next_digit(rest + i, by + 1, n);
    return made;
}

static int32_t quotient_scale(const struct numeric *left, const struct numeric *right)
{
    int32_t weight = left->weight - right->weight;
    if ((left->n ? left->digits[0] : 0) <= right->digits[0])
        weight--;
    int32_t scale = larger(MIN_SIGNIFICANT - weight * 4, larger(left->scale, right->scale));
    scale = larger(scale, 0);
    return scale > MAX_RESULT_SCALE ? MAX_RESULT_SCALE : scale;
}

static bool costly(const struct numeric *left, const struct numeric *right, int32_t scale)
{
    int64_t n = (int64_t)left->weight - right->weight + scale / 4 + 3;
    return n > 0 && n * right->n > MAX_PRODUCT;
}

static const char *div_special(struct call *call)
{
    const struct numeric *left = call->args[0].numeric, *right = call->args[1].numeric;
    if (any_nan(call))
        return give_special(call, NUMERIC_NAN);
    if (left->kind == NUMERIC_FINITE) {
        call->result->numeric = numeric_room(call->arena, 0);
        return NULL;
    }
    if (right->kind != NUMERIC_FINITE)
        return give_special(call, NUMERIC_NAN);
    int sign = sign_of(left) * sign_of(right);
    if (!sign)
        return BY_ZERO;
    return give_special(call, sign > 0 ? NUMERIC_INFINITY : NUMERIC_MINUS_INFINITY);
}

const char *numeric_div(struct call *call)
{
    const struct numeric *left = call->args[0].numeric, *right = call->args[1].numeric;
    if (any_special(call))
        return div_special(call);
    if (!right->n)
        return BY_ZERO;
    int32_t scale = quotient_scale(left, right);
    if (costly(left, right, scale))
        return TOO_COSTLY;
    /* a digit more than the scale needs: cut there, half is still told from less */
    struct numeric *made = quotient(left, right, -(scale + 3) / 4 - 1, call->arena);
    return give(call, at_scale(made, scale, false, call->arena));
}

const char *numeric_mod(struct call *call)
{
    const struct numeric *left = call->args[0].numeric, *right = call->args[1].numeric;
    if (any_special(call)) {
        if (any_nan(call))
            return give_special(call, NUMERIC_NAN);
        if (right->kind == NUMERIC_FINITE)
            return right->n ? give_special(call, NUMERIC_NAN) : BY_ZERO;
        if (left->kind != NUMERIC_FINITE)
            return give_special(call, NUMERIC_NAN);
        call->result->numeric = left;
        return NULL;
    }
    if (!right->n)
        return BY_ZERO;
    if (costly(left, right, 0) || (int64_t)left->n * right->n > MAX_PRODUCT)
        return TOO_COSTLY;
    struct numeric *whole = quotient(left, right, 0, call->arena);
    numeric_trim(whole);
    struct numeric *part = product(whole, right, call->arena);
    numeric_trim(part);
    struct numeric *made = sum(left, part, true, call->arena);
    made->scale = larger(left->scale, right->scale);
    return give(call, made);
}

static bool pass_special(struct call *call)
{
    call->result->numeric = call->args[0].numeric;
    return call->args[0].numeric->kind != NUMERIC_FINITE;
}

const char *numeric_same(struct call *call)
{
    pass_special(call);
    return NULL;
}

const char *numeric_neg(struct call *call)
{
    const struct numeric *numeric = call->args[0].numeric;
    if (numeric->kind == NUMERIC_INFINITY)
        return give_special(call, NUMERIC_MINUS_INFINITY);
    if (numeric->kind == NUMERIC_MINUS_INFINITY)
        return give_special(call, NUMERIC_INFINITY);
    struct numeric *made = copy(numeric, call->arena);
    made->negative = numeric->n && !numeric->negative;
    call->result->numeric = made;
    return NULL;
}

const char *numeric_abs(struct call *call)
{
    const struct numeric *numeric = call->args[0].numeric;
    bool negative = numeric->negative || numeric->kind == NUMERIC_MINUS_INFINITY;
    return negative ? numeric_neg(call) : numeric_same(call);
}

/* PostgreSQL's bounds on the scale differ between versions, and show where a number has as many
 * digits before the point, or is to have as many after it. */
static const char *round_to(struct call *call, int64_t scale, bool cut)
{
    const struct numeric *numeric = call->args[0].numeric;
    if (pass_special(call))
        return NULL;
    if (scale < -MAX_ROUND && numeric->weight < MAX_ROUND / 4 - 1)
        scale = -MAX_ROUND;
    if (scale > MAX_ROUND || scale < -MAX_ROUND)
        return "round() to more than 2000 digits differs between versions of PostgreSQL";
    return give(call, at_scale(numeric, (int32_t)scale, cut, call->arena));
}

const char *numeric_round(struct call *call)
{
    return round_to(call, call->n_args > 1 ? call->args[1].integer : 0, false);
}

const char *numeric_trunc(struct call *call)
{
    return round_to(call, call->n_args > 1 ? call->args[1].integer : 0, true);
}

/* Cuts, and goes one further when something was cut off and the sign says so. */
static const char *step(struct call *call, bool negative)
{
    const struct numeric *numeric = call->args[0].numeric;
    const char *error = numeric_trunc(call);
    if (error || numeric->kind != NUMERIC_FINITE || !numeric->n || numeric->negative != negative ||
        numeric_order(call->result->numeric, numeric) == 0)
        return error;
    const struct numeric *one = numeric_of_integer(1, call->arena);
    return give(call, sum(call->result->numeric, one, negative, call->arena));
}

const char *numeric_floor(struct call *call)
{
    return step(call, true);
}

const char *numeric_ceil(struct call *call)
{
    return step(call, false);
}
