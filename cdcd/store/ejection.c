#include "store/ejection.h"

void ejection_down(struct ejection *ejection, int64_t since_ms)
{
    switch (ejection->state) {
    case EJECTION_NEVER:
    case EJECTION_DOWN:
        return;
    case EJECTION_NEW:
        ejection->down_since_ms = since_ms - EJECTION_CLEAR_AFTER_MS;
        break;
    case EJECTION_UP:
        ejection->down_since_ms = since_ms;
        break;
    }
    ejection->state = EJECTION_DOWN;
}

bool ejection_must_clear(const struct ejection *ejection, int64_t now_ms)
{
    return ejection->state == EJECTION_DOWN &&
           now_ms - ejection->down_since_ms >= EJECTION_CLEAR_AFTER_MS;
}

void ejection_up(struct ejection *ejection, int64_t now_ms)
{
    if (ejection->state == EJECTION_DOWN)
        ejection->strays_until_ms = now_ms + EJECTION_STRAY_MS;
    if (ejection->state != EJECTION_NEVER)
        ejection->state = EJECTION_UP;
}

bool ejection_strays(const struct ejection *ejection, int64_t now_ms)
{
    return ejection->state == EJECTION_DOWN || now_ms < ejection->strays_until_ms;
}
