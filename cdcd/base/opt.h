/* Options as tables: one row a setting, with its type, its default and the manual's sentence.
 *
 * A group of a file is read against its table in one pass: what the table does not know, what has
 * the wrong type or a bad value, and what is missing is complained about, all at once. Settings
 * and words that the manual names but this version has not are known, and refused. */
#ifndef CDCD_BASE_OPT_H
#define CDCD_BASE_OPT_H

#include "base/confread.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

/* What a row writes at its offset. */
enum opt_type {
    OPT_STRING,     /* const char *; NULL without a default */
    OPT_STRINGS,    /* struct opt_strings; one string is an array of one */
    OPT_BOOL,       /* bool */
    OPT_INT,        /* int64_t */
    OPT_SIZE,       /* int64_t, bytes */
    OPT_TIME,       /* int64_t, ms */
    OPT_TIME_RANGE, /* struct opt_range, ms */
    OPT_WORD,       /* int: the word's value */
    OPT_GROUP,      /* what the rows of the group say; offsets are from the same start */
    OPT_NODE,       /* const struct conf *, as it stands; NULL when it is not there */
};

struct opt_strings {
    const char *const *list;
    unsigned n;
};

struct opt_range {
    int64_t from;
    int64_t to;
};

struct opt_word {
    const char *word; /* NULL ends the array */
    int value;
    bool unbuilt;
};

struct opt {
    const char *name; /* NULL ends the table */
    enum opt_type type;
    size_t offset;
    const char *fallback; /* as a file would write it, strings without quotes; NULL: zero */
    const char *help;
    const struct opt_word *words; /* OPT_WORD */
    const struct opt *rows;       /* OPT_GROUP */
    int64_t min, max;             /* numbers, sizes, times; not looked at when max is 0 */
    const char *range;            /* min and max in words: "from 1 to 10000" */
    bool required;
    bool expand;       /* ${NAME} is replaced */
    bool unbuilt;      /* known to the manual, not to this version */
    bool unbuilt_list; /* OPT_WORD: so is an array or a list */
};

struct opt_reader {
    struct arena *arena; /* owns what is read */
    struct complaints *complaints;
    bool expand; /* ${NAME} is replaced in every string */
};

/* Fills `into`, defaults first; false when something was wrong. */
bool opt_read(const struct opt_reader *reader, const struct opt *rows, const struct conf *group,
              void *into);
/* Complains that `word` is none of `words`, and names the nearest, or all of them. what is the
 * sort of thing that it should be: "setting", "store". */
void opt_unknown(struct complaints *complaints, const char *file, int line, const char *what,
                 const char *word, const char *const *words);

#endif
