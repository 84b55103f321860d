/* How a connection is encrypted, and the server at its other end verified.
 *
 * Verification is always on: the server's certificate must be signed by whom ca_file names, or
 * else by whom the system trusts, must be valid now, and must be for the host that the address
 * names. TLS 1.2 or later. What a failure is told as, says what is wrong and what to do. */
#ifndef CDCD_STORE_TLS_H
#define CDCD_STORE_TLS_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

struct bufferevent;
struct event_base;
struct tls;

/* All files are PEM, and read at each connect; their names are borrowed. */
struct tls_opts {
    bool on;
    const char *ca_file;   /* who signs the server's certificate; NULL: whom the system trusts */
    const char *cert_file; /* ours; NULL for none */
    const char *key_file;  /* of ours; NULL: it stands in cert_file */
};

/* For one connection to a host, a name or a number: reads the files. The caller owns it; borrows
 * the names of the files. NULL with err filled when a file is not as it must be. */
struct tls *tls_make(const struct tls_opts *opts, const char *host, struct err *err);
/* NULL is allowed; a stream of it lives on. */
void tls_free(struct tls *tls);

/* A stream over a socket that is connected or being connected, which it takes; it says that it is
 * connected when the handshake is done. Its callbacks come from the event loop alone. */
struct bufferevent *tls_stream(struct tls *tls, struct event_base *base, int fd);
/* True once there was a connection to shake hands over. */
bool tls_began(const struct tls *tls);
/* What an error of the stream was; error is that of the socket. open: after the handshake. */
void tls_reason(const struct tls *tls, struct bufferevent *stream, int error, bool open, char *to,
                size_t room);
/* True when bytes begin as an answer of a server that speaks TLS to one who does not. */
bool tls_is_spoken(const char *bytes, size_t n);

/* Complains of settings that make no sense together; the number of errors. on: in the url too;
 * remedy says how it is turned on. */
unsigned tls_check_settings(const struct tls_opts *opts, bool on, const char *remedy,
                            const char *store, const char *file, int line,
                            struct complaints *complaints);
/* Complains of files that cannot be used now; the number of errors. */
unsigned tls_check_files(const struct tls_opts *opts, const char *store, const char *file, int line,
                         struct complaints *complaints);

#endif
