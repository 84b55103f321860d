#include "store/tls.h"

#include "base/mem.h"
#include "store/tls_reason.h"

#include <arpa/inet.h>
#include <errno.h>
#include <event2/bufferevent.h>
#include <event2/bufferevent_ssl.h>
#include <fcntl.h>
#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509v3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define DATE_MAX sizeof((struct tls_finding *)0)->date
#define NAMES_MAX sizeof((struct tls_finding *)0)->names

struct tls {
    SSL *ssl;
    struct tls_finding found;
};

/* ---- our files ---- */

static const char *key_file(const struct tls_opts *opts)
{
    return opts->key_file ? opts->key_file : opts->cert_file;
}

static const char *key_setting(const struct tls_opts *opts)
{
    return opts->key_file ? "key_file" : "cert_file";
}

/* OpenSSL's own words for a file that cannot be opened are no sentence. */
static int probe(const char *setting, const char *path, struct err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0)
        return err_set(err, errno == ENOENT ? EX_NOINPUT : EX_NOPERM,
                       "cannot read %s %s: %s; mend its name, owner or mode", setting, path,
                       strerror(errno));
    close(fd);
    return 0;
}

/* Nobody is there to type it. */
static int refuse_passphrase(char *to, int room, int writing, void *ctx)
{
    (void)to;
    (void)room;
    (void)writing;
    (void)ctx;
    return -1;
}

static int load_trust(SSL_CTX *ctx, const struct tls_opts *opts, struct err *err)
{
    if (!opts->ca_file) {
        if (SSL_CTX_set_default_verify_paths(ctx) != 1)
            abort();
        return 0;
    }
    if (probe("ca_file", opts->ca_file, err) < 0)
        return -1;
    if (SSL_CTX_load_verify_locations(ctx, opts->ca_file, NULL) != 1)
        return err_set(err, EX_CONFIG,
                       "ca_file %s holds no certificate in PEM; name the file of the CA that signs "
                       "the server's certificate",
                       opts->ca_file);
    return 0;
}

static int load_key(SSL_CTX *ctx, const struct tls_opts *opts, struct err *err)
{
    const char *path = key_file(opts);
    if (probe(key_setting(opts), path, err) < 0)
        return -1;
    if (SSL_CTX_use_PrivateKey_file(ctx, path, SSL_FILETYPE_PEM) == 1)
        return 0;
    unsigned long error = ERR_peek_last_error();
    if (ERR_GET_LIB(error) == ERR_LIB_X509)
        return err_set(err, EX_CONFIG,
                       "the key of %s %s is not that of cert_file %s; name the key that the "
                       "certificate was made with",
                       key_setting(opts), path, opts->cert_file);
    return err_set(err, EX_CONFIG, "%s %s holds no private key in PEM that needs no passphrase; %s",
                   key_setting(opts), path,
                   opts->key_file ? "write one without" : "name its file as key_file");
}

static int load_own(SSL_CTX *ctx, const struct tls_opts *opts, struct err *err)
{
    if (!opts->cert_file)
        return 0;
    if (probe("cert_file", opts->cert_file, err) < 0)
        return -1;
    if (SSL_CTX_use_certificate_chain_file(ctx, opts->cert_file) != 1)
        return err_set(err, EX_CONFIG,
                       "cert_file %s holds no certificate in PEM; name the file of our own "
                       "certificate",
                       opts->cert_file);
    return load_key(ctx, opts, err);
}

static SSL_CTX *make_context(const struct tls_opts *opts, struct err *err)
{
    SSL_CTX *ctx = SSL_CTX_new(TLS_client_method());
    if (!ctx || SSL_CTX_set_min_proto_version(ctx, TLS1_2_VERSION) != 1) {
        err_set(err, EX_CONFIG, "OpenSSL does not work (%s); look at its openssl.cnf",
                ERR_reason_error_string(ERR_peek_last_error()));
        SSL_CTX_free(ctx);
        return NULL;
    }
    SSL_CTX_set_options(ctx, SSL_OP_NO_RENEGOTIATION);
    SSL_CTX_set_default_passwd_cb(ctx, refuse_passphrase);
    if (load_trust(ctx, opts, err) < 0 || load_own(ctx, opts, err) < 0) {
        SSL_CTX_free(ctx);
        ctx = NULL;
    }
    ERR_clear_error();
    return ctx;
}

static void write_date(const ASN1_TIME *time, char *to)
{
    struct tm tm;
    if (!time || ASN1_TIME_to_tm(time, &tm) != 1 || strftime(to, DATE_MAX, "%F %T UTC", &tm) == 0)
        snprintf(to, DATE_MAX, "?");
}

static void check_own_date(SSL_CTX *ctx, const struct tls_opts *opts, const char *store,
                           const char *file, int line, struct complaints *complaints)
{
    char date[DATE_MAX];
    const X509 *own = SSL_CTX_get0_certificate(ctx);
    const ASN1_TIME *end = own ? X509_get0_notAfter(own) : NULL;
    if (!end || X509_cmp_current_time(end) > 0)
        return;
    write_date(end, date);
    complain(complaints, SEVERITY_ERROR, file, line,
             "store %s: the certificate of cert_file %s expired on %s; renew it", store,
             opts->cert_file, date);
}

unsigned tls_check_settings(const struct tls_opts *opts, bool on, const char *remedy,
                            const char *store, const char *file, int line,
                            struct complaints *complaints)
{
    unsigned before = complaints->n_errors;
    if (opts->key_file && !opts->cert_file)
        complain(complaints, SEVERITY_ERROR, file, line,
                 "store %s has a key_file and no cert_file; set both", store);
    if (!on && (opts->ca_file || opts->cert_file || opts->key_file))
        complain(complaints, SEVERITY_ERROR, file, line,
                 "store %s: ca_file, cert_file and key_file are for TLS, which is off; %s", store,
                 remedy);
    return complaints->n_errors - before;
}

unsigned tls_check_files(const struct tls_opts *opts, const char *store, const char *file, int line,
                         struct complaints *complaints)
{
    struct err err;
    unsigned before = complaints->n_errors;
    SSL_CTX *ctx = make_context(opts, &err);
    if (ctx)
        check_own_date(ctx, opts, store, file, line, complaints);
    else
        complain_code(complaints, err.code, file, line, "store %s: %s", store, err.text);
    SSL_CTX_free(ctx);
    return complaints->n_errors - before;
}

/* ---- verification ---- */

/* Names come from a stranger. */
static void add_name(char *names, const char *name, size_t n)
{
    size_t at = strlen(names);
    if (at + n + 3 > NAMES_MAX)
        return;
    if (at > 0)
        at += (size_t)snprintf(names + at, NAMES_MAX - at, ", ");
    for (size_t i = 0; i < n; i++)
        names[at + i] =
            name[i] > ' ' && name[i] < 127 && !strchr("\"'`\\", name[i]) ? name[i] : '?';
    names[at + n] = '\0';
}

static void add_number(char *names, const ASN1_OCTET_STRING *number)
{
    char text[INET6_ADDRSTRLEN];
    int n = ASN1_STRING_length(number);
    if (n != 4 && n != 16)
        return;
    inet_ntop(n == 4 ? AF_INET : AF_INET6, ASN1_STRING_get0_data(number), text, sizeof text);
    add_name(names, text, strlen(text));
}

/* As many of the hosts that a certificate is for as there is room. */
static void list_names(X509 *certificate, char *names)
{
    GENERAL_NAMES *all = X509_get_ext_d2i(certificate, NID_subject_alt_name, NULL, NULL);
    names[0] = '\0';
    for (int i = 0; i < sk_GENERAL_NAME_num(all); i++) {
        const GENERAL_NAME *name = sk_GENERAL_NAME_value(all, i);
        if (name->type == GEN_DNS)
            add_name(names, (const char *)ASN1_STRING_get0_data(name->d.dNSName),
                     (size_t)ASN1_STRING_length(name->d.dNSName));
        else if (name->type == GEN_IPADD)
            add_number(names, name->d.iPAddress);
    }
    GENERAL_NAMES_free(all);
}

static int on_verified(int good, X509_STORE_CTX *store)
{
    SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
    struct tls *tls = SSL_get_app_data(ssl);
    X509 *certificate = X509_STORE_CTX_get_current_cert(store);
    if (good || !tls || tls->found.verdict != X509_V_OK || !certificate)
        return good;
    tls->found.verdict = X509_STORE_CTX_get_error(store);
    tls->found.of_ca = X509_STORE_CTX_get_error_depth(store) > 0;
    write_date(tls->found.verdict == X509_V_ERR_CERT_HAS_EXPIRED ? X509_get0_notAfter(certificate)
                                                                 : X509_get0_notBefore(certificate),
               tls->found.date);
    list_names(certificate, tls->found.names);
    return 0;
}

static void set_host(struct tls *tls, const char *host)
{
    unsigned char number[sizeof(struct in6_addr)];
    size_t n = strlen(host);
    bool is_number =
        inet_pton(AF_INET, host, number) == 1 || inet_pton(AF_INET6, host, number) == 1;
    /* A name's last dot is the resolver's; no certificate has it. */
    snprintf(tls->found.host, sizeof tls->found.host, "%.*s",
             (int)(n - (n > 1 && host[n - 1] == '.')), host);
    if (is_number) {
        if (X509_VERIFY_PARAM_set1_ip_asc(SSL_get0_param(tls->ssl), host) != 1)
            abort();
        return;
    }
    SSL_set_hostflags(tls->ssl, X509_CHECK_FLAG_NO_PARTIAL_WILDCARDS);
    if (SSL_set1_host(tls->ssl, tls->found.host) != 1 ||
        SSL_set_tlsext_host_name(tls->ssl, tls->found.host) != 1)
        abort();
}

/* ---- a connection ---- */

struct tls *tls_make(const struct tls_opts *opts, const char *host, struct err *err)
{
    /* OpenSSL takes no name for any name, and one with a dot in front for all below it. */
    if (!*host || *host == '.') {
        err_set(err, EX_CONFIG, "the server's host is no name");
        return NULL;
    }
    SSL_CTX *ctx = make_context(opts, err);
    if (!ctx)
        return NULL;
    struct tls *tls = mem_alloc(sizeof *tls);
    tls->ssl = SSL_new(ctx);
    if (!tls->ssl)
        abort();
    SSL_CTX_free(ctx);
    tls->found.ca_file = opts->ca_file;
    tls->found.cert_file = opts->cert_file;
    tls->found.verdict = X509_V_OK;
    SSL_set_app_data(tls->ssl, tls);
    SSL_set_verify(tls->ssl, SSL_VERIFY_PEER, on_verified);
    set_host(tls, host);
    return tls;
}

void tls_free(struct tls *tls)
{
    if (!tls)
        return;
    /* The stream's own handshake may still be going on. */
    SSL_set_app_data(tls->ssl, NULL);
    SSL_free(tls->ssl);
    free(tls);
}

struct bufferevent *tls_stream(struct tls *tls, struct event_base *base, int fd)
{
    SSL_up_ref(tls->ssl);
    /* Deferred: a write tries the socket at once, and what it meets there is no matter of the
     * caller's. */
    struct bufferevent *stream =
        bufferevent_openssl_socket_new(base, fd, tls->ssl, BUFFEREVENT_SSL_CONNECTING,
                                       BEV_OPT_CLOSE_ON_FREE | BEV_OPT_DEFER_CALLBACKS);
    if (!stream)
        abort();
    return stream;
}

bool tls_began(const struct tls *tls)
{
    return SSL_get_state(tls->ssl) != TLS_ST_BEFORE;
}

bool tls_is_spoken(const char *bytes, size_t n)
{
    /* An alert, or a handshake, of version 3.x. */
    return n >= 2 && (bytes[0] == SSL3_RT_ALERT || bytes[0] == SSL3_RT_HANDSHAKE) &&
           bytes[1] == SSL3_VERSION_MAJOR;
}

void tls_reason(const struct tls *tls, struct bufferevent *stream, int error, bool open, char *to,
                size_t room)
{
    unsigned long found = bufferevent_get_openssl_error(stream);
    bool of_tls = found && ERR_GET_LIB(found) == ERR_LIB_SSL;
    if (of_tls && !open)
        tls_explain_handshake(&tls->found, found, to, room);
    /* TLS 1.3 ends our handshake before the server has seen our certificate. */
    else if (of_tls && tls_explain_open(&tls->found, found, to, room))
        return;
    else if (error)
        snprintf(to, room, "%s", strerror(error));
    else
        snprintf(to, room, "the server closed the connection%s",
                 open ? "" : " in the TLS handshake");
}
