/* A Redis Cluster that a test plays: nodes that shake hands and know the map by themselves, and
 * answer everything else as the test says. */
#ifndef CDCD_TESTS_FAKE_CLUSTER_H
#define CDCD_TESTS_FAKE_CLUSTER_H

#include "fake_server.h"
#include "store/redis_reader.h"

#include <arpa/inet.h>
#include <hiredis/hiredis.h>

#define N_NODES 3

struct fake_cluster;

struct fake_node {
    struct fake_cluster *cluster;
    unsigned number;
    uint16_t port;
    struct evconnlistener *listener;
    struct bufferevent *stream; /* of its one client */
    struct redis_reader *reader;
    struct buf script; /* answers to come, a NUL after each */
    size_t script_at;
    const char *always; /* what it answers when there is none */
};

struct fake_cluster {
    struct world *world;
    struct fake_node nodes[N_NODES];
    struct buf map;     /* the answer to CLUSTER SLOTS */
    struct buf heard;   /* "2 UNLINK a\n", but for the handshake and the map */
    unsigned n_maps;    /* asked for */
    unsigned owners[3]; /* of the thirds of the slots */
    bool moving;        /* slots are being moved */
    char seed[32];
    const char *seeds[2];
    unsigned n_seeds;
};

static inline const char *next_answer(struct fake_node *node)
{
    if (node->script_at >= node->script.len)
        return node->always;
    const char *answer = node->script.data + node->script_at;
    node->script_at += strlen(answer) + 1;
    return answer;
}

static inline void say_nodes(struct fake_node *node)
{
    static const char *const thirds[] = {"0-5460", "5461-10922", "10923-16382 16383"};
    const struct fake_cluster *cluster = node->cluster;
    struct buf nodes = {0}, answer = {0};
    buf_put_str(&nodes, "id2 :0@0 master - 0 0 2 connected 7\n"
                        "id1 127.0.0.1:0@0 myself,master - 0 0 1 connected");
    for (unsigned i = 0; i < 3; i++)
        if (cluster->owners[i] == node->number)
            buf_printf(&nodes, " %s", thirds[i]);
    buf_put_str(&nodes, cluster->moving ? " [5->-id2]\n" : "\n");
    buf_printf(&answer, "$%zu\r\n%s\r\n", nodes.len, buf_str(&nodes));
    bufferevent_write(node->stream, answer.data, answer.len);
    buf_free(&nodes);
    buf_free(&answer);
}

static inline void fake_obey(struct fake_node *node, const redisReply *command)
{
    struct fake_cluster *cluster = node->cluster;
    const char *verb = command->element[0]->str;
    if (strcmp(verb, "PING") == 0) {
        bufferevent_write(node->stream, "+PONG\r\n", 7);
    } else if (strcmp(verb, "CLUSTER") == 0 && strcmp(command->element[1]->str, "NODES") == 0) {
        say_nodes(node);
    } else if (strcmp(verb, "CLUSTER") == 0) {
        cluster->n_maps++;
        bufferevent_write(node->stream, cluster->map.data, cluster->map.len);
    } else {
        buf_printf(&cluster->heard, "%u", node->number);
        for (size_t i = 0; i < command->elements; i++)
            buf_printf(&cluster->heard, " %s", command->element[i]->str);
        buf_put_str(&cluster->heard, "\n");
        const char *answer = strcmp(verb, "ASKING") == 0 ? "+OK\r\n" : next_answer(node);
        bufferevent_write(node->stream, answer, strlen(answer));
    }
}

static inline void on_fake_data(struct bufferevent *stream, void *ctx)
{
    struct fake_node *node = ctx;
    char bytes[4096];
    redisReply *command;
    size_t n;
    while ((n = bufferevent_read(stream, bytes, sizeof bytes)) > 0)
        assert_int_equal(redis_reader_feed(node->reader, bytes, n), 0);
    while (redis_reader_next(node->reader, &command) > 0) {
        fake_obey(node, command);
        freeReplyObject(command);
    }
}

static inline void fake_node_hang_up(struct fake_node *node)
{
    if (node->stream)
        bufferevent_free(node->stream);
    redis_reader_free(node->reader);
    node->stream = NULL;
    node->reader = NULL;
}

static inline void on_fake_client(struct evconnlistener *listener, evutil_socket_t fd,
                                  struct sockaddr *address, int len, void *ctx)
{
    struct fake_node *node = ctx;
    (void)listener, (void)address, (void)len;
    fake_node_hang_up(node);
    node->reader = redis_reader_make();
    node->stream = bufferevent_socket_new(node->cluster->world->base, fd, BEV_OPT_CLOSE_ON_FREE);
    bufferevent_setcb(node->stream, on_fake_data, NULL, NULL, node);
    bufferevent_enable(node->stream, EV_READ | EV_WRITE);
}

/* The same port as before, if it had one. */
static inline void fake_node_listen(struct fake_node *node)
{
    struct sockaddr_in address = {.sin_family = AF_INET, .sin_port = htons(node->port)};
    socklen_t len = sizeof address;
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    node->listener = evconnlistener_new_bind(node->cluster->world->base, on_fake_client, node,
                                             LEV_OPT_CLOSE_ON_FREE | LEV_OPT_REUSEABLE, 16,
                                             (struct sockaddr *)&address, sizeof address);
    assert_non_null(node->listener);
    getsockname(evconnlistener_get_fd(node->listener), (struct sockaddr *)&address, &len);
    node->port = ntohs(address.sin_port);
}

static inline void fake_node_die(struct fake_node *node)
{
    evconnlistener_free(node->listener);
    node->listener = NULL;
    fake_node_hang_up(node);
}

/* The owners of 0 to 5460, 5461 to 10922, and the rest. */
static inline void set_map(struct fake_cluster *cluster, unsigned low, unsigned middle,
                           unsigned high)
{
    const unsigned owners[] = {low, middle, high}, ends[] = {5460, 10922, 16383};
    memcpy(cluster->owners, owners, sizeof owners);
    buf_reset(&cluster->map, 4096);
    buf_put_str(&cluster->map, "*3\r\n");
    for (unsigned i = 0; i < 3; i++)
        buf_printf(&cluster->map, "*3\r\n:%u\r\n:%u\r\n*2\r\n$9\r\n127.0.0.1\r\n:%u\r\n",
                   i ? ends[i - 1] + 1 : 0, ends[i], cluster->nodes[owners[i]].port);
}

static inline void answer_next(struct fake_cluster *cluster, unsigned node, const char *answer)
{
    struct buf *script = &cluster->nodes[node].script;
    buf_put(script, answer, strlen(answer) + 1);
}

static inline void redirect_next(struct fake_cluster *cluster, unsigned node, const char *word,
                                 unsigned slot, unsigned to)
{
    char answer[80];
    snprintf(answer, sizeof answer, "-%s %u 127.0.0.1:%u\r\n", word, slot, cluster->nodes[to].port);
    answer_next(cluster, node, answer);
}

static inline struct fake_cluster *cluster_make(void)
{
    struct fake_cluster *cluster = calloc(1, sizeof *cluster);
    cluster->world = world_make();
    for (unsigned i = 0; i < N_NODES; i++) {
        struct fake_node *node = &cluster->nodes[i];
        node->cluster = cluster;
        node->number = i;
        node->always = ":1\r\n";
        fake_node_listen(node);
    }
    snprintf(cluster->seed, sizeof cluster->seed, "127.0.0.1:%u", cluster->nodes[0].port);
    cluster->seeds[0] = cluster->seeds[1] = cluster->seed;
    cluster->n_seeds = 1;
    set_map(cluster, 0, 1, 2);
    return cluster;
}

static inline void cluster_open(struct fake_cluster *cluster)
{
    struct store_opts opts = {.name = "main",
                              .type = "redis",
                              .prefix = "",
                              .cluster = cluster->seeds,
                              .n_cluster = cluster->n_seeds,
                              .timeout_ms = 20000,
                              .retry_min_ms = 1,
                              .retry_max_ms = 4,
                              .file = "cdcd.cfg",
                              .line = 7};
    struct world *world = cluster->world;
    world->store = store_driver("redis")->open(&opts, world->base, &world_events, world);
}

static inline unsigned n_connected(const struct fake_cluster *cluster)
{
    unsigned n = 0;
    for (unsigned i = 0; i < N_NODES; i++)
        n += cluster->nodes[i].stream != NULL;
    return n;
}

static inline void cluster_free(struct fake_cluster *cluster)
{
    struct world *world = cluster->world;
    if (world->store)
        world->store->ops->close(world->store);
    world->store = NULL;
    for (unsigned i = 0; i < N_NODES; i++) {
        if (cluster->nodes[i].listener)
            fake_node_die(&cluster->nodes[i]);
        buf_free(&cluster->nodes[i].script);
    }
    world_free(world);
    buf_free(&cluster->map);
    buf_free(&cluster->heard);
    free(cluster);
}

#endif
