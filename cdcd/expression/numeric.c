/* Reading, writing and ordering numerics; how they are laid out, numeric.h says. */
#include "expression/numeric_parts.h"

#include "base/mem.h"

#include <string.h>

#define BASE NUMERIC_BASE

static const char SYNTAX[] = "not a number";
static const char TOO_LONG[] = "a number that numeric cannot hold";

struct numeric *numeric_room(struct arena *arena, uint32_t n)
{
    struct numeric *made = arena_alloc(arena, sizeof *made + n * sizeof made->digits[0]);
    made->kind = NUMERIC_FINITE;
    made->n = n;
    return made;
}

const struct numeric *numeric_special(enum numeric_kind kind, struct arena *arena)
{
    struct numeric *made = numeric_room(arena, 0);
    made->kind = kind;
    return made;
}

const char *numeric_trim(struct numeric *numeric)
{
    uint32_t zeros = 0;
    while (zeros < numeric->n && numeric->digits[zeros] == 0)
        zeros++;
    numeric->n -= zeros;
    numeric->weight -= (int32_t)zeros;
    memmove(numeric->digits, numeric->digits + zeros, numeric->n * sizeof numeric->digits[0]);
    while (numeric->n && numeric->digits[numeric->n - 1] == 0)
        numeric->n--;
    if (!numeric->n) {
        numeric->weight = 0;
        numeric->negative = false;
    }
    return numeric->weight >= NUMERIC_MAX_WEIGHT ? TOO_LONG : NULL;
}

int numeric_digit(const struct numeric *numeric, int64_t weight)
{
    int64_t i = numeric->weight - weight;
    return i >= 0 && i < (int64_t)numeric->n ? numeric->digits[i] : 0;
}

int numeric_order_sizes(const struct numeric *left, const struct numeric *right)
{
    if (!left->n || !right->n)
        return (left->n != 0) - (right->n != 0);
    if (left->weight != right->weight)
        return left->weight > right->weight ? 1 : -1;
    uint32_t n = left->n > right->n ? left->n : right->n;
    for (uint32_t i = 0; i < n; i++) {
        int a = i < left->n ? left->digits[i] : 0;
        int b = i < right->n ? right->digits[i] : 0;
        if (a != b)
            return a > b ? 1 : -1;
    }
    return 0;
}

int numeric_order(const struct numeric *left, const struct numeric *right)
{
    if (left->kind != NUMERIC_FINITE || right->kind != NUMERIC_FINITE)
        return (left->kind > right->kind) - (left->kind < right->kind);
    if (left->negative != right->negative)
        return left->negative ? -1 : 1;
    int order = numeric_order_sizes(left, right);
    return left->negative ? -order : order;
}

/* Decimal digits as they are read: those before the point, those after it, and the exponent. */
struct decimal {
    const char *whole, *fraction;
    uint32_t n_whole, n_fraction;
    int64_t exponent;
};

static bool is_digit(const char *at, const char *end)
{
    return at < end && *at >= '0' && *at <= '9';
}

static bool read_exponent(const char **at, const char *end, int64_t *exponent)
{
    bool negative = *at < end && **at == '-';
    if (*at < end && (**at == '-' || **at == '+'))
        ++*at;
    if (!is_digit(*at, end))
        return false;
    for (; is_digit(*at, end); ++*at) {
        if (*exponent < INT32_MAX)
            *exponent = *exponent * 10 + (**at - '0');
    }
    if (negative)
        *exponent = -*exponent;
    return true;
}

static bool read_decimal(const char *at, const char *end, struct decimal *decimal)
{
    decimal->whole = at;
    while (is_digit(at, end))
        at++;
    decimal->n_whole = (uint32_t)(at - decimal->whole);
    if (at < end && *at == '.')
        at++;
    decimal->fraction = at;
    while (is_digit(at, end))
        at++;
    decimal->n_fraction = (uint32_t)(at - decimal->fraction);
    if (!decimal->n_whole && !decimal->n_fraction)
        return false;
    decimal->exponent = 0;
    if (at < end && (*at == 'e' || *at == 'E')) {
        at++;
        if (!read_exponent(&at, end, &decimal->exponent))
            return false;
    }
    return at == end;
}

static int decimal_digit(const struct decimal *decimal, int64_t i)
{
    if (i < 0)
        return 0;
    if (i < decimal->n_whole)
        return decimal->whole[i] - '0';
    i -= decimal->n_whole;
    return i < decimal->n_fraction ? decimal->fraction[i] - '0' : 0;
}

static int64_t div_floor(int64_t value, int64_t by)
{
    return value / by - (value % by < 0);
}

/* The decimals are cut into fours on both sides of the point. */
static const char *pack(const struct decimal *decimal, bool negative, struct arena *arena,
                        const struct numeric **result)
{
    int64_t point = decimal->n_whole + decimal->exponent;
    int64_t n = (int64_t)decimal->n_whole + decimal->n_fraction;
    int64_t scale = decimal->n_fraction - decimal->exponent;
    if (decimal->exponent > NUMERIC_MAX_WEIGHT * 4 || scale > NUMERIC_MAX_SCALE)
        return TOO_LONG;
    int64_t first = div_floor(point - 1, 4); /* the weight of the first digit */
    int64_t last = div_floor(point - n, 4);
    if (first - last > 2 * NUMERIC_MAX_WEIGHT)
        return TOO_LONG;
    struct numeric *made = numeric_room(arena, (uint32_t)(first - last + 1));
    made->negative = negative;
    made->weight = (int32_t)first;
    made->scale = scale > 0 ? (int32_t)scale : 0;
    int64_t at = point - (first + 1) * 4;
    for (uint32_t i = 0; i < made->n; i++) {
        int digit = 0;
        for (int k = 0; k < 4; k++)
            digit = digit * 10 + decimal_digit(decimal, at++);
        made->digits[i] = (int16_t)digit;
    }
    *result = made;
    return numeric_trim(made);
}

static bool is_word(const char *at, size_t n, const char *word)
{
    return n == strlen(word) && !strncasecmp(at, word, n);
}

static bool read_special(const char *at, size_t n, bool sign, bool negative,
                         enum numeric_kind *kind)
{
    *kind = NUMERIC_NAN;
    if (is_word(at, n, "nan"))
        return !sign;
    *kind = negative ? NUMERIC_MINUS_INFINITY : NUMERIC_INFINITY;
    return is_word(at, n, "inf") || is_word(at, n, "infinity");
}

static bool is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct text numeric_text_inside(struct text text)
{
    while (text.len && is_space(text.bytes[0])) {
        text.bytes++;
        text.len--;
    }
    while (text.len && is_space(text.bytes[text.len - 1]))
        text.len--;
    return text;
}

const char *numeric_read(struct text text, struct arena *arena, const struct numeric **result)
{
    text = numeric_text_inside(text);
    const char *at = text.bytes, *end = at + text.len;
    if (!text.len)
        return SYNTAX;
    bool sign = *at == '-' || *at == '+', negative = *at == '-';
    at += sign;
    struct decimal decimal;
    if (read_decimal(at, end, &decimal))
        return pack(&decimal, negative, arena, result);
    enum numeric_kind kind;
    if (!read_special(at, (size_t)(end - at), sign, negative, &kind))
        return SYNTAX;
    *result = numeric_special(kind, arena);
    return NULL;
}

static char *put_four(char *at, int digit, int n)
{
    static const int TENS[] = {1000, 100, 10, 1};
    for (int i = 0; i < n; i++)
        *at++ = (char)('0' + digit / TENS[i] % 10);
    return at;
}

static char *put_whole(char *at, const struct numeric *numeric)
{
    if (numeric->weight < 0 || !numeric->n) {
        *at++ = '0';
        return at;
    }
    char *begin = at;
    for (int64_t weight = numeric->weight; weight >= 0; weight--)
        at = put_four(at, numeric_digit(numeric, weight), 4);
    char *first = begin;
    while (*first == '0')
        first++;
    memmove(begin, first, (size_t)(at - first));
    return at - (first - begin);
}

struct text numeric_write(const struct numeric *numeric, struct arena *arena)
{
    static const struct text SPECIAL[] = {
        [NUMERIC_MINUS_INFINITY] = {"-Infinity", 9},
        [NUMERIC_INFINITY] = {"Infinity", 8},
        [NUMERIC_NAN] = {"NaN", 3},
    };
    if (numeric->kind != NUMERIC_FINITE)
        return SPECIAL[numeric->kind];
    size_t whole = numeric->weight < 0 ? 1 : (size_t)(numeric->weight + 1) * 4;
    char *bytes = arena_alloc(arena, whole + (size_t)numeric->scale + 3), *at = bytes;
    if (numeric->negative)
        *at++ = '-';
    at = put_whole(at, numeric);
    if (numeric->scale)
        *at++ = '.';
    int64_t weight = -1;
    for (int32_t left = numeric->scale; left > 0; left -= 4)
        at = put_four(at, numeric_digit(numeric, weight--), left < 4 ? left : 4);
    return (struct text){bytes, (uint32_t)(at - bytes)};
}

const struct numeric *numeric_of_integer(int64_t value, struct arena *arena)
{
    struct numeric *made = numeric_room(arena, 5);
    uint64_t left = value < 0 ? -(uint64_t)value : (uint64_t)value;
    made->negative = value < 0;
    made->weight = 4;
    for (int i = 4; i >= 0; i--) {
        made->digits[i] = (int16_t)(left % BASE);
        left /= BASE;
    }
    numeric_trim(made);
    return made;
}

const char *numeric_to_integer(const struct numeric *numeric, int64_t *result)
{
    static const char error[] = "integer out of range";
    if (numeric->kind != NUMERIC_FINITE || numeric->weight > 4)
        return error;
    uint64_t size = 0;
    for (int64_t weight = numeric->weight; weight >= 0; weight--) {
        if (__builtin_mul_overflow(size, (uint64_t)BASE, &size) ||
            __builtin_add_overflow(size, (uint64_t)numeric_digit(numeric, weight), &size))
            return error;
    }
    if (numeric_digit(numeric, -1) >= BASE / 2)
        size++;
    if (size > (uint64_t)INT64_MAX + numeric->negative)
        return error;
    *result = (int64_t)(numeric->negative ? -size : size);
    return NULL;
}
