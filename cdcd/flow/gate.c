#include "flow/gate.h"

#include <utlist.h>

/* Between questions while something stays invisible: a commit that is on its way is seen at once,
 * one that waits for a standby may take for ever. */
#define DELAY_MIN_MS 1
#define DELAY_MAX_MS 50

static void append(struct part **list, struct part *part)
{
    DL_APPEND2(*list, part, held_prev, held_next);
}

static void take_out(struct part **list, struct part *part)
{
    DL_DELETE2(*list, part, held_prev, held_next);
}

void gate_hold(struct gate *gate, struct part *part)
{
    gate->held_bytes += part_bytes(part);
    if (part->visible) {
        append(part->not_before_ms ? &gate->delayed : &gate->leaving, part);
        return;
    }
    append(&gate->unseen, part);
    /* What is new is asked about at once, however long the others have been waiting. */
    gate->next_ask_ms = 0;
}

bool gate_ask(struct gate *gate, int64_t now_ms)
{
    if (!gate->unseen || gate->asked || now_ms < gate->next_ask_ms)
        return false;
    gate->asked = true;
    return true;
}

static void let_go_what_is_seen(struct gate *gate, const struct snapshot *snapshot)
{
    struct part *part, *after;
    DL_FOREACH_SAFE2(gate->unseen, part, after, held_next)
    {
        part->visible = snapshot_sees(snapshot, part->xid);
        if (!part->visible)
            continue;
        take_out(&gate->unseen, part);
        append(part->not_before_ms ? &gate->delayed : &gate->leaving, part);
    }
}

void gate_answer(struct gate *gate, const struct snapshot *snapshot, int64_t now_ms)
{
    gate->asked = false;
    let_go_what_is_seen(gate, snapshot);
    if (!gate->unseen) {
        gate->delay_ms = 0;
        return;
    }
    gate->delay_ms = gate->delay_ms ? gate->delay_ms * 2 : DELAY_MIN_MS;
    if (gate->delay_ms > DELAY_MAX_MS)
        gate->delay_ms = DELAY_MAX_MS;
    gate->next_ask_ms = now_ms + gate->delay_ms;
}

static void let_go_what_is_due(struct gate *gate, int64_t now_ms)
{
    struct part *part, *after;
    DL_FOREACH_SAFE2(gate->delayed, part, after, held_next)
    {
        if (part->not_before_ms > now_ms)
            continue;
        take_out(&gate->delayed, part);
        append(&gate->leaving, part);
    }
}

struct part *gate_next(struct gate *gate, int64_t now_ms)
{
    if (!gate->leaving)
        let_go_what_is_due(gate, now_ms);
    struct part *part = gate->leaving;
    if (part) {
        take_out(&gate->leaving, part);
        gate->held_bytes -= part_bytes(part);
    }
    return part;
}

int64_t gate_due_ms(const struct gate *gate)
{
    int64_t due = gate->unseen && !gate->asked ? gate->next_ask_ms : INT64_MAX;
    struct part *part;
    if (gate->leaving)
        return 0;
    DL_FOREACH2(gate->delayed, part, held_next)
    {
        if (part->not_before_ms < due)
            due = part->not_before_ms;
    }
    return due;
}

void gate_reset(struct gate *gate)
{
    *gate = (struct gate){0};
}
