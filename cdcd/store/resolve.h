/* Names to addresses, without holding up the event loop.
 *
 * The C library asks, in a thread of its own (getaddrinfo_a), so all that nsswitch.conf names
 * counts, and changes of resolv.conf are seen. Numbers are answered at once. */
#ifndef CDCD_STORE_RESOLVE_H
#define CDCD_STORE_RESOLVE_H

#include <netdb.h>
#include <stdint.h>

struct resolve;

/* The caller owns it. */
struct resolve *resolve_begin(const char *host, uint16_t port);
/* EAI_INPROGRESS, 0 when there are addresses, or an error for gai_strerror. */
int resolve_status(struct resolve *resolve);
/* One of the addresses, round and round as n grows, so that each attempt tries another; borrowed
 * until resolve_free. Only when the status is 0. */
const struct addrinfo *resolve_address(const struct resolve *resolve, unsigned n);
/* Also while it is in progress. NULL is allowed. */
void resolve_free(struct resolve *resolve);

#endif
