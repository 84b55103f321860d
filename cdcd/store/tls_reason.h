/* What went wrong with TLS, in a line that says what to do. */
#ifndef CDCD_STORE_TLS_REASON_H
#define CDCD_STORE_TLS_REASON_H

#include <stdbool.h>
#include <stddef.h>

/* What the verification of a server found first, and what it was held against. Names and dates are
 * printable. */
struct tls_finding {
    int verdict; /* X509_V_OK, or X509_V_ERR_... */
    bool of_ca;  /* it is about a certificate above the server's own */
    char date[32];
    char names[160];       /* the hosts that the certificate is for */
    char host[256];        /* the one that was wanted */
    const char *ca_file;   /* borrowed; NULL: whom the system trusts */
    const char *cert_file; /* ours; borrowed; NULL for none */
};

/* error is OpenSSL's, of its part ERR_LIB_SSL. */
void tls_explain_handshake(const struct tls_finding *found, unsigned long error, char *to,
                           size_t room);
/* The same when the handshake is over on our side; false when the server just left. */
bool tls_explain_open(const struct tls_finding *found, unsigned long error, char *to, size_t room);

#endif
