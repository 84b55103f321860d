/* Where a server is, as people write it.
 *
 * redis://[user@]host[:port][/db]   unix://[user@]/path?db=0   for Redis, rediss:// with TLS;
 * [name/]host[:port[:weight]]       unix:/path                 for memcached;
 * http[s]://host[:port][/path]      unix:///path               for HTTP caches.
 * IPv6 addresses stand in brackets; %XX stands for a byte in user and path. Errors say what is
 * wrong and what to do, without the name of a setting's place. */
#ifndef CDCD_STORE_URL_H
#define CDCD_STORE_URL_H

#include "base/buf.h"
#include "base/err.h"

#include <stdbool.h>
#include <stdint.h>

/* What the kernel takes for a unix socket, without the NUL. */
#define ADDRESS_PATH_MAX 107

enum address_kind { ADDRESS_TCP, ADDRESS_UNIX };

struct address {
    enum address_kind kind;
    char host[256]; /* a name or a number without brackets; the path of a unix socket */
    uint16_t port;
    char name[272]; /* for messages: host:port, or the path */
};

struct redis_url {
    struct address address;
    unsigned db;
    char user[128]; /* empty for none */
    bool tls;
};

/* A server of a fleet of memcacheds. */
struct url_server {
    struct address address;
    unsigned weight; /* 1 where it was left out */
    char alias[256]; /* of NAME/ADDRESS:PORT, the name; else empty */
};

/* 0, or -1 with err filled. */
int url_parse_redis(const char *url, struct redis_url *parsed, struct err *err);
/* The same for a server of a fleet of memcacheds. */
int url_parse_weighted(const char *text, struct url_server *parsed, struct err *err);
/* The same for host[:port[:weight]] or unix:/path, of which only the address counts. */
int url_parse_server(const char *text, struct address *parsed, struct err *err);

/* The same for host[:port]. */
int url_parse_host(const char *text, uint16_t default_port, struct address *parsed,
                   struct err *err);

struct http_url {
    struct address address;
    bool tls;
    char host[272]; /* as the header Host has it: with the port where it is not the usual one */
    char path[256]; /* begins with / */
};

int url_parse_http(const char *url, struct http_url *parsed, struct err *err);

/* Appends the bytes with %XX decoded; false when there is half a %XX. */
bool url_decode(const char *text, size_t n, struct buf *to);

#endif
