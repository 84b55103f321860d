#include "flow/gate.h"

#include "base/mem.h"

#include <stdlib.h>
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

/* ------------------------------------------------------------------ what waits for its time --- */

static bool is_due_before(const struct gate_delayed *a, const struct gate_delayed *b)
{
    return a->due_ms != b->due_ms ? a->due_ms < b->due_ms : a->number < b->number;
}

static void delay(struct gate *gate, struct part *part)
{
    struct gate_delayed new = {part->not_before_ms, ++gate->last_number, part};
    if (gate->n_delayed == gate->cap_delayed) {
        gate->cap_delayed = gate->cap_delayed ? gate->cap_delayed * 2 : 16;
        gate->delayed = mem_resize(gate->delayed, gate->cap_delayed * sizeof *gate->delayed);
    }
    unsigned at = gate->n_delayed++;
    for (; at > 0 && is_due_before(&new, &gate->delayed[(at - 1) / 2]); at = (at - 1) / 2)
        gate->delayed[at] = gate->delayed[(at - 1) / 2];
    gate->delayed[at] = new;
}

/* Takes out the first; the last takes its place, and sinks to where it belongs. */
static struct part *take_due(struct gate *gate)
{
    struct part *part = gate->delayed[0].part;
    struct gate_delayed last = gate->delayed[--gate->n_delayed];
    unsigned at = 0;
    for (unsigned child; (child = 2 * at + 1) < gate->n_delayed; at = child) {
        if (child + 1 < gate->n_delayed &&
            is_due_before(&gate->delayed[child + 1], &gate->delayed[child]))
            child++;
        if (!is_due_before(&gate->delayed[child], &last))
            break;
        gate->delayed[at] = gate->delayed[child];
    }
    gate->delayed[at] = last;
    return part;
}

/* ----------------------------------------------------------------------------- what is held --- */

static void let_go(struct gate *gate, struct part *part)
{
    if (part->not_before_ms)
        delay(gate, part);
    else
        append(&gate->leaving, part);
}

static bool is_passed_by(const struct gate *gate, const struct part *part)
{
    return !gate->unseen || (!part->has_set && gate->n_unseen_sets == 0);
}

bool gate_is_open(const struct gate *gate, const struct part *part)
{
    return part->visible && part->not_before_ms == 0 && is_passed_by(gate, part);
}

void gate_hold(struct gate *gate, struct part *part)
{
    gate->held_bytes += part_bytes(part);
    if (part->visible && is_passed_by(gate, part)) {
        let_go(gate, part);
        return;
    }
    append(&gate->unseen, part);
    gate->n_unseen_sets += part->has_set;
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
    bool kept = false, set_kept = false;
    DL_FOREACH_SAFE2(gate->unseen, part, after, held_next)
    {
        part->visible |= snapshot_sees(snapshot, part->xid);
        if (!part->visible || set_kept || (part->has_set && kept)) {
            kept = true;
            set_kept |= part->has_set;
            continue;
        }
        take_out(&gate->unseen, part);
        gate->n_unseen_sets -= part->has_set;
        let_go(gate, part);
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

struct part *gate_next(struct gate *gate, int64_t now_ms)
{
    struct part *part = gate->leaving;
    if (part)
        take_out(&gate->leaving, part);
    else if (gate->n_delayed && gate->delayed[0].due_ms <= now_ms)
        part = take_due(gate);
    if (part)
        gate->held_bytes -= part_bytes(part);
    return part;
}

int64_t gate_due_ms(const struct gate *gate)
{
    int64_t due = gate->unseen && !gate->asked ? gate->next_ask_ms : INT64_MAX;
    if (gate->leaving)
        return 0;
    if (gate->n_delayed && gate->delayed[0].due_ms < due)
        due = gate->delayed[0].due_ms;
    return due;
}

void gate_reset(struct gate *gate)
{
    free(gate->delayed);
    *gate = (struct gate){0};
}
