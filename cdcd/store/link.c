#include "store/link.h"

#include "base/log.h"
#include "base/mem.h"
#include "store/resolve.h"

#include <assert.h>
#include <errno.h>
#include <event2/buffer.h>
#include <event2/bufferevent.h>
#include <event2/event.h>
#include <event2/util.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <time.h>
#include <unistd.h>

#define RESOLVE_POLL_MS 5
#define FAILURE_LOG_MS 60000
#define CHANGE_LOG_MS 1000
#define OUT_KEEP_BYTES 65536
/* Only a connection that lived so long ends the back-off: a server that shakes hands and hangs up
 * at the first batch is no server that is back. */
#define GOOD_LINK_MS 2000

enum link_state {
    LINK_IDLE,
    LINK_WAITING,    /* for the next attempt */
    LINK_RESOLVING,  /* the name */
    LINK_CONNECTING, /* the socket, and its encryption */
    LINK_OPEN,       /* the driver shakes hands */
    LINK_UP,
};

struct link {
    struct link_opts opts;
    struct event_base *base;
    const struct link_events *events;
    void *ctx;
    enum link_state state;
    struct event *timer; /* what it means depends on the state */
    struct resolve *resolve;
    struct tls *tls; /* of this attempt, or connection; NULL when it is plain */
    bool heard;      /* something, over this connection */
    struct bufferevent *stream;
    struct bufferevent *retired; /* freed by the reaper, outside of its own callbacks */
    struct event *reaper;
    struct buf out;
    unsigned n_attempts; /* to connect, ever: the next takes the name's next address */
    unsigned n_failures; /* since it was up for long enough */
    int64_t up_since_ms;
    char last_reason[400];
    struct log_limit failure_log;
    struct log_limit lost_log;
    bool said_up; /* the last line about it */
};

static void on_timer(evutil_socket_t fd, short what, void *ctx);
static void on_reap(evutil_socket_t fd, short what, void *ctx);
static void on_read(struct bufferevent *stream, void *ctx);
static void on_event(struct bufferevent *stream, short what, void *ctx);
static void fail(struct link *link, const char *reason);

static int64_t now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

static void link_enter(struct link *link, enum link_state state, const char *why)
{
    static const char *const names[] = {"idle", "waiting", "resolving", "connecting", "open", "up"};
    static const unsigned allowed[] = {
        [LINK_IDLE] = 1 << LINK_WAITING,
        [LINK_WAITING] = 1 << LINK_IDLE | 1 << LINK_RESOLVING | 1 << LINK_CONNECTING,
        [LINK_RESOLVING] = 1 << LINK_IDLE | 1 << LINK_WAITING | 1 << LINK_CONNECTING,
        [LINK_CONNECTING] = 1 << LINK_IDLE | 1 << LINK_WAITING | 1 << LINK_OPEN,
        [LINK_OPEN] = 1 << LINK_IDLE | 1 << LINK_WAITING | 1 << LINK_UP,
        [LINK_UP] = 1 << LINK_IDLE | 1 << LINK_WAITING,
    };
    assert(allowed[link->state] & 1U << state);
    log_debug("link moves store=%s server=\"%s\" from=%s to=%s why=\"%s\"", link->opts.store,
              link->opts.server, names[link->state], names[state], why);
    link->state = state;
}

static void set_timer(struct link *link, int64_t ms)
{
    struct timeval tv = {.tv_sec = ms / 1000, .tv_usec = ms % 1000 * 1000};
    event_add(link->timer, &tv);
}

struct link *link_make(const struct link_opts *opts, struct event_base *base,
                       const struct link_events *events, void *ctx)
{
    struct link *link = mem_alloc(sizeof *link);
    link->opts = *opts;
    link->base = base;
    link->events = events;
    link->ctx = ctx;
    link->timer = event_new(base, -1, 0, on_timer, link);
    link->reaper = event_new(base, -1, 0, on_reap, link);
    if (!link->timer || !link->reaper)
        abort();
    return link;
}

void link_start(struct link *link, int64_t delay_ms)
{
    link_enter(link, LINK_WAITING, "started");
    link->n_failures = 0;
    set_timer(link, delay_ms);
}

void link_set_address(struct link *link, const struct address *address)
{
    link->opts.address = address;
}

/* Gives up the connection, or the attempt, whatever the state. */
static void retire(struct link *link)
{
    event_del(link->timer);
    resolve_free(link->resolve);
    link->resolve = NULL;
    tls_free(link->tls);
    link->tls = NULL;
    buf_reset(&link->out, OUT_KEEP_BYTES);
    if (!link->stream)
        return;
    assert(!link->retired);
    link->retired = link->stream;
    link->stream = NULL;
    bufferevent_setcb(link->retired, NULL, NULL, NULL, NULL);
    bufferevent_disable(link->retired, EV_READ | EV_WRITE);
    event_active(link->reaper, 0, 0);
}

void link_stop(struct link *link)
{
    if (link->state == LINK_IDLE)
        return;
    if (link->state == LINK_UP)
        link->said_up = false;
    retire(link);
    link_enter(link, LINK_IDLE, "stopped");
}

static void on_reap(evutil_socket_t fd, short what, void *ctx)
{
    struct link *link = ctx;
    (void)fd;
    (void)what;
    bufferevent_free(link->retired);
    link->retired = NULL;
}

void link_free(struct link *link)
{
    if (!link)
        return;
    link_stop(link);
    if (link->retired)
        bufferevent_free(link->retired);
    event_free(link->timer);
    event_free(link->reaper);
    buf_free(&link->out);
    free(link);
}

bool link_is_open(const struct link *link)
{
    return link->state == LINK_OPEN || link->state == LINK_UP;
}

bool link_is_up(const struct link *link)
{
    return link->state == LINK_UP;
}

struct buf *link_out(struct link *link)
{
    assert(link_is_open(link));
    return &link->out;
}

void link_flush(struct link *link)
{
    if (link->out.len == 0)
        return;
    assert(link_is_open(link));
    if (bufferevent_write(link->stream, link->out.data, link->out.len) < 0)
        abort();
    buf_reset(&link->out, OUT_KEEP_BYTES);
}

void link_pause(struct link *link, bool paused)
{
    assert(link_is_open(link));
    if (paused)
        bufferevent_disable(link->stream, EV_READ);
    else
        bufferevent_enable(link->stream, EV_READ);
}

void link_await(struct link *link)
{
    assert(link_is_open(link));
    /* A timer that runs is that of an older answer: sending more must not put it off. */
    if (!event_pending(link->timer, EV_TIMEOUT, NULL))
        set_timer(link, link->opts.timeout_ms);
}

void link_answered(struct link *link, bool more_due)
{
    if (!link_is_open(link))
        return;
    if (more_due)
        set_timer(link, link->opts.timeout_ms);
    else
        event_del(link->timer);
}

/* What to add to a line, of those that were held back before it. */
static const char *held_back(unsigned n, char *to, size_t room)
{
    if (n == 0)
        return "";
    snprintf(to, room, " not_logged=%u", n);
    return to;
}

static const char *what(const struct link *link)
{
    return link->opts.what ? link->opts.what : "store";
}

void link_up(struct link *link)
{
    link_enter(link, LINK_UP, "handshake done");
    link->up_since_ms = now_ms();
    link->last_reason[0] = '\0';
    if (!link->said_up)
        log_info("%s is up store=%s server=\"%s\"", what(link), link->opts.store,
                 link->opts.server);
    link->said_up = true;
}

static void end_back_off(struct link *link)
{
    if (link->state == LINK_UP && now_ms() - link->up_since_ms >= GOOD_LINK_MS)
        link->n_failures = 0;
}

void link_renew(struct link *link)
{
    assert(link_is_open(link));
    end_back_off(link);
    retire(link);
    link_enter(link, LINK_WAITING, "renewed");
    set_timer(link, 0);
}

void link_drop(struct link *link, const char *format, ...)
{
    char reason[sizeof link->last_reason];
    va_list args;
    assert(link_is_open(link));
    va_start(args, format);
    vsnprintf(reason, sizeof reason, format, args);
    va_end(args);
    fail(link, reason);
}

/* The same reason once a minute; the loss of a server that was up, always, unless it flaps. */
static void log_failure(struct link *link, const char *reason)
{
    char held[32];
    unsigned n;
    bool was_up = link->state == LINK_UP;
    if (!was_up && strcmp(link->last_reason, reason) != 0)
        link->failure_log = (struct log_limit){0};
    struct log_limit *limit = was_up ? &link->lost_log : &link->failure_log;
    if (log_limit_pass(limit, now_ms(), was_up ? CHANGE_LOG_MS : FAILURE_LOG_MS, &n)) {
        log_warn("%s %s store=%s server=\"%s\" reason=\"%s\"%s", what(link),
                 was_up ? "is lost" : "cannot be reached", link->opts.store, link->opts.server,
                 reason, held_back(n, held, sizeof held));
        link->said_up = false;
    }
    snprintf(link->last_reason, sizeof link->last_reason, "%s", reason);
}

static int64_t back_off_ms(struct link *link)
{
    unsigned doublings = link->n_failures < 20 ? link->n_failures : 20;
    int64_t wait = link->opts.retry_min_ms > 0 ? link->opts.retry_min_ms << doublings : 1;
    uint32_t random;
    if (wait > link->opts.retry_max_ms)
        wait = link->opts.retry_max_ms;
    evutil_secure_rng_get_bytes(&random, sizeof random);
    return wait - random % (wait / 2 + 1);
}

static void fail(struct link *link, const char *reason)
{
    end_back_off(link);
    retire(link);
    log_failure(link, reason);
    link_enter(link, LINK_WAITING, reason);
    set_timer(link, back_off_ms(link));
    link->n_failures++;
    link->events->lost(link->ctx, reason);
}

/* Waits for the socket, which is connected already or is being connected; takes it. */
static void adopt(struct link *link, int fd)
{
    link->heard = false;
    link->stream = link->tls ? tls_stream(link->tls, link->base, fd)
                             : bufferevent_socket_new(link->base, fd, BEV_OPT_CLOSE_ON_FREE);
    if (!link->stream)
        abort();
    bufferevent_setcb(link->stream, on_read, NULL, on_event, link);
    if (!link->tls)
        bufferevent_socket_connect(link->stream, NULL, 0);
    set_timer(link, link->opts.timeout_ms);
}

/* False when the files are not as they must be, and the attempt has failed. */
static bool prepare_tls(struct link *link)
{
    struct err err;
    if (!link->opts.tls.on || link->opts.address->kind == ADDRESS_UNIX)
        return true;
    link->tls = tls_make(&link->opts.tls, link->opts.address->host, &err);
    if (!link->tls)
        fail(link, err.text);
    return link->tls;
}

static void connect_to(struct link *link, const struct sockaddr *address, socklen_t len)
{
    link_enter(link, LINK_CONNECTING, "address known");
    if (!prepare_tls(link))
        return;
    int fd = socket(address->sa_family, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) {
        fail(link, strerror(errno));
        return;
    }
    int on = 1;
    if (address->sa_family != AF_UNIX) {
        setsockopt(fd, IPPROTO_TCP, TCP_NODELAY, &on, sizeof on);
        setsockopt(fd, SOL_SOCKET, SO_KEEPALIVE, &on, sizeof on);
    }
    if (connect(fd, address, len) < 0 && errno != EINPROGRESS) {
        int error = errno;
        close(fd);
        fail(link, strerror(error));
        return;
    }
    adopt(link, fd);
}

static void connect_unix(struct link *link)
{
    struct sockaddr_un path = {.sun_family = AF_UNIX};
    memcpy(path.sun_path, link->opts.address->host, strlen(link->opts.address->host));
    connect_to(link, (const struct sockaddr *)&path, sizeof path);
}

static void poll_name(struct link *link)
{
    char reason[200];
    int status = resolve_status(link->resolve);
    if (status == EAI_INPROGRESS) {
        set_timer(link, RESOLVE_POLL_MS);
    } else if (status != 0) {
        snprintf(reason, sizeof reason,
                 "the host's name cannot be resolved (%s): mend it, or the resolver",
                 gai_strerror(status));
        fail(link, reason);
    } else {
        const struct addrinfo *found = resolve_address(link->resolve, link->n_attempts++);
        connect_to(link, found->ai_addr, found->ai_addrlen);
    }
}

static void attempt(struct link *link)
{
    const struct address *address = link->opts.address;
    if (address->kind == ADDRESS_UNIX) {
        connect_unix(link);
        return;
    }
    link_enter(link, LINK_RESOLVING, "time to try");
    link->resolve = resolve_begin(address->host, address->port);
    poll_name(link);
}

static void fail_late(struct link *link)
{
    char reason[200];
    bool shakes = link->state == LINK_CONNECTING && link->tls && tls_began(link->tls);
    snprintf(reason, sizeof reason, "no %s within %lld ms%s",
             link->state != LINK_CONNECTING ? "answer"
             : shakes                       ? "TLS handshake"
                                            : "connection",
             (long long)link->opts.timeout_ms,
             shakes ? ": does the server speak TLS on this port?" : "");
    fail(link, reason);
}

static void on_timer(evutil_socket_t fd, short what, void *ctx)
{
    struct link *link = ctx;
    (void)fd;
    (void)what;
    switch (link->state) {
    case LINK_IDLE:
        break;
    case LINK_WAITING:
        attempt(link);
        break;
    case LINK_RESOLVING:
        poll_name(link);
        break;
    case LINK_CONNECTING:
    case LINK_OPEN:
    case LINK_UP:
        fail_late(link);
        break;
    }
}

static void on_read(struct bufferevent *stream, void *ctx)
{
    struct link *link = ctx;
    struct evbuffer *input = bufferevent_get_input(stream);
    size_t n = evbuffer_get_length(input);
    const unsigned char *bytes = evbuffer_pullup(input, -1);
    link->heard = true;
    if (link->state == LINK_OPEN && !link->tls && tls_is_spoken((const char *)bytes, n)) {
        fail(link, "the server speaks TLS on this port: write rediss:// or https:// in a url, or "
                   "set tls = true");
        return;
    }
    size_t used = link->events->data(link->ctx, (const char *)bytes, n);
    if (link->stream == stream)
        evbuffer_drain(input, used);
}

static void fail_by(struct link *link, short what, int error)
{
    char reason[sizeof link->last_reason];
    if (link->tls && what & BEV_EVENT_ERROR) {
        tls_reason(link->tls, link->stream, error, link_is_open(link), reason, sizeof reason);
        fail(link, reason);
        return;
    }
    /* So ends a plain connection to a server that waits for a TLS handshake. */
    bool speechless = link->state == LINK_OPEN && !link->heard && !link->tls &&
                      link->opts.address->kind == ADDRESS_TCP;
    const char *fault = !(what & BEV_EVENT_ERROR) ? "the server closed the connection"
                        : error                   ? evutil_socket_error_to_string(error)
                                                  : "the connection broke";
    snprintf(reason, sizeof reason, "%s%s", fault,
             speechless ? " before it said anything: it may want TLS on this port, or a protocol "
                          "that is not spoken here (SASL)"
                        : "");
    fail(link, reason);
}

/* True when the server hung up, and that is as it should be. */
static bool closed_well(struct link *link, short what, int error)
{
    bool hung_up = what & BEV_EVENT_EOF || error == ECONNRESET || error == EPIPE;
    return hung_up && link_is_open(link) && link->opts.closed && link->opts.closed(link->ctx);
}

static void on_event(struct bufferevent *stream, short what, void *ctx)
{
    struct link *link = ctx;
    int error = EVUTIL_SOCKET_ERROR();
    if (what & BEV_EVENT_CONNECTED) {
        event_del(link->timer);
        link_enter(link, LINK_OPEN, "connected");
        bufferevent_enable(stream, EV_READ | EV_WRITE);
        link->events->open(link->ctx);
    } else if (closed_well(link, what, error)) {
        link_renew(link);
    } else {
        fail_by(link, what, error);
    }
}
