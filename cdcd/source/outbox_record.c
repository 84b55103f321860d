#include "source/outbox_record.h"

#include <stdbool.h>
#include <string.h>

struct scan {
    const char *at;
    const char *end;
    char *room;
};

/* True where a field may end. */
static bool ends_field(const struct scan *scan, const char *at)
{
    return at < scan->end && (*at == ',' || *at == ')');
}

static struct value text_of(const char *text, const char *end)
{
    return (struct value){.text = text, .len = (uint32_t)(end - text), .kind = VALUE_TEXT};
}

/* A field that stands there as it is, within quotes or without; false when it has escapes. */
static bool take_plain(struct scan *scan, struct value *field)
{
    const char *start = scan->at, *at = start;
    bool quoted = *start == '"';
    if (quoted) {
        start++;
        at = memchr(start, '"', (size_t)(scan->end - start));
        if (!at || !ends_field(scan, at + 1) || memchr(start, '\\', (size_t)(at - start)))
            return false;
    } else {
        while (at < scan->end && *at != ',' && *at != ')' && *at != '"' && *at != '\\')
            at++;
        if (!ends_field(scan, at))
            return false;
    }
    *field = text_of(start, at);
    scan->at = at + quoted;
    return true;
}

/* False when the text ends within the field. */
static bool take_escaped(struct scan *scan, struct value *field)
{
    const char *start = scan->room;
    bool quoted = false;
    for (; scan->at < scan->end; scan->at++) {
        if (!quoted && ends_field(scan, scan->at)) {
            *field = text_of(start, scan->room);
            return true;
        }
        if (*scan->at == '"' && !(quoted && scan->at + 1 < scan->end && scan->at[1] == '"')) {
            quoted = !quoted;
            continue;
        }
        if ((*scan->at == '"' || *scan->at == '\\') && ++scan->at == scan->end)
            return false;
        *scan->room++ = *scan->at;
    }
    return false;
}

static bool take_field(struct scan *scan, struct value *field)
{
    if (ends_field(scan, scan->at)) {
        *field = (struct value){.kind = VALUE_NULL};
        return true;
    }
    return scan->at < scan->end && (take_plain(scan, field) || take_escaped(scan, field));
}

unsigned outbox_record_parse(const char *text, size_t n, char *room, struct value *fields)
{
    unsigned n_fields = 0;
    if (n < 2 || *text != '(' || text[n - 1] != ')')
        return 0;
    struct scan scan = {text, text + n, room};
    do {
        scan.at++;
        if (n_fields == OUTBOX_RECORD_MAX || !take_field(&scan, &fields[n_fields++]))
            return 0;
    } while (*scan.at == ',');
    return scan.at + 1 == scan.end ? n_fields : 0;
}
