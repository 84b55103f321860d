#include "store/redis_topology.h"

#include "base/log.h"
#include "base/mem.h"
#include "base/timer.h"
#include "store/redis_error.h"

#include <assert.h>
#include <hiredis/hiredis.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define MEMBERS_MAX 2000
#define NOBODY UINT_MAX
#define REFRESH_MIN_MS 100   /* between two questions */
#define REFRESH_SICK_MS 1000 /* while some slot has no owner that is up */
#define IDLE_MS 60000        /* a member that nothing names is kept so long */
#define LOG_INTERVAL_MS 10000

struct topology {
    struct topology_opts opts;
    struct redis_node_opts node_opts;
    struct member **members; /* by number */
    unsigned n_members;
    uint16_t owner[SLOTS_N]; /* a number, or SLOTS_NO_OWNER */
    uint64_t version;
    struct timer *timer; /* the next question */
    int64_t next_ms;     /* when that is */
    int64_t asked_ms;    /* when the last was */
    unsigned asked;      /* who is asked now */
    unsigned turn;       /* who was asked last */
    struct log_limit failure_limit;
    struct log_limit change_limit;
    unsigned n_moved; /* slots, since it was logged */
};

static void on_time(void *ctx);
static void on_map(void *ctx, const redisReply *reply);

/* ---- members ---- */

static struct member *add_member(struct topology *topology, const struct address *address)
{
    unsigned number = 0;
    while (number < topology->n_members && topology->members[number])
        number++;
    if (number == MEMBERS_MAX)
        return NULL;
    if (number == topology->n_members)
        topology->members =
            mem_resize(topology->members, ++topology->n_members * sizeof *topology->members);
    struct member *member = mem_alloc(sizeof *member);
    topology->members[number] = member;
    member->number = number;
    member->address = *address;
    struct redis_node_opts node_opts = topology->node_opts;
    node_opts.address = *address;
    member->node = redis_node_make(&node_opts, topology->opts.base, topology->opts.face, number,
                                   topology->opts.node_events, topology->opts.ctx);
    return member;
}

static void free_member(struct topology *topology, struct member *member)
{
    topology->members[member->number] = NULL;
    redis_node_free(member->node);
    free(member);
}

/* Forgets those that left the cluster. Not from within an event of a node. */
static void sweep(struct topology *topology, int64_t now_ms)
{
    for (unsigned i = 0; i < topology->n_members; i++) {
        struct member *member = topology->members[i];
        if (!member || member->is_seed || member->n_slots || member->waiting || member->out ||
            member->n_named || now_ms - member->used_ms < IDLE_MS)
            continue;
        log_info("node is no longer of the cluster store=%s server=\"%s\"",
                 topology->opts.store->name, redis_node_name(member->node));
        free_member(topology, member);
    }
}

struct member *topology_find(struct topology *topology, const struct address *address)
{
    struct member *member = NULL;
    for (unsigned i = 0; i < topology->n_members && !member; i++)
        if (topology->members[i] && strcmp(topology->members[i]->address.name, address->name) == 0)
            member = topology->members[i];
    if (!member && (member = add_member(topology, address)))
        redis_node_start(member->node);
    if (member)
        member->used_ms = timer_now_ms();
    return member;
}

/* ---- owners ---- */

struct member *topology_owner(const struct topology *topology, unsigned slot)
{
    uint16_t number = topology->owner[slot];
    return number == SLOTS_NO_OWNER ? NULL : topology->members[number];
}

/* What a new owner of slots may lack; INT64_MAX for nothing. Where slots are moved from master to
 * master, their keys go with them. A node that owned none until now may be a replica that took
 * over, and have missed what its master did last; and its master may have been none for as long as
 * nobody else said that it is one, although it went on to answer. */
static int64_t missed_since(const struct topology *topology, const struct member *old,
                            const struct member *new)
{
    if (!new || new->n_slots > 0 || (!old && topology->version == 0))
        return INT64_MAX;
    int64_t good_ms = old && old->state == MEMBER_DOWN ? old->lost_ms : timer_now_ms();
    if (old && old->vouched_ms < good_ms)
        good_ms = old->vouched_ms;
    return good_ms - topology->opts.store->failover_window_ms;
}

static void set_owner(struct topology *topology, unsigned slot, struct member *new)
{
    struct member *old = topology_owner(topology, slot);
    if (old)
        old->n_slots--;
    if (new &&new->n_slots++ == 0)
        new->vouched_ms = timer_now_ms();
    topology->owner[slot] = new ? (uint16_t) new->number : SLOTS_NO_OWNER;
}

static void tell_change(struct topology *topology, int64_t since_ms)
{
    topology->version++;
    if (since_ms != INT64_MAX)
        topology->opts.events->renewed(topology->opts.ctx, since_ms);
    topology->opts.events->changed(topology->opts.ctx);
}

void topology_move(struct topology *topology, unsigned slot, struct member *to)
{
    struct member *old = topology_owner(topology, slot);
    int64_t since_ms = missed_since(topology, old, to);
    if (old == to)
        return;
    set_owner(topology, slot, to);
    tell_change(topology, since_ms);
}

static unsigned count_owners(const struct topology *topology, unsigned *n_up)
{
    unsigned n = 0;
    *n_up = 0;
    for (unsigned i = 0; i < topology->n_members; i++) {
        const struct member *member = topology->members[i];
        n += member && member->n_slots > 0;
        *n_up += member && member->n_slots > 0 && member->state == MEMBER_UP;
    }
    return n;
}

bool topology_is_up(const struct topology *topology)
{
    unsigned n_up;
    count_owners(topology, &n_up);
    return n_up > 0;
}

bool topology_is_exhausted(const struct topology *topology)
{
    unsigned n_up = 0, n_owners_up;
    for (unsigned i = 0; i < topology->n_members; i++) {
        const struct member *member = topology->members[i];
        if (member && member->state == MEMBER_NEW)
            return false;
        n_up += member && member->state == MEMBER_UP;
    }
    return n_up == 0 || count_owners(topology, &n_owners_up) > 0;
}

bool topology_is_whole(const struct topology *topology, char *reason, size_t room)
{
    for (unsigned slot = 0; slot < SLOTS_N; slot++) {
        const struct member *owner = topology_owner(topology, slot);
        if (owner && owner->state != MEMBER_DOWN)
            continue;
        if (owner)
            snprintf(reason, room, "%s is down", redis_node_name(owner->node));
        else
            snprintf(reason, room, "no node has slot %u", slot);
        return false;
    }
    return true;
}

uint64_t topology_version(const struct topology *topology)
{
    return topology->version;
}

/* ---- the map ---- */

static void ask_at(struct topology *topology, int64_t when_ms)
{
    int64_t now_ms = timer_now_ms();
    if (topology->asked != NOBODY || when_ms >= topology->next_ms)
        return;
    topology->next_ms = when_ms;
    timer_start_ms(topology->timer, when_ms > now_ms ? when_ms - now_ms : 0);
}

void topology_refresh(struct topology *topology)
{
    ask_at(topology, topology->asked_ms + REFRESH_MIN_MS);
}

/* The next in turn of those that are up, and own slots if owners is true; NOBODY for none. */
static unsigned next_in_turn(const struct topology *topology, bool owners)
{
    for (unsigned i = 1; i <= topology->n_members; i++) {
        unsigned number = (topology->turn + i) % topology->n_members;
        const struct member *member = topology->members[number];
        if (member && member->state == MEMBER_UP && (member->n_slots > 0 || !owners))
            return number;
    }
    return NOBODY;
}

/* Where none is up, the first that is will be asked. */
static void on_time(void *ctx)
{
    struct topology *topology = ctx;
    topology->next_ms = INT64_MAX;
    topology->asked_ms = timer_now_ms();
    sweep(topology, topology->asked_ms);
    unsigned number = next_in_turn(topology, true);
    if (number == NOBODY)
        number = next_in_turn(topology, false);
    if (number == NOBODY)
        return;
    topology->asked = topology->turn = number;
    redis_node_ask(topology->members[number]->node, (const char *const[]){"CLUSTER", "SLOTS"}, 2,
                   on_map, topology);
}

/* The members that the map's masters are. */
static struct member **find_masters(struct topology *topology, const struct slot_map *map)
{
    struct member **masters = mem_alloc(map->n_masters * sizeof(struct member *));
    for (unsigned i = 0; i < map->n_masters; i++)
        masters[i] = topology_find(topology, &map->masters[i]);
    return masters;
}

static struct member *mapped(const struct slot_map *map, struct member **masters, unsigned slot)
{
    return map->owner[slot] == SLOTS_NO_OWNER ? NULL : masters[map->owner[slot]];
}

/* What the new owners had before counts: all are looked at before one is set. */
static int64_t missed_by_any(const struct topology *topology, const struct slot_map *map,
                             struct member **masters)
{
    int64_t since_ms = INT64_MAX;
    for (unsigned slot = 0; slot < SLOTS_N; slot++) {
        struct member *old = topology_owner(topology, slot), *new = mapped(map, masters, slot);
        int64_t missed_ms = new == old ? INT64_MAX : missed_since(topology, old, new);
        since_ms = missed_ms < since_ms ? missed_ms : since_ms;
    }
    return since_ms;
}

/* While slots are moved, one after the other, now and then. */
static void log_change(struct topology *topology, bool new_master)
{
    unsigned n_suppressed, n_up;
    bool pass =
        log_limit_pass(&topology->change_limit, timer_now_ms(), LOG_INTERVAL_MS, &n_suppressed);
    if (!pass && !new_master)
        return;
    log_info("slots have other owners store=%s n=%u masters=%u%s", topology->opts.store->name,
             topology->n_moved, count_owners(topology, &n_up),
             new_master ? " why=\"a replica, or a new node, took over\"" : "");
    topology->n_moved = 0;
}

static void apply(struct topology *topology, const struct slot_map *map)
{
    struct member **masters = find_masters(topology, map);
    int64_t since_ms = missed_by_any(topology, map, masters);
    unsigned n_changed = 0;
    for (unsigned slot = 0; slot < SLOTS_N; slot++) {
        struct member *new = mapped(map, masters, slot);
        if (new == topology_owner(topology, slot))
            continue;
        set_owner(topology, slot, new);
        n_changed++;
    }
    free(masters);
    if (n_changed == 0)
        return;
    topology->n_moved += n_changed;
    log_change(topology, since_ms != INT64_MAX);
    tell_change(topology, since_ms);
}

/* A master that was cut off from the others does not know that it was replaced. */
static void vouch(struct topology *topology, const struct member *asked)
{
    unsigned n_up;
    bool alone = count_owners(topology, &n_up) == 1;
    for (unsigned i = 0; i < topology->n_members; i++) {
        struct member *member = topology->members[i];
        if (member && member->n_slots > 0 && (member != asked || alone))
            member->vouched_ms = topology->asked_ms;
    }
}

static void log_failure(struct topology *topology, const char *server, const char *reason)
{
    unsigned n_suppressed;
    if (log_limit_pass(&topology->failure_limit, timer_now_ms(), LOG_INTERVAL_MS, &n_suppressed))
        log_warn("no map of the cluster store=%s server=\"%s\" reason=\"%s\" repeated=%u",
                 topology->opts.store->name, server, reason, n_suppressed);
}

static void take_refusal(struct topology *topology, const struct member *member,
                         const redisReply *reply)
{
    struct err err;
    const char *name = topology->opts.store->name;
    struct redis_verdict verdict = redis_judge(reply->str, reply->len, name, "cluster|slots");
    log_failure(topology, redis_node_name(member->node), verdict.reason);
    if (!verdict.denied)
        return;
    err_set(&err, verdict.denied, "store %s (%s): %s", name, redis_node_name(member->node),
            verdict.reason);
    topology->opts.events->denied(topology->opts.ctx, &err);
}

/* False when it is of no use. A node that was put out of its cluster knows no owners: another one
 * will. */
static bool take_map(struct topology *topology, const struct member *member,
                     const redisReply *reply)
{
    struct err err;
    struct slot_map *map = slot_map_read(reply, &member->address, &err);
    if (!map) {
        log_failure(topology, redis_node_name(member->node), err.text);
        return false;
    }
    bool good = map->n_masters > 0;
    if (good) {
        apply(topology, map);
        vouch(topology, member);
    } else {
        log_failure(topology, redis_node_name(member->node), "it knows no owner of any slot");
    }
    slot_map_free(map);
    return good;
}

static int64_t until_next_ms(const struct topology *topology, bool good)
{
    char reason[200];
    if (!good)
        return REFRESH_MIN_MS;
    return topology_is_whole(topology, reason, sizeof reason) ? TOPOLOGY_ASK_MS : REFRESH_SICK_MS;
}

static void on_map(void *ctx, const redisReply *reply)
{
    struct topology *topology = ctx;
    bool good = false;
    if (!reply)
        return; /* topology_down sees to it */
    const struct member *member = topology->members[topology->asked];
    topology->asked = NOBODY;
    if (reply->type == REDIS_REPLY_ERROR)
        take_refusal(topology, member, reply);
    else
        good = take_map(topology, member, reply);
    ask_at(topology, topology->asked_ms + until_next_ms(topology, good));
}

/* ---- the whole ---- */

static void add_seeds(struct topology *topology)
{
    const struct store_opts *store = topology->opts.store;
    struct address address;
    struct err err;
    for (unsigned i = 0; i < store->n_cluster; i++) {
        int bad = url_parse_server(store->cluster[i], &address, &err);
        assert(!bad); /* it was checked */
        struct member *member = add_member(topology, &address);
        if (member)
            member->is_seed = true;
    }
}

struct topology *topology_make(const struct topology_opts *opts)
{
    struct topology *topology = mem_alloc(sizeof *topology);
    topology->opts = *opts;
    topology->node_opts = *opts->node;
    topology->timer = timer_make(opts->base, on_time, topology);
    topology->next_ms = INT64_MAX;
    topology->asked = NOBODY;
    memset(topology->owner, 0xff, sizeof topology->owner);
    add_seeds(topology);
    return topology;
}

void topology_start(struct topology *topology)
{
    for (unsigned i = 0; i < topology->n_members; i++)
        redis_node_start(topology->members[i]->node);
}

void topology_free(struct topology *topology)
{
    for (unsigned i = 0; i < topology->n_members; i++)
        if (topology->members[i])
            free_member(topology, topology->members[i]);
    free(topology->members);
    timer_free(topology->timer);
    free(topology);
}

unsigned topology_n_members(const struct topology *topology)
{
    return topology->n_members;
}

struct member *topology_member(const struct topology *topology, unsigned number)
{
    return topology->members[number];
}

void topology_up(struct topology *topology, struct member *member)
{
    member->state = MEMBER_UP;
    topology_refresh(topology);
}

void topology_down(struct topology *topology, struct member *member)
{
    member->state = MEMBER_DOWN;
    member->lost_ms = timer_now_ms();
    if (topology->asked == member->number)
        topology->asked = NOBODY;
    topology_refresh(topology);
}
