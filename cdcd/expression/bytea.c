/* bytea into text, and digests. */
#include "expression/calls.h"

#include "base/digest.h"
#include "base/mem.h"

#include <string.h>

#define BASE64_LINE 76

static const char TOO_LONG[] = "a bytea too long to encode";

const char *any_md5(struct call *call)
{
    char *hex = arena_alloc(call->arena, DIGEST_MOST_HEX + 1);
    digest_hex(DIGEST_MD5, call->args[0].text.bytes, call->args[0].text.len, hex);
    call->result->text = (struct text){hex, 32};
    return NULL;
}

static const char *encode_hex(struct call *call)
{
    const char *error =
        catalog_output(TYPE_BYTEA, &call->args[0], call->arena, &call->result->text);
    call->result->text.bytes += 2; /* the \x */
    call->result->text.len -= 2;
    return error;
}

static const char *encode_base64(struct call *call)
{
    static const char DIGITS[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    struct text raw = call->args[0].text;
    size_t len = ((size_t)raw.len + 2) / 3 * 4;
    char *bytes = arena_alloc(call->arena, len + len / BASE64_LINE + 2), *at = bytes;
    for (uint32_t i = 0, column = 4; i < raw.len; i += 3, column += 4) {
        uint32_t left = raw.len - i, three = 0;
        for (uint32_t k = 0; k < 3; k++)
            three = three << 8 | (k < left ? (unsigned char)raw.bytes[i + k] : 0);
        for (uint32_t k = 0; k < 4; k++)
            *at++ = k <= left ? DIGITS[three >> (18 - 6 * k) & 63] : '=';
        if (column % BASE64_LINE == 0 && left >= 3) /* after a full line, the last one too */
            *at++ = '\n';
    }
    call->result->text = (struct text){bytes, (uint32_t)(at - bytes)};
    return NULL;
}

static const char *encode_escape(struct call *call)
{
    struct text raw = call->args[0].text;
    char *bytes = arena_alloc(call->arena, (size_t)raw.len * 4 + 1), *at = bytes;
    for (uint32_t i = 0; i < raw.len; i++) {
        unsigned char c = (unsigned char)raw.bytes[i];
        if (c == 0 || c >= 0x80) {
            *at++ = '\\';
            *at++ = (char)('0' + (c >> 6));
            *at++ = (char)('0' + (c >> 3 & 7));
            *at++ = (char)('0' + (c & 7));
            continue;
        }
        if (c == '\\')
            *at++ = '\\';
        *at++ = (char)c;
    }
    call->result->text = (struct text){bytes, (uint32_t)(at - bytes)};
    return NULL;
}

static bool is_word(struct text text, const char *word)
{
    return text.len == strlen(word) && !strncasecmp(text.bytes, word, text.len);
}

const char *bytea_encode(struct call *call)
{
    struct text format = call->args[1].text;
    if (call->args[0].text.len > CATALOG_MAX_BYTES / 4)
        return TOO_LONG;
    if (is_word(format, "hex"))
        return encode_hex(call);
    if (is_word(format, "base64"))
        return encode_base64(call);
    if (is_word(format, "escape"))
        return encode_escape(call);
    return "encode() knows hex, base64 and escape";
}

/* Texts are UTF-8 here already; of no other encoding are the bytes known. */
const char *text_convert_to(struct call *call)
{
    call->result->text = call->args[0].text;
    if (is_word(call->args[1].text, "utf8") || is_word(call->args[1].text, "utf-8"))
        return NULL;
    return "convert_to() knows UTF8";
}
