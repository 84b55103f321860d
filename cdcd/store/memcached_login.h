/* The handshake with a memcached: its version, and the password of `memcached -Y`.
 *
 *     version -> VERSION: done
 *             -> CLIENT_ERROR unauthenticated -> set auth ... USER PASSWORD -> STORED -> version
 *
 * The password leaves only when the server has said that it wants one: another would keep it as a
 * value that everybody can read. SASL (`memcached -S`) is not spoken: it belongs to the binary
 * protocol, which has no meta commands. */
#ifndef CDCD_STORE_MEMCACHED_LOGIN_H
#define CDCD_STORE_MEMCACHED_LOGIN_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct store_opts;

struct memcached_login {
    const char *store;         /* its name */
    const char *user;          /* borrowed, as the file's name is; NULL for none */
    const char *password_file; /* read at each connect; NULL for none */
    bool sent;                 /* the password, over this connection */
    bool taken;                /* by the server */
};

enum memcached_login_step { LOGIN_MORE, LOGIN_DONE, LOGIN_REFUSED };

/* On a new connection: writes the first question. */
void memcached_login_begin(struct memcached_login *login, struct buf *out);
/* Takes answers from the bytes, and writes what comes next; *used of them were. LOGIN_REFUSED: err
 * says why, with the code EX_NOPERM or EX_CONFIG when only the operator can mend it. */
enum memcached_login_step memcached_login_take(struct memcached_login *login, const char *bytes,
                                               size_t n, size_t *used, struct buf *out,
                                               struct err *err);
/* Complains of settings that no memcached takes. */
void memcached_login_check(const struct store_opts *opts, struct complaints *complaints);

#endif
