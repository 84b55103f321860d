/* Sentinels that a test plays, and what is made of their votes. */
#include "store/redis_sentinel.h"

#include "fake_server.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#define N 3
#define ASKED                                                                      \
    "*2\r\n$11\r\nUNSUBSCRIBE\r\n$14\r\n+switch-master\r\n"                        \
    "*3\r\n$8\r\nSENTINEL\r\n$23\r\nget-master-addr-by-name\r\n$8\r\nmymaster\r\n" \
    "*2\r\n$9\r\nSUBSCRIBE\r\n$14\r\n+switch-master\r\n"
#define UNSUBSCRIBED "*3\r\n$11\r\nunsubscribe\r\n$14\r\n+switch-master\r\n:0\r\n"
#define SUBSCRIBED "*3\r\n$9\r\nsubscribe\r\n$14\r\n+switch-master\r\n:1\r\n"
#define OLD "*2\r\n$8\r\n10.0.0.1\r\n$4\r\n6379\r\n"
#define NEW "*2\r\n$8\r\n10.0.0.2\r\n$4\r\n6379\r\n"

struct play {
    struct world worlds[N]; /* one a sentinel: what each has is its fake server */
    char addresses[N][32];
    const char *list[N];
    struct redis_sentinels *sentinels;
    struct buf said;
};

static void on_elected(void *ctx, const struct address *address)
{
    buf_printf(&((struct play *)ctx)->said, "elected %s\n", address->name);
}

static void on_undecided(void *ctx, const char *reason)
{
    buf_printf(&((struct play *)ctx)->said, "undecided: %s\n", reason);
}

static void on_switched(void *ctx, const struct address *address)
{
    buf_printf(&((struct play *)ctx)->said, "switched %s\n", address->name);
}

static void listen_on_loopback(struct play *play, unsigned i, struct event_base *base)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t len = sizeof address;
    struct fake_server *fake = &play->worlds[i].fake;
    play->worlds[i].base = fake->base = base;
    fake->listener = evconnlistener_new_bind(base, fake_accept, fake, LEV_OPT_CLOSE_ON_FREE, 16,
                                             (struct sockaddr *)&address, sizeof address);
    assert_non_null(fake->listener);
    getsockname(evconnlistener_get_fd(fake->listener), (struct sockaddr *)&address, &len);
    snprintf(play->addresses[i], sizeof play->addresses[i], "127.0.0.1:%u",
             ntohs(address.sin_port));
    play->list[i] = play->addresses[i];
}

static struct play *open_play(void)
{
    static const struct redis_sentinel_events events = {
        .elected = on_elected, .undecided = on_undecided, .switched = on_switched};
    static struct store_opts opts;
    struct play *play = calloc(1, sizeof *play);
    struct event_base *base = event_base_new();
    signal(SIGPIPE, SIG_IGN);
    log_level_set(LOG_LEVEL_ERROR);
    for (unsigned i = 0; i < N; i++)
        listen_on_loopback(play, i, base);
    opts = (struct store_opts){.name = "ha",
                               .sentinels = play->list,
                               .n_sentinels = N,
                               .master = "mymaster",
                               .timeout_ms = 20000,
                               .retry_min_ms = 20000,
                               .retry_max_ms = 20000};
    play->sentinels = redis_sentinels_make(&opts, base, &events, play);
    redis_sentinels_ask(play->sentinels);
    return play;
}

static void close_play(struct play *play)
{
    struct event_base *base = play->worlds[0].base;
    redis_sentinels_free(play->sentinels);
    for (unsigned i = 0; i < N; i++) {
        struct fake_server *fake = &play->worlds[i].fake;
        if (fake->listener)
            evconnlistener_free(fake->listener);
        for (unsigned n = 0; n < fake->n_connections; n++)
            if (fake->connections[n])
                bufferevent_free(fake->connections[n]);
        buf_free(&play->worlds[i].events);
    }
    event_base_free(base);
    buf_free(&play->said);
    free(play);
}

/* The sentinel is asked, and answers. */
static void vote(struct play *play, unsigned sentinel, const char *master)
{
    struct world *world = &play->worlds[sentinel];
    fake_expect(world, 0, ASKED);
    fake_say(world, 0, UNSUBSCRIBED);
    fake_say(world, 0, master);
    fake_say(world, 0, SUBSCRIBED);
}

static void publish(struct play *play, unsigned sentinel, const char *text)
{
    char message[300];
    snprintf(message, sizeof message,
             "*3\r\n$7\r\nmessage\r\n$14\r\n+switch-master\r\n$%zu\r\n%s\r\n", strlen(text), text);
    fake_say(&play->worlds[sentinel], 0, message);
}

/* Takes what was said, when there are so many bytes of it. */
static void assert_said(struct play *play, const char *expected)
{
    run_until(&play->worlds[0], play->said.len >= strlen(expected));
    assert_string_equal(buf_str(&play->said), expected);
    buf_reset(&play->said, 0);
}

static void two_of_three_elect(void **state)
{
    struct play *play = open_play();
    (void)state;
    vote(play, 0, NEW);
    vote(play, 1, OLD);
    vote(play, 2, NEW);
    assert_said(play, "elected 10.0.0.2:6379\n");
    close_play(play);
}

static void a_redis_that_is_no_sentinel_is_said_to_be_none(void **state)
{
    struct play *play = open_play();
    (void)state;
    for (unsigned i = 0; i < N; i++)
        vote(play, i, "-ERR unknown command 'SENTINEL', with args beginning with: \r\n");
    run_until(&play->worlds[0], play->said.len > 0);
    assert_non_null(strstr(buf_str(&play->said), "ERR unknown command: it is no sentinel"));
    close_play(play);
}

static void those_that_do_not_answer_count_as_configured(void **state)
{
    struct play *play = open_play();
    char expected[200];
    (void)state;
    vote(play, 0, OLD);
    for (unsigned i = 1; i < N; i++) {
        fake_expect(&play->worlds[i], 0, ASKED);
        fake_hang_up(&play->worlds[i].fake, 0);
    }
    snprintf(expected, sizeof expected,
             "undecided: 2 of 3 sentinels do not answer, so no majority names a master: "
             "sentinel %s: the server closed the connection",
             play->addresses[1]);
    run_until(&play->worlds[0], play->said.len > strlen(expected));
    assert_memory_equal(buf_str(&play->said), expected, strlen(expected));
    close_play(play);
}

static void disagreement_elects_nobody(void **state)
{
    struct play *play = open_play();
    (void)state;
    vote(play, 0, OLD);
    vote(play, 1, NEW);
    vote(play, 2, "*2\r\n$3\r\n::1\r\n$4\r\n6379\r\n");
    assert_said(play, "undecided: the sentinels do not agree on who the master is\n");
    close_play(play);
}

static void an_unknown_name_has_its_remedy(void **state)
{
    struct play *play = open_play();
    (void)state;
    for (unsigned i = 0; i < N; i++)
        vote(play, i, "*-1\r\n");
    assert_said(play, "undecided: 3 of 3 sentinels know no master \"mymaster\": mend master, or "
                      "sentinels, of store ha\n");
    close_play(play);
}

static void an_answer_of_before_does_not_count(void **state)
{
    struct play *play = open_play();
    (void)state;
    for (unsigned i = 0; i < N; i++)
        vote(play, i, OLD);
    assert_said(play, "elected 10.0.0.1:6379\n");
    redis_sentinels_ask(play->sentinels);
    vote(play, 0, NEW);
    vote(play, 1, "*-1\r\n");
    vote(play, 2, NEW);
    assert_said(play, "elected 10.0.0.2:6379\n");
    close_play(play);
}

static void a_switch_is_said_at_once_and_elected_by_most(void **state)
{
    struct play *play = open_play();
    (void)state;
    for (unsigned i = 0; i < N; i++)
        vote(play, i, OLD);
    assert_said(play, "elected 10.0.0.1:6379\n");
    publish(play, 0, "other 10.0.0.1 6379 10.0.0.9 6379");
    publish(play, 0, "mymaster 10.0.0.1 6379 10.0.0.2 6379");
    assert_said(play, "switched 10.0.0.2:6379\n");
    publish(play, 1, "mymaster 10.0.0.1 6379 10.0.0.2 6379");
    assert_said(play, "switched 10.0.0.2:6379\nelected 10.0.0.2:6379\n");
    close_play(play);
}

static void what_is_no_answer_is_no_vote(void **state)
{
    static const char *const answers[] = {
        "+OK\r\n",
        ":1\r\n",
        "*0\r\n",
        "*2\r\n$1\r\na\r\n:6379\r\n",
        "*2\r\n$1\r\na\r\n$5\r\n99999\r\n",
        "*2\r\n$0\r\n\r\n$4\r\n6379\r\n",
        "*2\r\n$3\r\na/b\r\n$4\r\n6379\r\n",
        "nonsense\r\n",
        "*1000000000\r\n",
    };
    (void)state;
    for (unsigned i = 0; i < sizeof answers / sizeof *answers; i++) {
        struct play *play = open_play();
        vote(play, 0, OLD);
        vote(play, 1, answers[i]);
        vote(play, 2, answers[i]);
        const char *begin = "undecided: 2 of 3 sentinels do not answer, so no majority names a "
                            "master: sentinel ";
        run_until(&play->worlds[0], play->said.len > strlen(begin));
        assert_memory_equal(buf_str(&play->said), begin, strlen(begin));
        close_play(play);
    }
}

static void who_is_elected_again_after_nobody_was_is_said(void **state)
{
    struct play *play = open_play();
    (void)state;
    for (unsigned i = 0; i < N; i++)
        vote(play, i, OLD);
    assert_said(play, "elected 10.0.0.1:6379\n");
    redis_sentinels_ask(play->sentinels);
    vote(play, 0, OLD);
    vote(play, 1, NEW);
    vote(play, 2, "*-1\r\n");
    assert_said(play, "undecided: the sentinels do not agree on who the master is\n");
    publish(play, 1, "mymaster 10.0.0.2 6379 10.0.0.1 6379");
    assert_said(play, "switched 10.0.0.1:6379\nelected 10.0.0.1:6379\n");
    close_play(play);
}

static void a_switch_that_makes_no_sense_is_not_followed(void **state)
{
    static const char *const texts[] = {"", "mymaster", "mymaster 10.0.0.1 6379 10.0.0.2",
                                        "mymaster 10.0.0.1 6379 10.0.0.2 port",
                                        "mymaster 10.0.0.1 6379 10.0.0.2 0"};
    struct play *play = open_play();
    (void)state;
    for (unsigned i = 0; i < N; i++)
        vote(play, i, OLD);
    assert_said(play, "elected 10.0.0.1:6379\n");
    for (unsigned i = 0; i < sizeof texts / sizeof *texts; i++)
        publish(play, 0, texts[i]);
    publish(play, 0, "mymaster 10.0.0.1 6379 ::2 6380");
    assert_said(play, "switched [::2]:6380\n");
    close_play(play);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(two_of_three_elect),
        cmocka_unit_test(a_redis_that_is_no_sentinel_is_said_to_be_none),
        cmocka_unit_test(those_that_do_not_answer_count_as_configured),
        cmocka_unit_test(disagreement_elects_nobody),
        cmocka_unit_test(an_unknown_name_has_its_remedy),
        cmocka_unit_test(an_answer_of_before_does_not_count),
        cmocka_unit_test(a_switch_is_said_at_once_and_elected_by_most),
        cmocka_unit_test(what_is_no_answer_is_no_vote),
        cmocka_unit_test(who_is_elected_again_after_nobody_was_is_said),
        cmocka_unit_test(a_switch_that_makes_no_sense_is_not_followed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
