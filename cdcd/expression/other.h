/* What is known of types that are none of ours, whose values are only texts here. Private to
 * expression/.
 *
 * Types that a database has made itself (enums, domains, an extension's types) are taken to be
 * equal where their texts are: of an enum that is so. */
#ifndef CDCD_EXPRESSION_OTHER_H
#define CDCD_EXPRESSION_OTHER_H

#include "expression/catalog.h"

/* False of those of PostgreSQL's own types whose values can be equal while their texts are not, or
 * that have no =. */
bool other_is_equal_by_text(uint32_t oid);
/* True when PostgreSQL would print the literal, taken as a value of the type, as it is written:
 * then texts can be compared. */
bool other_is_canonical(uint32_t oid, struct text literal);
/* True when a cast to text gives the text that is sent: not of inet, nor of a domain over boolean.
 */
bool other_casts_to_text(uint32_t oid);

#endif
