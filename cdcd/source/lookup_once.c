/* One question, waited for: the driver of lookups, with an event loop for that alone. */
#include "source/source.h"

#include "base/mem.h"
#include "source/conninfo.h"

#include <event2/event.h>
#include <stdlib.h>

#define RETRY_MIN_MS 100
#define RETRY_MAX_MS 1000

struct once {
    struct event_base *base;
    struct arena *arena;
    struct answer *answer;
};

static void copy_columns(struct arena *arena, struct answer *to, const struct answer *from)
{
    const char **names = arena_alloc(arena, from->n_columns * sizeof *names);
    uint32_t *types = arena_alloc(arena, from->n_columns * sizeof *types);
    for (unsigned i = 0; i < from->n_columns; i++) {
        names[i] = arena_strdup(arena, from->names[i]);
        types[i] = from->types[i];
    }
    to->names = names;
    to->types = types;
}

static void on_answered(void *ctx, uint64_t question, const struct answer *answer)
{
    struct once *once = ctx;
    size_t n = (size_t)answer->n_rows * answer->n_columns;
    struct value *rows = arena_alloc(once->arena, n * sizeof *rows);
    (void)question;
    for (size_t i = 0; i < n; i++) {
        rows[i] = answer->rows[i];
        if (rows[i].kind == VALUE_TEXT)
            rows[i].text = arena_strndup(once->arena, rows[i].text, rows[i].len);
    }
    *once->answer = *answer;
    once->answer->rows = rows;
    if (answer->failed)
        once->answer->failed = arena_strdup(once->arena, answer->failed);
    copy_columns(once->arena, once->answer, answer);
    event_base_loopbreak(once->base);
}

void source_look_up(const char *conninfo, int64_t timeout_ms, const struct lookup *lookup,
                    const struct value *params, struct arena *arena, struct answer *answer)
{
    struct lookups_opts opts = {conninfo, timeout_ms, RETRY_MIN_MS, RETRY_MAX_MS};
    struct err err = {0};
    *answer = (struct answer){0};
    if (conninfo_check(conninfo, &err) != 0) {
        answer->failed = arena_strdup(arena, err.text);
        return;
    }
    struct once once = {event_base_new(), arena, answer};
    if (!once.base)
        abort();
    struct lookups *lookups = source_lookups()->open(&opts, once.base, on_answered, &once);
    lookups->ops->ask(lookups, lookup, params, 0);
    event_base_dispatch(once.base);
    lookups->ops->close(lookups);
    event_base_free(once.base);
}
