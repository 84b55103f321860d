/* Casts to types of a given length: varchar(10), char(3), numeric(10,2). Private to expression/. */
#ifndef CDCD_EXPRESSION_TYPMOD_H
#define CDCD_EXPRESSION_TYPMOD_H

#include "expression/typed.h"

/* An explicit cast of a value that is of the type already. NULL, and said, when the type takes no
 * such modifiers, or cdcd does not do it. */
struct typed *typmod_apply(struct typing *typing, struct typed *from, const struct node *cast);

#endif
