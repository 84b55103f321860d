/* Templates: text with parameters in braces, `page:{lang}:{slug|urlencode}`;
 * `{{` and `}}` stand for braces.
 *
 * A template is compiled once; rendering puts its parts one after the other. A
 * parameter is a number: its place among the parameters of its cache, which all
 * templates of the cache share. A name in braces is, in this order: one of
 * `each`, whose element is put in at once; one of `let`, a template of its own;
 * `row` with the filter json, the whole row; else a parameter. Filters apply
 * from left to right:
 *
 *     md5 sha1 sha256 crc32   lower-case hex of the digest of the text's bytes
 *     hex base64              of the text's bytes
 *     lower upper             ASCII; the key is in doubt where applications turn others differently
 *     urlencode               all but A-Za-z0-9-._~ as %XX
 *     json                    by the column's type, as long as the text is its own; else a string
 *     date:"%Y-%m"            strftime's, of a date or timestamp, UTC
 *     default:"x"             for NULL, which passes through the filters before it
 *     bool:"True,False"       of t and f
 *
 * A let that takes a NULL is NULL. */
#ifndef CDCD_RULE_TEMPLATE_H
#define CDCD_RULE_TEMPLATE_H

#include "base/buf.h"
#include "base/err.h"
#include "model/change.h"

#include <stdbool.h>
#include <stdint.h>

#define TEMPLATE_MAX_PARAMS 32

struct arena;
struct template_part;

struct template_params {
    const char *names[TEMPLATE_MAX_PARAMS + 1]; /* NULL-terminated */
    bool is_row[TEMPLATE_MAX_PARAMS];           /* not a column but the row, as JSON */
    unsigned n;
};

/* A name and what stands for it: an element of `each`, or the text of a `let`.
 */
struct template_binding {
    const char *name;
    const char *text;
};

struct template_scope {
    struct template_params *params; /* new parameters are added */
    const struct template_binding *each;
    unsigned n_each;
    const struct template_binding *lets; /* one may name those before it */
    unsigned n_lets;
    bool *each_used; /* n_each, set for those that the text takes; NULL is allowed */
    bool *lets_used;
};

struct template
{
    const char *source; /* as it was written */
    struct template_part *parts;
    unsigned n_parts;
    unsigned params[TEMPLATE_MAX_PARAMS]; /* each once, in the order of their
                                             appearance */
    unsigned n_params;
    bool pattern;     /* values are escaped, so that they match themselves; set by the
                         caller */
    bool nulls_shown; /* for what is no key: NULL is the empty text, and through json null; set by
                         the caller */
};

/* The value of a parameter: its text and its type's oid (0: not known), which
 * the filters json and bool look at. */
struct template_value {
    struct value value; /* of a parameter that is the row: what template_put_row gives */
    uint32_t type;
};

/* What values say of a template. */
enum template_outcome {
    TEMPLATE_TEXT,     /* it was rendered */
    TEMPLATE_NULL,     /* a parameter is NULL, and has no default: there is no such
                          key */
    TEMPLATE_IN_DOUBT, /* a parameter was not sent, a filter cannot read its
                          value, or the text would be longer than any store takes
                        */
};

/* Compiles the text. What it keeps is the arena's; the scope is lent. -1 when
 * it is no template: err says what and at which position, with the nearest name
 * for a misspelt filter. */
int template_compile(struct template *template, struct arena *arena, const char *text,
                     const struct template_scope *scope, struct err *err);
/* Appends the text; values are by parameter. NULL decides over what was not
 * sent: whatever that is, there is no key. Nothing is appended unless the
 * outcome is TEMPLATE_TEXT. */
enum template_outcome template_render(const struct template *template,
                                      const struct template_value *values, struct buf *to);
/* Appends what all that it renders begins with, whatever the values. */
void template_put_head(const struct template *template, struct buf *to);
/* Appends the glob pattern that finds all that it renders: a star for what values decide. */
void template_put_match(const struct template *template, struct buf *to);
/* Appends the text with elements of `each` in their places, and the rest as it was written:
 * `page:en:{slug|urlencode}`. */
void template_put_listed(const struct template *template, struct buf *to);
/* What stands in a text where a template has a name in braces. */
struct template_reading {
    const char *written; /* between the braces: "slug|urlencode" */
    const char *text;
    size_t len;
};

/* True when the text may be one that the template renders. *readings (n of them, the caller frees
 * the array) are where its values could be: of several ways the first. Not for patterns. */
bool template_read(const struct template *template, const char *text, size_t len,
                   struct template_reading **readings, unsigned *n);
/* Appends text such that a glob pattern matches it alone. */
void template_escape(const char *text, size_t n, struct buf *to);

/* Appends a value as JSON: numbers, booleans, json as they are, NULL as null,
 * the rest as strings. The value is VALUE_TEXT or VALUE_NULL. */
void template_put_json(const struct template_value *value, struct buf *to);
/* Appends an image of the row as a JSON object; false, and nothing appended,
 * when a value of it was not sent. */
bool template_put_row(const struct change *change, enum image image, struct buf *to);

#endif
