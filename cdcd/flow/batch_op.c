#include "flow/batch_op.h"

struct batch_op batch_op_of(const struct op *op)
{
    return (struct batch_op){
        .key = op->key,
        .value = op->value,
        .ttl_ms = op->ttl_ms,
        .grace_ms = op->grace_ms,
        .key_len = op->key_len,
        .value_len = op->value_len,
        .cache = op->cache,
        .action = op->action,
        .format = op->format,
    };
}

struct op batch_op_as_op(const struct batch_op *op)
{
    return (struct op){
        .key = op->key,
        .value = op->value,
        .ttl_ms = op->ttl_ms,
        .grace_ms = op->grace_ms,
        .key_len = op->key_len,
        .value_len = op->value_len,
        .cache = op->cache,
        .action = op->action,
        .format = op->format,
    };
}
