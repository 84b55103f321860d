/* What is known of types that are none of ours, whose values are only texts here. Private to
 * expression/.
 *
 * Of the types that a database has made itself, values of enums are equal where their texts are.
 * Any other may call values equal whose texts differ ('A' and 'a' of citext): to take their texts
 * for them would make a false of what is true, and leave a stale key behind. */
#ifndef CDCD_EXPRESSION_OTHER_H
#define CDCD_EXPRESSION_OTHER_H

#include "expression/catalog.h"

/* Types that have this oid or a higher one are not those that every database has. */
#define OTHER_FIRST_OWN_OID 10000

/* "interval"; NULL of types whose name is not known here. */
const char *other_name(uint32_t oid);

/* own is NULL of PostgreSQL's own types, and of those of which nothing is known. */

/* False of types whose values can be equal while their texts are not, or that have no =. */
bool other_is_equal_by_text(uint32_t oid, const struct own_type *own);
/* False of types that are surely not composite: a composite value may be NULL by all of its fields.
 */
bool other_may_be_row(uint32_t oid, const struct own_type *own);
/* True when PostgreSQL would print the literal, taken as a value of the type, as it is written:
 * then texts can be compared. */
bool other_is_canonical(uint32_t oid, const struct own_type *own, struct text literal);
/* True when a cast to text gives the text that is sent: not of inet. */
bool other_casts_to_text(uint32_t oid, const struct own_type *own);
/* False when PostgreSQL would say that the literal, which is canonical, is no label of the enum, or
 * has an element that is none. */
bool other_is_label(const struct own_type *own, struct text literal);

#endif
