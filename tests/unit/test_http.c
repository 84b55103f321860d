#include "fake_server.h"

#include "store/http_reply.h"
#include "store/http_request.h"

#define GET_OFF "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"
#define MISSING "HTTP/1.1 404 Not Found\r\nContent-Length: 4\r\n\r\nnone"

static char url[128];

static struct store_opts make_opts(struct world *world)
{
    snprintf(url, sizeof url, "unix://%s", world->fake.path);
    return (struct store_opts){.name = "edge",
                               .type = "http",
                               .prefix = "",
                               .url = url,
                               .method = "PURGE",
                               .timeout_ms = 20000,
                               .retry_min_ms = 1,
                               .retry_max_ms = 4,
                               .file = "cdcd.cfg",
                               .line = 7};
}

static struct world *make_up_of(struct store_opts *opts, struct world *world)
{
    world->store = store_driver("http")->open(opts, world->base, &world_events, world);
    run_until(world, said(world, "up 0\n"));
    return world;
}

static struct world *make_up(void)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    return make_up_of(&opts, world);
}

static struct batch_op op(enum op_action action, const char *key)
{
    return (struct batch_op){
        .key = key, .key_len = (uint32_t)strlen(key), .action = (uint8_t)action};
}

static void send_batch(struct world *world, struct batch *batch)
{
    assert_true(world->store->ops->ready(world->store, 0));
    world->store->ops->send(world->store, 0, batch);
}

/* Waits for a request of this line and these last headers on a connection, and takes it. */
static void expect_request(struct world *world, unsigned connection, const char *line,
                           const char *more)
{
    struct buf wanted = {0};
    buf_printf(&wanted, "%s HTTP/1.1\r\nHost: localhost\r\nUser-Agent: cdcd/%s\r\n%s\r\n", line,
               CDCD_VERSION, more);
    fake_expect(world, connection, buf_str(&wanted));
    buf_free(&wanted);
}

static void expect_purge(struct world *world, unsigned connection, const char *path)
{
    char line[80];
    snprintf(line, sizeof line, "PURGE %s", path);
    expect_request(world, connection, line, "");
}

static void a_server_that_can_be_connected_to_is_up(void **state)
{
    struct world *world = make_up();
    (void)state;
    assert_int_equal(fake_n_received(&world->fake, 0), 0);
    world_free(world);
}

static void a_request_is_answered_hit_or_miss(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "/a"), op(OP_DELETE, "b")};
    struct batch batch = {.seq = 4, .ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    expect_purge(world, 0, "/a");
    assert_int_equal(fake_n_received(&world->fake, 0), 0);
    fake_say(world, 0, GET_OFF);
    expect_purge(world, 0, "/b");
    fake_say(world, 0, MISSING);
    run_until(world, said(world, "answered 0/4 DONE hit miss\n"));
    world_free(world);
}

static void answers_may_come_byte_by_byte(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "/a"), op(OP_DELETE, "/b")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_say_slowly(world, 0, MISSING);
    expect_purge(world, 0, "/a");
    expect_purge(world, 0, "/b");
    fake_say_slowly(world, 0,
                    "HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: "
                    "chunked\r\n\r\n5\r\nhello\r\n0\r\nX: y\r\n\r\n");
    run_until(world, said(world, "DONE miss hit\n"));
    world_free(world);
}

/* The more a connection has answered, the more is asked at a time; and never more than 128. */
static void requests_are_sent_ahead_once_the_server_answers(void **state)
{
    enum { N = 400 };
    struct world *world = make_up();
    struct batch_op ops[N];
    struct batch batch = {.ops = ops, .n = N};
    unsigned most = 0, answered = 0;
    (void)state;
    for (unsigned i = 0; i < N; i++)
        ops[i] = op(OP_DELETE, "/a");
    send_batch(world, &batch);
    while (answered < N) {
        run_until(world, fake_n_received(&world->fake, 0) > 0);
        for (unsigned i = 0; i < 4; i++)
            event_base_loop(world->base, EVLOOP_NONBLOCK);
        struct evbuffer *input = bufferevent_get_input(world->fake.connections[0]);
        unsigned n = 0;
        for (char *line; (line = evbuffer_readln(input, NULL, EVBUFFER_EOL_CRLF_STRICT));) {
            n += *line == '\0';
            free(line);
        }
        assert_true(n <= answered + 1);
        most = n > most ? n : most;
        answered += n;
        while (n--)
            fake_say(world, 0, GET_OFF);
    }
    run_until(world, said(world, "DONE hit"));
    assert_true(most > 64 && most <= 128);
    assert_int_equal(world->fake.n_connections, 1);
    world_free(world);
}

static void a_connection_that_the_server_ends_is_no_loss(void **state)
{
    static const char *const last[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n",
        "HTTP/1.0 200 OK\r\nContent-Length: 2\r\n\r\nok",
        "HTTP/1.1 200 OK\r\n\r\nuntil the end of the connection",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof last / sizeof *last; i++) {
        struct world *world = make_up();
        struct batch_op ops[] = {op(OP_DELETE, "/a"), op(OP_DELETE, "/b"), op(OP_DELETE, "/c")};
        struct batch batch = {.ops = ops, .n = 3};
        send_batch(world, &batch);
        expect_purge(world, 0, "/a");
        fake_say(world, 0, MISSING);
        expect_purge(world, 0, "/b");
        expect_purge(world, 0, "/c");
        fake_say(world, 0, last[i]);
        if (i == 2) {
            event_base_loop(world->base, EVLOOP_NONBLOCK);
            fake_hang_up(&world->fake, 0);
        }
        expect_purge(world, 1, "/c");
        fake_say(world, 1, MISSING);
        run_until(world, said(world, "answered 0/0 DONE miss hit miss\n"));
        assert_false(said(world, "down"));
        world_free(world);
    }
}

static void what_was_asked_as_the_server_hung_up_is_asked_again(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "/a"), op(OP_DELETE, "/b"), op(OP_DELETE, "/c")};
    struct batch batch = {.ops = ops, .n = 3};
    (void)state;
    send_batch(world, &batch);
    expect_purge(world, 0, "/a");
    fake_say(world, 0, GET_OFF);
    expect_purge(world, 0, "/b");
    fake_hang_up(&world->fake, 0);
    expect_purge(world, 1, "/b");
    fake_say(world, 1, GET_OFF);
    expect_purge(world, 1, "/c");
    fake_say(world, 1, GET_OFF);
    run_until(world, said(world, "answered 0/0 DONE hit hit hit\n"));
    assert_false(said(world, "down"));
    assert_int_equal(n_said(world, "up 0"), 1);
    world_free(world);
}

static void a_server_that_hangs_up_without_any_answer_is_lost(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "/a")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    expect_purge(world, 0, "/a");
    fake_hang_up(&world->fake, 0);
    run_until(world, said(world, "answered 0/0 LOST none (the server closed the connection)\n"));
    run_until(world, said(world, "down 0 (the server closed the connection)\n"));
    run_until(world, n_said(world, "up 0\n") == 2);
    world_free(world);
}

static void what_the_server_hung_up_at_comes_last_the_next_time(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "/a"), op(OP_DELETE, "/b"), op(OP_DELETE, "/c")};
    struct batch batch = {.ops = ops, .n = 3};
    (void)state;
    send_batch(world, &batch);
    expect_purge(world, 0, "/a");
    fake_hang_up(&world->fake, 0);
    run_until(world, n_said(world, "up 0\n") == 2);
    send_batch(world, &batch);
    expect_purge(world, 1, "/b");
    fake_say(world, 1, GET_OFF);
    expect_purge(world, 1, "/c");
    expect_purge(world, 1, "/a");
    fake_say(world, 1, MISSING GET_OFF);
    run_until(world, said(world, "DONE hit hit miss\n"));
    world_free(world);
}

static void half_an_answer_is_none(void **state)
{
    static const char *const halves[] = {
        "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhalf",
        "HTTP/1.1 20",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhel",
        "HTTP/1.1 200 OK\r\nContent-Le",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof halves / sizeof *halves; i++) {
        struct world *world = make_up();
        struct batch_op ops[] = {op(OP_DELETE, "/a"), op(OP_DELETE, "/b")};
        struct batch batch = {.ops = ops, .n = 2};
        send_batch(world, &batch);
        expect_purge(world, 0, "/a");
        fake_say(world, 0, GET_OFF);
        expect_purge(world, 0, "/b");
        fake_say(world, 0, halves[i]);
        event_base_loop(world->base, EVLOOP_NONBLOCK);
        event_base_loop(world->base, EVLOOP_NONBLOCK);
        fake_hang_up(&world->fake, 0);
        run_until(world, said(world, "answered 0/0 LOST hit none ("));
        run_until(world, n_said(world, "up 0\n") == 2);
        world_free(world);
    }
}

static void what_is_no_http_drops_the_connection(void **state)
{
    static const char *const answers[] = {
        "HD\r\n",
        "-ERR unknown command\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
        "HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n",
        "HTTP/1.1 99999 OK\r\n\r\n",
        "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n",
        "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        "\x16\x03\x01\x02",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct world *world = make_up();
        struct batch_op ops[] = {op(OP_DELETE, "/a")};
        struct batch batch = {.ops = ops, .n = 1};
        send_batch(world, &batch);
        fake_say(world, 0, answers[i]);
        run_until(world,
                  said(world, "LOST none (protocol error: the answer is no HTTP/1)\ndown 0"));
        run_until(world, n_said(world, "up 0\n") == 2);
        world_free(world);
    }
}

static void headers_without_end_drop_the_connection(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "/a")};
    struct batch batch = {.ops = ops, .n = 1};
    char *line = malloc(100000);
    (void)state;
    memset(line, 'x', 100000);
    send_batch(world, &batch);
    fake_say(world, 0, "HTTP/1.1 200 OK\r\nX: ");
    fake_say_bytes(world, 0, line, 100000);
    run_until(world, said(world, "LOST none (protocol error: "));
    free(line);
    world_free(world);
}

static void an_answer_that_nobody_asked_for_drops_the_connection(void **state)
{
    struct world *world = make_up();
    (void)state;
    fake_say(world, 0, GET_OFF);
    run_until(world, said(world, "down 0 (protocol error: an answer that nobody asked for)"));
    world_free(world);
}

/* Each byte in time, and the answer is not. */
static void an_answer_must_be_whole_in_time(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    struct batch_op ops[] = {op(OP_DELETE, "/a")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    opts.timeout_ms = 100;
    make_up_of(&opts, world);
    send_batch(world, &batch);
    fake_say(world, 0, "HTTP/1.1 200 OK\r\n\r\n");
    while (!said(world, "answered")) {
        if (world->fake.connections[0])
            fake_say(world, 0, "x");
        event_base_loop(world->base, EVLOOP_ONCE);
    }
    assert_true(said(world, "LOST none (no answer within 100 ms)\n"));
    world_free(world);
}

static void a_body_that_is_too_long_is_not_waited_for(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "/a"), op(OP_DELETE, "/b")};
    struct batch batch = {.ops = ops, .n = 2};
    char *body = malloc(HTTP_BODY_MAX + 1);
    (void)state;
    memset(body, 'x', HTTP_BODY_MAX + 1);
    send_batch(world, &batch);
    fake_say(world, 0, "HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n");
    fake_say_bytes(world, 0, body, HTTP_BODY_MAX + 1);
    expect_purge(world, 1, "/b");
    fake_say(world, 1, MISSING);
    run_until(world, said(world, "DONE hit miss\n"));
    assert_false(said(world, "down"));
    free(body);
    world_free(world);
}

static void refusals_are_of_their_op_alone(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "/a"), op(OP_DELETE, "/b")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_say(world, 0, "HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n");
    expect_purge(world, 0, "/a");
    expect_purge(world, 0, "/b");
    fake_say(world, 0, GET_OFF);
    run_until(world, said(world, "REFUSED none hit (403 is the answer to PURGE: it does not let "
                                 "this address clear; add it to the acl of the cache)\n"));
    assert_false(said(world, "down"));
    world_free(world);
}

static void a_server_that_is_busy_has_done_nothing_of_a_batch(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "/a"), op(OP_DELETE, "/b")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_say(world, 0, GET_OFF);
    expect_purge(world, 0, "/a");
    expect_purge(world, 0, "/b");
    fake_say(world, 0, "HTTP/1.1 503 Backend fetch failed\r\nContent-Length: 0\r\n\r\n");
    run_until(world, said(world, "BUSY none none (503 is the answer to PURGE)\n"));
    world_free(world);
}

static void a_redirection_names_its_host_and_nothing_else(void **state)
{
    static const struct {
        const char *location, *host;
    } rows[] = {
        {"https://www.example.org/post/1?x", "www.example.org"},
        {"//h:81/secret", "h:81"},
        {"/secret", ""},
        {"secret", ""},
        {"http:", ""},
        {"http://a\"b\x01/", "a?b?"},
        {"http://aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa/",
         "aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa"},
    };
    (void)state;
    for (unsigned i = 0; i < sizeof rows / sizeof *rows; i++) {
        struct http_reader *reader = http_reader_make();
        struct http_reply reply = {0};
        enum http_reading reading;
        struct buf text = {0};
        buf_printf(&text,
                   "HTTP/1.1 302 Found\r\nlocations: no\r\nLOCATION: %s\r\n"
                   "Content-Length: 0\r\n\r\n",
                   rows[i].location);
        http_read(reader, false, text.data, text.len, &reading, &reply);
        if (strchr(rows[i].location, 1)) {
            assert_int_equal(reading, HTTP_BROKEN);
        } else {
            assert_int_equal(reading, HTTP_REPLY);
            assert_string_equal(reply.location, rows[i].host);
        }
        buf_free(&text);
        http_reader_free(reader);
    }
}

static void a_head_has_no_body(void **state)
{
    static const char text[] = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n";
    struct http_reader *reader = http_reader_make();
    struct http_reply reply;
    enum http_reading reading;
    (void)state;
    assert_int_equal(http_read(reader, true, text, sizeof text - 1, &reading, &reply),
                     sizeof text - 1);
    assert_int_equal(reading, HTTP_REPLY);
    http_reader_free(reader);
}

static void the_header_carries_the_key_where_one_is_named(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    struct batch_op ops[] = {op(OP_DELETE, "post-1"), op(OP_DELETE, "a b"),
                             op(OP_DELETE, "\xc3\xa9")};
    struct batch batch = {.ops = ops, .n = 3};
    (void)state;
    opts.header = "xkey-purge";
    opts.method = "POST";
    make_up_of(&opts, world);
    send_batch(world, &batch);
    expect_request(world, 0, "POST /", "Content-Length: 0\r\nxkey-purge: post-1\r\n");
    fake_say(world, 0, GET_OFF);
    expect_request(world, 0, "POST /", "Content-Length: 0\r\nxkey-purge: a b\r\n");
    expect_request(world, 0, "POST /", "Content-Length: 0\r\nxkey-purge: \xc3\xa9\r\n");
    fake_say(world, 0, MISSING GET_OFF);
    run_until(world, said(world, "DONE hit miss hit\n"));
    world_free(world);
}

static void a_key_that_no_header_can_carry_is_refused(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    struct batch_op ops[] = {
        op(OP_DELETE, "a\r\nX: y"),
        op(OP_DELETE, ""),
        op(OP_DELETE, "\x7f"),
        {.key = "a\0b", .key_len = 3, .action = OP_DELETE},
    };
    struct batch batch = {.ops = ops, .n = 4};
    (void)state;
    opts.header = "xkey-purge";
    make_up_of(&opts, world);
    send_batch(world, &batch);
    assert_false(said(world, "answered"));
    run_until(world, said(world, "DONE refused refused refused refused\n"));
    assert_int_equal(fake_n_received(&world->fake, 0), 0);
    world_free(world);
}

static void a_key_that_no_line_can_hold_is_refused(void **state)
{
    struct world *world = make_up();
    char *key = calloc(1, HTTP_KEY_MAX + 2);
    (void)state;
    memset(key, 'x', HTTP_KEY_MAX + 1);
    struct batch_op ops[] = {op(OP_DELETE, key), op(OP_DELETE, "/b")};
    struct batch batch = {.ops = ops, .n = 2};
    send_batch(world, &batch);
    expect_purge(world, 0, "/b");
    fake_say(world, 0, GET_OFF);
    run_until(world, said(world, "DONE refused hit\n"));
    free(key);
    world_free(world);
}

static void a_scan_is_a_ban_of_what_matches(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, "/page/*")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    expect_request(world, 0, "BAN /", "x-cdcd-match-path: ^/page/.*$\r\n");
    fake_say(world, 0, "HTTP/1.1 405 Not Allowed\r\nContent-Length: 0\r\n\r\n");
    run_until(world, said(world, "REFUSED none (405 is the answer to BAN: "));
    world_free(world);
}

static void a_ban_beside_heads_has_a_body(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    struct batch_op ops[] = {op(OP_DELETE, "/a"), op(OP_SCAN, "/b*"), op(OP_DELETE, "/c")};
    struct batch batch = {.ops = ops, .n = 3};
    (void)state;
    opts.method = "HEAD";
    make_up_of(&opts, world);
    send_batch(world, &batch);
    expect_request(world, 0, "HEAD /a", "");
    fake_say(world, 0, "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\n");
    expect_request(world, 0, "BAN /", "x-cdcd-match-path: ^/b.*$\r\n");
    fake_say(world, 0, "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nBanned");
    fake_say(world, 0, "HTTP/1.1 404 Not Found\r\nContent-Length: 9\r\n\r\n");
    run_until(world, said(world, "DONE hit hit miss\n"));
    world_free(world);
}

static void each_cache_is_a_server_of_its_own(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    const char *urls[] = {url, url};
    struct batch_op ops[] = {op(OP_DELETE, "/a")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    opts.url = NULL;
    opts.urls = urls;
    opts.n_urls = 2;
    make_up_of(&opts, world);
    run_until(world, said(world, "up 1\n"));
    assert_int_equal(world->store->ops->n_servers(world->store), 2);
    assert_null(world->store->ops->route);
    world->store->ops->send(world->store, 1, &batch);
    run_until(world, fake_n_received(&world->fake, 0) > 0 || fake_n_received(&world->fake, 1) > 0);
    fake_say(world, fake_n_received(&world->fake, 0) > 0 ? 0 : 1, GET_OFF);
    run_until(world, said(world, "answered 1/0 DONE hit\n"));
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_server_that_can_be_connected_to_is_up),
        cmocka_unit_test(a_request_is_answered_hit_or_miss),
        cmocka_unit_test(answers_may_come_byte_by_byte),
        cmocka_unit_test(requests_are_sent_ahead_once_the_server_answers),
        cmocka_unit_test(a_connection_that_the_server_ends_is_no_loss),
        cmocka_unit_test(what_was_asked_as_the_server_hung_up_is_asked_again),
        cmocka_unit_test(a_server_that_hangs_up_without_any_answer_is_lost),
        cmocka_unit_test(what_the_server_hung_up_at_comes_last_the_next_time),
        cmocka_unit_test(half_an_answer_is_none),
        cmocka_unit_test(what_is_no_http_drops_the_connection),
        cmocka_unit_test(headers_without_end_drop_the_connection),
        cmocka_unit_test(an_answer_that_nobody_asked_for_drops_the_connection),
        cmocka_unit_test(an_answer_must_be_whole_in_time),
        cmocka_unit_test(a_body_that_is_too_long_is_not_waited_for),
        cmocka_unit_test(refusals_are_of_their_op_alone),
        cmocka_unit_test(a_server_that_is_busy_has_done_nothing_of_a_batch),
        cmocka_unit_test(a_redirection_names_its_host_and_nothing_else),
        cmocka_unit_test(a_head_has_no_body),
        cmocka_unit_test(the_header_carries_the_key_where_one_is_named),
        cmocka_unit_test(a_key_that_no_header_can_carry_is_refused),
        cmocka_unit_test(a_key_that_no_line_can_hold_is_refused),
        cmocka_unit_test(a_scan_is_a_ban_of_what_matches),
        cmocka_unit_test(a_ban_beside_heads_has_a_body),
        cmocka_unit_test(each_cache_is_a_server_of_its_own),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
