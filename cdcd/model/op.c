#include "model/op.h"

#include <stddef.h>

const char *op_action_name(enum op_action action)
{
    static const char *const names[] = {"delete", "bump",           "stale",   "expire",
                                        "set",    "delete-members", "publish", "scan"};
    return names[action];
}

void op_become_delete(struct op *op)
{
    op->action = OP_DELETE;
    op->value = NULL;
    op->value_len = 0;
    op->ttl_ms = 0;
}
