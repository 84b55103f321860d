#include "fake_memcached.h"

#include "store/memcached_text.h"

#define LIST "lru_crawler metadump all\r\n"

static void a_delete_is_answered_hit_or_miss(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "a"), op(OP_DELETE, "b")};
    struct batch batch = {.seq = 4, .ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, "md a\r\nmd b\r\nmn\r\n");
    assert_int_equal(fake_n_received(&world->fake, 0), 0);
    fake_say(world, 0, "HD\r\nNF\r\nMN\r\n");
    run_until(world, said(world, "answered 0/4 DONE hit miss\n"));
    world_free(world);
}

static void answers_may_come_byte_by_byte(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "a"), op(OP_BUMP, "v")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_say_slowly(world, 0, "HD\r\nVA 2\r\n42\r\nMN\r\n");
    run_until(world, said(world, "DONE hit hit\n"));
    world_free(world);
}

static void no_byte_of_a_key_breaks_out_of_its_command(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {
        {.key = "a\r\nflush_all", .key_len = 12},
        {.key = "a b", .key_len = 3},
        {.key = "a\0b", .key_len = 3},
        {.key = "\x7f", .key_len = 1},
        {.key = "\t", .key_len = 1},
        {.key = "\xc3\xa9", .key_len = 2},
        {.key = "", .key_len = 0},
    };
    struct batch batch = {.ops = ops, .n = 7};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0,
                "md YQ0KZmx1c2hfYWxs b\r\nmd YSBi b\r\nmd YQBi b\r\nmd fw== b\r\nmd CQ== b\r\n"
                "md \xc3\xa9\r\nmn\r\n");
    fake_say(world, 0, "HD\r\nHD\r\nHD\r\nHD\r\nHD\r\nHD\r\nMN\r\n");
    run_until(world, said(world, "DONE hit hit hit hit hit hit refused\n"));
    world_free(world);
}

static void a_batch_of_impossible_keys_is_answered_too(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, ""), op(OP_BUMP, "")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    assert_false(said(world, "answered"));
    fake_expect(world, 0, "mn\r\n");
    fake_say(world, 0, "MN\r\n");
    run_until(world, said(world, "DONE refused refused\n"));
    world_free(world);
}

/* The command for a key of n equal bytes; its length, 0 when it is refused. */
static size_t delete_length(char byte, size_t n)
{
    char key[300];
    struct buf out = {0};
    memset(key, byte, sizeof key);
    bool put = memcached_put_delete(&out, key, n);
    size_t len = put ? out.len : 0;
    assert_true(put || out.len == 0);
    buf_free(&out);
    return len;
}

static void a_key_has_at_most_250_bytes_as_it_stands_on_the_wire(void **state)
{
    (void)state;
    assert_int_equal(delete_length('x', 250), 3 + 250 + 2);
    assert_int_equal(delete_length('x', 251), 0);
    assert_int_equal(delete_length(' ', 186), 3 + 248 + 2 + 2);
    assert_int_equal(delete_length(' ', 187), 0);
    assert_int_equal(delete_length('x', 0), 0);
}

static void a_bump_begins_at_the_clock_and_is_a_miss_then(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_BUMP, "v")};
    struct batch batch = {.ops = ops, .n = 1};
    char number[32] = "", line[80];
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, "ma v N0 J");
    run_until(world, fake_n_received(&world->fake, 0) >= 16 + 8);
    bufferevent_read(world->fake.connections[0], number, 16);
    fake_expect(world, 0, " v\r\nmn\r\n");
    assert_int_equal(strspn(number, "0123456789"), 16);
    snprintf(line, sizeof line, "VA 16\r\n%s\r\nMN\r\n", number);
    fake_say(world, 0, line);
    run_until(world, said(world, "DONE miss\n"));
    send_batch(world, &batch);
    fake_say(world, 0, "VA 1\r\n7\r\nMN\r\n");
    run_until(world, said(world, "DONE hit\n"));
    world_free(world);
}

static void errors_are_of_their_op_alone_unless_the_server_has_them(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_BUMP, "v"), op(OP_DELETE, "a"), op(OP_DELETE, "b")};
    struct batch batch = {.ops = ops, .n = 3};
    (void)state;
    send_batch(world, &batch);
    fake_say(
        world, 0,
        "CLIENT_ERROR cannot increment or decrement non-numeric value\r\nHD\r\nERROR\r\nMN\r\n");
    run_until(world, said(world, "REFUSED none hit none (CLIENT_ERROR cannot increment or "
                                 "decrement non-numeric value: a key to bump holds no number"));
    send_batch(world, &batch);
    fake_say(world, 0, "VA 1\r\n7\r\nHD\r\nSERVER_ERROR out of memory\r\nMN\r\n");
    run_until(world, said(world, "BUSY none none none (SERVER_ERROR out of memory)\n"));
    assert_false(said(world, "down"));
    world_free(world);
}

static void answers_of_a_wrong_kind_drop_the_connection(void **state)
{
    static const char *const answers[] = {
        "OK\r\n",      "MN\r\n", "VA 1\r\n1\r\n", "VERSION 1.6.18\r\n",
        "HDX\r\n",     "HD\n",   "\r\n",          "EN\r\n",
        "+OK\r\n",     "VA\r\n", "VA 99999\r\n",  "VA 1x\r\n",
        "VA 1\r\n1xx", "hd\r\n", "HD\r\nHD\r\n",  "HD\r\nSTORED\r\n",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct world *world = make_up();
        struct batch_op ops[] = {op(OP_DELETE, "a")};
        struct batch batch = {.ops = ops, .n = 1};
        send_batch(world, &batch);
        fake_say(world, 0, answers[i]);
        run_until(world, said(world, "answered 0/0 LOST none (protocol error: "));
        run_until(world, said(world, "down 0"));
        shake_hands(world, 1);
        run_until(world, n_said(world, "up 0") == 2);
        world_free(world);
    }
}

static void a_line_without_end_drops_the_connection(void **state)
{
    struct world *world = make_up();
    char line[2100];
    (void)state;
    memset(line, 'x', sizeof line);
    fake_say_bytes(world, 0, line, sizeof line);
    run_until(world, said(world, "down 0 (protocol error: a line that makes no sense)"));
    world_free(world);
}

static void an_answer_that_nobody_asked_for_drops_the_connection(void **state)
{
    struct world *world = make_up();
    (void)state;
    fake_say(world, 0, "HD\r\n");
    run_until(world, said(world, "down 0 (protocol error: an answer that nobody asked for)"));
    world_free(world);
}

static void a_lost_connection_answers_for_all_and_then_is_down(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "a"), op(OP_SCAN, "p:*")};
    struct batch first = {.seq = 1, .ops = ops, .n = 1}, second = {.seq = 2, .ops = ops, .n = 2};
    (void)state;
    send_batch(world, &first);
    send_batch(world, &second);
    fake_expect(world, 1, LIST);
    fake_hang_up(&world->fake, 0);
    run_until(world, said(world, "down 0"));
    const char *one = strstr(buf_str(&world->events), "answered 0/1 LOST none (");
    assert_non_null(one);
    assert_non_null(strstr(one, "answered 0/2 LOST none none ("));
    world_free(world);
}

static void an_answer_that_does_not_come_in_time_drops_the_connection(void **state)
{
    struct world *world = make_up_with_timeout(100);
    struct batch_op ops[] = {op(OP_DELETE, "a")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    run_until(world, said(world, "answered 0/0 LOST none (no answer within 100 ms)"));
    world_free(world);
}

static void a_batch_that_lost_its_last_line_alone_is_done(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "a"), op(OP_DELETE, "b")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, "md a\r\nmd b\r\nmn\r\n");
    fake_say(world, 0, "HD\r\nNF\r\n");
    event_base_loop(world->base, EVLOOP_NONBLOCK);
    event_base_loop(world->base, EVLOOP_NONBLOCK);
    fake_hang_up(&world->fake, 0);
    run_until(world, said(world, "answered 0/0 DONE hit miss\ndown 0"));
    world_free(world);
}

static void a_server_that_is_too_old_is_tried_again(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    (void)state;
    open_store(world, &opts);
    fake_expect(world, 0, "version\r\n");
    fake_say(world, 0, "VERSION 1.5.6\r\n");
    run_until(world, said(world, "down 0 (memcached 1.5.6 is too old: 1.6.10 or later is needed)"));
    shake_hands(world, 1);
    run_until(world, said(world, "up 0"));
    world_free(world);
}

static void versions_are_compared_as_numbers(void **state)
{
    static const char *const known[] = {"1.6.10", "1.6.38", "1.10.0", "2.0.0", "1.6.18-beta"};
    static const char *const unknown[] = {"1.6.9", "1.5.22", "0.9.9", "", "x", "1.6"};
    (void)state;
    for (unsigned i = 0; i < sizeof known / sizeof *known; i++)
        assert_true(memcached_version_is_known(known[i], strlen(known[i])));
    for (unsigned i = 0; i < sizeof unknown / sizeof *unknown; i++)
        assert_false(memcached_version_is_known(unknown[i], strlen(unknown[i])));
}

static void a_server_that_wants_a_password_is_denied_once(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    (void)state;
    open_store(world, &opts);
    fake_expect(world, 0, "version\r\n");
    fake_say(world, 0, "CLIENT_ERROR unauthenticated\r\n");
    fake_expect(world, 1, "version\r\n");
    fake_say(world, 1, "CLIENT_ERROR unauthenticated\r\n");
    fake_expect(world, 2, "version\r\n");
    assert_int_equal(n_said(world, "denied 0 77 (store mc"), 1);
    world_free(world);
}

static void each_server_is_a_server_of_its_own(void **state)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    struct batch_op ops[] = {op(OP_DELETE, "a")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    opts.n_servers = 2;
    open_store(world, &opts);
    assert_int_equal(world->store->ops->n_servers(world->store), 2);
    shake_hands(world, 0);
    run_until(world, said(world, "up 0\n") || said(world, "up 1\n"));
    unsigned up = said(world, "up 1\n");
    assert_false(world->store->ops->ready(world->store, !up));
    world->store->ops->send(world->store, up, &batch);
    fake_say(world, 0, "HD\r\nMN\r\n");
    run_until(world, said(world, up ? "answered 1/0 DONE hit" : "answered 0/0 DONE hit"));
    assert_false(said(world, "down"));
    world_free(world);
}

static void a_scan_deletes_what_the_listing_names_until_nothing_matches(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, "p:*"), op(OP_DELETE, "b")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 0, "md b\r\nmn\r\n");
    fake_say(world, 0, "NF\r\nMN\r\n");
    fake_expect(world, 1, LIST);
    fake_say(world, 1, "key=p%3A1 exp=-1 la=1 cas=1 fetch=no cls=1 size=61\n");
    fake_say_slowly(world, 1, "key=q:1 exp=-1\nkey=p:%20x exp=-1\nEND\r\n");
    fake_expect(world, 0, "md p:1\r\nmd cDogeA== b\r\n");
    fake_expect(world, 2, LIST);
    fake_say(world, 2, "key=q:1 exp=-1\nEND\r\n");
    fake_say(world, 0, "NF\r\n");
    assert_false(said(world, "answered"));
    fake_say(world, 0, "HD\r\n");
    run_until(world, said(world, "answered 0/0 DONE hit miss\n"));
    assert_int_equal(world->fake.n_connections, 3);
    world_free(world);
}

static void a_scan_whose_keys_come_back_ends_all_the_same(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, "p:*")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    fake_say(world, 0, "MN\r\n");
    for (unsigned i = 1; i <= 3; i++) {
        fake_expect(world, i, LIST);
        fake_say(world, i, "key=p:1 exp=-1\nEND\r\n");
        fake_expect(world, 0, i == 1 ? "mn\r\nmd p:1\r\n" : "md p:1\r\n");
        fake_say(world, 0, "NF\r\n");
    }
    run_until(world, said(world, "answered 0/0 DONE miss\n"));
    world_free(world);
}

static void a_listing_that_is_busy_or_broken_is_begun_anew(void **state)
{
    static const char *const answers[] = {"BUSY currently processing crawler request\r\n",
                                          "nonsense\r\n", "key=%zz exp=-1\n"};
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, "p:*")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    fake_say(world, 0, "MN\r\n");
    for (unsigned i = 0; i < 3; i++) {
        fake_expect(world, 1 + i, LIST);
        fake_say(world, 1 + i, answers[i]);
    }
    fake_expect(world, 4, LIST);
    fake_hang_up(&world->fake, 4);
    fake_expect(world, 5, LIST);
    fake_say(world, 5, "END\r\n");
    run_until(world, said(world, "answered 0/0 DONE miss\n"));
    assert_false(said(world, "down"));
    world_free(world);
}

static void a_listing_that_is_refused_refuses_the_scan(void **state)
{
    static const char *const answers[] = {"ERROR metadump not allowed\r\n",
                                          "CLIENT_ERROR lru crawler disabled\r\n"};
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, "p:*"), op(OP_DELETE, "a")};
    struct batch batch = {.ops = ops, .n = 2};
    (void)state;
    for (unsigned i = 0; i < 2; i++) {
        batch.seq = i;
        send_batch(world, &batch);
        fake_say(world, 0, "HD\r\nMN\r\n");
        fake_expect(world, 1 + i, LIST);
        fake_say(world, 1 + i, answers[i]);
        run_until(world, said(world, i ? "answered 0/1 REFUSED none hit (CLIENT_ERROR lru crawler "
                                         "disabled: a scan needs the crawler"
                                       : "answered 0/0 REFUSED none hit (ERROR metadump not "
                                         "allowed: a scan needs the crawler"));
    }
    world_free(world);
}

static void a_listing_stops_while_too_many_deletes_are_due(void **state)
{
    struct world *world = make_up();
    struct batch_op ops[] = {op(OP_SCAN, "p:*")};
    struct batch batch = {.ops = ops, .n = 1};
    (void)state;
    send_batch(world, &batch);
    fake_expect(world, 1, LIST);
    struct evbuffer *listing = bufferevent_get_output(world->fake.connections[1]);
    for (unsigned i = 0; i < 200000; i++)
        evbuffer_add_printf(listing, "key=p:%06u exp=-1\n", i);
    evbuffer_add_printf(listing, "END\r\n");
    for (unsigned i = 0; i < 200; i++)
        event_base_loop(world->base, EVLOOP_NONBLOCK);
    /* `md p:000000` and a line end: 13 bytes each. */
    assert_in_range(fake_n_received(&world->fake, 0), 2000 * 13, 5000 * 13);
    assert_true(evbuffer_get_length(listing) > 1000000);
    fake_say(world, 0, "MN\r\n");
    for (unsigned n = 0; n < 200000;) {
        struct evbuffer *input = bufferevent_get_input(world->fake.connections[0]);
        char *line = evbuffer_readln(input, NULL, EVBUFFER_EOL_CRLF);
        if (!line) {
            event_base_loop(world->base, EVLOOP_ONCE);
            continue;
        }
        if (strcmp(line, "mn") != 0) {
            fake_say(world, 0, "HD\r\n");
            n++;
        }
        free(line);
    }
    fake_expect(world, 2, LIST);
    fake_say(world, 2, "END\r\n");
    run_until(world, said(world, "answered 0/0 DONE hit\n"));
    world_free(world);
}

/* Complaints of the options, as one text. */
static char *complain_about(const struct store_opts *opts)
{
    struct complaints complaints = {0};
    char *text = NULL;
    size_t n = 0;
    FILE *to = open_memstream(&text, &n);
    unsigned n_errors = store_driver("memcached")->check(opts, &complaints);
    assert_int_equal(n_errors, complaints.n_errors);
    complaints_print(&complaints, to);
    fclose(to);
    complaints_free(&complaints);
    return text;
}

static void options_that_make_no_sense_are_complained_about(void **state)
{
    static const char *const some[] = {"10.0.0.1:0", "unix:relative", "10.0.0.1:11211:2"};
    static const char *const good[] = {"10.0.0.1", "web2/10.0.0.2", "10.0.0.3:11211:20000"};
    static const struct {
        const char *selector;
        const char *complaint;
    } selectors[] = {
        {"one", "selector \"one\" is for a single server, and there are 3; use \"all\""},
        {"ketma", "there is no selector \"ketma\"; did you mean \"ketama\"?"},
        {"zzzzzzzzz", "there is no selector \"zzzzzzzzz\"; choose of all, one, "},
        {"ketama", "server \"web2/10.0.0.2:11211\" has a name and an address"},
        {"pecl-memcache", "the weights make more than 10000 together"},
    };
    struct store_opts opts = {.name = "mc", .type = "memcached", .file = "cdcd.cfg", .line = 7};
    (void)state;
    char *text = complain_about(&opts);
    assert_non_null(strstr(text, "cdcd.cfg:7: store mc has no servers; set servers = "));
    free(text);
    opts.servers = some;
    opts.n_servers = 3;
    opts.url = "redis://h";
    opts.user = "joe";
    text = complain_about(&opts);
    assert_non_null(strstr(text, "server \"10.0.0.1:0\": the port is no number"));
    assert_non_null(strstr(text, "server \"unix:relative\": the path of a unix socket must be"));
    assert_non_null(strstr(text, "url is for redis"));
    assert_non_null(
        strstr(text, "store mc has a user and no password_file; a memcached wants both"));
    free(text);
    opts.selector = "ketma";
    text = complain_about(&opts);
    assert_non_null(strstr(text, "there is no selector"));
    free(text);
    opts.servers = good;
    for (unsigned i = 0; i < sizeof selectors / sizeof *selectors; i++) {
        opts.selector = selectors[i].selector;
        text = complain_about(&opts);
        assert_non_null(strstr(text, selectors[i].complaint));
        free(text);
    }
}

/* Two servers, of which neither was there at first. */
static struct world *make_late(const char *selector)
{
    struct world *world = world_make();
    struct store_opts opts = make_opts(world);
    opts.n_servers = 2;
    opts.selector = selector;
    open_store(world, &opts);
    for (unsigned connection = 0; connection < 2; connection++) {
        fake_expect(world, connection, "version\r\n");
        fake_hang_up(&world->fake, connection);
    }
    shake_hands(world, 2);
    shake_hands(world, 3);
    return world;
}

static void a_server_that_was_away_is_cleared_before_it_is_up(void **state)
{
    struct world *world = make_late("dalli");
    (void)state;
    fake_expect(world, 2, "flush_all\r\n");
    fake_expect(world, 3, "flush_all\r\n");
    assert_false(said(world, "up "));
    fake_say(world, 2, "OK\r\n");
    run_until(world, n_said(world, "up ") == 1);
    fake_say(world, 3, "CLIENT_ERROR flush_all not allowed\r\n");
    run_until(world, n_said(world, "up ") == 2);
    assert_true(world->store->ops->strays(world->store, 0));
    assert_true(world->store->ops->strays(world->store, 1));
    world_free(world);
}

static void a_server_that_does_not_say_that_it_is_cleared_is_not_up(void **state)
{
    struct world *world = make_late("pymemcache");
    (void)state;
    fake_expect(world, 2, "flush_all\r\n");
    fake_say(world, 2, "MN\r\n");
    run_until(world, n_said(world, "down ") == 2);
    shake_hands(world, 4);
    fake_expect(world, 4, "flush_all\r\n");
    assert_false(said(world, "up "));
    world_free(world);
}

static void where_no_client_ejects_nothing_is_cleared(void **state)
{
    struct world *world = make_late("ketama");
    (void)state;
    run_until(world, n_said(world, "up ") == 2);
    assert_false(world->store->ops->strays(world->store, 0));
    world_free(world);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_delete_is_answered_hit_or_miss),
        cmocka_unit_test(answers_may_come_byte_by_byte),
        cmocka_unit_test(no_byte_of_a_key_breaks_out_of_its_command),
        cmocka_unit_test(a_batch_of_impossible_keys_is_answered_too),
        cmocka_unit_test(a_key_has_at_most_250_bytes_as_it_stands_on_the_wire),
        cmocka_unit_test(a_bump_begins_at_the_clock_and_is_a_miss_then),
        cmocka_unit_test(errors_are_of_their_op_alone_unless_the_server_has_them),
        cmocka_unit_test(answers_of_a_wrong_kind_drop_the_connection),
        cmocka_unit_test(a_line_without_end_drops_the_connection),
        cmocka_unit_test(an_answer_that_nobody_asked_for_drops_the_connection),
        cmocka_unit_test(a_lost_connection_answers_for_all_and_then_is_down),
        cmocka_unit_test(an_answer_that_does_not_come_in_time_drops_the_connection),
        cmocka_unit_test(a_batch_that_lost_its_last_line_alone_is_done),
        cmocka_unit_test(a_server_that_is_too_old_is_tried_again),
        cmocka_unit_test(versions_are_compared_as_numbers),
        cmocka_unit_test(a_server_that_wants_a_password_is_denied_once),
        cmocka_unit_test(each_server_is_a_server_of_its_own),
        cmocka_unit_test(a_scan_deletes_what_the_listing_names_until_nothing_matches),
        cmocka_unit_test(a_scan_whose_keys_come_back_ends_all_the_same),
        cmocka_unit_test(a_listing_that_is_busy_or_broken_is_begun_anew),
        cmocka_unit_test(a_listing_that_is_refused_refuses_the_scan),
        cmocka_unit_test(a_listing_stops_while_too_many_deletes_are_due),
        cmocka_unit_test(options_that_make_no_sense_are_complained_about),
        cmocka_unit_test(a_server_that_was_away_is_cleared_before_it_is_up),
        cmocka_unit_test(a_server_that_does_not_say_that_it_is_cleared_is_not_up),
        cmocka_unit_test(where_no_client_ejects_nothing_is_cleared),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
