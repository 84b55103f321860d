#include "model/change.h"

#include <assert.h>

struct value change_value(const struct change *change, enum image image, unsigned column)
{
    assert(column < change->relation->n_columns);
    if (image == IMAGE_NEW)
        return change->new_row[column];
    if (change->old_row)
        return change->old_row[column];
    if (change->op == CHANGE_UPDATE && change->relation->columns[column].in_identity)
        return change->new_row[column];
    return (struct value){.kind = VALUE_ABSENT};
}

bool snapshot_sees(const struct snapshot *snapshot, uint32_t xid)
{
    if ((int32_t)(xid - (uint32_t)snapshot->xmax) >= 0)
        return false;
    for (unsigned i = 0; i < snapshot->n_running; i++)
        if ((uint32_t)snapshot->running[i] == xid)
            return false;
    return true;
}

const char *change_op_name(enum change_op op)
{
    static const char *const names[] = {"insert", "update", "delete", "truncate"};
    return names[op];
}
