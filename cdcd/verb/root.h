/* The table whose changes those of a partition are. */
#ifndef CDCD_VERB_ROOT_H
#define CDCD_VERB_ROOT_H

struct arena;

/* Asks the database. "schema.table", the arena's; NULL when the table is no partition, or nobody
 * answers. */
const char *root_of(struct arena *arena, const char *conninfo, const char *schema,
                    const char *table);

#endif
