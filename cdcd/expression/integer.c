/* Integers of 2, 4 and 8 bytes: all in 64 bits, checked against their own range. */
#include "expression/calls.h"

static const char OUT_OF_RANGE[] = "integer out of range";
static const char BY_ZERO[] = "division by zero";

static const char *give(struct call *call, int64_t value, int64_t min, int64_t max)
{
    call->result->integer = value;
    return value < min || value > max ? OUT_OF_RANGE : NULL;
}

static const char *divide(struct call *call, int64_t min, int64_t max)
{
    int64_t by = call->args[1].integer;
    if (by == 0)
        return BY_ZERO;
    int64_t value = call->args[0].integer;
    if (by == -1 && value == min)
        return OUT_OF_RANGE;
    return give(call, value / by, min, max);
}

static const char *modulo(struct call *call)
{
    int64_t by = call->args[1].integer;
    if (by == 0)
        return BY_ZERO;
    /* the smallest integer by -1 overflows in hardware, and is 0 */
    call->result->integer = by == -1 ? 0 : call->args[0].integer % by;
    return NULL;
}

#define CHECKED(name, builtin, min, max)                                   \
    const char *name(struct call *call)                                    \
    {                                                                      \
        int64_t value;                                                     \
        if (builtin(call->args[0].integer, call->args[1].integer, &value)) \
            return OUT_OF_RANGE;                                           \
        return give(call, value, min, max);                                \
    }

#define INTEGER(type, min, max)                                               \
    CHECKED(type##_add, __builtin_add_overflow, min, max)                     \
    CHECKED(type##_sub, __builtin_sub_overflow, min, max)                     \
    CHECKED(type##_mul, __builtin_mul_overflow, min, max)                     \
    const char *type##_div(struct call *call)                                 \
    {                                                                         \
        return divide(call, min, max);                                        \
    }                                                                         \
    const char *type##_mod(struct call *call)                                 \
    {                                                                         \
        return modulo(call);                                                  \
    }                                                                         \
    const char *type##_neg(struct call *call)                                 \
    {                                                                         \
        if (call->args[0].integer == (min))                                   \
            return OUT_OF_RANGE;                                              \
        call->result->integer = -call->args[0].integer;                       \
        return NULL;                                                          \
    }                                                                         \
    const char *type##_abs(struct call *call)                                 \
    {                                                                         \
        return call->args[0].integer < 0 ? type##_neg(call) : int_same(call); \
    }

INTEGER(int2, INT16_MIN, INT16_MAX)
INTEGER(int4, INT32_MIN, INT32_MAX)
INTEGER(int8, INT64_MIN, INT64_MAX)

const char *int_same(struct call *call)
{
    call->result->integer = call->args[0].integer;
    return NULL;
}

const char *int_to_int2(struct call *call)
{
    return give(call, call->args[0].integer, INT16_MIN, INT16_MAX);
}

const char *int_to_int4(struct call *call)
{
    return give(call, call->args[0].integer, INT32_MIN, INT32_MAX);
}

const char *int_to_bool(struct call *call)
{
    call->result->truth = call->args[0].integer != 0;
    return NULL;
}

const char *bool_to_int(struct call *call)
{
    call->result->integer = call->args[0].truth;
    return NULL;
}
