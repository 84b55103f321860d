#include "store/redis_slots.h"

#include "base/mem.h"

#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MASTERS_MAX 1000
#define HOST_MAX 253
#define REDIRECT_MAX 320
#define FIELDS_BEFORE_SLOTS 8

/* The CRC of XMODEM, of half bytes: the table stays in one line of the processor's cache. */
static uint16_t crc16(const char *bytes, size_t n)
{
    static const uint16_t of_half[16] = {0x0000, 0x1021, 0x2042, 0x3063, 0x4084, 0x50a5,
                                         0x60c6, 0x70e7, 0x8108, 0x9129, 0xa14a, 0xb16b,
                                         0xc18c, 0xd1ad, 0xe1ce, 0xf1ef};
    unsigned crc = 0;
    for (size_t i = 0; i < n; i++) {
        unsigned byte = (unsigned char)bytes[i];
        crc = (crc << 4 ^ of_half[(crc >> 12 ^ byte >> 4) & 15]) & 0xffff;
        crc = (crc << 4 ^ of_half[(crc >> 12 ^ byte) & 15]) & 0xffff;
    }
    return (uint16_t)crc;
}

/* NULL when there is none. */
static const char *find_tag(const char *key, size_t len, size_t *tag_len)
{
    const char *open = len ? memchr(key, '{', len) : NULL;
    if (!open)
        return NULL;
    const char *close = memchr(open, '}', len - (size_t)(open - key));
    if (!close || close == open + 1)
        return NULL;
    *tag_len = (size_t)(close - open - 1);
    return open + 1;
}

unsigned redis_slot(const char *key, size_t len)
{
    size_t tag_len;
    const char *tag = find_tag(key, len, &tag_len);
    return (tag ? crc16(tag, tag_len) : crc16(key, len)) % SLOTS_N;
}

bool redis_has_tag(const char *key, size_t len)
{
    size_t tag_len;
    return find_tag(key, len, &tag_len) != NULL;
}

/* False when no server can be there. */
static bool set_address(const char *host, size_t n, long long port, struct address *address)
{
    char text[HOST_MAX + 16];
    struct err err;
    if (n == 0 || n > HOST_MAX || memchr(host, 0, n) || port < 1 || port > 65535)
        return false;
    bool bracketed = memchr(host, ':', n);
    snprintf(text, sizeof text, "%s%.*s%s:%lld", bracketed ? "[" : "", (int)n, host,
             bracketed ? "]" : "", port);
    return url_parse_server(text, address, &err) == 0;
}

static bool is_string(const redisReply *reply)
{
    return reply->type == REDIS_REPLY_STRING;
}

/* "?": it is to be known by a host name, and has none. Its number may stand behind it. */
static const redisReply *host_of(const redisReply *node)
{
    const redisReply *host = node->element[0];
    if (!is_string(host) || host->len != 1 || *host->str != '?')
        return host;
    const redisReply *more = node->elements > 3 ? node->element[3] : NULL;
    size_t n = more && more->type == REDIS_REPLY_ARRAY ? more->elements : 0;
    for (size_t i = 0; i + 1 < n; i += 2)
        if (is_string(more->element[i]) && strcmp(more->element[i]->str, "ip") == 0)
            return more->element[i + 1];
    return NULL;
}

enum found { FOUND_BAD, FOUND_UNKNOWN, FOUND };

/* A node is a host, a port, and more. No host, or an empty one: that of the server asked. */
static enum found read_node(const redisReply *node, const struct address *asked,
                            struct address *address)
{
    if (node->type != REDIS_REPLY_ARRAY || node->elements < 2 ||
        node->element[1]->type != REDIS_REPLY_INTEGER)
        return FOUND_BAD;
    long long port = node->element[1]->integer;
    const redisReply *host = host_of(node);
    if (!host)
        return FOUND_UNKNOWN;
    bool left_out = host->type == REDIS_REPLY_NIL || (is_string(host) && host->len == 0);
    if (!left_out && !is_string(host))
        return FOUND_BAD;
    const char *bytes = left_out ? asked->host : host->str;
    size_t n = left_out ? strlen(asked->host) : (size_t)host->len;
    return set_address(bytes, n, port, address) ? FOUND : FOUND_BAD;
}

/* The address's place among the masters, or -1 when there are too many. */
static int add_master(struct slot_map *map, const struct address *address)
{
    for (unsigned i = map->n_masters; i-- > 0;)
        if (strcmp(map->masters[i].name, address->name) == 0)
            return (int)i;
    if (map->n_masters == MASTERS_MAX)
        return -1;
    map->masters = mem_resize(map->masters, (map->n_masters + 1) * sizeof *map->masters);
    map->masters[map->n_masters] = *address;
    return (int)map->n_masters++;
}

/* A range is its first slot, its last, its master, and replicas. */
static bool read_range(struct slot_map *map, const redisReply *range, const struct address *asked)
{
    struct address address;
    if (range->type != REDIS_REPLY_ARRAY || range->elements < 3 ||
        range->element[0]->type != REDIS_REPLY_INTEGER ||
        range->element[1]->type != REDIS_REPLY_INTEGER)
        return false;
    long long from = range->element[0]->integer, to = range->element[1]->integer;
    enum found found = read_node(range->element[2], asked, &address);
    if (from < 0 || to < from || to >= SLOTS_N || found == FOUND_BAD)
        return false;
    int master = found == FOUND ? add_master(map, &address) : SLOTS_NO_OWNER;
    for (long long slot = from; slot <= to; slot++) {
        if (map->owner[slot] != SLOTS_NO_OWNER)
            return false;
        map->owner[slot] = (uint16_t)master;
    }
    return master >= 0;
}

struct slot_map *slot_map_read(const redisReply *reply, const struct address *asked,
                               struct err *err)
{
    struct slot_map *map = mem_alloc(sizeof *map);
    memset(map->owner, 0xff, sizeof map->owner);
    bool good = reply->type == REDIS_REPLY_ARRAY;
    for (size_t i = 0; good && i < reply->elements; i++)
        good = read_range(map, reply->element[i], asked);
    if (good)
        return map;
    err_set(err, EX_PROTOCOL,
            "CLUSTER SLOTS was not answered with ranges of slots and their nodes");
    slot_map_free(map);
    return NULL;
}

void slot_map_free(struct slot_map *map)
{
    if (!map)
        return;
    free(map->masters);
    free(map);
}

/* "5", "5-9", or "[5->-ID]" for a slot that is being moved. */
static bool count_range(const char *word, struct slot_count *count)
{
    char *end;
    if (*word == '[') {
        count->moving = true;
        return true;
    }
    unsigned long from = strtoul(word, &end, 10);
    unsigned long to = *end == '-' ? strtoul(end + 1, &end, 10) : from;
    if (*word < '0' || *word > '9' || *end || from > to || to >= SLOTS_N)
        return false;
    count->n += (unsigned)(to - from + 1);
    return true;
}

/* ID address flags master pings pongs epoch state, and its slots. */
static bool count_line(char *line, struct slot_count *count)
{
    char *rest;
    unsigned n = 0;
    for (char *word = strtok_r(line, " ", &rest); word; word = strtok_r(NULL, " ", &rest))
        if (++n > FIELDS_BEFORE_SLOTS && !count_range(word, count))
            return false;
    return n >= FIELDS_BEFORE_SLOTS;
}

static bool is_own(const char *line)
{
    size_t n = strcspn(line, "\n");
    return memmem(line, n, " myself,", 8) || memmem(line, n, ",myself,", 8);
}

bool slot_count_read(const redisReply *reply, struct slot_count *count)
{
    *count = (struct slot_count){0};
    if (!is_string(reply))
        return false;
    const char *line = reply->str;
    while (*line && !is_own(line)) {
        line += strcspn(line, "\n");
        line += *line == '\n';
    }
    char *own = mem_strdup(line);
    own[strcspn(own, "\n")] = '\0';
    bool good = count_line(own, count);
    free(own);
    return good;
}

/* Of "host:port": the host may hold colons itself. */
static bool read_target(const char *text, const struct address *asked,
                        struct slot_redirect *redirect)
{
    const char *colon = strrchr(text, ':');
    char *end;
    if (!colon || colon[1] < '0' || colon[1] > '9')
        return false;
    long port = strtol(colon + 1, &end, 10);
    size_t n = (size_t)(colon - text);
    redirect->known = n != 1 || *text != '?';
    if (*end || !redirect->known)
        return !*end;
    return n == 0 ? set_address(asked->host, strlen(asked->host), port, &redirect->to)
                  : set_address(text, n, port, &redirect->to);
}

bool slot_redirect_read(const char *text, size_t len, const struct address *asked,
                        struct slot_redirect *redirect)
{
    char words[REDIRECT_MAX], *end;
    *redirect = (struct slot_redirect){0};
    if (len >= sizeof words || memchr(text, 0, len))
        return false;
    snprintf(words, sizeof words, "%.*s", (int)len, text);
    redirect->ask = strncmp(words, "ASK ", 4) == 0;
    if (!redirect->ask && strncmp(words, "MOVED ", 6) != 0)
        return false;
    const char *slot = strchr(words, ' ') + 1;
    if (*slot < '0' || *slot > '9')
        return false;
    unsigned long number = strtoul(slot, &end, 10);
    redirect->slot = (unsigned)number;
    return *end == ' ' && number < SLOTS_N && read_target(end + 1, asked, redirect);
}
