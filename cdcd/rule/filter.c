#include "rule/filter.h"

#include "base/digest.h"
#include "base/mem.h"
#include "base/str.h"
#include "rule/dateformat.h"
#include "rule/jsontext.h"
#include "rule/lettercase.h"

#include <string.h>

/* Reads n bytes, which may move when `to` grows, and appends; false when it cannot read them. */
typedef bool (*filter_fn)(const struct filter *filter, const struct filtered *value);
typedef const char *(*filter_arg_fn)(struct filter *filter, struct arena *arena);

struct filter_kind {
    const char *name;
    filter_fn apply;
    filter_arg_fn check_arg; /* NULL: it takes none; else what is wrong with it, or NULL */
    const char *example;
    unsigned growth; /* so many bytes become of one, at most; 0: their number does not matter */
};

static size_t length(const struct filtered *value)
{
    return value->to->len - value->at;
}

static const char *text_of(const struct filtered *value)
{
    return value->to->data + value->at;
}

static bool put_digest(enum digest digest, const struct filtered *value)
{
    char hex[DIGEST_MOST_HEX + 1];
    size_t n = digest_hex(digest, text_of(value), length(value), hex);
    buf_put(value->to, hex, n);
    return true;
}

static bool apply_md5(const struct filter *filter, const struct filtered *value)
{
    (void)filter;
    return put_digest(DIGEST_MD5, value);
}

static bool apply_sha1(const struct filter *filter, const struct filtered *value)
{
    (void)filter;
    return put_digest(DIGEST_SHA1, value);
}

static bool apply_sha256(const struct filter *filter, const struct filtered *value)
{
    (void)filter;
    return put_digest(DIGEST_SHA256, value);
}

static bool apply_crc32(const struct filter *filter, const struct filtered *value)
{
    (void)filter;
    return put_digest(DIGEST_CRC32, value);
}

static bool apply_hex(const struct filter *filter, const struct filtered *value)
{
    (void)filter;
    size_t n = length(value);
    char *to = buf_room(value->to, 2 * n);
    const unsigned char *from = (const unsigned char *)text_of(value);
    for (size_t i = 0; i < n; i++) {
        *to++ = "0123456789abcdef"[from[i] >> 4];
        *to++ = "0123456789abcdef"[from[i] & 15];
    }
    value->to->len += 2 * n;
    return true;
}

static bool apply_base64(const struct filter *filter, const struct filtered *value)
{
    (void)filter;
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    size_t n = length(value);
    char *to = buf_room(value->to, (n + 2) / 3 * 4);
    const unsigned char *from = (const unsigned char *)text_of(value);
    for (size_t i = 0; i < n; i += 3) {
        unsigned bits = (unsigned)from[i] << 16;
        bits |= i + 1 < n ? (unsigned)from[i + 1] << 8 : 0;
        bits |= i + 2 < n ? from[i + 2] : 0;
        *to++ = digits[bits >> 18];
        *to++ = digits[bits >> 12 & 63];
        *to++ = i + 1 < n ? digits[bits >> 6 & 63] : '=';
        *to++ = i + 2 < n ? digits[bits & 63] : '=';
    }
    value->to->len += (n + 2) / 3 * 4;
    return true;
}

static bool turn(const struct filtered *value, enum lettercase to_case)
{
    size_t n = length(value);
    buf_room(value->to, n);
    return lettercase_put(to_case, text_of(value), n, value->to);
}

static bool apply_lower(const struct filter *filter, const struct filtered *value)
{
    (void)filter;
    return turn(value, LETTERCASE_LOWER);
}

static bool apply_upper(const struct filter *filter, const struct filtered *value)
{
    (void)filter;
    return turn(value, LETTERCASE_UPPER);
}

static bool is_unreserved(unsigned char byte)
{
    return (byte >= 'a' && byte <= 'z') || (byte >= 'A' && byte <= 'Z') ||
           (byte >= '0' && byte <= '9') || (byte && strchr("-._~", byte));
}

static bool apply_urlencode(const struct filter *filter, const struct filtered *value)
{
    (void)filter;
    size_t n = length(value);
    char *to = buf_room(value->to, 3 * n), *begin = to;
    const unsigned char *from = (const unsigned char *)text_of(value);
    for (size_t i = 0; i < n; i++) {
        if (is_unreserved(from[i])) {
            *to++ = (char)from[i];
            continue;
        }
        *to++ = '%';
        *to++ = "0123456789ABCDEF"[from[i] >> 4];
        *to++ = "0123456789ABCDEF"[from[i] & 15];
    }
    value->to->len += (size_t)(to - begin);
    return true;
}

static bool apply_json(const struct filter *filter, const struct filtered *value)
{
    (void)filter;
    size_t n = length(value);
    buf_room(value->to, 6 * n + 8);
    jsontext_put(text_of(value), n, value->type, value->to);
    return true;
}

static const char *check_date(struct filter *filter, struct arena *arena)
{
    const char *fault = dateformat_fault(filter->arg);
    if (!fault)
        return NULL;
    if (!*fault)
        return "the pattern is empty";
    if (!fault[1])
        return "a lone % ends the pattern, and %% stands for a percent sign";
    return arena_printf(arena, "%.2s is no conversion of C's strftime", fault);
}

static bool apply_date(const struct filter *filter, const struct filtered *value)
{
    size_t n = length(value);
    buf_room(value->to, 12 * strlen(filter->arg) + 1);
    return dateformat_put(filter->arg, text_of(value), n, value->to);
}

static const char *check_default(struct filter *filter, struct arena *arena)
{
    (void)filter;
    (void)arena;
    return NULL;
}

static bool apply_default(const struct filter *filter, const struct filtered *value)
{
    buf_put_str(value->to, filter->arg);
    return true;
}

/* One of the two may be empty: PHP's text of false is. */
static const char *check_bool(struct filter *filter, struct arena *arena)
{
    const char *comma = strchr(filter->arg, ',');
    if (!comma || strchr(comma + 1, ','))
        return "it takes two words, for true and for false, with one comma between";
    filter->other = comma + 1;
    filter->arg = arena_strndup(arena, filter->arg, (size_t)(comma - filter->arg));
    return strcmp(filter->arg, filter->other) == 0 ? "its two words are the same" : NULL;
}

static bool is_word(const struct filtered *value, const char *word)
{
    return length(value) == strlen(word) && memcmp(text_of(value), word, strlen(word)) == 0;
}

static bool apply_bool(const struct filter *filter, const struct filtered *value)
{
    bool yes = is_word(value, "t") || is_word(value, "true");
    if (!yes && !is_word(value, "f") && !is_word(value, "false"))
        return false;
    buf_put_str(value->to, yes ? filter->arg : filter->other);
    return true;
}

static const struct filter_kind kinds[] = {
    {"md5", apply_md5, NULL, "", 0},
    {"sha1", apply_sha1, NULL, "", 0},
    {"sha256", apply_sha256, NULL, "", 0},
    {"crc32", apply_crc32, NULL, "", 0},
    {"hex", apply_hex, NULL, "", 2},
    {"base64", apply_base64, NULL, "", 2},
    {"lower", apply_lower, NULL, "", 1},
    {"upper", apply_upper, NULL, "", 1},
    {"urlencode", apply_urlencode, NULL, "", 3},
    {"json", apply_json, NULL, "", 6},
    {"date", apply_date, check_date, "%Y-%m", 0},
    {"default", apply_default, check_default, "none", 1},
    {"bool", apply_bool, check_bool, "True,False", 0},
};

#define N_KINDS (sizeof kinds / sizeof *kinds)

static const struct filter_kind *find(const char *name)
{
    for (size_t i = 0; i < N_KINDS; i++)
        if (strcmp(kinds[i].name, name) == 0)
            return &kinds[i];
    return NULL;
}

static int unknown(const char *name, struct err *err)
{
    const char *names[N_KINDS + 1] = {NULL};
    for (size_t i = 0; i < N_KINDS; i++)
        names[i] = kinds[i].name;
    const char *nearest = str_nearest(name, names);
    if (nearest)
        return err_set(err, EX_CONFIG, "there is no filter %s (did you mean %s?)", name, nearest);
    return err_set(err, EX_CONFIG,
                   "there is no filter %s; there are md5, sha1, sha256, crc32, hex, base64, lower, "
                   "upper, urlencode, json, date, default and bool",
                   name);
}

int filter_make(struct filter *filter, struct arena *arena, const char *name, const char *arg,
                struct err *err)
{
    const struct filter_kind *kind = find(name);
    if (!kind)
        return unknown(name, err);
    *filter = (struct filter){.kind = kind, .arg = arg};
    if (arg && !kind->check_arg)
        return err_set(err, EX_CONFIG, "%s takes no argument; write %s alone", name, name);
    if (!arg && kind->check_arg)
        return err_set(err, EX_CONFIG, "%s needs an argument, as in %s:\\\"%s\\\"", name, name,
                       kind->example);
    const char *wrong = arg ? kind->check_arg(filter, arena) : NULL;
    if (wrong)
        return err_set(err, EX_CONFIG, "%s:\\\"%s\\\": %s; write, say, %s:\\\"%s\\\"", name, arg,
                       wrong, name, kind->example);
    return 0;
}

bool filter_is_default(const struct filter *filter)
{
    return filter->kind->apply == apply_default;
}

bool filter_is_json(const struct filter *filter)
{
    return filter->kind->apply == apply_json;
}

static bool apply_to_null(const struct filter *filter, struct filtered *value)
{
    if (filter_is_default(filter)) {
        value->is_null = false;
        return filter->kind->apply(filter, value);
    }
    if (filter_is_json(filter) && value->nulls_shown) {
        buf_put_str(value->to, "null");
        value->is_null = false;
        value->type = 0;
    }
    return true;
}

bool filter_apply(const struct filter *filter, struct filtered *value, size_t most)
{
    if (value->is_null)
        return apply_to_null(filter, value);
    if (filter_is_default(filter))
        return true;
    size_t n = length(value);
    if (filter->kind->growth && n > most / filter->kind->growth)
        return false;
    if (!filter->kind->apply(filter, value))
        return false;
    /* The result stands behind what it was made of, and takes its place. */
    struct buf *to = value->to;
    memmove(to->data + value->at, to->data + value->at + n, to->len - value->at - n);
    to->len -= n;
    value->type = 0;
    return true;
}
