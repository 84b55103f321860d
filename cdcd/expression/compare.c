/* Comparisons. A type has one function that orders, or one that tells equal from different; its
 * rows are made from it. */
#include "expression/calls.h"
#include "expression/datetime.h"
#include "expression/numeric.h"

#include <math.h>
#include <string.h>

#define ROW(name, expression)               \
    const char *name(struct call *call)     \
    {                                       \
        call->result->truth = (expression); \
        return NULL;                        \
    }
#define LEFT (&call->args[0])
#define RIGHT (&call->args[1])
#define ORDERED(type, order)   \
    ROW(type##_eq, order == 0) \
    ROW(type##_ne, order != 0) \
    ROW(type##_lt, order < 0)  \
    ROW(type##_le, order <= 0) \
    ROW(type##_gt, order > 0)  \
    ROW(type##_ge, order >= 0)
#define SCALAR(type, member)                      \
    ROW(type##_eq, LEFT->member == RIGHT->member) \
    ROW(type##_ne, LEFT->member != RIGHT->member) \
    ROW(type##_lt, LEFT->member < RIGHT->member)  \
    ROW(type##_le, LEFT->member <= RIGHT->member) \
    ROW(type##_gt, LEFT->member > RIGHT->member)  \
    ROW(type##_ge, LEFT->member >= RIGHT->member)

SCALAR(bool, truth)
SCALAR(int, integer)
SCALAR(date, days)

/* NaN equals NaN and is the greatest. */
static int order_reals(double left, double right)
{
    if (isnan(left) || isnan(right))
        return (isnan(left) != 0) - (isnan(right) != 0);
    return (left > right) - (left < right);
}

static int order_bytes(struct text left, struct text right)
{
    uint32_t n = left.len < right.len ? left.len : right.len;
    int order = n ? memcmp(left.bytes, right.bytes, n) : 0;
    return order ? order : (left.len > right.len) - (left.len < right.len);
}

static bool same(struct text left, struct text right)
{
    return left.len == right.len && (!left.len || !memcmp(left.bytes, right.bytes, left.len));
}

/* Dates stand among timestamps as their midnight, those that no timestamp reaches between the last
 * timestamp and infinity. Between timestamp and timestamptz the session's UTC adds nothing. */
static int64_t moment(const struct call *call, unsigned i)
{
    if (call->types[i] != TYPE_DATE)
        return call->args[i].micros;
    return datetime_of_date(call->args[i].days);
}

static int order_times(const struct call *call)
{
    int64_t left = moment(call, 0), right = moment(call, 1);
    return (left > right) - (left < right);
}

ORDERED(real, order_reals(LEFT->real, RIGHT->real))
ORDERED(numeric, numeric_order(LEFT->numeric, RIGHT->numeric))
ORDERED(bytea, order_bytes(LEFT->text, RIGHT->text))
ORDERED(uuid, memcmp(LEFT->uuid, RIGHT->uuid, 16))
ORDERED(time, order_times(call))
ROW(text_eq, same(LEFT->text, RIGHT->text))
ROW(text_ne, !same(LEFT->text, RIGHT->text))
ROW(bpchar_eq, same(text_without_blanks(LEFT->text), text_without_blanks(RIGHT->text)))
ROW(bpchar_ne, !same(text_without_blanks(LEFT->text), text_without_blanks(RIGHT->text)))
