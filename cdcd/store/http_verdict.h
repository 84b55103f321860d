/* What the status of an answer means for the op that was asked for. */
#ifndef CDCD_STORE_HTTP_VERDICT_H
#define CDCD_STORE_HTTP_VERDICT_H

#include "store/http_reply.h"
#include "store/store.h"

struct http_verdict {
    enum batch_status status; /* of this op: BATCH_DONE, BATCH_REFUSED, BATCH_BUSY */
    enum op_result result;    /* where it is done */
    char reason[200];         /* where it is not: one line, with what to do */
};

/* method is what was asked, for the reason. */
struct http_verdict http_judge(const struct http_reply *reply, const char *method);

#endif
