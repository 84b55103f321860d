#include "store/tls_reason.h"

#include <openssl/err.h>
#include <openssl/ssl.h>
#include <openssl/x509_vfy.h>
#include <stdio.h>

static void explain_trust(const struct tls_finding *found, char *to, size_t room)
{
    if (found->ca_file)
        snprintf(
            to, room,
            "the server's certificate is signed by no CA of ca_file %s: name the file of the CA "
            "that signed it",
            found->ca_file);
    else
        snprintf(to, room,
                 "the server's certificate is signed by no CA that this system trusts: set ca_file "
                 "to the file of the CA that signed it");
}

static void explain_host(const struct tls_finding *found, char *to, size_t room)
{
    snprintf(to, room,
             "the server's certificate is for %s and not for %s: use a name that it has, or give "
             "the server another certificate",
             *found->names ? found->names : "no host", found->host);
}

static void explain_verdict(const struct tls_finding *found, char *to, size_t room)
{
    const char *whose = found->of_ca ? "of a CA above the server's" : "of the server";
    switch (found->verdict) {
    case X509_V_ERR_CERT_HAS_EXPIRED:
        snprintf(to, room, "the certificate %s expired on %s: renew it there", whose, found->date);
        break;
    case X509_V_ERR_CERT_NOT_YET_VALID:
        snprintf(to, room, "the certificate %s is valid from %s on: look at the clocks", whose,
                 found->date);
        break;
    case X509_V_ERR_HOSTNAME_MISMATCH:
    case X509_V_ERR_IP_ADDRESS_MISMATCH:
        explain_host(found, to, room);
        break;
    case X509_V_ERR_DEPTH_ZERO_SELF_SIGNED_CERT:
    case X509_V_ERR_SELF_SIGNED_CERT_IN_CHAIN:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT:
    case X509_V_ERR_UNABLE_TO_GET_ISSUER_CERT_LOCALLY:
    case X509_V_ERR_UNABLE_TO_VERIFY_LEAF_SIGNATURE:
        explain_trust(found, to, room);
        break;
    default:
        snprintf(to, room, "the certificate %s is not good: %s", whose,
                 X509_verify_cert_error_string(found->verdict));
    }
}

/* What the server said of our certificate; NULL when its alert is about something else. */
static const char *judged(int reason)
{
    switch (reason) {
    case SSL_R_SSLV3_ALERT_BAD_CERTIFICATE:
        return "is bad";
    case SSL_R_SSLV3_ALERT_UNSUPPORTED_CERTIFICATE:
        return "is of a kind that it does not support";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_REVOKED:
        return "was revoked";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_EXPIRED:
        return "has expired";
    case SSL_R_SSLV3_ALERT_CERTIFICATE_UNKNOWN:
        return "is not good";
    case SSL_R_TLSV1_ALERT_UNKNOWN_CA:
        return "is signed by a CA that it does not know";
    case SSL_R_TLSV1_ALERT_ACCESS_DENIED:
        return "is not let in";
    default:
        return NULL;
    }
}

static void explain_alert(const struct tls_finding *found, unsigned long error, char *to,
                          size_t room)
{
    int reason = ERR_GET_REASON(error);
    bool wants_ours = reason == SSL_R_TLSV13_ALERT_CERTIFICATE_REQUIRED ||
                      reason == SSL_R_SSLV3_ALERT_HANDSHAKE_FAILURE || judged(reason);
    if (!found->cert_file && wants_ours)
        snprintf(to, room,
                 "the server wants a certificate of ours: set cert_file and key_file (%s)",
                 ERR_reason_error_string(error));
    else if (judged(reason))
        snprintf(to, room, "the server says that our certificate %s: renew or mend cert_file %s",
                 judged(reason), found->cert_file);
    else
        snprintf(to, room, "the server refuses TLS: %s", ERR_reason_error_string(error));
}

void tls_explain_handshake(const struct tls_finding *found, unsigned long error, char *to,
                           size_t room)
{
    switch (ERR_GET_REASON(error)) {
    case SSL_R_CERTIFICATE_VERIFY_FAILED:
        explain_verdict(found, to, room);
        break;
    case SSL_R_WRONG_VERSION_NUMBER:
    case SSL_R_PACKET_LENGTH_TOO_LONG:
    case SSL_R_HTTP_REQUEST:
    case SSL_R_UNEXPECTED_MESSAGE:
        snprintf(to, room,
                 "the server does not speak TLS on this port: name its TLS port, or leave TLS out");
        break;
    case SSL_R_UNSUPPORTED_PROTOCOL:
    case SSL_R_TLSV1_ALERT_PROTOCOL_VERSION:
        snprintf(to, room, "the server speaks no TLS 1.2 or later: let it");
        break;
    case SSL_R_UNEXPECTED_EOF_WHILE_READING:
        snprintf(to, room,
                 "the server closed the connection in the TLS handshake: see its log, and whether "
                 "it speaks TLS on this port");
        break;
    default:
        explain_alert(found, error, to, room);
    }
}

bool tls_explain_open(const struct tls_finding *found, unsigned long error, char *to, size_t room)
{
    int reason = ERR_GET_REASON(error);
    if (reason == SSL_R_UNEXPECTED_EOF_WHILE_READING)
        return false;
    if (reason >= SSL_AD_REASON_OFFSET)
        explain_alert(found, error, to, room);
    else
        snprintf(to, room, "the encrypted connection broke: %s", ERR_reason_error_string(error));
    return true;
}
