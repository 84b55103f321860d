/* Decimal numbers of any length, as PostgreSQL's numeric. Private to expression/.
 *
 * A number is digits of base 10000, the first of which counts 10000^weight; neither the first nor
 * the last is 0. scale is how many decimals are shown, and rules the scale of results. Numbers are
 * not changed once made; what is made is the arena's. Functions that can fail return the error. */
#ifndef CDCD_EXPRESSION_NUMERIC_H
#define CDCD_EXPRESSION_NUMERIC_H

#include "expression/catalog.h"

enum numeric_kind { NUMERIC_MINUS_INFINITY, NUMERIC_FINITE, NUMERIC_INFINITY, NUMERIC_NAN };

struct numeric {
    enum numeric_kind kind;
    bool negative;
    int32_t weight;
    int32_t scale;
    uint32_t n; /* 0: the number is 0 */
    int16_t digits[];
};

/* The text is one that PostgreSQL's input takes. */
const char *numeric_read(struct text text, struct arena *arena, const struct numeric **result);
struct text numeric_write(const struct numeric *numeric, struct arena *arena);
const struct numeric *numeric_of_integer(int64_t value, struct arena *arena);
/* Rounded half away from zero. */
const char *numeric_to_integer(const struct numeric *numeric, int64_t *result);
/* The order of numbers; NaN equals NaN and is the greatest. */
int numeric_order(const struct numeric *left, const struct numeric *right);

#endif
