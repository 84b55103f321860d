/* What servers answered, into the counters. */
#ifndef CDCD_FLOW_RESULTS_H
#define CDCD_FLOW_RESULTS_H

#include "store/store.h"

/* Of a batch that was given back. */
void results_count(const struct batch *batch);

#endif
