#include "base/confscan.h"

#include "base/buf.h"
#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

enum token { TOKEN_NONE, TOKEN_STRING, TOKEN_COMMA, TOKEN_OPENER, TOKEN_OTHER };

struct opener {
    char bracket;
    int line;
};

struct scanner {
    const char *at; /* the text ends with a NUL */
    int line;
    const char *file;
    struct complaints *complaints;
    struct opener open[CONFSCAN_MAX_DEPTH];
    unsigned depth;
    enum token last;
    bool sound;
    struct buf lines; /* of ints */
};

static bool skip_blanks(struct scanner *s);
static void scan_token(struct scanner *s);

/* What some editors write, and what is no text at all. */
static bool is_text(const char *file, const char *text, size_t n, struct complaints *complaints)
{
    const char *nul = n ? memchr(text, 0, n) : NULL;
    int line = 1;
    if (n >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0) {
        complain(complaints, SEVERITY_ERROR, file, 1,
                 "the file begins with a UTF-8 byte order mark; save it without one");
        return false;
    }
    if (!nul)
        return true;
    for (const char *at = text; at < nul; at++)
        line += *at == '\n';
    complain(complaints, SEVERITY_ERROR, file, line,
             "a NUL byte stands here; the file must be text, in UTF-8");
    return false;
}

bool confscan_run(struct confscan *scan, struct arena *arena, const char *file, const char *text,
                  size_t n, struct complaints *complaints)
{
    *scan = (struct confscan){0};
    if (!is_text(file, text, n, complaints))
        return false;
    struct scanner s = {
        .at = arena_strndup(arena, text, n), .line = 1, .file = file, .complaints = complaints};
    s.sound = true;
    while (s.sound && skip_blanks(&s))
        scan_token(&s);
    if (s.sound && s.depth > 0) {
        s.sound = false;
        complain(complaints, SEVERITY_ERROR, file, s.open[s.depth - 1].line,
                 "the %c that opens here is not closed", s.open[s.depth - 1].bracket);
    }
    scan->n_elements = (unsigned)(s.lines.len / sizeof(int));
    scan->element_lines = arena_alloc(arena, s.lines.len);
    if (s.lines.len)
        memcpy(scan->element_lines, s.lines.data, s.lines.len);
    buf_free(&s.lines);
    return s.sound;
}

__attribute__((format(printf, 3, 4))) static void unsound(struct scanner *s, int line,
                                                          const char *format, ...)
{
    char text[256];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    s->sound = false;
    complain(s->complaints, SEVERITY_ERROR, s->file, line, "%s", text);
}

static void skip_comment(struct scanner *s)
{
    int from = s->line;
    for (s->at += 2; *s->at && !(s->at[0] == '*' && s->at[1] == '/'); s->at++)
        s->line += *s->at == '\n';
    if (*s->at)
        s->at += 2;
    else
        unsound(s, from, "the comment that opens here is not closed");
}

/* Blanks and comments; false at the end. */
static bool skip_blanks(struct scanner *s)
{
    while (s->sound && *s->at) {
        if (*s->at == '#' || (s->at[0] == '/' && s->at[1] == '/')) {
            s->at += strcspn(s->at, "\n");
        } else if (s->at[0] == '/' && s->at[1] == '*') {
            skip_comment(s);
        } else if (isspace((unsigned char)*s->at)) {
            s->line += *s->at++ == '\n';
        } else {
            return true;
        }
    }
    return false;
}

static bool in_sequence(const struct scanner *s)
{
    return s->depth > 0 && s->open[s->depth - 1].bracket != '{';
}

/* A token that is no closer: it may begin an element of an array or a list. */
static void note_element(struct scanner *s)
{
    if (in_sequence(s) && (s->last == TOKEN_OPENER || s->last == TOKEN_COMMA))
        buf_put(&s->lines, &s->line, sizeof s->line);
}

static void scan_string(struct scanner *s)
{
    int from = s->line;
    note_element(s);
    if (s->last == TOKEN_STRING && in_sequence(s))
        complain(s->complaints, SEVERITY_ERROR, s->file, s->line,
                 "two strings follow one another and would be joined; put a comma between them");
    for (s->at++; *s->at && *s->at != '"'; s->at++) {
        s->line += *s->at == '\n';
        if (*s->at != '\\' || !s->at[1])
            continue;
        if (strncmp(s->at, "\\x00", 4) == 0)
            complain(s->complaints, SEVERITY_ERROR, s->file, s->line,
                     "\\x00 cannot stand in a string");
        s->at++;
        s->line += *s->at == '\n';
    }
    if (*s->at)
        s->at++;
    else
        unsound(s, from, "the string that opens here is not closed");
    s->last = TOKEN_STRING;
}

static void scan_opener(struct scanner *s)
{
    note_element(s);
    if (s->depth == CONFSCAN_MAX_DEPTH) {
        unsound(s, s->line, "brackets stand deeper than %d in one another", CONFSCAN_MAX_DEPTH);
        return;
    }
    s->open[s->depth++] = (struct opener){*s->at++, s->line};
    s->last = TOKEN_OPENER;
}

static void scan_closer(struct scanner *s)
{
    static const char openers[] = "{[(", closers[] = "}])";
    char closer = *s->at;
    char wanted = openers[strchr(closers, closer) - closers];
    if (s->depth == 0) {
        unsound(s, s->line, "this %c closes nothing", closer);
        return;
    }
    const struct opener *top = &s->open[s->depth - 1];
    if (top->bracket != wanted) {
        unsound(s, s->line, "this %c closes nothing: the %c of line %d is still open", closer,
                top->bracket, top->line);
        return;
    }
    if (s->last == TOKEN_COMMA)
        unsound(s, s->line, "a comma stands before this %c; leave it out", closer);
    s->depth--;
    s->at++;
    s->last = TOKEN_OTHER;
}

/* libconfig keeps the low 32 bits of a number that has no L, and says nothing. */
static bool number_fits(const char *text, size_t n)
{
    char digits[24];
    if (n >= sizeof digits)
        return false;
    memcpy(digits, text, n);
    digits[n] = '\0';
    errno = 0;
    char *end;
    long long value = strtoll(digits, &end, 0);
    if (errno)
        return false;
    return *end == 'L' || (value >= -(long long)INT_MAX - 1 && value <= INT_MAX);
}

static void scan_word(struct scanner *s)
{
    static const char letters[] =
        "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_*+-.";
    size_t n = strspn(s->at, letters);
    const char *digits = s->at + (*s->at == '-' || *s->at == '+');
    note_element(s);
    if (isdigit((unsigned char)*digits)) {
        bool whole = strncasecmp(digits, "0x", 2) == 0 || strcspn(s->at, ".eE") >= n;
        if (whole && !number_fits(s->at, n))
            unsound(s, s->line,
                    "the number %.*s is too large; sizes and times are strings, as in \"64MB\"",
                    (int)(n < 64 ? n : 64), s->at);
    }
    s->at += n ? n : 1;
    s->last = TOKEN_OTHER;
}

static void scan_token(struct scanner *s)
{
    if (strncmp(s->at, "@include", 8) == 0) {
        unsound(s, s->line, "@include is not read; name every file in rules of cdcd.cfg");
    } else if (*s->at == '"') {
        scan_string(s);
    } else if (strchr("{[(", *s->at)) {
        scan_opener(s);
    } else if (strchr("}])", *s->at)) {
        scan_closer(s);
    } else if (*s->at == ',') {
        s->at++;
        s->last = TOKEN_COMMA;
    } else {
        scan_word(s);
    }
}
