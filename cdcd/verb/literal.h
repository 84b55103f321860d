/* Values as a test file writes them: numbers, strings, true and false; () is NULL. */
#ifndef CDCD_VERB_LITERAL_H
#define CDCD_VERB_LITERAL_H

#include "base/confread.h"
#include "verb/row.h"

/* Reads a setting's value, or complains; the cell's column is the setting's name. What it keeps is
 * the arena's. */
bool literal_read(struct cell *cell, struct arena *arena, const struct conf *node,
                  struct complaints *complaints);
/* Reads a group of them. */
bool literal_read_row(struct row *row, struct arena *arena, const struct conf *node,
                      struct complaints *complaints);
/* As PostgreSQL writes a double precision: the fewest digits that mean it. The arena's. */
char *literal_real(struct arena *arena, double real);

#endif
