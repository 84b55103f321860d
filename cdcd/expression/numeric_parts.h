/* What numeric.c and numeric_math.c share. Private to them. */
#ifndef CDCD_EXPRESSION_NUMERIC_PARTS_H
#define CDCD_EXPRESSION_NUMERIC_PARTS_H

#include "expression/numeric.h"

#define NUMERIC_BASE 10000
#define NUMERIC_MAX_WEIGHT 32768 /* 131072 digits before the point */
#define NUMERIC_MAX_SCALE 16383

/* n digits of 0, scale and weight 0; to be filled, then trimmed. */
struct numeric *numeric_room(struct arena *arena, uint32_t n);
const struct numeric *numeric_special(enum numeric_kind kind, struct arena *arena);
/* Removes zeros at both ends. The error when the number is too long. */
const char *numeric_trim(struct numeric *numeric);
/* That of 10000^weight. */
int numeric_digit(const struct numeric *numeric, int64_t weight);
/* As numeric_order without signs; of finite numbers. */
int numeric_order_sizes(const struct numeric *left, const struct numeric *right);
/* Without the spaces around it. */
struct text numeric_text_inside(struct text text);

#endif
