#include "verb/asked.h"

#include "base/mem.h"

void asked_add(struct asked_list *list, struct arena *arena, const struct question *question,
               const struct origin *origin)
{
    unsigned n = question->lookup->n_params;
    struct asked *asked = arena_alloc(arena, sizeof *asked);
    struct value *params = arena_alloc(arena, (n + 1) * sizeof *params);
    for (unsigned i = 0; i < n; i++) {
        params[i] = question->params[i];
        if (params[i].kind == VALUE_TEXT)
            params[i].text = arena_strndup(arena, params[i].text, params[i].len);
    }
    *asked = (struct asked){.lookup = question->lookup, .params = params, .origin = *origin};
    asked->context = arena_strndup(arena, question->context, question->context_len);
    asked->context_len = question->context_len;
    if (list->last)
        list->last->next = asked;
    else
        list->first = asked;
    list->last = asked;
}
