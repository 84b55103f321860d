#include "store/resolve.h"

#include "base/mem.h"

#include <stdio.h>
#include <stdlib.h>
#include <sys/socket.h>

struct resolve {
    struct gaicb request;
    struct addrinfo hints;
    char *host;
    char port[8];
    int status;
    struct resolve *next; /* among the abandoned */
};

/* Those freed while a thread of the C library still works for them: it must not find them gone. */
static struct resolve *abandoned;

static void discard(struct resolve *resolve)
{
    if (resolve->request.ar_result)
        freeaddrinfo(resolve->request.ar_result);
    free(resolve->host);
    free(resolve);
}

static void sweep_abandoned(void)
{
    struct resolve **at = &abandoned;
    while (*at) {
        struct resolve *resolve = *at;
        if (gai_error(&resolve->request) == EAI_INPROGRESS) {
            at = &resolve->next;
            continue;
        }
        *at = resolve->next;
        discard(resolve);
    }
}

struct resolve *resolve_begin(const char *host, uint16_t port)
{
    sweep_abandoned();
    struct resolve *resolve = mem_alloc(sizeof *resolve);
    resolve->host = mem_strdup(host);
    resolve->hints.ai_socktype = SOCK_STREAM;
    resolve->hints.ai_flags = AI_NUMERICHOST | AI_NUMERICSERV;
    snprintf(resolve->port, sizeof resolve->port, "%u", (unsigned)port);
    struct gaicb *request = &resolve->request;
    request->ar_name = resolve->host;
    request->ar_service = resolve->port;
    request->ar_request = &resolve->hints;
    if (getaddrinfo(host, resolve->port, &resolve->hints, &request->ar_result) == 0)
        return resolve;
    resolve->hints.ai_flags = AI_ADDRCONFIG | AI_NUMERICSERV;
    int failed = getaddrinfo_a(GAI_NOWAIT, &request, 1, NULL);
    resolve->status = failed ? failed : EAI_INPROGRESS;
    return resolve;
}

int resolve_status(struct resolve *resolve)
{
    if (resolve->status == EAI_INPROGRESS)
        resolve->status = gai_error(&resolve->request);
    if (resolve->status == 0 && !resolve->request.ar_result)
        resolve->status = EAI_NONAME;
    return resolve->status;
}

const struct addrinfo *resolve_address(const struct resolve *resolve, unsigned n)
{
    unsigned count = 0;
    const struct addrinfo *first = resolve->request.ar_result;
    for (const struct addrinfo *at = first; at; at = at->ai_next)
        count++;
    for (n %= count; n > 0; n--)
        first = first->ai_next;
    return first;
}

void resolve_free(struct resolve *resolve)
{
    if (!resolve)
        return;
    if (resolve->status == EAI_INPROGRESS && gai_cancel(&resolve->request) == EAI_NOTCANCELED) {
        resolve->next = abandoned;
        abandoned = resolve;
        return;
    }
    discard(resolve);
}
