/* Functions of text, which counts characters of UTF-8, and of bytea, which counts bytes. */
#include "expression/calls.h"

#include "base/mem.h"

#include <string.h>

/* What trim() may compare: text and characters may both be the row's, and long. */
#define MAX_TRIED (INT64_C(1) << 25)

static const char TOO_LONG[] = "a text too long to make";

static bool starts_character(char c)
{
    return ((unsigned char)c & 0xc0) != 0x80;
}

static int64_t characters(struct text text)
{
    int64_t n = 0;
    for (uint32_t i = 0; i < text.len; i++)
        n += starts_character(text.bytes[i]);
    return n;
}

/* Where the character after n of them begins; the end when there are fewer. */
static uint32_t after(struct text text, int64_t n)
{
    uint32_t i = 0;
    for (; i < text.len; i++) {
        if (starts_character(text.bytes[i]) && n-- == 0)
            break;
    }
    return i;
}

struct text text_without_blanks(struct text text)
{
    while (text.len && text.bytes[text.len - 1] == ' ')
        text.len--;
    return text;
}

static const char *give(struct call *call, struct text text, uint32_t from, uint32_t to)
{
    call->result->text = (struct text){text.bytes + from, to - from};
    return NULL;
}

const char *text_length(struct call *call)
{
    call->result->integer = characters(call->args[0].text);
    return NULL;
}

const char *bpchar_length(struct call *call)
{
    call->result->integer = characters(text_without_blanks(call->args[0].text));
    return NULL;
}

const char *text_bytes(struct call *call)
{
    call->result->integer = call->args[0].text.len;
    return NULL;
}

const char *text_left(struct call *call)
{
    struct text text = call->args[0].text;
    int64_t n = call->args[1].integer;
    if (n < 0)
        n += characters(text);
    return give(call, text, 0, n > 0 ? after(text, n) : 0);
}

const char *text_right(struct call *call)
{
    struct text text = call->args[0].text;
    int64_t n = call->args[1].integer;
    if (n == INT32_MIN)
        return "right() of the least integer differs between versions of PostgreSQL";
    int64_t dropped = n < 0 ? -n : characters(text) - n;
    return give(call, text, dropped > 0 ? after(text, dropped) : 0, text.len);
}

/* The part that stands at [from, end), counted from 1; without a length, up to the text's end. */
static const char *part_of(const struct call *call, int64_t *from, int64_t *end)
{
    *from = call->args[1].integer;
    *end = INT64_MAX;
    if (call->n_args > 2) {
        if (call->args[2].integer < 0)
            return "negative substring length";
        *end = *from + call->args[2].integer;
    }
    *from = *from > 1 ? *from : 1;
    *end = *end > *from ? *end : *from;
    return NULL;
}

const char *text_substr(struct call *call)
{
    int64_t from, end;
    const char *error = part_of(call, &from, &end);
    struct text text = call->args[0].text;
    uint32_t begin = after(text, from - 1);
    struct text rest = {text.bytes + begin, text.len - begin};
    return error ? error : give(call, text, begin, begin + after(rest, end - from));
}

const char *bytea_substr(struct call *call)
{
    int64_t from, end;
    const char *error = part_of(call, &from, &end);
    struct text text = call->args[0].text;
    from = from - 1 < text.len ? from - 1 : text.len;
    end = end - 1 < text.len ? end - 1 : text.len;
    return error ? error : give(call, text, (uint32_t)from, (uint32_t)end);
}

static const char *find(const char *at, const char *end, struct text wanted)
{
    return at < end ? memmem(at, (size_t)(end - at), wanted.bytes, wanted.len) : NULL;
}

static size_t count(struct text text, struct text wanted)
{
    size_t n = 0;
    const char *end = text.bytes + text.len;
    for (const char *at = text.bytes; (at = find(at, end, wanted)); at += wanted.len)
        n++;
    return n;
}

static char *put(char *at, const char *bytes, size_t n)
{
    if (n)
        memcpy(at, bytes, n);
    return at + n;
}

const char *text_replace(struct call *call)
{
    struct text text = call->args[0].text, from = call->args[1].text, to = call->args[2].text;
    size_t n = from.len ? count(text, from) : 0;
    if (!n)
        return give(call, text, 0, text.len);
    size_t len = text.len - n * from.len + n * to.len;
    if (len > CATALOG_MAX_BYTES)
        return TOO_LONG;
    char *bytes = arena_alloc(call->arena, len + 1), *out = bytes;
    const char *at = text.bytes, *end = at + text.len;
    for (const char *next; (next = find(at, end, from)); at = next + from.len) {
        out = put(out, at, (size_t)(next - at));
        out = put(out, to.bytes, to.len);
    }
    put(out, at, (size_t)(end - at));
    call->result->text = (struct text){bytes, (uint32_t)len};
    return NULL;
}

enum { TRIM_LEFT = 1, TRIM_RIGHT = 2 };

/* The character is whole, so that it can stand nowhere but where one begins. */
static bool holds(struct text set, const char *character, uint32_t n, int64_t *left)
{
    const char *found = set.len ? memmem(set.bytes, set.len, character, n) : NULL;
    *left -= found ? found - set.bytes + 1 : set.len;
    return found;
}

static uint32_t first_len(struct text text, bool bytes)
{
    uint32_t n = 1;
    while (!bytes && n < text.len && !starts_character(text.bytes[n]))
        n++;
    return n;
}

static uint32_t last_len(struct text text, bool bytes)
{
    uint32_t n = 1;
    while (!bytes && n < text.len && !starts_character(text.bytes[text.len - n]))
        n++;
    return n;
}

static const char *trim(struct call *call, int sides, bool bytes)
{
    struct text text = call->args[0].text;
    struct text set = call->n_args > 1 ? call->args[1].text : (struct text){" ", 1};
    int64_t left = MAX_TRIED;
    while (sides & TRIM_LEFT && text.len && left > 0) {
        uint32_t n = first_len(text, bytes);
        if (!holds(set, text.bytes, n, &left))
            break;
        text = (struct text){text.bytes + n, text.len - n};
    }
    while (sides & TRIM_RIGHT && text.len && left > 0) {
        uint32_t n = last_len(text, bytes);
        if (!holds(set, text.bytes + text.len - n, n, &left))
            break;
        text.len -= n;
    }
    call->result->text = text;
    return left > 0 ? NULL : "a text and characters too long to trim";
}

const char *text_btrim(struct call *call)
{
    return trim(call, TRIM_LEFT | TRIM_RIGHT, false);
}

const char *text_ltrim(struct call *call)
{
    return trim(call, TRIM_LEFT, false);
}

const char *text_rtrim(struct call *call)
{
    return trim(call, TRIM_RIGHT, false);
}

const char *bytea_btrim(struct call *call)
{
    return trim(call, TRIM_LEFT | TRIM_RIGHT, true);
}

const char *bytea_ltrim(struct call *call)
{
    return trim(call, TRIM_LEFT, true);
}

const char *bytea_rtrim(struct call *call)
{
    return trim(call, TRIM_RIGHT, true);
}

/* A negative position counts from the last field. */
const char *text_split_part(struct call *call)
{
    struct text text = call->args[0].text, by = call->args[1].text;
    int64_t field = call->args[2].integer;
    if (!field)
        return "field position is zero";
    if (!by.len)
        return give(call, text, 0, field == 1 || field == -1 ? text.len : 0);
    int64_t n = (int64_t)count(text, by) + 1;
    if (field < 0)
        field += n + 1;
    if (field < 1 || field > n)
        return give(call, text, 0, 0);
    const char *at = text.bytes, *end = at + text.len;
    while (--field)
        at = find(at, end, by) + by.len;
    const char *next = find(at, end, by);
    call->result->text = (struct text){at, (uint32_t)((next ? next : end) - at)};
    return NULL;
}

const char *text_starts_with(struct call *call)
{
    struct text text = call->args[0].text, prefix = call->args[1].text;
    call->result->truth =
        prefix.len <= text.len && (!prefix.len || !memcmp(text.bytes, prefix.bytes, prefix.len));
    return NULL;
}

const char *text_strpos(struct call *call)
{
    struct text text = call->args[0].text, wanted = call->args[1].text;
    const char *at = wanted.len ? find(text.bytes, text.bytes + text.len, wanted) : text.bytes;
    call->result->integer = 0;
    if (at || !wanted.len) {
        struct text before = {text.bytes, at ? (uint32_t)(at - text.bytes) : 0};
        call->result->integer = characters(before) + 1;
    }
    return NULL;
}

/* Beyond ASCII the case of a letter is the collation's to say. */
static const char *fold(struct call *call, char from, char to)
{
    struct text text = call->args[0].text;
    char *bytes = arena_alloc(call->arena, (size_t)text.len + 1);
    for (uint32_t i = 0; i < text.len; i++) {
        char c = text.bytes[i];
        if ((unsigned char)c >= 0x80)
            return "not ASCII: its case depends on the collation";
        bytes[i] = (char)(c >= from && c <= to ? c ^ 0x20 : c);
    }
    call->result->text = (struct text){bytes, text.len};
    return NULL;
}

const char *text_lower(struct call *call)
{
    return fold(call, 'A', 'Z');
}

const char *text_upper(struct call *call)
{
    return fold(call, 'a', 'z');
}

static const char *join(struct call *call, struct text left, struct text right)
{
    if ((uint64_t)left.len + right.len > CATALOG_MAX_BYTES)
        return TOO_LONG;
    char *bytes = arena_alloc(call->arena, (size_t)left.len + right.len + 1);
    put(put(bytes, left.bytes, left.len), right.bytes, right.len);
    call->result->text = (struct text){bytes, left.len + right.len};
    return NULL;
}

const char *text_join(struct call *call)
{
    return join(call, call->args[0].text, call->args[1].text);
}

/* As the cast to text gives it. */
static const char *as_text(const struct call *call, unsigned i, struct text *text)
{
    struct datum made;
    struct call cast = {call->arena, &call->args[i], &call->types[i], 1, &made};
    const char *error = call->types[i] == TYPE_BOOL     ? bool_to_text(&cast)
                        : call->types[i] == TYPE_BPCHAR ? bpchar_to_text(&cast)
                                                        : any_to_text(&cast);
    *text = made.text;
    return error;
}

const char *any_join(struct call *call)
{
    struct text left, right;
    const char *error = as_text(call, 0, &left);
    if (!error)
        error = as_text(call, 1, &right);
    return error ? error : join(call, left, right);
}

/* The arguments from `first` on as their output functions write them; NULLs are passed over. */
static const char *concat(struct call *call, unsigned first, struct text between)
{
    struct text *texts = arena_alloc(call->arena, call->n_args * sizeof *texts);
    uint64_t len = 0;
    unsigned n = 0;
    for (unsigned i = first; i < call->n_args; i++) {
        if (call->args[i].kind == DATUM_NULL)
            continue;
        const char *error = catalog_output(call->types[i], &call->args[i], call->arena, &texts[n]);
        if (error)
            return error;
        len += texts[n++].len + (uint64_t)between.len;
    }
    if (len > CATALOG_MAX_BYTES)
        return TOO_LONG;
    char *bytes = arena_alloc(call->arena, len + 1), *at = bytes;
    for (unsigned i = 0; i < n; i++) {
        if (i)
            at = put(at, between.bytes, between.len);
        at = put(at, texts[i].bytes, texts[i].len);
    }
    call->result->text = (struct text){bytes, (uint32_t)(at - bytes)};
    return NULL;
}

static bool any_doubt(const struct call *call)
{
    for (unsigned i = 0; i < call->n_args; i++) {
        if (call->args[i].kind == DATUM_DOUBT)
            return true;
    }
    return false;
}

const char *any_concat(struct call *call)
{
    if (!any_doubt(call))
        return concat(call, 0, (struct text){"", 0});
    call->result->kind = DATUM_DOUBT;
    return NULL;
}

const char *any_concat_ws(struct call *call)
{
    if (call->args[0].kind == DATUM_NULL)
        call->result->kind = DATUM_NULL;
    else if (any_doubt(call))
        call->result->kind = DATUM_DOUBT;
    else
        return concat(call, 1, call->args[0].text);
    return NULL;
}
