/* How a connection is encrypted, and the server at its other end verified. */
#ifndef CDCD_STORE_TLS_H
#define CDCD_STORE_TLS_H

#include <stdbool.h>

/* All files are PEM, and read at each connect; their names are borrowed. */
struct tls_opts {
    bool on;
    const char *ca_file;   /* who signs the server's certificate; NULL: whom the system trusts */
    const char *cert_file; /* ours; NULL for none */
    const char *key_file;  /* of ours */
};

#endif
