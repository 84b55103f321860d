/* What the operator must mend, in sentences: what is wrong, and what to do.
 *
 * A struct err is one such thing that ends an action. Complaints are what a reading of files found,
 * all of it, each with its place. Codes are those of sysexits.h, and exit codes of the program. */
#ifndef CDCD_BASE_ERR_H
#define CDCD_BASE_ERR_H

#include <stdbool.h>
#include <stdio.h>
#include <sysexits.h>

struct err {
    int code; /* EX_CONFIG, EX_NOPERM, ...; 0 while nothing is wrong */
    char text[1024];
};

/* Fills err and returns -1, so that callers can `return err_set(...)`. */
int err_set(struct err *err, int code, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

enum severity { SEVERITY_WARNING, SEVERITY_ERROR };

struct complaint {
    enum severity severity;
    char *file; /* NULL when it is about no file */
    int line;   /* 0 when it is about the whole file */
    char *text;
};

/* So many are kept: nobody reads more, and a hostile file must not cost more. */
#define COMPLAINTS_MAX 1000

struct complaints {
    struct complaint *list;
    unsigned n;
    unsigned n_errors;
    unsigned n_warnings;
    unsigned n_more; /* found beyond COMPLAINTS_MAX, and only counted: warnings before errors */
    int code; /* of the first error: EX_CONFIG, or EX_NOINPUT for a file that cannot be read */
};

/* Adds an error with EX_CONFIG, or a warning; file and text are copied. A complaint that says the
 * same of the same place is added once. */
void complain(struct complaints *complaints, enum severity severity, const char *file, int line,
              const char *format, ...) __attribute__((format(printf, 5, 6)));
/* The same for an error whose code is not EX_CONFIG. */
void complain_code(struct complaints *complaints, int code, const char *file, int line,
                   const char *format, ...) __attribute__((format(printf, 5, 6)));
/* By file and line. */
void complaints_sort(struct complaints *complaints);
/* Writes `FILE:LINE: text` lines, sorted; warnings say that they are. Control bytes are written
 * as \xNN. */
void complaints_print(struct complaints *complaints, FILE *to);
void complaints_free(struct complaints *complaints);

#endif
