/* The functions: pg_proc of PostgreSQL 15, the rows that concern us. */
#include "expression/calls.h"

#define ONE(name, type, result, call)                                     \
    {                                                                     \
        name, {TYPE_##type, TYPE_NONE}, TYPE_##result, call, false, false \
    }
#define TWO(name, first, second, result, call)                                            \
    {                                                                                     \
        name, {TYPE_##first, TYPE_##second, TYPE_NONE}, TYPE_##result, call, false, false \
    }

static const struct catalog_function FUNCTIONS[] = {
    ONE("abs", INT2, INT2, int2_abs),
    ONE("abs", INT4, INT4, int4_abs),
    ONE("abs", INT8, INT8, int8_abs),
    ONE("abs", FLOAT4, FLOAT4, real_abs),
    ONE("abs", FLOAT8, FLOAT8, real_abs),
    ONE("abs", NUMERIC, NUMERIC, numeric_abs),
    ONE("floor", FLOAT8, FLOAT8, real_floor),
    ONE("floor", NUMERIC, NUMERIC, numeric_floor),
    ONE("ceil", FLOAT8, FLOAT8, real_ceil),
    ONE("ceil", NUMERIC, NUMERIC, numeric_ceil),
    ONE("ceiling", FLOAT8, FLOAT8, real_ceil),
    ONE("ceiling", NUMERIC, NUMERIC, numeric_ceil),
    ONE("round", FLOAT8, FLOAT8, real_round),
    ONE("round", NUMERIC, NUMERIC, numeric_round),
    TWO("round", NUMERIC, INT4, NUMERIC, numeric_round),
    TWO("mod", INT2, INT2, INT2, int2_mod),
    TWO("mod", INT4, INT4, INT4, int4_mod),
    TWO("mod", INT8, INT8, INT8, int8_mod),
    TWO("mod", NUMERIC, NUMERIC, NUMERIC, numeric_mod),
    {.name = NULL},
};

const struct catalog_function *catalog_functions(void)
{
    return FUNCTIONS;
}
