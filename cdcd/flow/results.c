#include "flow/results.h"

#include "model/stats.h"

void results_count(const struct batch *batch)
{
    for (unsigned i = 0; i < batch->n; i++) {
        switch ((enum op_result)batch->ops[i].result) {
        case RESULT_HIT:
            stats()->hits++;
            break;
        case RESULT_MISS:
            stats()->misses++;
            break;
        case RESULT_REFUSED:
            stats()->refused++;
            break;
        case RESULT_NONE:
            stats()->errors += batch->status != BATCH_LOST;
            break;
        }
    }
}
