#include "flow/questions.h"

#include "base/mem.h"
#include "flow/staging.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Followed by the parameters, each a struct param and its text, and the context. */
struct record {
    const struct lookup *lookup;
    uint32_t context_len;
    uint32_t unused; /* records are compared as bytes */
};

struct param {
    uint32_t kind; /* enum value_kind */
    uint32_t len;
};

struct questions *questions_make(struct ruleset *ruleset)
{
    struct questions *questions = mem_alloc(sizeof *questions);
    questions->ruleset = ruleset_hold(ruleset);
    return questions;
}

void questions_free(struct questions *questions)
{
    if (!questions)
        return;
    if (questions->results)
        staging_drop(questions->results);
    free(questions->results);
    free(questions->places);
    free(questions->params);
    buf_free(&questions->packed);
    ruleset_free(questions->ruleset);
    free(questions);
}

static void pack(struct buf *packed, const struct question *question)
{
    struct record record = {.lookup = question->lookup, .context_len = question->context_len};
    buf_put(packed, &record, sizeof record);
    for (unsigned i = 0; i < question->lookup->n_params; i++) {
        const struct value *value = &question->params[i];
        struct param param = {.kind = value->kind};
        param.len = value->kind == VALUE_TEXT ? value->len : 0;
        buf_put(packed, &param, sizeof param);
        buf_put(packed, value->text, param.len);
    }
    buf_put(packed, question->context, question->context_len);
}

/* True when what stands at the place is what has been packed last, at `at`. */
static bool same(const struct questions *questions, unsigned place, size_t at, uint32_t hash)
{
    const struct buf *packed = &questions->packed;
    const struct question_place *other = &questions->places[place];
    size_t end = place + 1 < questions->n ? questions->places[place + 1].at : at;
    return other->hash == hash && end - other->at == packed->len - at &&
           memcmp(packed->data + other->at, packed->data + at, packed->len - at) == 0;
}

void questions_put(struct questions *questions, const struct question *question)
{
    unsigned hash;
    size_t at = questions->packed.len;
    pack(&questions->packed, question);
    HASH_JEN(questions->packed.data + at, questions->packed.len - at, hash);
    for (unsigned place = 0; place < questions->n; place++)
        if (same(questions, place, at, hash)) {
            questions->packed.len = at;
            return;
        }
    if (questions->n == questions->cap) {
        questions->cap = questions->cap ? questions->cap * 2 : 4;
        questions->places =
            mem_resize(questions->places, questions->cap * sizeof *questions->places);
    }
    questions->places[questions->n++] = (struct question_place){at, hash};
}

struct question questions_get(struct questions *questions, unsigned place)
{
    struct record record;
    const char *at = questions->packed.data + questions->places[place].at;
    memcpy(&record, at, sizeof record);
    at += sizeof record;
    unsigned n_params = record.lookup->n_params;
    questions->params = mem_resize(questions->params, (n_params + 1) * sizeof *questions->params);
    for (unsigned i = 0; i < n_params; i++) {
        struct param param;
        memcpy(&param, at, sizeof param);
        at += sizeof param;
        questions->params[i] =
            (struct value){.text = at, .len = param.len, .kind = (enum value_kind)param.kind};
        at += param.len;
    }
    return (struct question){
        .lookup = record.lookup,
        .params = questions->params,
        .context = at,
        .context_len = record.context_len,
    };
}

size_t questions_bytes(const struct questions *questions)
{
    return sizeof *questions + questions->packed.cap + questions->cap * sizeof *questions->places;
}
