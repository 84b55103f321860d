/* From a text back to what a template would have put in. */
#include "rule/template_part.h"

#include "base/mem.h"

#include <string.h>

#define HEX "0123456789abcdef"
#define UNRESERVED "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~%"

struct reading {
    const char *at, *end;
    struct buf literal;           /* what must follow the value at hand */
    struct template_reading *now; /* the value at hand: its end is not known; NULL: none */
};

/* The last filter, when it takes no argument; else what is no filter's name. */
static const char *last_filter(const char *written)
{
    const char *bar = strrchr(written, '|');
    if (!bar)
        return "";
    bar++;
    return bar + strspn(bar, " \t");
}

/* The length that a value has whatever it is; 0 when it depends. */
static size_t fixed_length(const char *written)
{
    static const struct {
        const char *filter;
        size_t length;
    } digests[] = {{"md5", 32}, {"sha1", 40}, {"sha256", 64}, {"crc32", 8}};
    for (size_t i = 0; i < sizeof digests / sizeof *digests; i++)
        if (strcmp(last_filter(written), digests[i].filter) == 0)
            return digests[i].length;
    return 0;
}

static bool has_only(const struct template_reading *reading, const char *bytes)
{
    for (size_t i = 0; i < reading->len; i++)
        if (!reading->text[i] || !strchr(bytes, reading->text[i]))
            return false;
    return true;
}

static bool is_possible(const struct template_reading *reading)
{
    if (fixed_length(reading->written))
        return has_only(reading, HEX);
    if (strcmp(last_filter(reading->written), "urlencode") == 0)
        return has_only(reading, UNRESERVED);
    return true;
}

/* Where the literal begins, at `from` or after it; NULL when it does not. */
static const char *find_literal(const struct reading *r, const char *from, bool last)
{
    size_t n = r->literal.len, left = (size_t)(r->end - from);
    if (n > left)
        return NULL;
    if (!last)
        return n ? memmem(from, left, r->literal.data, n) : from;
    from = r->end - n;
    return n == 0 || memcmp(from, r->literal.data, n) == 0 ? from : NULL;
}

/* Ends the value at hand where the literal after it begins, and goes on behind that. */
static bool pass_literal(struct reading *r, bool last)
{
    size_t n = r->literal.len, fixed = r->now ? fixed_length(r->now->written) : 0;
    const char *at = r->at;
    if (fixed > (size_t)(r->end - at))
        return false;
    if (!r->now || fixed) {
        at += fixed;
        if (n > (size_t)(r->end - at) || (n && memcmp(at, r->literal.data, n) != 0) ||
            (last && at + n != r->end))
            return false;
    } else {
        at = find_literal(r, at, last);
    }
    if (!at)
        return false;
    if (r->now) {
        r->now->text = r->at;
        r->now->len = (size_t)(at - r->at);
    }
    r->at = at + n;
    r->literal.len = 0;
    return !r->now || is_possible(r->now);
}

/* A value that stands twice must be the same. */
static bool agree(const struct template_reading *readings, unsigned n)
{
    for (unsigned i = 1; i < n; i++)
        for (unsigned j = 0; j < i; j++)
            if (strcmp(readings[i].written, readings[j].written) == 0 &&
                (readings[i].len != readings[j].len ||
                 memcmp(readings[i].text, readings[j].text, readings[i].len) != 0))
                return false;
    return true;
}

bool template_read(const struct template *template, const char *text, size_t len,
                   struct template_reading **readings, unsigned *n)
{
    struct reading r = {.at = text, .end = text + len};
    bool good = true;
    *readings = mem_alloc((template->n_parts + 1) * sizeof **readings);
    *n = 0;
    for (unsigned i = 0; i < template->n_parts && good; i++) {
        const struct template_part *part = &template->parts[i];
        if (part->kind == PART_LITERAL || part->kind == PART_ELEMENT) {
            buf_put(&r.literal, part->text, part->len);
            continue;
        }
        good = pass_literal(&r, false);
        r.now = &(*readings)[(*n)++];
        r.now->written = part->written;
    }
    good = good && pass_literal(&r, true) && agree(*readings, *n);
    buf_free(&r.literal);
    return good;
}
