/* Any bytes as a template, a let and a value: it is refused, or renders to a text, the same text
 * each time, whatever the value is. */
#include "base/mem.h"
#include "rule/template.h"

#include <assert.h>
#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

/* The next line, without its end; the rest when there is none. */
static char *next_line(struct arena *arena, const char **at, const char *end)
{
    const char *begin = *at, *stop = begin;
    while (stop < end && *stop != '\n' && *stop)
        stop++;
    *at = stop < end ? stop + 1 : end;
    return arena_strndup(arena, begin, (size_t)(stop - begin));
}

static void render(const struct template *template, const struct template_value *values)
{
    struct buf once = {0}, again = {0};
    buf_put_str(&again, "x");
    enum template_outcome outcome = template_render(template, values, &once);
    assert(template_render(template, values, &again) == outcome);
    assert(once.len + 1 == again.len);
    assert(once.len == 0 || memcmp(once.data, again.data + 1, once.len) == 0);
    assert(outcome == TEMPLATE_TEXT || once.len == 0);
    buf_free(&once);
    buf_free(&again);
}

static void render_all(struct template *template, struct value value)
{
    static const uint32_t types[] = {0, 16, 23, 114, 1700};
    struct template_value values[TEMPLATE_MAX_PARAMS];
    for (unsigned i = 0; i < 4 * TEMPLATE_MAX_PARAMS; i++) {
        unsigned param = i % TEMPLATE_MAX_PARAMS;
        values[param] = (struct template_value){value, types[i % 5]};
        if (i % 7 == 6)
            values[param].value = (struct value){.kind = VALUE_NULL};
        if (i % 11 == 10)
            values[param].value = (struct value){.kind = VALUE_UNCHANGED};
        if (param != TEMPLATE_MAX_PARAMS - 1)
            continue;
        template->pattern = i & 32;
        template->nulls_shown = i & 64;
        render(template, values);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    const char *at = (const char *)data, *end = at + size;
    struct arena *arena = arena_make();
    struct template_params params = {.n = 0};
    char *text = next_line(arena, &at, end);
    const struct template_binding each = {"each", next_line(arena, &at, end)};
    const struct template_binding lets[] = {{"let", next_line(arena, &at, end)},
                                            {"second", next_line(arena, &at, end)}};
    const struct template_scope scope = {
        .params = &params, .each = &each, .n_each = 1, .lets = lets, .n_lets = 2};
    struct template template;
    struct err err = {0};
    struct value value = {at, (uint32_t)(end - at), VALUE_TEXT};
    struct buf told = {0};
    if (template_compile(&template, arena, text, &scope, &err) == 0) {
        render_all(&template, value);
        template_put_match(&template, &told);
        template_put_head(&template, &told);
        template_put_listed(&template, &told);
    } else {
        assert(err.code && err.text[0]);
    }
    buf_free(&told);
    arena_free(arena);
    return 0;
}
