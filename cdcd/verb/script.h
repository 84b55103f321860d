/* SQL that is printed for people: statements, each with a comment above it. */
#ifndef CDCD_VERB_SCRIPT_H
#define CDCD_VERB_SCRIPT_H

#include "base/buf.h"
#include "base/mem.h"

#include <stdbool.h>

struct script_part {
    const char *comment; /* lines without `--`; NULL: none */
    const char *sql;     /* with its semicolon; NULL: there is but the comment */
};

/* All of it is the arena's. */
struct script {
    struct arena *arena;
    struct script_part *parts;
    unsigned n;
    unsigned cap;
};

/* Adds a part. What the bufs hold is copied, and they are emptied; each may be NULL. */
void script_add(struct script *script, struct buf *comment, struct buf *sql);
/* Adds a part whose texts live as long as the script. */
void script_add_text(struct script *script, const char *comment, const char *sql);
void script_free(struct script *script);

/* Appends a text literal that means the same whatever standard_conforming_strings is. */
void sql_put_literal(struct buf *sql, const char *text);
/* Appends an identifier, in quotes where it needs them. */
void sql_put_name(struct buf *sql, const char *name);
/* Appends schema.table, and that as a literal, which is cast to regclass. */
void sql_put_table(struct buf *sql, const char *schema, const char *name);
void sql_put_table_literal(struct buf *sql, const char *schema, const char *name);
/* Appends a LIKE pattern, as a literal, of a name with * and ?. */
void sql_put_pattern(struct buf *sql, const char *name);

#endif
