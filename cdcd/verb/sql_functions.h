/* Functions that printed SQL makes for its session, in pg_temp: they look at the database when it
 * runs, as this program does not. The same texts every time: no name from a file stands in them.
 *
 *     cdcd_publication(publication)
 *     cdcd_publish(publication, table, reads, old, compared)    columns, by name; NULL: all */
#ifndef CDCD_VERB_SQL_FUNCTIONS_H
#define CDCD_VERB_SQL_FUNCTIONS_H

#include "verb/script.h"

void sql_functions_add(struct script *script);

#endif
