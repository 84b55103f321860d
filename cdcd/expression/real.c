/* Floating-point numbers: reading, writing, arithmetic. */
#include "expression/real.h"

#include "base/mem.h"
#include "expression/calls.h"
#include "expression/numeric_parts.h"
#include "expression/scan.h"

#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MAX_DIGITS 17
#define MAX_TEXT 100000 /* more digits than any value has */

static const char SYNTAX[] = "not a floating-point number that cdcd reads";
static const char OVERFLOW[] = "floating-point overflow";
static const char UNDERFLOW[] = "floating-point underflow";
static const char BY_ZERO[] = "division by zero";

static bool is_special(struct scan *scan, double *result)
{
    if (scan_word(scan, "nan")) {
        *result = NAN;
        return scan->at == scan->end;
    }
    bool negative = scan_byte(scan, '-');
    if (!negative)
        scan_byte(scan, '+');
    if (!scan_word(scan, "infinity") && !scan_word(scan, "inf"))
        return false;
    *result = negative ? -INFINITY : INFINITY;
    return scan->at == scan->end;
}

/* strtod takes more than is meant here: hexadecimal floats, NaN with letters after it. */
static bool is_decimal(struct scan scan)
{
    if (!scan_byte(&scan, '-'))
        scan_byte(&scan, '+');
    const char *begin = scan.at;
    bool digits = scan_is_digit(&scan);
    while (scan_is_digit(&scan))
        scan.at++;
    if (scan_byte(&scan, '.')) {
        digits = digits || scan_is_digit(&scan);
        while (scan_is_digit(&scan))
            scan.at++;
    }
    if (!digits || scan.at == begin)
        return false;
    if (scan_word(&scan, "e")) {
        if (!scan_byte(&scan, '-'))
            scan_byte(&scan, '+');
        if (!scan_is_digit(&scan))
            return false;
        while (scan_is_digit(&scan))
            scan.at++;
    }
    return scan.at == scan.end;
}

const char *real_read(struct text text, bool single, struct arena *arena, double *result)
{
    text = numeric_text_inside(text);
    struct scan scan = scan_make(text);
    if (is_special(&scan, result))
        return NULL;
    if (text.len > MAX_TEXT)
        return "a number of too many digits";
    if (!is_decimal(scan_make(text)))
        return SYNTAX;
    char small[64];
    char *copy = text.len < sizeof small ? small : arena_alloc(arena, (size_t)text.len + 1);
    memcpy(copy, text.bytes, text.len);
    copy[text.len] = '\0';
    errno = 0;
    double value = single ? (double)strtof(copy, NULL) : strtod(copy, NULL);
    *result = value;
    if (errno == ERANGE && (value == 0 || isinf(value)))
        return value == 0 ? UNDERFLOW : OVERFLOW;
    return NULL;
}

/* Decimal digits and exponent: d.ddd times 10^exponent. */
struct shortest {
    char digits[MAX_DIGITS + 2];
    int n, exponent;
};

static double read_back(const struct shortest *tried, bool single)
{
    char text[MAX_DIGITS + 16];
    snprintf(text, sizeof text, "%c.%se%d", tried->digits[0], tried->digits + 1, tried->exponent);
    return single ? (double)strtof(text, NULL) : strtod(text, NULL);
}

/* Text that lies exactly between two values reads as the even one of them, but PostgreSQL does not
 * print an even value so: 1e23 is printed 9.999999999999999e+22. Only a short integer can be such a
 * midpoint's, or a short dyadic fraction; the exact decimals tell. */
static bool is_midpoint(const struct shortest *tried, double value, bool single)
{
    char text[MAX_DIGITS + 16], exact[1200];
    snprintf(text, sizeof text, "%c.%se%d", tried->digits[0], tried->digits + 1, tried->exponent);
    for (int up = 0; up < 2; up++) {
        double to = up ? INFINITY : 0;
        double next = single ? (double)nextafterf((float)value, (float)to) : nextafter(value, to);
        if (isinf(next))
            continue;
        long double middle = ((long double)value + (long double)next) / 2;
        if (strtold(text, NULL) != middle)
            continue;
        snprintf(exact, sizeof exact, "%.1100Le", middle);
        bool head = exact[0] == tried->digits[0] &&
                    !strncmp(exact + 2, tried->digits + 1, (size_t)tried->n - 1);
        const char *tail = exact + 1 + tried->n;
        if (head && tail[strspn(tail, "0.")] == 'e')
            return true;
    }
    return false;
}

static bool fits(const struct shortest *tried, double value, bool single)
{
    return read_back(tried, single) == value && !is_midpoint(tried, value, single);
}

static void round_at(double value, int n, struct shortest *tried)
{
    char text[MAX_DIGITS + 16];
    snprintf(text, sizeof text, "%.*e", n - 1, value);
    tried->n = n;
    tried->digits[0] = text[0];
    if (n > 1)
        memcpy(tried->digits + 1, text + 2, (size_t)n - 1);
    tried->digits[n] = '\0';
    tried->exponent = atoi(strchr(text, 'e') + 1);
}

/* The next larger one with as many digits. */
static bool bump(struct shortest *tried)
{
    for (int i = tried->n - 1; i >= 0; i--) {
        if (tried->digits[i] < '9') {
            tried->digits[i]++;
            return true;
        }
        tried->digits[i] = '0';
    }
    return false;
}

/* Below a power of two the values lie closer than above it, so that the decimal nearest may read
 * back as another value while the next larger one does not. */
static struct shortest find_shortest(double value, bool single)
{
    struct shortest tried;
    for (int n = 1;; n++) {
        round_at(value, n, &tried);
        if (n >= MAX_DIGITS || fits(&tried, value, single))
            return tried;
        struct shortest next = tried;
        if (bump(&next) && fits(&next, value, single))
            return next;
    }
}

static size_t put_fixed(char *at, const struct shortest *found)
{
    char *begin = at;
    if (found->exponent < 0)
        at += sprintf(at, "0.%.*s", -found->exponent - 1, "0000");
    for (int i = 0; i < found->n || i <= found->exponent; i++) {
        *at++ = i < found->n ? found->digits[i] : '0';
        if (i == found->exponent && i + 1 < found->n)
            *at++ = '.';
    }
    return (size_t)(at - begin);
}

static size_t put_exponent(char *at, const struct shortest *found)
{
    const char *point = found->n > 1 ? "." : "";
    return (size_t)sprintf(at, "%c%s%se%c%02d", found->digits[0], point, found->digits + 1,
                           found->exponent < 0 ? '-' : '+', abs(found->exponent));
}

struct text real_write(double value, bool single, struct arena *arena)
{
    if (isnan(value))
        return (struct text){"NaN", 3};
    if (isinf(value))
        return value > 0 ? (struct text){"Infinity", 8} : (struct text){"-Infinity", 9};
    char *bytes = arena_alloc(arena, 40), *at = bytes;
    if (signbit(value))
        *at++ = '-';
    struct shortest found = {.digits = "0", .n = 1};
    if (value != 0)
        found = find_shortest(fabs(value), single);
    while (found.n > 1 && found.digits[found.n - 1] == '0')
        found.digits[--found.n] = '\0';
    bool fixed = found.exponent >= -4 && found.exponent < (single ? 6 : 15);
    at += fixed ? put_fixed(at, &found) : put_exponent(at, &found);
    return (struct text){bytes, (uint32_t)(at - bytes)};
}

static const char *give(struct call *call, double value, bool may_be_zero)
{
    call->result->real = value;
    double left = call->args[0].real, right = call->args[1].real;
    if (isinf(value) && !isinf(left) && !isinf(right))
        return OVERFLOW;
    return value == 0 && !may_be_zero ? UNDERFLOW : NULL;
}

#define FLOAT(type, c_type)                                                               \
    const char *type##_add(struct call *call)                                             \
    {                                                                                     \
        return give(call, (c_type)call->args[0].real + (c_type)call->args[1].real, true); \
    }                                                                                     \
    const char *type##_sub(struct call *call)                                             \
    {                                                                                     \
        return give(call, (c_type)call->args[0].real - (c_type)call->args[1].real, true); \
    }                                                                                     \
    const char *type##_mul(struct call *call)                                             \
    {                                                                                     \
        c_type left = (c_type)call->args[0].real, right = (c_type)call->args[1].real;     \
        return give(call, left * right, left == 0 || right == 0);                         \
    }                                                                                     \
    const char *type##_div(struct call *call)                                             \
    {                                                                                     \
        c_type left = (c_type)call->args[0].real, right = (c_type)call->args[1].real;     \
        if (right == 0 && !isnan(left))                                                   \
            return BY_ZERO;                                                               \
        return give(call, left / right, left == 0 || isinf(right));                       \
    }

FLOAT(float4, float)
FLOAT(float8, double)

#define ONE(name, expression)              \
    const char *name(struct call *call)    \
    {                                      \
        double value = call->args[0].real; \
        call->result->real = (expression); \
        return NULL;                       \
    }

ONE(real_same, value)
ONE(real_neg, -value)
ONE(real_abs, fabs(value))
ONE(real_floor, floor(value))
ONE(real_ceil, ceil(value))
ONE(real_round, rint(value))
ONE(real_trunc, trunc(value))
