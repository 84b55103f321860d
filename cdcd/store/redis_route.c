#include "store/redis_route.h"

#include "base/timer.h"
#include "store/redis_command.h"

#include <stdio.h>
#include <string.h>
#include <utlist.h>

static void end_if_no_piece_is_out(struct redis_route *route, struct whole *whole)
{
    if (whole->n_pieces > 0)
        return;
    DL_DELETE(route->wholes, whole);
    DL_APPEND(route->ended, whole);
    timer_start_ms(route->turn, 0);
}

/* ---- what is sent ---- */

static void defer(struct redis_route *route, struct whole *whole, const char *reason)
{
    whole_fail(whole, BATCH_DEFERRED, reason);
    topology_refresh(route->topology);
}

static bool may_leave(const struct member *member, const struct piece *piece)
{
    return piece->whole->errand ? redis_node_is_up(member->node) : redis_node_ready(member->node);
}

void redis_route_pump(struct member *member)
{
    struct piece *piece;
    while ((piece = member->waiting) && may_leave(member, piece)) {
        DL_DELETE(member->waiting, piece);
        DL_APPEND(member->out, piece);
        piece->number = member->number;
        if (piece->kind == PIECE_ASKING)
            redis_node_send_asking(member->node, &piece->batch);
        else
            redis_node_send(member->node, &piece->batch);
    }
}

/* The op goes into the piece that is being filled for the member. */
static void give(struct redis_route *route, struct whole *whole, unsigned place, struct member *to,
                 enum piece_kind kind)
{
    char reason[sizeof whole->batch->reason];
    if (to && to->state != MEMBER_DOWN) {
        if (!to->filling[kind])
            to->filling[kind] = piece_make(whole, kind);
        piece_add(to->filling[kind], place);
        return;
    }
    if (to)
        snprintf(reason, sizeof reason, "%s is down", redis_node_name(to->node));
    else
        snprintf(reason, sizeof reason, "no node of the cluster has slot %u",
                 whole->batch->ops[place].slot);
    defer(route, whole, reason);
}

/* All that was given leaves. */
static void leave(struct redis_route *route)
{
    for (unsigned i = 0; i < topology_n_members(route->topology); i++) {
        struct member *member = topology_member(route->topology, i);
        for (unsigned kind = 0; member && kind < PIECE_N_KINDS; kind++) {
            struct piece *piece = member->filling[kind];
            member->filling[kind] = NULL;
            if (piece && piece->whole->errand)
                DL_PREPEND(member->waiting, piece);
            else if (piece)
                DL_APPEND(member->waiting, piece);
        }
        if (member)
            redis_route_pump(member);
    }
}

/* Every master has keys that may match; without one of them the scan is not done. */
static void give_to_masters(struct redis_route *route, struct whole *whole, unsigned place)
{
    char reason[sizeof whole->batch->reason];
    if (!topology_is_whole(route->topology, reason, sizeof reason)) {
        defer(route, whole, reason);
        return;
    }
    for (unsigned i = 0; i < topology_n_members(route->topology); i++) {
        struct member *member = topology_member(route->topology, i);
        if (member && member->n_slots > 0)
            give(route, whole, place, member, PIECE_PLAIN);
    }
}

/* Any node takes a message to all; that of the slot, as long as it is up, so that those of one
 * channel stay in order. */
static struct member *find_publisher(const struct redis_route *route, unsigned slot)
{
    struct member *owner = topology_owner(route->topology, slot);
    for (unsigned i = 0; i < topology_n_members(route->topology); i++) {
        struct member *member = topology_member(route->topology, i);
        if ((!owner || owner->state != MEMBER_UP) && member && member->state == MEMBER_UP)
            owner = member;
    }
    return owner;
}

static void give_out(struct redis_route *route, struct whole *whole, unsigned place)
{
    struct batch_op *op = &whole->batch->ops[place];
    /* A key that is too large for any Redis is refused by any node. */
    op->slot = (uint16_t)(redis_takes_key(op) ? redis_slot(op->key, op->key_len) : 0);
    if (op->action == OP_SCAN)
        give_to_masters(route, whole, place);
    else if (op->action == OP_PUBLISH)
        give(route, whole, place, find_publisher(route, op->slot), PIECE_PLAIN);
    else
        give(route, whole, place, topology_owner(route->topology, op->slot), PIECE_PLAIN);
}

void redis_route_send(struct redis_route *route, struct batch *batch, struct errand *errand)
{
    struct whole *whole = whole_make(batch);
    whole->errand = errand;
    whole->version = topology_version(route->topology);
    DL_APPEND(route->wholes, whole);
    for (unsigned i = 0; i < batch->n; i++)
        give_out(route, whole, i);
    leave(route);
    end_if_no_piece_is_out(route, whole);
}

/* ---- what is answered ---- */

static void again(struct redis_route *route, struct piece *piece, unsigned i, struct member *to,
                  enum piece_kind kind)
{
    unsigned place = piece->notes[i].place;
    if (whole_redirect(piece->whole, place))
        give(route, piece->whole, place, to, kind);
    else
        defer(route, piece->whole, "the nodes of the cluster send it to one another");
}

/* What a node did that does not own the slot any more may be lost: another one's data counts. And
 * a key that moved during a scan may have been on no node when that was scanned. */
static bool is_believed(const struct redis_route *route, const struct piece *piece, unsigned i)
{
    const struct batch_op *op = piece_op(piece, i);
    if (op->action == OP_PUBLISH || piece->kind == PIECE_ASKING)
        return true;
    if (op->action == OP_SCAN)
        return piece->whole->version == topology_version(route->topology);
    const struct member *owner = topology_owner(route->topology, op->slot);
    return owner && owner->number == piece->number;
}

static const char scan_again[] = "slots moved while it was scanned: it is scanned again";

static void act_on(struct redis_route *route, struct piece *piece, unsigned i)
{
    const struct piece_op *note = &piece->notes[i];
    struct member *owner = topology_owner(route->topology, piece_op(piece, i)->slot);
    /* What follows an ASKING that is not permitted is redirected for that reason. */
    if (piece->kind == PIECE_ASKING && piece->batch.status == BATCH_REFUSED) {
        whole_fail(piece->whole, BATCH_REFUSED, piece->batch.reason);
        return;
    }
    switch ((enum sentence)note->sentence) {
    case SENTENCE_NONE:
        if (piece_op(piece, i)->action == OP_SCAN && piece->batch.status == BATCH_DONE)
            defer(route, piece->whole, scan_again);
        else if (piece->batch.status == BATCH_DONE)
            again(route, piece, i, owner, PIECE_PLAIN);
        else
            whole_fail(piece->whole, piece->batch.status, piece->batch.reason);
        break;
    case SENTENCE_MOVED:
        again(route, piece, i, topology_member(route->topology, note->to), PIECE_PLAIN);
        break;
    case SENTENCE_ASK:
        again(route, piece, i, topology_member(route->topology, note->to), PIECE_ASKING);
        break;
    case SENTENCE_TRYAGAIN:
        if (piece->batch.singly)
            defer(route, piece->whole, "the key is being moved to another node");
        else
            again(route, piece, i, owner, PIECE_SINGLY);
        break;
    case SENTENCE_WAIT:
        defer(route, piece->whole, note->why);
        break;
    }
}

/* The note names its node no more. */
static void unname(struct redis_route *route, const struct piece_op *note)
{
    if (note->sentence == SENTENCE_MOVED || note->sentence == SENTENCE_ASK)
        topology_member(route->topology, note->to)->n_named--;
}

/* Takes over what the piece's answer says, and lets go of it. */
static void take_piece(struct redis_route *route, struct piece *piece)
{
    struct whole *whole = piece->whole;
    if (piece->batch.status == BATCH_LOST || piece->batch.status == BATCH_BUSY)
        topology_refresh(route->topology);
    for (unsigned i = 0; i < piece->batch.n; i++)
        if (!piece_take(piece, i, is_believed(route, piece, i)))
            act_on(route, piece, i);
    for (unsigned i = 0; i < piece->batch.n; i++)
        unname(route, &piece->notes[i]);
    piece_free(piece);
    leave(route);
    end_if_no_piece_is_out(route, whole);
}

/* A scan's keys are in many slots, and what members a set has is asked page by page: they are not
 * sent after the keys, but begin again. */
static enum sentence read_redirect(struct redis_route *route, const struct batch_op *op,
                                   const struct slot_redirect *redirect, struct piece_op *note)
{
    struct member *to = redirect->known ? topology_find(route->topology, &redirect->to) : NULL;
    topology_refresh(route->topology);
    note->why = op->action == OP_SCAN ? scan_again : "its slot is being moved to another node";
    if (!to || op->action == OP_SCAN || redirect->slot != op->slot)
        return SENTENCE_WAIT;
    if (redirect->ask && op->action == OP_DELETE_MEMBERS)
        return SENTENCE_WAIT;
    if (!redirect->ask)
        topology_move(route->topology, op->slot, to);
    note->to = (uint16_t)to->number;
    to->n_named++;
    return redirect->ask ? SENTENCE_ASK : SENTENCE_MOVED;
}

static bool begins(const char *text, size_t len, const char *word)
{
    return len >= strlen(word) && memcmp(text, word, strlen(word)) == 0;
}

void redis_route_refused(struct redis_route *route, struct batch *batch, unsigned i,
                         const char *text, size_t len)
{
    struct piece *piece = (struct piece *)batch;
    struct piece_op *note = &piece->notes[i];
    const struct member *member = topology_member(route->topology, piece->number);
    const struct batch_op *op = piece_op(piece, i);
    struct slot_redirect redirect;
    unname(route, note);
    note->sentence = SENTENCE_NONE;
    if (slot_redirect_read(text, len, &member->address, &redirect)) {
        note->sentence = (uint8_t)read_redirect(route, op, &redirect, note);
    } else if (begins(text, len, "TRYAGAIN") && op->action != OP_SCAN) {
        note->sentence = SENTENCE_TRYAGAIN;
    } else if (begins(text, len, "TRYAGAIN") || begins(text, len, "CLUSTERDOWN")) {
        note->why = "some slots are served by no node";
        note->sentence = SENTENCE_WAIT;
    }
}

/* ---- scans ---- */

/* A key that moved during a scan may have been on no node when that was scanned. The map tells of a
 * slot when all of it has moved; until then the nodes alone know. So each is asked when it has done
 * its part: one that still has the slots it had, and moves none, has scanned all of its keys. */
static bool has_scanned(const struct piece *piece)
{
    for (unsigned i = 0; i < piece->batch.n; i++)
        if (piece->batch.ops[i].action == OP_SCAN && piece->batch.ops[i].result != RESULT_NONE)
            return true;
    return false;
}

static void forget_scans(struct piece *piece, const char *why)
{
    for (unsigned i = 0; i < piece->batch.n; i++) {
        if (piece->batch.ops[i].action != OP_SCAN || piece->batch.ops[i].result == RESULT_NONE)
            continue;
        piece->batch.ops[i].result = RESULT_NONE;
        piece->notes[i].sentence = SENTENCE_WAIT;
        piece->notes[i].why = why;
    }
}

static void settle(struct piece *piece)
{
    struct member *member = topology_member(piece->route->topology, piece->number);
    DL_DELETE(member->out, piece);
    take_piece(piece->route, piece);
}

static void on_nodes(void *asker, const struct redisReply *reply)
{
    struct piece *piece = asker;
    struct redis_route *route = piece->route;
    const struct member *member = topology_member(route->topology, piece->number);
    struct slot_count count;
    if (!reply)
        forget_scans(piece, "a node was lost after it was scanned: it is scanned again");
    else if (!slot_count_read(reply, &count))
        forget_scans(piece, "CLUSTER NODES was not answered: allow the ACL user cluster|nodes");
    else if (count.moving || count.n != member->n_slots)
        forget_scans(piece, scan_again);
    settle(piece);
}

void redis_route_take(struct redis_route *route, struct member *member, struct batch *batch)
{
    struct piece *piece = (struct piece *)batch;
    piece->route = route;
    if (!has_scanned(piece))
        settle(piece);
    else if (redis_node_is_up(member->node))
        redis_node_ask(member->node, (const char *const[]){"CLUSTER", "NODES"}, 2, on_nodes, piece);
    else
        on_nodes(piece, NULL);
}

void redis_route_give_up(struct redis_route *route, struct member *member, const char *reason)
{
    struct piece *piece;
    while ((piece = member->waiting)) {
        DL_DELETE(member->waiting, piece);
        piece->batch.status = BATCH_DEFERRED;
        snprintf(piece->batch.reason, sizeof piece->batch.reason, "%s", reason);
        take_piece(route, piece);
    }
}

void redis_route_doubt(struct redis_route *route)
{
    struct whole *whole;
    DL_FOREACH (route->wholes, whole) {
        whole->doubted = true;
    }
}

static void free_pieces(struct piece *pieces)
{
    struct piece *piece, *next;
    DL_FOREACH_SAFE(pieces, piece, next)
    {
        piece_free(piece);
    }
}

void redis_route_free_pieces(struct redis_route *route)
{
    for (unsigned i = 0; i < topology_n_members(route->topology); i++) {
        struct member *member = topology_member(route->topology, i);
        if (!member)
            continue;
        free_pieces(member->waiting);
        free_pieces(member->out);
    }
}
