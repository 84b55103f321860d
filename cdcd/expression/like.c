/* LIKE: `%` any number of characters, `_` one, a backslash takes the next as it is. */
#include "expression/calls.h"
#include "expression/scan.h"

#include "base/mem.h"

#include <string.h>

struct like {
    const char *text, *text_end;
    const char *pattern, *pattern_end;
    bool bytes; /* of bytea: `_` is a byte */
    bool fold;  /* ASCII of either case is the same */
};

/* Bytes of the text that are looked at again; many more would stop the daemon for seconds. */
#define MAX_AGAIN (INT64_C(1) << 25)

static const char ENDS_WITH_ESCAPE[] = "LIKE pattern ends with its escape character";

static char folded(const struct like *like, char c)
{
    return (char)(like->fold && c >= 'A' && c <= 'Z' ? c | 0x20 : c);
}

static void next_character(struct like *like)
{
    do {
        like->text++;
    } while (!like->bytes && like->text < like->text_end && (*like->text & 0xc0) == 0x80);
}

enum step { STEP_OK, STEP_DIFFERS, STEP_ERROR };

/* One element of the pattern, no `%`, against the text, which has not ended. */
static enum step one_step(struct like *like)
{
    char c = *like->pattern++;
    if (c == '_') {
        next_character(like);
        return STEP_OK;
    }
    if (c == '\\') {
        if (like->pattern == like->pattern_end)
            return STEP_ERROR;
        c = *like->pattern++;
    }
    return folded(like, *like->text++) == folded(like, c) ? STEP_OK : STEP_DIFFERS;
}

static void skip_percents(struct like *like)
{
    while (like->pattern < like->pattern_end && *like->pattern == '%')
        like->pattern++;
}

/* `%` and all of `%` and `_` that follows it; false when the text has too few characters. */
static bool skip_wildcards(struct like *like)
{
    for (; like->pattern < like->pattern_end; like->pattern++) {
        if (*like->pattern != '%' && *like->pattern != '_')
            break;
        if (*like->pattern == '_' && like->text == like->text_end)
            return false;
        if (*like->pattern == '_')
            next_character(like);
    }
    return true;
}

static bool at_lone_escape(const struct like *like)
{
    return like->pattern + 1 == like->pattern_end && *like->pattern == '\\';
}

/* After a `%` nothing matches before the literal that follows it. */
static void seek_literal(struct like *like)
{
    char c = *like->pattern;
    if (like->fold || c == '\\' || like->text == like->text_end)
        return;
    const char *found = memchr(like->text, c, (size_t)(like->text_end - like->text));
    like->text = found ? found : like->text_end;
}

/* Only the last `%` need be tried again: what matched before it could match no shorter text. */
static const char *match(struct like like, bool *matches)
{
    struct like again = {.pattern = NULL};
    int64_t left = MAX_AGAIN;
    *matches = false;
    while (like.text < like.text_end) {
        if (like.pattern < like.pattern_end && *like.pattern == '%') {
            if (!skip_wildcards(&like))
                return NULL;
            *matches = like.pattern == like.pattern_end;
            if (*matches || at_lone_escape(&like))
                return *matches ? NULL : ENDS_WITH_ESCAPE;
            seek_literal(&like);
            again = like;
            continue;
        }
        enum step step = like.pattern < like.pattern_end ? one_step(&like) : STEP_DIFFERS;
        if (step == STEP_ERROR)
            return ENDS_WITH_ESCAPE;
        if (step == STEP_OK)
            continue;
        if (!again.pattern || again.text == again.text_end)
            return NULL;
        left -= like.text - again.text;
        if (left < 0)
            return "a text and a pattern too long for LIKE";
        next_character(&again);
        seek_literal(&again);
        like = again;
    }
    skip_percents(&like);
    *matches = like.pattern == like.pattern_end;
    return NULL;
}

static struct like like_of(const struct call *call)
{
    struct scan text = scan_make(call->args[0].text), pattern = scan_make(call->args[1].text);
    return (struct like){.text = text.at,
                         .text_end = text.end,
                         .pattern = pattern.at,
                         .pattern_end = pattern.end,
                         .bytes = call->types[0] == TYPE_BYTEA};
}

const char *any_like(struct call *call)
{
    return match(like_of(call), &call->result->truth);
}

static bool is_ascii(struct text text)
{
    for (uint32_t i = 0; i < text.len; i++) {
        if ((unsigned char)text.bytes[i] >= 0x80)
            return false;
    }
    return true;
}

const char *any_ilike(struct call *call)
{
    if (!is_ascii(call->args[0].text) || !is_ascii(call->args[1].text))
        return "ILIKE of a text that is not ASCII: its case depends on the collation";
    struct like like = like_of(call);
    like.fold = true;
    return match(like, &call->result->truth);
}

static bool is_one_character(struct text text, bool bytes)
{
    uint32_t n = text.len > 0;
    while (!bytes && n && n < text.len && ((unsigned char)text.bytes[n] & 0xc0) == 0x80)
        n++;
    return n == text.len;
}

/* A pattern with another escape character, or with none, as one whose escape is the backslash. */
const char *any_like_escape(struct call *call)
{
    struct text pattern = call->args[0].text, escape = call->args[1].text;
    if (!is_one_character(escape, call->types[0] == TYPE_BYTEA))
        return "invalid escape string";
    if (pattern.len > CATALOG_MAX_BYTES / 2)
        return "a LIKE pattern too long";
    char *bytes = arena_alloc(call->arena, (size_t)pattern.len * 2 + 1), *at = bytes;
    bool own = escape.len == 1 && *escape.bytes == '\\', escaped = false;
    for (uint32_t i = 0; i < pattern.len; i++) {
        bool is_escape = escape.len && pattern.len - i >= escape.len &&
                         !memcmp(pattern.bytes + i, escape.bytes, escape.len);
        if (!own && is_escape && !escaped) {
            *at++ = '\\';
            i += escape.len - 1;
            escaped = true;
            continue;
        }
        if (!own && pattern.bytes[i] == '\\' && !escaped)
            *at++ = '\\';
        *at++ = pattern.bytes[i];
        escaped = false;
    }
    call->result->text = (struct text){bytes, (uint32_t)(at - bytes)};
    return NULL;
}
