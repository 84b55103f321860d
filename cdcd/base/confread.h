/* Files in libconfig's syntax, as trees of settings that know their place.
 *
 * What libconfig takes in silence and means something else by is refused here: numbers that wrap, a
 * missing comma that joins two strings, a trailing comma (1.5 refuses it, 1.7 does not), NULs,
 * @include. Everything that is wrong becomes a complaint with FILE:LINE. */
#ifndef CDCD_BASE_CONFREAD_H
#define CDCD_BASE_CONFREAD_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct arena;

#define CONF_MAX_BYTES (16 << 20)

enum conf_type {
    CONF_GROUP, /* { name = value; ... } */
    CONF_ARRAY, /* [ scalars of one type ] */
    CONF_LIST,  /* ( anything ) */
    CONF_STRING,
    CONF_INT,
    CONF_FLOAT,
    CONF_BOOL,
};

struct conf {
    const char *name; /* NULL in an array or a list, and for the file itself */
    const char *file;
    int line; /* 0 for the file itself */
    enum conf_type type;
    const char *text; /* CONF_STRING */
    int64_t number;   /* CONF_INT; CONF_BOOL: 0 or 1 */
    double real;      /* CONF_FLOAT */
    const struct conf *children;
    unsigned n_children;
};

/* Reads a file; the tree is the arena's. NULL when it cannot be read (EX_NOINPUT, EX_NOPERM) or is
 * no tree. */
const struct conf *conf_read(struct arena *arena, const char *path, struct complaints *complaints);
/* The same for text that somebody has; lent. */
const struct conf *conf_parse(struct arena *arena, const char *file, const char *text, size_t n,
                              struct complaints *complaints);

/* The setting of a group by its name; NULL when there is none. */
const struct conf *conf_member(const struct conf *group, const char *name);
/* "a string", "a group", ... */
const char *conf_type_name(enum conf_type type);

#endif
