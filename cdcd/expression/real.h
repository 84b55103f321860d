/* Floating-point numbers as PostgreSQL reads and writes them. Private to expression/. */
#ifndef CDCD_EXPRESSION_REAL_H
#define CDCD_EXPRESSION_REAL_H

#include "expression/catalog.h"

/* Decimal notation only. single: float4. */
const char *real_read(struct text text, bool single, struct arena *arena, double *result);
/* The shortest text that reads back as the same value, as extra_float_digits = 1 gives. */
struct text real_write(double value, bool single, struct arena *arena);

#endif
