/* Key templates: text with parameters in braces, `get_comments:{post_id}`; `{{` and `}}` stand for
 * braces.
 *
 * A template is compiled once; rendering copies its parts one after the other. A parameter is a
 * number: its place among the parameters of its cache, which all keys of the cache share. */
#ifndef CDCD_RULE_TEMPLATE_H
#define CDCD_RULE_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"
#include "model/change.h"

#include <stdbool.h>
#include <stdint.h>

#define TEMPLATE_MAX_PARAMS 32

struct arena;

struct template_params {
    const char *names[TEMPLATE_MAX_PARAMS + 1]; /* NULL-terminated */
    unsigned n;
};

struct template_part {
    const char *text; /* NULL for a parameter */
    uint32_t len;
    unsigned param;
};

struct template
{
    const char *source; /* as it was written */
    struct template_part *parts;
    unsigned n_parts;
    unsigned params[TEMPLATE_MAX_PARAMS]; /* each once, in the order of their appearance */
    unsigned n_params;
    bool pattern; /* values are escaped, so that they match themselves */
};

/* Compiles the text; new parameters are added to params. What it keeps is the arena's. -1 when it
 * is no template. */
int template_compile(struct template *template, struct arena *arena, const char *text,
                     struct template_params *params, struct err *err);
/* Appends the key; values are by parameter, and those of the template are all texts. */
void template_render(const struct template *template, const struct value *values, struct buf *to);
/* At most so many bytes the key has; values are looked at for their lengths alone. */
size_t template_most_bytes(const struct template *template, const struct value *values);
/* Appends text such that a glob pattern matches it alone. */
void template_escape(const char *text, size_t n, struct buf *to);

#endif
