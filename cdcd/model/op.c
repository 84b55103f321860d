#include "model/op.h"

const char *op_action_name(enum op_action action)
{
    static const char *const names[] = {"delete", "bump",           "stale",   "expire",
                                        "set",    "delete-members", "publish", "scan"};
    return names[action];
}
