#include "store/http_verdict.h"

#include <stdio.h>

struct meaning {
    unsigned status;
    enum batch_status is;
    const char *remedy; /* NULL where waiting is one */
};

/* 404 and 412 (nginx before its purging module 2.3): nothing was cached. */
static const struct meaning meanings[] = {
    {400, BATCH_REFUSED, "it takes no such request; look at its log, and at the key"},
    {401, BATCH_REFUSED, "it wants a password, and this version sends none; admit this address"},
    {403, BATCH_REFUSED, "it does not let this address clear; add it to the acl of the cache"},
    {404, BATCH_DONE, NULL},
    {405, BATCH_REFUSED, "it is not set up for this method, or not for this address"},
    {408, BATCH_BUSY, NULL},
    {410, BATCH_DONE, NULL},
    {411, BATCH_REFUSED, "it wants a body; set another method"},
    {412, BATCH_DONE, NULL},
    {413, BATCH_REFUSED, "the request is larger than it takes"},
    {414, BATCH_REFUSED, "the key is longer than the line that it takes"},
    {421, BATCH_BUSY, NULL},
    {425, BATCH_BUSY, NULL},
    {429, BATCH_BUSY, NULL},
    {431, BATCH_REFUSED, "the key is longer than the header that it takes"},
    {500, BATCH_REFUSED, "it failed over this request; look at its log"},
    {501, BATCH_REFUSED, "it does not know this method; set one that it knows"},
    {505, BATCH_REFUSED, "it does not speak HTTP/1.1"},
};

static const struct meaning *find(unsigned status)
{
    for (unsigned i = 0; i < sizeof meanings / sizeof *meanings; i++)
        if (meanings[i].status == status)
            return &meanings[i];
    return NULL;
}

static void put_redirection(struct http_verdict *verdict, const struct http_reply *reply,
                            const char *method)
{
    bool named = *reply->location;
    snprintf(verdict->reason, sizeof verdict->reason,
             "%u is the answer to %.20s: it points to %.70s; name the cache itself as url",
             reply->status, method, named ? reply->location : "another path");
}

struct http_verdict http_judge(const struct http_reply *reply, const char *method)
{
    struct http_verdict verdict = {BATCH_DONE, RESULT_HIT, ""};
    const struct meaning *meaning = find(reply->status);
    if (reply->status / 100 == 2)
        return verdict;
    verdict.result = RESULT_MISS;
    verdict.status = meaning ? meaning->is : reply->status / 100 == 5 ? BATCH_BUSY : BATCH_REFUSED;
    if (reply->status / 100 == 3)
        put_redirection(&verdict, reply, method);
    else
        snprintf(verdict.reason, sizeof verdict.reason, "%u is the answer to %.20s%s%s",
                 reply->status, method, meaning && meaning->remedy ? ": " : "",
                 meaning && meaning->remedy ? meaning->remedy : "");
    return verdict;
}
