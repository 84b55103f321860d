#include "expression/lex.h"

#include "base/buf.h"
#include "base/mem.h"
#include "base/utf8.h"

#include <ctype.h>
#include <stdlib.h>
#include <string.h>

#define NAME_MAX_BYTES 63
#define OPERATOR_CHARS "~!@#^&|`?+-*/%<>="

static struct token wrong(struct lexer *lexer, struct token token, const char *why)
{
    lexer->wrong = why;
    lexer->at = lexer->text + token.position - 1;
    token.kind = TOKEN_WRONG;
    return token;
}

static bool is_space(char c)
{
    return c && strchr(" \t\n\r\f", c);
}

/* Over a comment that may hold others; NULL when it does not end. */
static const char *skip_comment(const char *at)
{
    unsigned depth = 0;
    do {
        if (!*at)
            return NULL;
        if (strncmp(at, "/*", 2) == 0) {
            depth++;
            at += 2;
        } else if (strncmp(at, "*/", 2) == 0) {
            depth--;
            at += 2;
        } else {
            at++;
        }
    } while (depth);
    return at;
}

/* Over white space and comments; false at a comment that does not end. */
static bool skip_space(struct lexer *lexer)
{
    for (;;) {
        const char *at = lexer->at;
        if (is_space(*at)) {
            lexer->at++;
        } else if (strncmp(at, "--", 2) == 0) {
            lexer->at += strcspn(at, "\n\r");
        } else if (strncmp(at, "/*", 2) == 0) {
            const char *end = skip_comment(at);
            if (!end)
                return false;
            lexer->at = end;
        } else {
            return true;
        }
    }
}

static struct token finish(struct lexer *lexer, struct token token, const char *text, size_t n)
{
    token.text = arena_strndup(lexer->arena, text, n);
    token.len = (uint32_t)n;
    return token;
}

static bool in_name(char c)
{
    return isalnum((unsigned char)c) || c == '_' || c == '$' || (c & 0x80);
}

static struct token lex_word(struct lexer *lexer, struct token token)
{
    const char *start = lexer->at;
    while (in_name(*lexer->at))
        lexer->at++;
    size_t n = (size_t)(lexer->at - start);
    if (n > NAME_MAX_BYTES)
        return wrong(lexer, token, "a name of more than 63 bytes; PostgreSQL's are no longer");
    char *text = arena_strndup(lexer->arena, start, n);
    for (char *at = text; *at; at++)
        if (*at >= 'A' && *at <= 'Z')
            *at = (char)(*at + 'a' - 'A');
    token.kind = TOKEN_WORD;
    token.text = text;
    token.len = (uint32_t)n;
    return token;
}

static struct token lex_quoted(struct lexer *lexer, struct token token)
{
    struct buf name = {0};
    token.kind = TOKEN_QUOTED;
    for (lexer->at++; *lexer->at && (*lexer->at != '"' || lexer->at[1] == '"'); lexer->at++) {
        lexer->at += *lexer->at == '"';
        buf_put(&name, lexer->at, 1);
    }
    if (*lexer->at != '"')
        token = wrong(lexer, token, "a quoted name that does not end");
    else if (name.len == 0)
        token = wrong(lexer, token, "a name of no letters");
    else if (name.len > NAME_MAX_BYTES)
        token = wrong(lexer, token, "a name of more than 63 bytes; PostgreSQL's are no longer");
    else
        token = finish(lexer, token, name.data, name.len);
    lexer->at += token.kind == TOKEN_QUOTED;
    buf_free(&name);
    return token;
}

static struct token lex_number(struct lexer *lexer, struct token token)
{
    const char *start = lexer->at;
    const char *at = start + strspn(start, "0123456789");
    if (*at == '.')
        at += 1 + strspn(at + 1, "0123456789");
    if (*at == 'e' || *at == 'E') {
        const char *digits = at + 1 + (at[1] == '+' || at[1] == '-');
        size_t n = strspn(digits, "0123456789");
        at = n ? digits + n : at;
    }
    if (in_name(*at))
        return wrong(lexer, token, "letters after a number");
    lexer->at = at;
    token.kind = TOKEN_NUMBER;
    return finish(lexer, token, start, (size_t)(at - start));
}

/* \u0041, \U00010348; false when it is none, or no character. */
static bool lex_unicode(struct lexer *lexer, struct buf *to)
{
    size_t n = *lexer->at == 'u' ? 4 : 8;
    char digits[9] = {0}, bytes[UTF8_MAX_BYTES];
    lexer->at++;
    for (size_t i = 0; i < n; i++) {
        if (!isxdigit((unsigned char)lexer->at[i]))
            return false;
        digits[i] = lexer->at[i];
    }
    uint32_t code = (uint32_t)strtoul(digits, NULL, 16);
    lexer->at += n;
    if (code == 0 || code > 0x10FFFF || (code >= 0xD800 && code <= 0xDFFF))
        return false;
    buf_put(to, bytes, utf8_write(code, bytes));
    return true;
}

/* \101, \x41: one byte. */
static bool lex_byte(struct lexer *lexer, struct buf *to)
{
    bool hex = *lexer->at == 'x';
    char digits[4] = {0};
    size_t n = 0, most = hex ? 2 : 3;
    lexer->at += hex;
    while (n < most &&
           (hex ? isxdigit((unsigned char)*lexer->at) : *lexer->at >= '0' && *lexer->at <= '7'))
        digits[n++] = *lexer->at++;
    char byte = (char)strtoul(digits, NULL, hex ? 16 : 8);
    if (n == 0)
        byte = 'x';
    buf_put(to, &byte, 1);
    return byte != 0;
}

/* What follows a backslash in E'...'. */
static bool lex_escape(struct lexer *lexer, struct buf *to)
{
    static const char plain[] = "b\bf\fn\nr\rt\t";
    char c = *lexer->at;
    if (c == 'u' || c == 'U')
        return lex_unicode(lexer, to);
    if ((c >= '0' && c <= '7') || c == 'x')
        return lex_byte(lexer, to);
    if (!c)
        return false;
    const char *found = NULL;
    for (size_t i = 0; plain[i]; i += 2)
        if (plain[i] == c)
            found = &plain[i + 1];
    buf_put(to, found ? found : &c, 1);
    lexer->at++;
    return true;
}

/* 'one' and, with a line's end between them, 'another' are one string: true, and past the second
 * quote, when there is another. */
static bool goes_on(struct lexer *lexer)
{
    const char *at = lexer->at;
    bool newline = false;
    for (;;) {
        newline |= *at == '\n' || *at == '\r';
        if (is_space(*at))
            at++;
        else if (strncmp(at, "--", 2) == 0)
            at += strcspn(at, "\n\r");
        else
            break;
    }
    if (*at != '\'' || !newline)
        return false;
    lexer->at = at + 1;
    return true;
}

static struct token lex_string(struct lexer *lexer, struct token token, bool escapes)
{
    struct buf text = {0};
    const char *why = NULL;
    token.kind = TOKEN_STRING;
    lexer->at++;
    while (!why) {
        char c = *lexer->at++;
        if (!c)
            why = "a string that does not end";
        else if (c == '\\' && escapes)
            why = lex_escape(lexer, &text) ? NULL : "a backslash that stands for no character";
        else if (c != '\'')
            buf_put(&text, &c, 1);
        else if (*lexer->at == '\'')
            buf_put(&text, lexer->at++, 1);
        else if (!goes_on(lexer))
            break;
    }
    if (!why && !utf8_is_valid(buf_str(&text), text.len))
        why = "a string that is not UTF-8";
    token = why ? wrong(lexer, token, why) : finish(lexer, token, buf_str(&text), text.len);
    buf_free(&text);
    return token;
}

/* The longest run of operator characters, up to a comment; an operator ends with + or - only when
 * it has a character that SQL's own operators have not. */
static struct token lex_operator(struct lexer *lexer, struct token token)
{
    const char *start = lexer->at;
    size_t n = 0;
    while (start[n] && strchr(OPERATOR_CHARS, start[n]) && strncmp(start + n, "--", 2) != 0 &&
           strncmp(start + n, "/*", 2) != 0)
        n++;
    if (strcspn(start, "~!@#^&|`?%") >= n)
        while (n > 1 && strchr("+-", start[n - 1]))
            n--;
    lexer->at += n;
    token.kind = TOKEN_SIGN;
    if (n == 2 && strncmp(start, "!=", 2) == 0)
        start = "<>";
    return finish(lexer, token, start, n);
}

static struct token lex_sign(struct lexer *lexer, struct token token)
{
    size_t n = strncmp(lexer->at, "::", 2) == 0 ? 2 : 1;
    if (!strchr("()[],.;:", *lexer->at))
        return wrong(lexer, token, "a character that has no meaning here");
    token = finish(lexer, token, lexer->at, n);
    token.kind = TOKEN_SIGN;
    lexer->at += n;
    return token;
}

/* X'..', B'..', U&'..', $$..$$: what PostgreSQL has and no rule needs. */
static bool is_odd_string(const char *at)
{
    return (strchr("xXbBnN", *at) && at[1] == '\'') ||
           (strchr("uU", *at) && at[1] == '&' && (at[2] == '\'' || at[2] == '"'));
}

struct token lex_next(struct lexer *lexer)
{
    bool spaced = skip_space(lexer);
    const char *at = lexer->at;
    struct token token = {.kind = TOKEN_END, .position = (unsigned)(at - lexer->text) + 1};
    token.text = "";
    if (!spaced)
        return wrong(lexer, token, "a comment that does not end");
    if (!*at)
        return token;
    if (*at == '$')
        return wrong(lexer, token, "a $; strings are written '...'");
    if (is_odd_string(at))
        return wrong(lexer, token,
                     "a string of a sort that cdcd does not read; write '...' or E'...'");
    if (strchr("eE", *at) && at[1] == '\'') {
        lexer->at++;
        return lex_string(lexer, token, true);
    }
    if (*at == '\'')
        return lex_string(lexer, token, false);
    if (*at == '"')
        return lex_quoted(lexer, token);
    if (isdigit((unsigned char)*at) || (*at == '.' && isdigit((unsigned char)at[1])))
        return lex_number(lexer, token);
    if (in_name(*at))
        return lex_word(lexer, token);
    return strchr(OPERATOR_CHARS, *at) ? lex_operator(lexer, token) : lex_sign(lexer, token);
}
