#include "model/op.h"

const char *op_action_name(enum op_action action)
{
    static const char *const names[] = {"delete", "bump", "scan"};
    return names[action];
}
