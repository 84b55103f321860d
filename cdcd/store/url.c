#include "store/url.h"

#include <ctype.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#define REDIS_PORT 6379
#define MEMCACHED_PORT 11211
#define HTTP_PORT 80
#define HTTPS_PORT 443

/* Reads digits up to a limit and moves past them; false when there are none, or too large. */
static bool take_number(const char **at, unsigned max, unsigned *value)
{
    if (!isdigit((unsigned char)**at))
        return false;
    for (*value = 0; isdigit((unsigned char)**at); (*at)++) {
        *value = *value * 10 + (unsigned)(**at - '0');
        if (*value > max)
            return false;
    }
    return true;
}

static int hex_digit(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    c = (char)tolower((unsigned char)c);
    return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

bool url_decode(const char *text, size_t n, struct buf *to)
{
    for (size_t i = 0; i < n; i++) {
        char byte = text[i];
        if (byte == '%') {
            int high = n - i > 2 ? hex_digit(text[i + 1]) : -1;
            int low = n - i > 2 ? hex_digit(text[i + 2]) : -1;
            if (high < 0 || low < 0)
                return false;
            byte = (char)(high << 4 | low);
            i += 2;
        }
        buf_put(to, &byte, 1);
    }
    return true;
}

/* Decodes into a string; false when it is too long, or holds a NUL or half a %XX. */
static bool decode(const char *text, size_t n, char *to, size_t room)
{
    struct buf decoded = {0};
    bool good = url_decode(text, n, &decoded) && decoded.len < room &&
                (decoded.len == 0 || !memchr(decoded.data, 0, decoded.len));
    if (good)
        snprintf(to, room, "%s", buf_str(&decoded));
    buf_free(&decoded);
    return good;
}

static int set_path(const char *path, size_t n, struct address *address, struct err *err)
{
    if (n == 0 || *path != '/')
        return err_set(err, EX_CONFIG,
                       "the path of a unix socket must be absolute; begin it with /");
    if (!decode(path, n, address->host, sizeof address->host) ||
        strlen(address->host) > ADDRESS_PATH_MAX)
        return err_set(err, EX_CONFIG,
                       "the path of a unix socket is longer than %d bytes or holds a bad %%XX; "
                       "use a shorter one",
                       ADDRESS_PATH_MAX);
    address->kind = ADDRESS_UNIX;
    address->port = 0;
    snprintf(address->name, sizeof address->name, "%s", address->host);
    return 0;
}

static int set_host(const char *host, size_t n, struct address *address, struct err *err)
{
    if (n == 0)
        return err_set(err, EX_CONFIG,
                       "the host is missing; write host:port, or [address]:port "
                       "for IPv6");
    if (n > 253)
        return err_set(err, EX_CONFIG, "the host is longer than 253 bytes; use a shorter name");
    for (size_t i = 0; i < n; i++)
        if (host[i] <= ' ' || host[i] == 127 || strchr("/@[]?#%", host[i]))
            return err_set(err, EX_CONFIG,
                           "the host holds a character that no host name has; write host:port");
    memcpy(address->host, host, n);
    address->host[n] = '\0';
    return 0;
}

/* Reads host[:port] and moves past it. */
static int take_host_port(const char **at, uint16_t default_port, struct address *address,
                          struct err *err)
{
    const char *host = *at;
    size_t n = strcspn(host, ":/?");
    bool bracketed = *host == '[';
    if (bracketed) {
        n = strcspn(++host, "]");
        if (host[n] != ']')
            return err_set(err, EX_CONFIG, "a bracket is open; write [address]:port");
    }
    if (set_host(host, n, address, err) < 0)
        return -1;
    *at = host + n + bracketed;
    unsigned port = default_port;
    if (**at == ':') {
        (*at)++;
        if (!take_number(at, 65535, &port) || port == 0)
            return err_set(err, EX_CONFIG,
                           "the port is no number from 1 to 65535; write host:port, and an IPv6 "
                           "address as [address]:port");
    }
    address->kind = ADDRESS_TCP;
    address->port = (uint16_t)port;
    snprintf(address->name, sizeof address->name, bracketed ? "[%s]:%u" : "%s:%u", address->host,
             port);
    return 0;
}

/* Reads `user@` and moves past it. */
static int take_user(const char **at, struct redis_url *parsed, struct err *err)
{
    size_t authority = strcspn(*at, "/?");
    const char *end = memchr(*at, '@', authority);
    if (!end)
        return 0;
    size_t n = (size_t)(end - *at);
    if (memchr(*at, ':', n))
        return err_set(err, EX_CONFIG,
                       "a password stands in the url, where logs and backups show "
                       "it; put it into a file and name that as password_file");
    if (!decode(*at, n, parsed->user, sizeof parsed->user))
        return err_set(err, EX_CONFIG,
                       "the user in the url is longer than %zu bytes or holds a "
                       "bad %%XX; set user instead",
                       sizeof parsed->user - 1);
    *at = end + 1;
    return 0;
}

static int take_db(const char *at, struct redis_url *parsed, struct err *err)
{
    if (!take_number(&at, 1000000, &parsed->db) || *at)
        return err_set(err, EX_CONFIG,
                       "the database in the url is no number; write "
                       "redis://host:port/0 or unix:///path?db=0");
    return 0;
}

static int parse_redis_unix(const char *at, struct redis_url *parsed, struct err *err)
{
    if (take_user(&at, parsed, err) < 0)
        return -1;
    size_t n = strcspn(at, "?");
    if (set_path(at, n, &parsed->address, err) < 0)
        return -1;
    at += n;
    if (!*at)
        return 0;
    if (strncmp(at, "?db=", 4) != 0)
        return err_set(err, EX_CONFIG,
                       "the url has an unknown parameter; write "
                       "unix:///path?db=0");
    return take_db(at + 4, parsed, err);
}

static int parse_redis_tcp(const char *at, struct redis_url *parsed, struct err *err)
{
    if (take_user(&at, parsed, err) < 0 ||
        take_host_port(&at, REDIS_PORT, &parsed->address, err) < 0)
        return -1;
    if (!*at || strcmp(at, "/") == 0)
        return 0;
    if (*at != '/')
        return err_set(err, EX_CONFIG,
                       "the url does not end after the port; write "
                       "redis://host:port/0");
    return take_db(at + 1, parsed, err);
}

int url_parse_redis(const char *url, struct redis_url *parsed, struct err *err)
{
    *parsed = (struct redis_url){0};
    if (strncmp(url, "redis://", 8) == 0)
        return parse_redis_tcp(url + 8, parsed, err);
    if (strncmp(url, "unix://", 7) == 0)
        return parse_redis_unix(url + 7, parsed, err);
    if (strncmp(url, "rediss://", 9) == 0) {
        parsed->tls = true;
        return parse_redis_tcp(url + 9, parsed, err);
    }
    return err_set(err, EX_CONFIG,
                   "the url is of no known kind; write redis://host:port/0, "
                   "rediss://host:port/0 with TLS, or unix:///path?db=0");
}

/* Reads `name/` and moves past it. */
static int take_alias(const char **at, struct url_server *parsed, struct err *err)
{
    size_t n = strcspn(*at, "/:[");
    if ((*at)[n] != '/')
        return 0;
    if (set_host(*at, n, &parsed->address, err) < 0)
        return -1;
    snprintf(parsed->alias, sizeof parsed->alias, "%s", parsed->address.host);
    *at += n + 1;
    return 0;
}

static int parse_server(const char *text, struct url_server *parsed, struct err *err)
{
    if (strncmp(text, "unix:", 5) == 0)
        return set_path(text + 5, strlen(text + 5), &parsed->address, err);
    if (take_host_port(&text, MEMCACHED_PORT, &parsed->address, err) < 0)
        return -1;
    if (!*text)
        return 0;
    if (*text++ != ':')
        return err_set(err, EX_CONFIG, "a server does not end after its port; write host:port");
    if (!take_number(&text, 65535, &parsed->weight) || parsed->weight == 0 || *text)
        return err_set(err, EX_CONFIG,
                       "the weight is no number from 1 to 65535; write host:port:weight");
    return 0;
}

int url_parse_weighted(const char *text, struct url_server *parsed, struct err *err)
{
    *parsed = (struct url_server){.weight = 1};
    if (strncmp(text, "unix:", 5) != 0 && take_alias(&text, parsed, err) < 0)
        return -1;
    return parse_server(text, parsed, err);
}

int url_parse_server(const char *text, struct address *parsed, struct err *err)
{
    struct url_server server = {.weight = 1};
    int bad = parse_server(text, &server, err);
    *parsed = server.address;
    return bad;
}

int url_parse_host(const char *text, uint16_t default_port, struct address *parsed, struct err *err)
{
    *parsed = (struct address){0};
    if (take_host_port(&text, default_port, parsed, err) < 0)
        return -1;
    if (*text)
        return err_set(err, EX_CONFIG, "it does not end after the port; write host:port");
    return 0;
}

static int take_http_path(const char *at, struct http_url *parsed, struct err *err)
{
    size_t n = strlen(at);
    if (n && *at != '/')
        return err_set(err, EX_CONFIG,
                       "the url does not end after the port; write http://host:port");
    for (size_t i = 0; i < n; i++)
        if (at[i] <= ' ' || at[i] >= 127 || at[i] == '#')
            return err_set(err, EX_CONFIG,
                           "the path of the url holds a character that no path has; write %%XX");
    if (n >= sizeof parsed->path)
        return err_set(err, EX_CONFIG, "the path of the url is longer than %zu bytes",
                       sizeof parsed->path - 1);
    snprintf(parsed->path, sizeof parsed->path, "%s", n ? at : "/");
    return 0;
}

static int parse_http_tcp(const char *at, struct http_url *parsed, struct err *err)
{
    const char *authority = at;
    size_t n = strcspn(at, "/?#");
    if (memchr(at, '@', n))
        return err_set(err, EX_CONFIG,
                       "a user stands in the url, and this version sends none; remove it up to "
                       "the @, and let the cache admit this host by its address");
    if (take_host_port(&at, parsed->tls ? HTTPS_PORT : HTTP_PORT, &parsed->address, err) < 0)
        return -1;
    snprintf(parsed->host, sizeof parsed->host, "%.*s", (int)(at - authority), authority);
    return take_http_path(at, parsed, err);
}

int url_parse_http(const char *url, struct http_url *parsed, struct err *err)
{
    *parsed = (struct http_url){.host = "localhost", .path = "/"};
    if (strncmp(url, "http://", 7) == 0)
        return parse_http_tcp(url + 7, parsed, err);
    if (strncmp(url, "unix://", 7) == 0)
        return set_path(url + 7, strlen(url + 7), &parsed->address, err);
    parsed->tls = strncmp(url, "https://", 8) == 0;
    if (parsed->tls)
        return parse_http_tcp(url + 8, parsed, err);
    return err_set(err, EX_CONFIG,
                   "the url is of no known kind; write http://host:port or unix:///path");
}
