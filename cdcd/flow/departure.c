#include "flow/departure.h"

#include "base/mem.h"
#include "flow/questions.h"
#include "model/stats.h"

#include <stdlib.h>
#include <utlist.h>

/* Before any rules that hold. */
#define LONG_AGO 1

void departure_set_rules(struct departure *out, const struct ruleset *ruleset)
{
    free(out->caches);
    out->ruleset = ruleset;
    out->n_caches = ruleset_n_caches(ruleset);
    out->caches = mem_alloc(out->n_caches * sizeof *out->caches);
    out->clock += 2;
    out->rules_at = out->trust_from = out->clock;
}

void departure_free(struct departure *out)
{
    gate_reset(&out->gate);
    ack_reset(&out->ack);
    fleet_free(&out->fleet);
    free(out->caches);
}

int64_t departure_doubted_ms(const struct departure *out, unsigned cache)
{
    return cache < out->n_caches ? out->caches[cache].doubt_ms : 0;
}

/* When the part was read, or asked for. */
static uint64_t begun_at(const struct part *part)
{
    return part->asked_at ? part->asked_at : part->read_at;
}

/* True when its caches' numbers are not those of the rules that hold. */
static bool is_of_other_rules(const struct departure *out, const struct part *part)
{
    return begun_at(part) < out->rules_at;
}

/* True when what the part sets may be older than what has left: a row's op since it was asked for,
 * or the set of a later part. */
static bool is_overtaken(const struct departure *out, const struct part *part, unsigned cache)
{
    if (cache >= out->n_caches || is_of_other_rules(out, part))
        return part->asked_at != 0;
    const struct departure_cache *state = &out->caches[cache];
    if (begun_at(part) < state->set_at)
        return true;
    return part->asked_at && (part->asked_at < out->trust_from || part->asked_at < state->left_at);
}

static void note_leaving(struct departure *out, const struct part *part, const struct op *op,
                         int64_t now_ms)
{
    if (op->cache >= out->n_caches || is_of_other_rules(out, part)) {
        /* It may be any of our caches. */
        if (!part->asked_at)
            out->trust_from = out->clock;
        return;
    }
    struct departure_cache *cache = &out->caches[op->cache];
    if (!part->asked_at)
        cache->left_at = out->clock;
    if (op->action == OP_SET && cache->set_at < begun_at(part))
        cache->set_at = begun_at(part);
    if (op->in_doubt)
        cache->doubt_ms = now_ms;
}

static void put_stage(struct departure *out, struct part *part, int64_t now_ms)
{
    struct op op;
    out->clock++;
    for (size_t at = 0; part_next(part, &at, &op);) {
        if (op.stage != part->stage || !part_chooses(part, &op))
            continue;
        if (op.action == OP_SET && is_overtaken(out, part, op.cache))
            op_become_delete(&op);
        fleet_put(&out->fleet, &op, part);
        stats()->redeletes += part->again_ms != 0;
        note_leaving(out, part, &op, now_ms);
    }
    part->stage++;
}

/* Puts the ops of the part's next stage into lanes; those of the stage after it, and those that
 * are to be done again, follow when these were answered. */
static void release(struct departure *out, struct part *part, int64_t now_ms)
{
    put_stage(out, part, now_ms);
    if (part->stage > part->last_stage && part->last_again_ms <= part->again_ms) {
        ack_released(&out->ack, part);
        return;
    }
    DL_APPEND2(out->climbing, part, held_prev, held_next);
    out->climbing_bytes += part_bytes(part);
}

static void climb(struct departure *out, int64_t now_ms)
{
    struct part *part, *after;
    DL_FOREACH_SAFE2(out->climbing, part, after, held_next)
    {
        if (!part_answered(part, out->fleet.done))
            continue;
        DL_DELETE2(out->climbing, part, held_prev, held_next);
        out->climbing_bytes -= part_bytes(part);
        if (part->stage > part->last_stage && part_again(part, now_ms))
            gate_hold(&out->gate, part);
        else
            release(out, part, now_ms);
    }
}

/* The part has passed the gate. */
static void go_on(struct departure *out, struct part *part, int64_t now_ms)
{
    if (part->questions)
        asking_add(&out->asking, part);
    else
        release(out, part, now_ms);
}

void departure_release(struct departure *out, int64_t now_ms)
{
    for (struct part *part; (part = gate_next(&out->gate, now_ms));)
        go_on(out, part, now_ms);
}

static void come_to_gate(struct departure *out, struct part *part, int64_t now_ms)
{
    if (gate_is_open(&out->gate, part))
        go_on(out, part, now_ms);
    else
        gate_hold(&out->gate, part);
}

bool departure_take(struct departure *out, struct staging *staging, unsigned n_ops, int64_t now_ms)
{
    struct part *part;
    bool taken = false;
    for (; (part = staging_take(staging, n_ops)); taken = true) {
        part->read_at = ++out->clock;
        ack_add(&out->ack, part);
        come_to_gate(out, part, now_ms);
    }
    return taken;
}

/* ---------------------------------------------------------------------------- questions --- */

struct answering {
    const struct departure *out;
    struct staging *results;
};

static void on_answer_op(void *ctx, const struct op *op, const struct origin *origin)
{
    struct answering *answering = ctx;
    (void)origin;
    staging_put(answering->results, op, departure_doubted_ms(answering->out, op->cache));
}

static struct staging *results_of(const struct departure *out, const struct part *part)
{
    struct questions *questions = part->questions;
    if (!questions->results) {
        questions->results = mem_alloc(sizeof *questions->results);
        *questions->results = (struct staging){
            .xid = part->xid,
            .visible = true,
            .n_stores = out->fleet.n_stores,
            .n_lanes = out->fleet.n_lanes,
        };
    }
    return questions->results;
}

static void take_answer(struct departure *out, const struct asked *asked,
                        const struct answer *answer, int64_t now_ms)
{
    struct part *asker = asked->part, *part;
    struct questions *questions = asker->questions;
    struct question question = questions_get(questions, asked->place);
    struct answering answering = {out, results_of(out, asker)};
    asking_note(&out->asking, question.lookup, asked, answer, now_ms);
    answering.results->asked_at = questions->ruleset == out->ruleset ? asked->at : LONG_AGO;
    ruleset_answer(questions->ruleset, question.context, question.context_len, answer, on_answer_op,
                   &answering);
    bool last = ++questions->n_answered == questions->n;
    while ((part = staging_take(answering.results, last ? 0 : out->batch_ops))) {
        ack_add_before(&out->ack, asker, part);
        come_to_gate(out, part, now_ms);
    }
    if (last) {
        asking_remove(&out->asking, asker);
        ack_released(&out->ack, asker);
    }
}

void departure_ask(struct departure *out, int64_t now_ms)
{
    struct asked asked;
    const char *failed;
    while (asking_next(&out->asking, ++out->clock, now_ms, &asked, &failed)) {
        struct answer answer = {.failed = failed};
        if (failed)
            take_answer(out, &asked, &answer, now_ms);
    }
}

void departure_answered(struct departure *out, uint64_t number, const struct answer *answer,
                        int64_t now_ms)
{
    struct asked asked = asking_answered(&out->asking, number);
    take_answer(out, &asked, answer, now_ms);
}

/* ------------------------------------------------------------------------ what was answered --- */

uint64_t departure_advance(struct departure *out, int64_t now_ms)
{
    fleet_count_done(&out->fleet);
    climb(out, now_ms);
    return ack_advance(&out->ack, out->fleet.done);
}

void departure_reset(struct departure *out)
{
    gate_reset(&out->gate);
    asking_reset(&out->asking);
    out->climbing = NULL;
    out->climbing_bytes = 0;
    fleet_void(&out->fleet);
    ack_reset(&out->ack);
}
