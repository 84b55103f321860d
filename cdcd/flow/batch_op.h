/* An op as a batch holds it, and as all others do. */
#ifndef CDCD_FLOW_BATCH_OP_H
#define CDCD_FLOW_BATCH_OP_H

#include "model/op.h"
#include "store/store.h"

/* Both borrow what they are made of; when it leaves, and where to, is not of a batch's op. */
struct batch_op batch_op_of(const struct op *op);
struct op batch_op_as_op(const struct batch_op *op);

#endif
