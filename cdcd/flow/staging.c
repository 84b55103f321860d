#include "flow/staging.h"

#include "base/mem.h"
#include "flow/questions.h"

#include <assert.h>
#include <stdlib.h>

/* Of the ops, or questions, of one part. */
#define PART_BYTES (64u << 10)

static struct part *open_part(const struct staging *staging, struct part **part)
{
    if (!*part) {
        *part = part_make(staging->xid, staging->visible, staging->n_lanes);
        (*part)->owed = staging->owed;
        (*part)->asked_at = staging->asked_at;
    }
    if (staging->asked_at < (*part)->asked_at)
        (*part)->asked_at = staging->asked_at;
    return *part;
}

static void put_doubtful(struct staging *staging, const struct op *op, int64_t doubted_ms)
{
    struct part *part = open_part(staging, &staging->doubtful);
    if (part_has(part, op))
        return;
    part_put(part, op);
    if (doubted_ms && doubted_ms + DOUBT_INTERVAL_MS > part->not_before_ms)
        part->not_before_ms = doubted_ms + DOUBT_INTERVAL_MS;
}

void staging_put(struct staging *staging, const struct op *op, int64_t doubted_ms)
{
    assert(op->store < staging->n_stores);
    if (op->in_doubt) {
        put_doubtful(staging, op, doubted_ms);
        return;
    }
    if (!staging->parts)
        staging->parts = mem_alloc(staging->n_stores * sizeof(struct part *));
    part_put(open_part(staging, &staging->parts[op->store]), op);
}

void staging_ask(struct staging *staging, struct ruleset *ruleset, const struct question *question)
{
    if (!staging->asking) {
        staging->asking = part_make(staging->xid, staging->seen, staging->n_lanes);
        staging->asking->questions = questions_make(ruleset);
    }
    questions_put(staging->asking->questions, question);
}

static bool has_enough(const struct part *part, unsigned n_ops)
{
    const struct questions *questions = part->questions;
    if (questions)
        return questions->n >= n_ops || questions->packed.len >= PART_BYTES;
    return part->n_ops >= n_ops || part->ops.len >= PART_BYTES;
}

static struct part *take(struct part **part)
{
    struct part *taken = *part;
    *part = NULL;
    return taken;
}

struct part *staging_take(struct staging *staging, unsigned n_ops)
{
    if (n_ops == 0 && staging->doubtful)
        return take(&staging->doubtful);
    for (unsigned i = 0; staging->parts && i < staging->n_stores; i++) {
        const struct part *part = staging->parts[i];
        if (part && has_enough(part, n_ops))
            return take(&staging->parts[i]);
    }
    if (staging->asking && has_enough(staging->asking, n_ops))
        return take(&staging->asking);
    return NULL;
}

void staging_see(struct staging *staging)
{
    staging->visible = staging->seen = true;
    if (staging->asking)
        staging->asking->visible = true;
    if (staging->doubtful)
        staging->doubtful->visible = true;
    for (unsigned i = 0; staging->parts && i < staging->n_stores; i++)
        if (staging->parts[i])
            staging->parts[i]->visible = true;
}

void staging_drop(struct staging *staging)
{
    struct part *part;
    while ((part = staging_take(staging, 0)))
        part_free(part);
    free(staging->parts);
    staging->parts = NULL;
}
