#include "store/server.h"

#include "base/mem.h"

#include <assert.h>
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

void server_init(struct server *server, struct store *store, unsigned number,
                 const struct store_events *events, void *ctx)
{
    *server = (struct server){
        .store = store, .number = number, .events = events, .ctx = ctx, .may_deny = true};
}

static void free_flight(struct flight *flight)
{
    free(flight->order);
    free(flight);
}

void server_free(struct server *server)
{
    struct flight *flight, *next;
    DL_FOREACH_SAFE(server->flights, flight, next)
    {
        free_flight(flight);
    }
    link_free(server->link);
    free(server->dues.ring);
}

bool server_ready(const struct server *server)
{
    return link_is_up(server->link) && server->n_flights < SERVER_WINDOW;
}

static void forget_results(struct batch *batch)
{
    for (unsigned i = 0; i < batch->n; i++)
        batch->ops[i].result = RESULT_NONE;
}

struct flight *server_take(struct server *server, struct batch *batch)
{
    assert(link_is_up(server->link) && batch->n > 0);
    struct flight *flight = mem_alloc(sizeof *flight);
    flight->batch = batch;
    flight->order = mem_alloc(batch->n * sizeof *flight->order);
    for (unsigned i = 0; i < batch->n; i++)
        flight->order[i] = i;
    forget_results(batch);
    batch->status = BATCH_DONE;
    batch->reason[0] = '\0';
    DL_APPEND(server->flights, flight);
    server->n_flights++;
    return flight;
}

struct batch_op *flight_op(const struct flight *flight, unsigned place)
{
    assert(place < flight->batch->n);
    return &flight->batch->ops[flight->order[place]];
}

struct batch_op *flight_next(const struct flight *flight)
{
    return flight->n_sent < flight->batch->n ? flight_op(flight, flight->n_sent) : NULL;
}

void flight_fail(struct flight *flight, enum batch_status status, const char *reason)
{
    static const int rank[] = {[BATCH_DONE] = 0,
                               [BATCH_DEFERRED] = 1,
                               [BATCH_REFUSED] = 2,
                               [BATCH_BUSY] = 3,
                               [BATCH_LOST] = 4};
    struct batch *batch = flight->batch;
    if (rank[status] <= rank[batch->status])
        return;
    batch->status = status;
    snprintf(batch->reason, sizeof batch->reason, "%s", reason);
}

/* A server that is busy lost its memory, or is about to be another one, and may have lost what it
 * confirmed just before: the whole batch counts as not done. */
static void forget_if_busy(struct batch *batch)
{
    if (batch->status == BATCH_BUSY)
        forget_results(batch);
}

static void answer(struct server *server, struct flight *flight)
{
    struct batch *batch = flight->batch;
    forget_if_busy(batch);
    free_flight(flight);
    server->events->answered(server->ctx, server->store, server->number, batch);
}

/* What was answered before the loss stays so; a batch whose ops all were is done. */
static void lose(const struct server *server, struct flight *flight, const char *reason)
{
    struct batch *batch = flight->batch;
    forget_if_busy(batch);
    if (server->finish)
        forget_results(batch);
    for (unsigned i = 0; i < batch->n; i++)
        if (batch->ops[i].result == RESULT_NONE) {
            flight_fail(flight, BATCH_LOST, reason);
            return;
        }
}

void server_settle(struct server *server, struct flight *flight)
{
    if (flight->n_due > 0)
        return;
    if (server->finish && !flight->finishing && flight->batch->status != BATCH_BUSY) {
        flight->finishing = true;
        server->finish(server->driver, flight);
        return;
    }
    bool was_full = server->n_flights == SERVER_WINDOW;
    DL_DELETE(server->flights, flight);
    server->n_flights--;
    answer(server, flight);
    if (was_full && server_ready(server))
        server->events->ready(server->ctx, server->store, server->number);
}

static void grow(struct dues *dues)
{
    unsigned size = dues->size ? dues->size * 2 : 64;
    struct due *ring = mem_alloc(size * sizeof *ring);
    for (unsigned i = 0; i < dues->n; i++)
        ring[i] = dues->ring[(dues->first + i) % dues->size];
    free(dues->ring);
    *dues = (struct dues){.ring = ring, .size = size, .n = dues->n};
}

void server_expect(struct server *server, struct due due)
{
    struct dues *dues = &server->dues;
    if (dues->n == dues->size)
        grow(dues);
    dues->ring[(dues->first + dues->n++) % dues->size] = due;
    if (due.flight)
        due.flight->n_due++;
    link_await(server->link);
}

bool server_take_due(struct server *server, struct due *due)
{
    struct dues *dues = &server->dues;
    if (dues->n == 0)
        return false;
    *due = dues->ring[dues->first];
    dues->first = (dues->first + 1) % dues->size;
    dues->n--;
    if (due->flight)
        due->flight->n_due--;
    return true;
}

/* An apostrophe, as in "can't", begins no quotation. */
static bool begins_quotation(const char *text, size_t len, size_t at)
{
    if (!strchr("'\"`", text[at]))
        return false;
    return at == 0 || at + 1 == len || !isalpha((unsigned char)text[at - 1]) ||
           !isalpha((unsigned char)text[at + 1]);
}

void server_quote(const char *text, size_t len, char *to, size_t room)
{
    size_t n = 0;
    for (; n < len && n + 1 < room && !begins_quotation(text, len, n); n++)
        to[n] = text[n] >= ' ' && text[n] < 127 ? text[n] : '?';
    while (n > 0 && (to[n - 1] == ' ' || to[n - 1] == '.'))
        n--;
    to[n] = '\0';
}

void server_up(struct server *server)
{
    server->state = SERVER_UP;
    server->may_deny = false;
    link_up(server->link);
    server->events->up(server->ctx, server->store, server->number);
}

void server_lost(struct server *server, const char *reason)
{
    struct flight *flights = server->flights, *flight, *next;
    server->flights = NULL;
    server->n_flights = 0;
    server->dues.n = 0;
    DL_FOREACH_SAFE(flights, flight, next)
    {
        lose(server, flight, reason);
        answer(server, flight);
    }
    if (server->state == SERVER_DOWN)
        return;
    server->state = SERVER_DOWN;
    server->events->down(server->ctx, server->store, server->number, reason);
}

bool server_drop(struct server *server, const char *why)
{
    struct flight *flight;
    DL_FOREACH (server->flights, flight) {
        forget_results(flight->batch);
    }
    link_drop(server->link, "protocol error: %s", why);
    return false;
}

void server_denied(struct server *server, const struct err *err)
{
    if (!server->may_deny)
        return;
    server->may_deny = false;
    server->events->denied(server->ctx, server->store, server->number, err);
}
