/* The text of a record, as composite types' output has it, to its fields. Pure.
 *
 * PostgreSQL's manual, "Composite Type Input and Output Syntax". */
#ifndef CDCD_SOURCE_OUTBOX_RECORD_H
#define CDCD_SOURCE_OUTBOX_RECORD_H

#include "model/change.h"

#include <stddef.h>

/* A table has at most 1600 columns, a record 1664. */
#define OUTBOX_RECORD_MAX 1664

/* How many fields the text has, of which each is NULL or a text that lies in `text`, or, where that
 * has escapes, in `room`, which has n bytes; lent as long as both. fields has OUTBOX_RECORD_MAX. 0:
 * it is no record, or one of more fields. A record without fields looks like one of a NULL. */
unsigned outbox_record_parse(const char *text, size_t n, char *room, struct value *fields);

#endif
