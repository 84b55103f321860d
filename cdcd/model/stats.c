#include "model/stats.h"

struct stats *stats(void)
{
    static struct stats all;
    return &all;
}
