/* What an inspection wants to know of the server besides the catalog's two queries, and what is
 * said of it. */
#ifndef CDCD_SOURCE_FACTS_H
#define CDCD_SOURCE_FACTS_H

#include "base/err.h"
#include "source/catalog.h"

#include <stdbool.h>

struct facts {
    bool wal_is_unlimited; /* max_slot_wal_keep_size; a server before 13 has no such bound */
    int free_slots;
    int free_senders;
    bool slot_active;
    bool slot_runs_out; /* the next checkpoint may remove what it needs */
    bool superuser;
    bool may_create_publication;
    bool owns_publication;
};

/* The answer is for facts_read. Both names are lent. */
void facts_ask(struct pgconn *conn, const char *slot, const char *publication,
               pgconn_answer_fn answer, void *ctx);
struct facts facts_read(const PGresult *result);

/* Complains about what will run out. */
void facts_judge(const struct facts *facts, const struct catalog *catalog, bool create,
                 const char *file, struct complaints *complaints);
/* With create: complains if our role may not make or change the publication as the tables need
 * it. */
void facts_judge_rights(const struct facts *facts, const struct catalog *catalog,
                        const struct wanted_list *wanted, const char *file,
                        struct complaints *complaints);

#endif
