/* What an error of a Redis server means for the ops that it answers. */
#ifndef CDCD_STORE_REDIS_ERROR_H
#define CDCD_STORE_REDIS_ERROR_H

#include "store/store.h"

struct redis_verdict {
    enum batch_status status; /* BATCH_BUSY, or BATCH_REFUSED */
    int denied;               /* a code of sysexits.h when, at the handshake, only the operator can
                                 mend it; else 0 */
    bool demoted;             /* it is a replica: another may be the master now */
    char reason[200];         /* the server's words, and the remedy; no key in it */
};

/* text is the error without its leading `-`; lent. store is the store's name, commands those that
 * were asked for. */
struct redis_verdict redis_judge(const char *text, size_t len, const char *store,
                                 const char *commands);

#endif
