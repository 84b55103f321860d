/* Rows as a command line gives them: c=v,c='a, b',c=NULL. */
#ifndef CDCD_VERB_ROW_H
#define CDCD_VERB_ROW_H

#include "base/err.h"
#include "model/change.h"

struct arena;

/* The oid of an untyped literal: such a value takes the type that its place needs. */
#define ROW_UNTYPED 705

struct cell {
    const char *column;
    struct value value; /* text or NULL */
    uint32_t type;      /* 0 for NULL */
};

struct row {
    struct cell *cells;
    unsigned n;
};

/* What it keeps is the arena's. Blanks around names and values do not count. A value in single or
 * double quotes may hold commas, blanks, and its own quote doubled; NULL without quotes is null. -1
 * when it is no row. */
int row_parse(struct row *row, struct arena *arena, const char *text, struct err *err);
/* The column's cell; NULL when the row does not name it. */
const struct cell *row_cell(const struct row *row, const char *column);
/* The type that values of two types both have; unlike ones are untyped texts. 0 is NULL's. */
uint32_t row_common_type(uint32_t a, uint32_t b);

#endif
