#include "store/http_check.h"

#include "store/http_request.h"
#include "store/tls.h"

#include <string.h>
#include <strings.h>

#define METHOD_MAX 32
#define HOST_MAX 255
#define HEADER_MAX 64

#define COMPLAIN(opts, complaints, ...) \
    complain(complaints, SEVERITY_ERROR, (opts)->file, (opts)->line, __VA_ARGS__)

unsigned http_n_urls(const struct store_opts *opts)
{
    return opts->url ? 1 : opts->n_urls;
}

const char *http_url_of(const struct store_opts *opts, unsigned number)
{
    return opts->url ? opts->url : opts->urls[number];
}

static bool has_path(const char *path)
{
    return strcmp(path, "/") != 0;
}

static void check_url(const struct store_opts *opts, const char *text,
                      struct complaints *complaints)
{
    struct http_url url;
    struct err err;
    if (url_parse_http(text, &url, &err) < 0)
        COMPLAIN(opts, complaints, "store %s: url \"%s\": %s", opts->name, text, err.text);
    else if (has_path(url.path) && !opts->header)
        COMPLAIN(opts, complaints,
                 "store %s: url \"%s\" has a path, and the key is the path; set "
                 "prefix = \"%s\" to have it before each key",
                 opts->name, text, url.path);
}

/* What the urls say of TLS, and the settings: the files are for those that have it. */
static void check_tls(const struct store_opts *opts, struct complaints *complaints)
{
    struct http_url url;
    struct err err;
    unsigned n_tls = 0;
    for (unsigned i = 0; i < http_n_urls(opts); i++)
        n_tls += url_parse_http(http_url_of(opts, i), &url, &err) == 0 && url.tls;
    tls_check_settings(&opts->tls, n_tls > 0, "write https:// in its url", opts->name, opts->file,
                       opts->line, complaints);
    if (opts->tls.on && n_tls < http_n_urls(opts))
        COMPLAIN(opts, complaints,
                 "store %s: tls = true, and not each of its urls says https://; write that",
                 opts->name);
}

static void check_urls(const struct store_opts *opts, struct complaints *complaints)
{
    if (opts->url && opts->n_urls > 0)
        COMPLAIN(opts, complaints, "store %s has url and urls; keep one of the two", opts->name);
    else if (http_n_urls(opts) == 0)
        COMPLAIN(opts, complaints, "store %s has no url; set url = \"http://127.0.0.1:6081\"",
                 opts->name);
    for (unsigned i = 0; i < http_n_urls(opts); i++)
        check_url(opts, http_url_of(opts, i), complaints);
    check_tls(opts, complaints);
}

static void check_method(const struct store_opts *opts, struct complaints *complaints)
{
    const char *method = opts->method;
    if (!http_is_token(method) || strlen(method) > METHOD_MAX)
        COMPLAIN(opts, complaints,
                 "store %s: method = \"%s\" is no method of HTTP; write PURGE, or what the cache "
                 "is set up for",
                 opts->name, method);
    else if (strcmp(method, "CONNECT") == 0)
        COMPLAIN(opts, complaints, "store %s: method = \"CONNECT\" clears nothing; write PURGE",
                 opts->name);
}

static void check_host(const struct store_opts *opts, struct complaints *complaints)
{
    const char *host = opts->host;
    size_t n = host ? strlen(host) : 1;
    bool good = n > 0 && n <= HOST_MAX;
    for (size_t i = 0; host && i < n; i++)
        good &= host[i] > ' ' && host[i] < 127 && !strchr("/?#@\"\\", host[i]);
    if (!good)
        COMPLAIN(opts, complaints,
                 "store %s: host = \"%s\" is no host; write it as readers' requests have it, "
                 "www.example.org",
                 opts->name, host);
}

/* Headers that say how the request itself is read. */
static bool is_reserved(const char *header)
{
    static const char *const names[] = {
        "host",       "connection",       "content-length", "transfer-encoding",
        "te",         "trailer",          "upgrade",        "expect",
        "keep-alive", "proxy-connection", HTTP_MATCH_PATH,  HTTP_MATCH_KEY,
    };
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++)
        if (strcasecmp(names[i], header) == 0)
            return true;
    return false;
}

static void check_header(const struct store_opts *opts, struct complaints *complaints)
{
    if (!opts->header)
        return;
    if (!http_is_token(opts->header) || strlen(opts->header) > HEADER_MAX)
        COMPLAIN(opts, complaints,
                 "store %s: header = \"%s\" is no name of a header; write it without a colon: "
                 "xkey-purge",
                 opts->name, opts->header);
    else if (is_reserved(opts->header))
        COMPLAIN(opts, complaints,
                 "store %s: header = \"%s\" has a meaning of its own; choose another, such as "
                 "xkey-purge",
                 opts->name, opts->header);
}

static void check_others(const struct store_opts *opts, struct complaints *complaints)
{
    if (opts->user || opts->password_file)
        COMPLAIN(opts, complaints,
                 "store %s: user and password_file are not for http; remove them, and let the "
                 "cache admit this host by its address",
                 opts->name);
    if (opts->n_servers > 0)
        COMPLAIN(opts, complaints,
                 "store %s: servers is for memcached; an http store has a url, or urls",
                 opts->name);
    if (opts->selector)
        COMPLAIN(opts, complaints, "store %s: selector is for memcached; remove it", opts->name);
    if (opts->n_sentinels > 0 || opts->master || opts->n_cluster > 0)
        COMPLAIN(opts, complaints,
                 "store %s: sentinels, master and cluster are for redis; remove them", opts->name);
}

unsigned http_check(const struct store_opts *opts, struct complaints *complaints)
{
    unsigned before = complaints->n_errors;
    check_urls(opts, complaints);
    check_method(opts, complaints);
    check_host(opts, complaints);
    check_header(opts, complaints);
    check_others(opts, complaints);
    return complaints->n_errors - before;
}
