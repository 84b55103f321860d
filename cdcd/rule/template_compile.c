/* From a template's text to its parts. */
#include "rule/template_part.h"

#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <string.h>

#define MOST_FILTERS 8   /* of one value: more is a mistake, and each can multiply its length */
#define MOST_DEPTH 16    /* of lets within lets */
#define MOST_WEIGHT 4096 /* of parts that are rendered: lets within lets multiply */

/* What is common to a template and the lets that it takes. */
struct compiler {
    struct template *template;
    struct arena *arena;
    const struct template_scope *scope;
    struct template_let **lets; /* those that have been compiled, by number */
    struct err *err;
};

/* One text of them. */
struct compiling {
    struct compiler *compiler;
    const char *text;
    const char *where; /* what errors begin with */
    unsigned n_lets;   /* of the scope, those that may be taken */
    unsigned depth;
    struct template_part *parts;
    unsigned n_parts;
    unsigned n_params; /* parts that values decide */
    size_t weight;
    struct buf literal; /* not yet a part */
};

static int compile_text(struct compiling *c);
static int compile_brace(struct compiling *c, const char **at);
static int compile_value(struct compiling *c, const char **at);
static int compile_filters(struct compiling *c, const char **at, struct template_part *part);
static int add_part(struct compiling *c, const char *name, struct template_part *part);
static int take_let(struct compiling *c, unsigned number, struct template_part *part);

int template_compile(struct template *template, struct arena *arena, const char *text,
                     const struct template_scope *scope, struct err *err)
{
    *template = (struct template){.source = arena_strdup(arena, text)};
    struct compiler compiler = {template, arena, scope, NULL, err};
    compiler.lets = arena_alloc(arena, (scope->n_lets + 1) * sizeof *compiler.lets);
    struct compiling c = {.compiler = &compiler, .text = text, .n_lets = scope->n_lets};
    c.where = arena_printf(arena, "\"%s\"", text);
    int result = compile_text(&c);
    template->parts = c.parts;
    template->n_parts = c.n_parts;
    return result;
}

static void end_literal(struct compiling *c)
{
    struct buf *literal = &c->literal;
    if (literal->len == 0)
        return;
    c->parts[c->n_parts++] = (struct template_part){
        .kind = PART_LITERAL,
        .text = arena_strndup(c->compiler->arena, literal->data, literal->len),
        .len = (uint32_t)literal->len,
    };
    literal->len = 0;
}

static int compile_text(struct compiling *c)
{
    int result = 0;
    /* A part begins at the start, at a brace, or after one. */
    size_t most = 1;
    for (const char *at = c->text; *at; at++)
        most += *at == '{' || *at == '}';
    c->parts = arena_alloc(c->compiler->arena, 2 * most * sizeof *c->parts);
    for (const char *at = c->text; *at && result == 0;) {
        size_t n = strcspn(at, "{}");
        buf_put(&c->literal, at, n);
        at += n;
        if (*at)
            result = compile_brace(c, &at);
    }
    end_literal(c);
    buf_free(&c->literal);
    c->weight += c->n_parts;
    return result;
}

static int wrong(const struct compiling *c, const char *what)
{
    return err_set(c->compiler->err, EX_CONFIG, "%s: %s", c->where, what);
}

static int position_of(const struct compiling *c, const char *at)
{
    return (int)(at - c->text) + 1;
}

/* A doubled brace, or a value. */
static int compile_brace(struct compiling *c, const char **at)
{
    const char *brace = *at;
    if (brace[1] == brace[0]) {
        buf_put(&c->literal, brace, 1);
        *at += 2;
        return 0;
    }
    if (*brace == '}')
        return wrong(c, arena_printf(c->compiler->arena,
                                     "the } at position %d closes nothing; write }} for a brace",
                                     position_of(c, brace)));
    return compile_value(c, at);
}

static bool is_name(const char *name)
{
    if (isdigit((unsigned char)*name))
        return false;
    for (; *name; name++)
        if (!isalnum((unsigned char)*name) && !strchr("_$", *name) && !(*name & 0x80))
            return false;
    return true;
}

static int compile_value(struct compiling *c, const char **at)
{
    struct arena *arena = c->compiler->arena;
    const char *brace = *at, *end = brace + 1 + strcspn(brace + 1, "{}|");
    int position = position_of(c, brace);
    struct template_part part = {.kind = PART_PARAM};
    const char *name = arena_strndup(arena, brace + 1, (size_t)(end - brace - 1));
    *at = end;
    if (*end == '|' && compile_filters(c, at, &part) != 0)
        return -1;
    if (**at != '}')
        return wrong(c,
                     arena_printf(arena, "the { at position %d is not closed; write {{ for a brace",
                                  position));
    part.written = arena_strndup(arena, brace + 1, (size_t)(*at - brace - 1));
    ++*at;
    if (!*name)
        return wrong(c, arena_printf(arena, "the {%s} at position %d names no column", part.written,
                                     position));
    if (!is_name(name))
        return wrong(c, arena_printf(arena,
                                     "{%s} at position %d is no name, of letters, digits and _; "
                                     "an expression has its place in bind",
                                     name, position));
    end_literal(c);
    return add_part(c, name, &part);
}

/* `|name`, `|name:"argument"`: the argument ends with the next quote, whatever stands in it. */
static int compile_filter(struct compiling *c, const char **at, struct filter *filter)
{
    struct arena *arena = c->compiler->arena;
    const char *begin = *at + 1, *end = begin + strcspn(begin, "{}|:\"");
    const char *name = arena_strndup(arena, begin, (size_t)(end - begin)), *arg = NULL;
    struct err err = {0};
    if (*end == ':') {
        const char *close = end[1] == '"' ? strchr(end + 2, '"') : NULL;
        if (!close)
            return wrong(c, arena_printf(arena,
                                         "the argument of %s at position %d is not in quotes; "
                                         "write %s:\\\"...\\\"",
                                         name, position_of(c, begin), name));
        arg = arena_strndup(arena, end + 2, (size_t)(close - end - 2));
        end = close + 1;
    }
    *at = end;
    if (!*name)
        return wrong(c, arena_printf(arena, "no filter follows the | at position %d",
                                     position_of(c, begin) - 1));
    if (filter_make(filter, arena, name, arg, &err) == 0)
        return 0;
    return wrong(c, arena_printf(arena, "at position %d: %s", position_of(c, begin), err.text));
}

static int compile_filters(struct compiling *c, const char **at, struct template_part *part)
{
    struct filter *filters = arena_alloc(c->compiler->arena, MOST_FILTERS * sizeof *filters);
    bool has_default = false;
    part->filters = filters;
    while (**at == '|') {
        int position = position_of(c, *at) + 1;
        if (part->n_filters == MOST_FILTERS)
            return wrong(c, "a value has at most 8 filters");
        struct filter *filter = &filters[part->n_filters++];
        if (compile_filter(c, at, filter) != 0)
            return -1;
        if (has_default && filter_is_default(filter))
            return wrong(c, arena_printf(c->compiler->arena,
                                         "the default at position %d can never apply: another "
                                         "stands before it; leave one",
                                         position));
        has_default |= filter_is_default(filter);
    }
    return 0;
}

static int add_param(struct compiling *c, const char *name, struct template_part *part)
{
    struct template *template = c->compiler->template;
    struct template_params *params = c->compiler->scope->params;
    unsigned param = 0, seen = 0;
    part->is_row =
        strcmp(name, "row") == 0 && part->n_filters > 0 && filter_is_json(&part->filters[0]);
    while (param < params->n &&
           (strcmp(params->names[param], name) != 0 || params->is_row[param] != part->is_row))
        param++;
    if (param == TEMPLATE_MAX_PARAMS)
        return err_set(c->compiler->err, EX_CONFIG, "a cache has at most %d key parameters",
                       TEMPLATE_MAX_PARAMS);
    if (param == params->n) {
        params->is_row[param] = part->is_row;
        params->names[params->n++] = name;
    }
    while (seen < template->n_params && template->params[seen] != param)
        seen++;
    if (seen == template->n_params)
        template->params[template->n_params++] = param;
    part->param = param;
    /* The row comes as JSON. */
    if (part->is_row) {
        part->filters++;
        part->n_filters--;
    }
    return 0;
}

/* What no value decides is worked out at once. */
static int fold(struct compiling *c, const char *name, struct template_part *part)
{
    struct buf text = {0};
    struct arena *arena = c->compiler->arena;
    enum template_outcome outcome = template_render_part(part, NULL, false, &text);
    part->kind = PART_ELEMENT;
    part->text = arena_strndup(arena, text.data, text.len);
    part->len = (uint32_t)text.len;
    buf_free(&text);
    if (outcome == TEMPLATE_TEXT)
        return 0;
    return wrong(c, arena_printf(arena, "the text of %s is not for the filters of {%s}", name,
                                 part->written));
}

static unsigned find(const struct template_binding *bindings, unsigned n, const char *name)
{
    unsigned i = 0;
    while (i < n && strcmp(bindings[i].name, name) != 0)
        i++;
    return i;
}

static int add_named(struct compiling *c, const char *name, struct template_part *part)
{
    const struct template_scope *scope = c->compiler->scope;
    unsigned each = find(scope->each, scope->n_each, name);
    unsigned let = find(scope->lets, scope->n_lets, name);
    if (each < scope->n_each) {
        part->kind = PART_ELEMENT;
        part->text = scope->each[each].text;
        part->len = (uint32_t)strlen(part->text);
        if (scope->each_used)
            scope->each_used[each] = true;
        return fold(c, name, part);
    }
    if (let == scope->n_lets) {
        c->n_params++;
        return add_param(c, name, part);
    }
    if (take_let(c, let, part) != 0)
        return -1;
    c->n_params += part->let->n_params;
    c->weight += part->let->weight;
    if (c->weight > MOST_WEIGHT)
        return wrong(c, "lets within lets make more than 4096 parts of it; write it shorter");
    return part->let->n_params ? 0 : fold(c, name, part);
}

static int add_part(struct compiling *c, const char *name, struct template_part *part)
{
    if (add_named(c, name, part) != 0)
        return -1;
    c->parts[c->n_parts++] = *part;
    return 0;
}

static int compile_let(struct compiling *c, unsigned number)
{
    struct compiler *compiler = c->compiler;
    const struct template_binding *binding = &compiler->scope->lets[number];
    struct compiling inner = {.compiler = compiler, .text = binding->text, .n_lets = number};
    inner.depth = c->depth + 1;
    inner.where = arena_printf(compiler->arena, "\"%s\": let %s, \"%s\"",
                               compiler->template->source, binding->name, binding->text);
    int result = compile_text(&inner);
    struct template_let *let = arena_alloc(compiler->arena, sizeof *let);
    *let = (struct template_let){inner.parts, inner.n_parts, inner.n_params, inner.weight};
    compiler->lets[number] = let;
    return result;
}

static int take_let(struct compiling *c, unsigned number, struct template_part *part)
{
    const struct template_scope *scope = c->compiler->scope;
    if (number >= c->n_lets)
        return wrong(c, arena_printf(c->compiler->arena,
                                     "{%s} is a let that is not written before this one; a let "
                                     "takes those before it",
                                     scope->lets[number].name));
    if (c->depth == MOST_DEPTH)
        return wrong(c, "lets stand more than 16 deep within one another; write some out");
    if (!c->compiler->lets[number] && compile_let(c, number) != 0)
        return -1;
    part->kind = PART_LET;
    part->let = c->compiler->lets[number];
    if (scope->lets_used)
        scope->lets_used[number] = true;
    return 0;
}
