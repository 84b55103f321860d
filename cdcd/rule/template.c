#include "rule/template.h"

#include "base/mem.h"

#include <ctype.h>
#include <string.h>

struct compiling {
    struct template *template;
    struct arena *arena;
    struct template_params *params;
    struct err *err;
    const char *text;
    struct buf literal; /* not yet a part */
};

static int compile_brace(struct compiling *c, const char **at);
static void end_literal(struct compiling *c);

int template_compile(struct template *template, struct arena *arena, const char *text,
                     struct template_params *params, struct err *err)
{
    struct compiling c = {template, arena, params, err, text, {0}};
    int result = 0;
    *template = (struct template){.source = arena_strdup(arena, text)};
    /* A part begins at the start, at a brace, or after one. */
    size_t most = 1;
    for (const char *at = text; *at; at++)
        most += *at == '{' || *at == '}';
    template->parts = arena_alloc(arena, 2 * most * sizeof *template->parts);
    for (const char *at = text; *at && result == 0;) {
        size_t n = strcspn(at, "{}");
        buf_put(&c.literal, at, n);
        at += n;
        if (*at)
            result = compile_brace(&c, &at);
    }
    end_literal(&c);
    buf_free(&c.literal);
    return result;
}

static void end_literal(struct compiling *c)
{
    struct buf *literal = &c->literal;
    if (literal->len == 0)
        return;
    c->template->parts[c->template->n_parts++] = (struct template_part){
        .text = arena_strndup(c->arena, literal->data, literal->len),
        .len = (uint32_t)literal->len,
    };
    literal->len = 0;
}

static int add_param(struct compiling *c, const char *name)
{
    struct template *template = c->template;
    struct template_params *params = c->params;
    unsigned param = 0, seen = 0;
    while (param < params->n && strcmp(params->names[param], name) != 0)
        param++;
    if (param == TEMPLATE_MAX_PARAMS)
        return err_set(c->err, EX_CONFIG, "a cache has at most %d key parameters",
                       TEMPLATE_MAX_PARAMS);
    if (param == params->n)
        params->names[params->n++] = name;
    while (seen < template->n_params && template->params[seen] != param)
        seen++;
    if (seen == template->n_params)
        template->params[template->n_params++] = param;
    end_literal(c);
    template->parts[template->n_parts++] = (struct template_part){.param = param};
    return 0;
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

/* A doubled brace, or a parameter. */
static int compile_brace(struct compiling *c, const char **at)
{
    const char *brace = *at;
    int position = (int)(brace - c->text) + 1;
    if (brace[1] == brace[0]) {
        buf_put(&c->literal, brace, 1);
        *at += 2;
        return 0;
    }
    if (*brace == '}')
        return err_set(c->err, EX_CONFIG,
                       "\"%s\": the } at position %d closes nothing; write }} for a brace", c->text,
                       position);
    size_t n = strcspn(brace + 1, "{}");
    if (brace[1 + n] != '}')
        return err_set(c->err, EX_CONFIG,
                       "\"%s\": the { at position %d is not closed; write {{ for a brace", c->text,
                       position);
    char *name = arena_strndup(c->arena, brace + 1, n);
    *at = brace + n + 2;
    if (n == 0)
        return err_set(c->err, EX_CONFIG, "\"%s\": the {} at position %d names no column", c->text,
                       position);
    if (strchr(name, '|'))
        return err_set(c->err, EX_CONFIG,
                       "\"%s\": filters, as in {%s}, are not built yet in this version", c->text,
                       name);
    if (!is_name(name))
        return err_set(c->err, EX_CONFIG,
                       "\"%s\": {%s} at position %d is no name; it has letters, digits and _",
                       c->text, name, position);
    return add_param(c, name);
}

void template_escape(const char *text, size_t n, struct buf *to)
{
    for (size_t i = 0; i < n; i++) {
        if (strchr("*?[]\\", text[i]) && text[i])
            buf_put(to, "\\", 1);
        buf_put(to, text + i, 1);
    }
}

void template_render(const struct template *template, const struct value *values, struct buf *to)
{
    for (unsigned i = 0; i < template->n_parts; i++) {
        const struct template_part *part = &template->parts[i];
        if (part->text)
            buf_put(to, part->text, part->len);
        else if (template->pattern)
            template_escape(values[part->param].text, values[part->param].len, to);
        else
            buf_put(to, values[part->param].text, values[part->param].len);
    }
}

size_t template_most_bytes(const struct template *template, const struct value *values)
{
    size_t n = 0;
    for (unsigned i = 0; i < template->n_parts; i++) {
        const struct template_part *part = &template->parts[i];
        size_t factor = template->pattern ? 2 : 1;
        n += part->text ? part->len : factor * values[part->param].len;
    }
    return n;
}
