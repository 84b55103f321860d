/* Is it the cluster, and the outbox, that was read before? Another behind the same name may lack
 * what was never read; so may a standby that was promoted, which lacks what had not reached it, and
 * has values back that caches had been rid of. That is a gap. Known is what this process has seen.
 */
#ifndef CDCD_SOURCE_LINEAGE_H
#define CDCD_SOURCE_LINEAGE_H

/* All zeros: nothing is known. */
struct lineage {
    char cluster[32]; /* its identifier; "" while it is not known */
    char timeline[16];
    char outbox[32];
    const char *gap; /* to be said when changes come; NULL when none */
};

/* What was found, with a gap noted when it is not what was known. "" is what could not be told, or
 * is not read; then what was known stays. Texts are copied. */
void lineage_note(struct lineage *lineage, const char *cluster, const char *timeline,
                  const char *outbox);
/* The gap to be said now, once; NULL when there is none. */
const char *lineage_take_gap(struct lineage *lineage);

#endif
