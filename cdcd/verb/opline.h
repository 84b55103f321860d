/* Ops as people read and write them: `STORE ACTION KEY`. */
#ifndef CDCD_VERB_OPLINE_H
#define CDCD_VERB_OPLINE_H

#include "base/buf.h"
#include "rule/rule.h"

#include <stdio.h>

/* Appends text of which no byte ends a line or does things to a terminal: those are \xNN. */
void opline_put_text(struct buf *to, const char *text, size_t n);
void opline_put(struct buf *to, const struct ruleset *ruleset, const struct op *op);
/* The word's action; -1 when it is none. */
int opline_action(const char *word, size_t n);
/* The words that there are, NULL-terminated. */
void opline_actions(const char *words[OP_N_ACTIONS + 1]);
/* Writes op and origin as a JSON object. */
void opline_json(FILE *to, const struct ruleset *ruleset, const struct op *op,
                 const struct origin *origin);

#endif
