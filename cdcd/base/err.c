#include "base/err.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

int err_set(struct err *err, int code, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    err->code = code;
    return -1;
}

static void free_one(struct complaint *complaint)
{
    free(complaint->file);
    free(complaint->text);
}

static bool said_before(const struct complaints *complaints, const char *file, int line,
                        const char *text)
{
    for (unsigned i = 0; i < complaints->n; i++) {
        const struct complaint *other = &complaints->list[i];
        if (other->line != line)
            continue;
        bool same_file = !file == !other->file && (!file || strcmp(file, other->file) == 0);
        if (same_file && strcmp(other->text, text) == 0)
            return true;
    }
    return false;
}

/* Where one more is kept; when there are too many, an error takes the place of the last warning.
 * NULL when it is only counted. */
static struct complaint *find_room(struct complaints *complaints, enum severity severity)
{
    unsigned i = complaints->n;
    if (i < COMPLAINTS_MAX) {
        complaints->list = mem_resize(complaints->list, (i + 1) * sizeof *complaints->list);
        complaints->n++;
        return &complaints->list[i];
    }
    complaints->n_more++;
    if (severity != SEVERITY_ERROR)
        return NULL;
    while (i > 0 && complaints->list[i - 1].severity == SEVERITY_ERROR)
        i--;
    if (i == 0)
        return NULL;
    free_one(&complaints->list[i - 1]);
    return &complaints->list[i - 1];
}

__attribute__((format(printf, 6, 0))) static void add(struct complaints *complaints,
                                                      enum severity severity, int code,
                                                      const char *file, int line,
                                                      const char *format, va_list args)
{
    char text[2048];
    vsnprintf(text, sizeof text, format, args);
    if (severity == SEVERITY_ERROR && complaints->code == 0)
        complaints->code = code;
    if (said_before(complaints, file, line, text))
        return;
    complaints->n_errors += severity == SEVERITY_ERROR;
    complaints->n_warnings += severity == SEVERITY_WARNING;
    struct complaint *room = find_room(complaints, severity);
    if (room)
        *room = (struct complaint){
            .severity = severity,
            .file = file ? mem_strdup(file) : NULL,
            .line = line,
            .text = mem_strdup(text),
        };
}

void complain(struct complaints *complaints, enum severity severity, const char *file, int line,
              const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(complaints, severity, EX_CONFIG, file, line, format, args);
    va_end(args);
}

void complain_code(struct complaints *complaints, int code, const char *file, int line,
                   const char *format, ...)
{
    va_list args;
    va_start(args, format);
    add(complaints, SEVERITY_ERROR, code, file, line, format, args);
    va_end(args);
}

static int by_place(const void *a, const void *b)
{
    const struct complaint *one = a, *two = b;
    int files = strcmp(one->file ? one->file : "", two->file ? two->file : "");
    return files ? files : (one->line > two->line) - (one->line < two->line);
}

void complaints_sort(struct complaints *complaints)
{
    if (complaints->n)
        qsort(complaints->list, complaints->n, sizeof *complaints->list, by_place);
}

/* A complaint is one line, whatever it quotes. */
static void print_line(FILE *to, const char *text)
{
    for (; *text; text++) {
        unsigned char byte = (unsigned char)*text;
        if (byte < ' ' || byte == 127)
            fprintf(to, "\\x%02x", byte);
        else
            fputc(byte, to);
    }
    fputc('\n', to);
}

void complaints_print(struct complaints *complaints, FILE *to)
{
    complaints_sort(complaints);
    for (unsigned i = 0; i < complaints->n; i++) {
        const struct complaint *one = &complaints->list[i];
        if (one->file && one->line > 0)
            fprintf(to, "%s:%d: ", one->file, one->line);
        else if (one->file)
            fprintf(to, "%s: ", one->file);
        fputs(one->severity == SEVERITY_WARNING ? "warning: " : "", to);
        print_line(to, one->text);
    }
    if (complaints->n_more)
        fprintf(to, "and %u more\n", complaints->n_more);
}

void complaints_free(struct complaints *complaints)
{
    for (unsigned i = 0; i < complaints->n; i++)
        free_one(&complaints->list[i]);
    free(complaints->list);
    *complaints = (struct complaints){0};
}
