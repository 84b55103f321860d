/* Which memcached server of a fleet has a key, as the application's own client chooses.
 *
 * A key is the one on the wire. What a client does to it before it hashes (pecl-memcache's
 * underscores, dalli's namespace) is done in it; a prefix that the client puts in front after it
 * has hashed (OPT_PREFIX_KEY of php-memcached, key_prefix of pymemcache) is given as such. Servers
 * stand in the order and are written as the client has them: many hash their names.
 *
 * Nothing here reads or writes anything, and choosing allocates nothing. */
#ifndef CDCD_STORE_SELECTOR_H
#define CDCD_STORE_SELECTOR_H

#include "base/err.h"
#include "store/url.h"

#include <stdbool.h>
#include <stddef.h>

struct selector;

/* Servers and strings are lent; name NULL: "all", prefix NULL: none. The caller owns the selector;
 * NULL with err filled when there is none of that name, or it cannot be had with these servers. */
struct selector *selector_make(const char *name, const struct url_server *servers, unsigned n,
                               const char *unhashed_prefix, struct err *err);
/* NULL is allowed. */
void selector_free(struct selector *selector);

/* The server, from 0 on; STORE_EVERY (store.h) when each of them may have it. */
unsigned selector_choose(const struct selector *selector, const char *key, size_t len);
/* True when the client, by default, moves the keys of a server that does not answer to others. */
bool selector_ejects(const struct selector *selector);

#endif
