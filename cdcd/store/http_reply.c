#include "store/http_reply.h"

#include "base/mem.h"

#include <http_parser.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#define LOCATION_MAX 300

struct http_reader {
    struct http_parser parser;
    bool of_head;
    bool midway;
    bool whole;       /* the parser was halted at the end of a reply */
    unsigned n_begun; /* bytes of the reply's first word */
    size_t body;
    bool value_follows; /* what is read is a header's value */
    unsigned n_field;
    unsigned n_location;
    char field[sizeof "location"]; /* cut: a longer one is another header */
    char location[LOCATION_MAX];
};

static const struct http_parser_settings *settings(void);

static void begin(struct http_reader *reader)
{
    http_parser_init(&reader->parser, HTTP_RESPONSE);
    reader->parser.data = reader;
    reader->midway = reader->whole = reader->value_follows = false;
    reader->n_begun = 0;
    reader->body = 0;
    reader->n_field = reader->n_location = 0;
}

struct http_reader *http_reader_make(void)
{
    struct http_reader *reader = mem_alloc(sizeof *reader);
    begin(reader);
    return reader;
}

void http_reader_free(struct http_reader *reader)
{
    free(reader);
}

void http_reader_reset(struct http_reader *reader)
{
    begin(reader);
}

bool http_reader_is_midway(const struct http_reader *reader)
{
    return reader->midway;
}

/* `http://host/path` to `host`; what names no host to nothing. */
static void put_host(const struct http_reader *reader, char *to, size_t room)
{
    const char *end = reader->location + reader->n_location, *at = reader->location;
    size_t n = 0;
    *to = '\0';
    while (at < end && *at != ':' && *at != '/')
        at++;
    at += at < end && *at == ':';
    if (end - at < 2 || at[0] != '/' || at[1] != '/')
        return;
    for (at += 2; at < end && !strchr("/?#", *at) && n + 1 < room; at++)
        to[n++] = *at > ' ' && *at < 127 && *at != '"' ? *at : '?';
    to[n] = '\0';
}

/* A parser is for one reply, so that each begins the same. After an interim one another follows. */
static enum http_reading finish(struct http_reader *reader, struct http_reply *reply)
{
    const struct http_parser *parser = &reader->parser;
    unsigned status = parser->status_code;
    bool interim = status / 100 == 1 && status != 101;
    if (!interim) {
        *reply = (struct http_reply){.status = status};
        reply->last = !http_should_keep_alive(parser) || reader->body > HTTP_BODY_MAX;
        if (status / 100 == 3)
            put_host(reader, reply->location, sizeof reply->location);
    }
    begin(reader);
    return interim ? HTTP_PARTIAL : status < 200 ? HTTP_BROKEN : HTTP_REPLY;
}

/* The parser takes a first line that only looks like one, and waits for more. */
static bool begins_well(struct http_reader *reader, const char *bytes, size_t n)
{
    static const char word[] = "HTTP/";
    for (size_t i = 0; i < n && reader->n_begun < sizeof word - 1; i++)
        if (bytes[i] != word[reader->n_begun++])
            return false;
    return true;
}

size_t http_read(struct http_reader *reader, bool of_head, const char *bytes, size_t n,
                 enum http_reading *reading, struct http_reply *reply)
{
    size_t at = 0;
    reader->of_head = of_head;
    *reading = HTTP_PARTIAL;
    while (at < n && *reading == HTTP_PARTIAL) {
        reader->midway = true;
        if (!begins_well(reader, bytes + at, n - at)) {
            *reading = HTTP_BROKEN;
            break;
        }
        at += http_parser_execute(&reader->parser, settings(), bytes + at, n - at);
        if (reader->whole)
            *reading = finish(reader, reply);
        else if (HTTP_PARSER_ERRNO(&reader->parser) != HPE_OK)
            *reading = HTTP_BROKEN;
    }
    return at;
}

enum http_reading http_read_end(struct http_reader *reader, struct http_reply *reply)
{
    if (!reader->midway)
        return HTTP_PARTIAL;
    http_parser_execute(&reader->parser, settings(), NULL, 0);
    if (!reader->whole)
        return HTTP_PARTIAL;
    enum http_reading reading = finish(reader, reply);
    if (reading == HTTP_REPLY)
        reply->last = true;
    return reading;
}

/* ---- the parser's calls ---- */

static int on_field(struct http_parser *parser, const char *bytes, size_t n)
{
    struct http_reader *reader = parser->data;
    if (reader->value_follows)
        reader->n_field = 0;
    reader->value_follows = false;
    for (size_t i = 0; i < n && reader->n_field < sizeof reader->field; i++)
        reader->field[reader->n_field++] = bytes[i];
    return 0;
}

static int on_value(struct http_parser *parser, const char *bytes, size_t n)
{
    static const char name[] = "location";
    struct http_reader *reader = parser->data;
    reader->value_follows = true;
    if (reader->n_field != sizeof name - 1 ||
        strncasecmp(reader->field, name, sizeof name - 1) != 0)
        return 0;
    for (size_t i = 0; i < n && reader->n_location < LOCATION_MAX; i++)
        reader->location[reader->n_location++] = bytes[i];
    return 0;
}

static int on_headers(struct http_parser *parser)
{
    const struct http_reader *reader = parser->data;
    return reader->of_head; /* 1: no body follows */
}

static void halt(struct http_parser *parser)
{
    struct http_reader *reader = parser->data;
    reader->whole = true;
    http_parser_pause(parser, 1);
}

static int on_body(struct http_parser *parser, const char *bytes, size_t n)
{
    struct http_reader *reader = parser->data;
    (void)bytes;
    reader->body += n;
    if (reader->body > HTTP_BODY_MAX)
        halt(parser);
    return 0;
}

static int on_end(struct http_parser *parser)
{
    halt(parser);
    return 0;
}

static const struct http_parser_settings *settings(void)
{
    static const struct http_parser_settings calls = {
        .on_header_field = on_field,
        .on_header_value = on_value,
        .on_headers_complete = on_headers,
        .on_body = on_body,
        .on_message_complete = on_end,
    };
    return &calls;
}
