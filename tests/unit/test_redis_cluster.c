#include "fake_cluster.h"

#include "base/timer.h"

/* Slots of keys: b 3300, c 7365, a 15495: on the nodes 0, 1 and 2. */
#define SLOT_A 15495

static struct batch_op op(enum op_action action, const char *key)
{
    return (struct batch_op){
        .key = key, .key_len = (uint32_t)strlen(key), .action = (uint8_t)action};
}

static struct fake_cluster *make_up(void)
{
    struct fake_cluster *cluster = cluster_make();
    cluster_open(cluster);
    run_until(cluster->world, said(cluster->world, "up 0\n") && n_connected(cluster) == N_NODES);
    return cluster;
}

static void send_batch(struct fake_cluster *cluster, struct batch *batch)
{
    struct store *store = cluster->world->store;
    assert_true(store->ops->ready(store, 0));
    store->ops->send(store, 0, batch);
}

/* Sends a delete of each key, and waits for the answer. */
static void delete_keys(struct fake_cluster *cluster, const char *keys, const char *answer)
{
    struct batch_op ops[8];
    struct batch batch = {.ops = ops};
    char words[100];
    snprintf(words, sizeof words, "%s", keys);
    for (char *key = strtok(words, " "); key; key = strtok(NULL, " "))
        ops[batch.n++] = op(OP_DELETE, key);
    buf_reset(&cluster->world->events, 4096);
    send_batch(cluster, &batch);
    run_until(cluster->world, said(cluster->world, "answered"));
    if (!said(cluster->world, answer))
        fail_msg("expected %s, got %s", answer, buf_str(&cluster->world->events));
}

static bool heard(struct fake_cluster *cluster, const char *text)
{
    return strstr(buf_str(&cluster->heard), text) != NULL;
}

static unsigned n_heard(struct fake_cluster *cluster)
{
    unsigned n = 0;
    for (const char *at = buf_str(&cluster->heard); (at = strchr(at, '\n')); at++)
        n++;
    return n;
}

static void ops_go_to_the_owner_of_their_slot(void **state)
{
    struct fake_cluster *cluster = make_up();
    (void)state;
    answer_next(cluster, 1, ":0\r\n");
    delete_keys(cluster, "a b c", "DONE hit hit miss\n");
    assert_true(heard(cluster, "0 UNLINK b\n") && heard(cluster, "1 UNLINK c\n"));
    assert_true(heard(cluster, "2 UNLINK a\n"));
    assert_int_equal(n_heard(cluster), 3);
    cluster_free(cluster);
}

static void a_command_has_keys_of_one_slot(void **state)
{
    struct fake_cluster *cluster = make_up();
    (void)state;
    answer_next(cluster, 2, ":2\r\n");
    delete_keys(cluster, "{a}1 x {a}2", "DONE hit hit hit\n");
    assert_true(heard(cluster, "2 UNLINK {a}1 {a}2\n"));
    assert_true(heard(cluster, "UNLINK x\n"));
    cluster_free(cluster);
}

static void a_slot_that_moved_is_followed_and_remembered(void **state)
{
    struct fake_cluster *cluster = make_up();
    (void)state;
    redirect_next(cluster, 2, "MOVED", SLOT_A, 1);
    set_map(cluster, 0, 1, 1);
    delete_keys(cluster, "a b", "DONE hit hit\n");
    assert_true(heard(cluster, "1 UNLINK a\n"));
    buf_reset(&cluster->heard, 4096);
    delete_keys(cluster, "a", "DONE hit\n");
    assert_string_equal(buf_str(&cluster->heard), "1 UNLINK a\n");
    assert_false(said(cluster->world, "renewed"));
    cluster_free(cluster);
}

static void an_ask_is_followed_this_once(void **state)
{
    struct fake_cluster *cluster = make_up();
    (void)state;
    redirect_next(cluster, 2, "ASK", SLOT_A, 1);
    delete_keys(cluster, "a", "DONE hit\n");
    assert_string_equal(buf_str(&cluster->heard), "2 UNLINK a\n1 ASKING\n1 UNLINK a\n");
    buf_reset(&cluster->heard, 4096);
    delete_keys(cluster, "a", "DONE hit\n");
    assert_string_equal(buf_str(&cluster->heard), "2 UNLINK a\n");
    cluster_free(cluster);
}

static void each_command_of_an_op_follows_an_asking(void **state)
{
    struct fake_cluster *cluster = make_up();
    struct batch_op set = op(OP_SET, "a");
    struct batch batch = {.ops = &set, .n = 1};
    (void)state;
    set.value = "v";
    set.value_len = 1;
    redirect_next(cluster, 2, "ASK", SLOT_A, 1);
    redirect_next(cluster, 2, "ASK", SLOT_A, 1);
    answer_next(cluster, 1, ":0\r\n");
    answer_next(cluster, 1, "+OK\r\n");
    send_batch(cluster, &batch);
    run_until(cluster->world, said(cluster->world, "answered 0/0 DONE miss\n"));
    assert_string_equal(buf_str(&cluster->heard),
                        "2 EXISTS a\n2 SET a v\n1 ASKING\n1 EXISTS a\n1 ASKING\n1 SET a v\n");
    cluster_free(cluster);
}

static void keys_of_a_slot_that_is_half_moved_go_one_by_one(void **state)
{
    struct fake_cluster *cluster = make_up();
    (void)state;
    answer_next(cluster, 2, "-TRYAGAIN Multiple keys request during rehashing of slot\r\n");
    delete_keys(cluster, "{a}1 {a}2", "DONE hit hit\n");
    assert_string_equal(buf_str(&cluster->heard),
                        "2 UNLINK {a}1 {a}2\n2 UNLINK {a}1\n2 UNLINK {a}2\n");
    cluster_free(cluster);
}

static void what_cannot_be_done_now_is_deferred_alone(void **state)
{
    static const char *const errors[] = {
        "-CLUSTERDOWN The cluster is down\r\n",
        "-MOVED 15495 ?:7000\r\n",
        "-MOVED 3 127.0.0.1:1\r\n",
        "-LOADING Redis is loading the dataset in memory\r\n",
    };
    struct fake_cluster *cluster = make_up();
    (void)state;
    for (size_t i = 0; i < sizeof errors / sizeof *errors; i++) {
        answer_next(cluster, 2, errors[i]);
        delete_keys(cluster, "a b", "DEFERRED none hit (");
    }
    answer_next(cluster, 2, "-NOPERM no\r\n");
    delete_keys(cluster, "a b", "REFUSED none hit (NOPERM no");
    delete_keys(cluster, "a b", "DONE hit hit\n");
    cluster_free(cluster);
}

static void nodes_that_send_an_op_to_one_another_are_left_alone(void **state)
{
    struct fake_cluster *cluster = make_up();
    (void)state;
    for (unsigned i = 0; i < 9; i++) {
        redirect_next(cluster, 2, "MOVED", SLOT_A, 0);
        redirect_next(cluster, 0, "MOVED", SLOT_A, 2);
    }
    delete_keys(cluster, "a", "DEFERRED none (the nodes of the cluster send it to one another)\n");
    assert_int_equal(n_heard(cluster), 17);
    cluster_free(cluster);
}

static void a_shard_that_is_down_holds_back_its_ops_alone(void **state)
{
    struct fake_cluster *cluster = make_up();
    (void)state;
    fake_node_die(&cluster->nodes[2]);
    delete_keys(cluster, "a b c", " none hit hit (");
    delete_keys(cluster, "a b c", "DEFERRED none hit hit (redis 127.0.0.1:");
    assert_false(said(cluster->world, "mended"));
    fake_node_listen(&cluster->nodes[2]);
    run_until(cluster->world, said(cluster->world, "mended 0\n"));
    delete_keys(cluster, "a b c", "DONE hit hit hit\n");
    assert_false(said(cluster->world, "down"));
    cluster_free(cluster);
}

static void the_cluster_is_down_when_no_owner_is_up(void **state)
{
    struct fake_cluster *cluster = make_up();
    (void)state;
    for (unsigned i = 0; i < N_NODES; i++)
        fake_node_die(&cluster->nodes[i]);
    run_until(cluster->world, said(cluster->world, "down 0 (redis 127.0.0.1:"));
    assert_false(cluster->world->store->ops->ready(cluster->world->store, 0));
    for (unsigned i = 0; i < N_NODES; i++)
        fake_node_listen(&cluster->nodes[i]);
    run_until(cluster->world, n_said(cluster->world, "up 0\n") == 2);
    cluster_free(cluster);
}

static void a_cluster_is_not_down_before_all_nodes_were_tried(void **state)
{
    struct fake_cluster *cluster = cluster_make();
    (void)state;
    cluster->seeds[0] = "127.0.0.1:1";
    cluster->n_seeds = 2;
    cluster_open(cluster);
    run_until(cluster->world, said(cluster->world, "up 0\n"));
    assert_false(said(cluster->world, "down"));
    cluster_free(cluster);
}

static void a_cluster_of_which_no_node_answers_is_down(void **state)
{
    struct fake_cluster *cluster = cluster_make();
    (void)state;
    fake_node_die(&cluster->nodes[0]);
    cluster_open(cluster);
    run_until(cluster->world, said(cluster->world, "down 0 (redis 127.0.0.1:"));
    cluster_free(cluster);
}

/* Nodes 0 and 1 are masters; 2 is a replica until it takes over. */
static void a_replica_that_took_over_may_lack_what_its_master_did(void **state)
{
    struct fake_cluster *cluster = cluster_make();
    (void)state;
    set_map(cluster, 0, 1, 1);
    cluster_open(cluster);
    run_until(cluster->world, said(cluster->world, "up 0\n") && n_connected(cluster) == 2);
    delete_keys(cluster, "a", "DONE hit\n");
    set_map(cluster, 0, 2, 2);
    fake_node_die(&cluster->nodes[1]);
    run_until(cluster->world, said(cluster->world, "renewed 0 since"));
    run_until(cluster->world, n_connected(cluster) == 2);
    delete_keys(cluster, "a", "DONE hit\n");
    assert_true(heard(cluster, "2 UNLINK a\n"));
    cluster_free(cluster);
}

static void a_master_is_one_for_as_long_as_another_node_says_so(void **state)
{
    struct fake_cluster *cluster = cluster_make();
    (void)state;
    set_map(cluster, 0, 1, 1);
    cluster_open(cluster);
    run_until(cluster->world, n_connected(cluster) == 2 && cluster->n_maps == 2);
    int64_t said_ms = timer_now_ms();
    run_until(cluster->world, (delete_keys(cluster, "a", "DONE hit\n"), timer_now_ms() > said_ms));
    set_map(cluster, 0, 2, 2);
    redirect_next(cluster, 1, "MOVED", SLOT_A, 2);
    delete_keys(cluster, "a", "answered");
    const char *renewed = strstr(buf_str(&cluster->world->events), "renewed 0 since ");
    assert_non_null(renewed);
    assert_true(strtoll(renewed + strlen("renewed 0 since "), NULL, 10) <= said_ms);
    cluster_free(cluster);
}

static void what_a_replaced_master_did_in_a_batch_is_not_believed(void **state)
{
    struct fake_cluster *cluster = cluster_make();
    (void)state;
    set_map(cluster, 0, 1, 1);
    cluster_open(cluster);
    run_until(cluster->world, said(cluster->world, "up 0\n") && n_connected(cluster) == 2);
    set_map(cluster, 0, 2, 2);
    answer_next(cluster, 1, ":1\r\n");
    redirect_next(cluster, 1, "MOVED", SLOT_A, 2);
    delete_keys(cluster, "c a", "DEFERRED none none (a node may have lost what it had done");
    assert_true(said(cluster->world, "renewed 0 since"));
    cluster_free(cluster);
}

static void a_scan_is_done_when_every_master_has_done_it(void **state)
{
    struct fake_cluster *cluster = make_up();
    struct batch_op scan = op(OP_SCAN, "*");
    struct batch batch = {.ops = &scan, .n = 1};
    (void)state;
    for (unsigned i = 0; i < N_NODES; i++)
        answer_next(cluster, i,
                    i == 1 ? "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nc\r\n$4\r\n{c}2\r\n"
                           : "*2\r\n$1\r\n0\r\n*0\r\n");
    answer_next(cluster, 1, ":2\r\n");
    send_batch(cluster, &batch);
    run_until(cluster->world, said(cluster->world, "answered 0/0 DONE hit\n"));
    assert_true(heard(cluster, "0 SCAN 0 MATCH *") && heard(cluster, "2 SCAN 0 MATCH *"));
    assert_true(heard(cluster, "1 UNLINK c {c}2\n"));
    fake_node_die(&cluster->nodes[0]);
    buf_reset(&cluster->world->events, 4096);
    for (unsigned i = 1; i < N_NODES; i++)
        cluster->nodes[i].always = "*2\r\n$1\r\n0\r\n*0\r\n";
    send_batch(cluster, &batch);
    run_until(cluster->world, said(cluster->world, "answered"));
    assert_false(said(cluster->world, "DONE"));
    cluster_free(cluster);
}

static void scan_nothing(struct fake_cluster *cluster, const char *answer)
{
    struct batch_op scan = op(OP_SCAN, "*");
    struct batch batch = {.ops = &scan, .n = 1};
    buf_reset(&cluster->world->events, 4096);
    send_batch(cluster, &batch);
    run_until(cluster->world, said(cluster->world, "answered"));
    if (!said(cluster->world, answer))
        fail_msg("expected %s, got %s", answer, buf_str(&cluster->world->events));
}

static void a_scan_during_which_slots_may_have_moved_is_not_done(void **state)
{
    struct fake_cluster *cluster = make_up();
    (void)state;
    for (unsigned i = 0; i < N_NODES; i++)
        cluster->nodes[i].always = "*2\r\n$1\r\n0\r\n*0\r\n";
    scan_nothing(cluster, "DONE miss\n");
    cluster->moving = true;
    scan_nothing(cluster, "DEFERRED none (slots moved while it was scanned");
    cluster->moving = false;
    set_map(cluster, 0, 1, 1);
    scan_nothing(cluster, "DEFERRED none (slots moved while it was scanned");
    while (!said(cluster->world, "DONE miss\n"))
        scan_nothing(cluster, "answered");
    cluster_free(cluster);
}

static void a_set_loses_members_on_every_node(void **state)
{
    struct fake_cluster *cluster = make_up();
    struct batch_op set = op(OP_DELETE_MEMBERS, "a");
    struct batch batch = {.ops = &set, .n = 1};
    (void)state;
    answer_next(cluster, 2, ":1\r\n");
    answer_next(cluster, 2, "*2\r\n$1\r\n0\r\n*2\r\n$1\r\nb\r\n$1\r\nc\r\n");
    send_batch(cluster, &batch);
    run_until(cluster->world, said(cluster->world, "answered 0/0 DONE hit\n"));
    assert_true(heard(cluster, "0 UNLINK b\n") && heard(cluster, "1 UNLINK c\n"));
    assert_true(heard(cluster, "2 UNLINK {a}:cdcd-deleting\n"));
    cluster_free(cluster);
}

/* Nodes 0 and 1 are masters; 2 is a replica of 0, where a member of the set of 1 was. */
static void members_that_may_be_back_are_not_remembered(void **state)
{
    struct fake_cluster *cluster = cluster_make();
    struct batch_op set = op(OP_DELETE_MEMBERS, "a");
    struct batch batch = {.ops = &set, .n = 1};
    (void)state;
    set_map(cluster, 0, 1, 1);
    cluster_open(cluster);
    run_until(cluster->world, said(cluster->world, "up 0\n") && n_connected(cluster) == 2);
    answer_next(cluster, 1, ":1\r\n");
    answer_next(cluster, 1, "*2\r\n$1\r\n0\r\n*1\r\n$1\r\nb\r\n");
    send_batch(cluster, &batch);
    run_until(cluster->world, said(cluster->world, "answered 0/0 DONE hit\n"));
    assert_true(heard(cluster, "0 UNLINK b\n"));
    set_map(cluster, 2, 1, 1);
    redirect_next(cluster, 0, "MOVED", 3300, 2);
    delete_keys(cluster, "b", "answered");
    assert_true(said(cluster->world, "renewed 0 since -9223372036854775808\n"));
    cluster_free(cluster);
}

/* One runs at a time, and the others have all places of the node's window. */
static void a_window_full_of_sets_does_not_keep_their_members_waiting(void **state)
{
    struct fake_cluster *cluster = make_up();
    struct batch_op sets[16];
    struct batch batches[16];
    (void)state;
    for (unsigned i = 0; i < 16; i++) {
        sets[i] = op(OP_DELETE_MEMBERS, "a");
        batches[i] = (struct batch){.ops = &sets[i], .n = 1};
        answer_next(cluster, 2, ":1\r\n");
        answer_next(cluster, 2, "*2\r\n$1\r\n0\r\n*1\r\n$4\r\n{a}1\r\n");
        answer_next(cluster, 2, ":1\r\n");
        answer_next(cluster, 2, ":1\r\n");
        send_batch(cluster, &batches[i]);
    }
    assert_false(cluster->world->store->ops->ready(cluster->world->store, 0));
    run_until(cluster->world, n_said(cluster->world, "DONE hit\n") == 16);
    cluster_free(cluster);
}

static void a_member_that_is_refused_does_not_spoil_its_neighbours(void **state)
{
    struct fake_cluster *cluster = make_up();
    struct batch_op set = op(OP_DELETE_MEMBERS, "a");
    struct batch batch = {.ops = &set, .n = 1};
    (void)state;
    answer_next(cluster, 2, ":1\r\n");
    answer_next(cluster, 2, "*2\r\n$1\r\n0\r\n*2\r\n$4\r\n{b}1\r\n$4\r\n{b}2\r\n");
    answer_next(cluster, 0, "-NOPERM no\r\n");
    answer_next(cluster, 0, "-NOPERM no\r\n");
    send_batch(cluster, &batch);
    run_until(cluster->world, said(cluster->world, "answered 0/0 REFUSED none (NOPERM no"));
    assert_true(heard(cluster, "0 UNLINK {b}1 {b}2\n0 UNLINK {b}1\n0 UNLINK {b}2\n"));
    assert_false(heard(cluster, "2 UNLINK"));
    cluster_free(cluster);
}

static void a_map_that_is_none_is_asked_for_again(void **state)
{
    struct fake_cluster *cluster = cluster_make();
    (void)state;
    buf_reset(&cluster->map, 4096);
    buf_put_str(&cluster->map, "*1\r\n:1\r\n");
    cluster_open(cluster);
    run_until(cluster->world, cluster->n_maps == 2);
    assert_false(said(cluster->world, "up"));
    buf_reset(&cluster->map, 4096);
    buf_put_str(&cluster->map, "*0\r\n");
    run_until(cluster->world, cluster->n_maps == 4);
    assert_false(said(cluster->world, "up"));
    set_map(cluster, 0, 1, 2);
    run_until(cluster->world, said(cluster->world, "up 0\n"));
    cluster_free(cluster);
}

static void a_redis_that_is_no_cluster_is_denied(void **state)
{
    struct fake_cluster *cluster = cluster_make();
    (void)state;
    buf_reset(&cluster->map, 4096);
    buf_put_str(&cluster->map, "-ERR This instance has cluster support disabled\r\n");
    cluster_open(cluster);
    run_until(cluster->world, said(cluster->world, "denied 0 78 (store main (redis 127.0.0.1:"));
    assert_true(said(cluster->world, "set url instead of cluster of store main"));
    cluster_free(cluster);
}

static void batches_out_at_the_end_are_forgotten(void **state)
{
    struct fake_cluster *cluster = make_up();
    struct batch_op ops[] = {op(OP_DELETE, "a"), op(OP_DELETE_MEMBERS, "b"), op(OP_SCAN, "*")};
    struct batch batch = {.ops = ops, .n = 3};
    (void)state;
    for (unsigned i = 0; i < N_NODES; i++)
        cluster->nodes[i].always = "";
    answer_next(cluster, 0, ":1\r\n");
    answer_next(cluster, 0, "*2\r\n$1\r\n0\r\n*1\r\n$1\r\na\r\n");
    send_batch(cluster, &batch);
    run_until(cluster->world, heard(cluster, "SSCAN") && heard(cluster, "2 SCAN"));
    event_base_loop(cluster->world->base, EVLOOP_NONBLOCK);
    cluster_free(cluster);
}

static void settings_that_make_no_sense_are_complained_of(void **state)
{
    static const char *const good[] = {"127.0.0.1:7000", "[::1]:7001"};
    static const char *const bad[] = {"127.0.0.1", "unix:/tmp/a", "a:1:2", "a:70000", ""};
    struct store_opts opts = {.name = "main", .cluster = good, .n_cluster = 2, .file = "f"};
    struct complaints complaints = {0};
    const struct store_ops *driver = store_driver("redis");
    (void)state;
    assert_int_equal(driver->check(&opts, &complaints), 0);
    opts.cluster = bad;
    opts.n_cluster = 5;
    assert_int_equal(driver->check(&opts, &complaints), 5);
    opts.cluster = good;
    opts.n_cluster = 1;
    opts.url = "redis://a/1";
    assert_int_equal(driver->check(&opts, &complaints), 1);
    opts.url = NULL;
    opts.sentinels = good;
    opts.n_sentinels = 1;
    opts.master = "mymaster";
    assert_int_equal(driver->check(&opts, &complaints), 1);
    complaints_free(&complaints);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(ops_go_to_the_owner_of_their_slot),
        cmocka_unit_test(a_command_has_keys_of_one_slot),
        cmocka_unit_test(a_slot_that_moved_is_followed_and_remembered),
        cmocka_unit_test(an_ask_is_followed_this_once),
        cmocka_unit_test(each_command_of_an_op_follows_an_asking),
        cmocka_unit_test(keys_of_a_slot_that_is_half_moved_go_one_by_one),
        cmocka_unit_test(what_cannot_be_done_now_is_deferred_alone),
        cmocka_unit_test(nodes_that_send_an_op_to_one_another_are_left_alone),
        cmocka_unit_test(a_shard_that_is_down_holds_back_its_ops_alone),
        cmocka_unit_test(a_cluster_is_not_down_before_all_nodes_were_tried),
        cmocka_unit_test(a_cluster_of_which_no_node_answers_is_down),
        cmocka_unit_test(the_cluster_is_down_when_no_owner_is_up),
        cmocka_unit_test(a_replica_that_took_over_may_lack_what_its_master_did),
        cmocka_unit_test(a_master_is_one_for_as_long_as_another_node_says_so),
        cmocka_unit_test(what_a_replaced_master_did_in_a_batch_is_not_believed),
        cmocka_unit_test(a_scan_is_done_when_every_master_has_done_it),
        cmocka_unit_test(a_scan_during_which_slots_may_have_moved_is_not_done),
        cmocka_unit_test(a_set_loses_members_on_every_node),
        cmocka_unit_test(members_that_may_be_back_are_not_remembered),
        cmocka_unit_test(a_window_full_of_sets_does_not_keep_their_members_waiting),
        cmocka_unit_test(a_member_that_is_refused_does_not_spoil_its_neighbours),
        cmocka_unit_test(a_map_that_is_none_is_asked_for_again),
        cmocka_unit_test(a_redis_that_is_no_cluster_is_denied),
        cmocka_unit_test(batches_out_at_the_end_are_forgotten),
        cmocka_unit_test(settings_that_make_no_sense_are_complained_of),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
