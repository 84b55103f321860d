/* pgoutput: the bytes of logical replication, protocol version 1 in text, to changes. Pure.
 *
 * A decoder keeps what the stream said of its relations, and where in a transaction it is. It takes
 * one message at a time; what makes no sense is told by a reason, and breaks the decoder: what
 * follows cannot be trusted, so the stream has to begin again with a new decoder. No memory is
 * taken for a change.
 *
 * PostgreSQL's manual, "Logical Replication Message Formats". What it does not say, and this relies
 * on: in a K row a NULL is no NULL but "not sent"; the rows of a partition that is published as its
 * root hold what the partition's identity sends, which may be more or less than the root's,
 * whatever the root's says of the row; and each partition is defined, behind its root, before its
 * first row. */
#ifndef CDCD_SOURCE_PGOUTPUT_H
#define CDCD_SOURCE_PGOUTPUT_H

#include "base/err.h"
#include "model/change.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct pgoutput;
struct types;

/* Everything given is lent for the call. */
struct pgoutput_events {
    void (*begin)(void *ctx, uint32_t xid);
    void (*change)(void *ctx, const struct change *change);
    /* end_lsn is where the transaction's commit record ends; never 0. */
    void (*commit)(void *ctx, uint64_t end_lsn);
};

/* The caller owns the decoder; ctx and types (which may be NULL) are borrowed until it is freed. */
struct pgoutput *pgoutput_make(const struct pgoutput_events *events, void *ctx,
                               const struct types *types);
/* More is known of types: relations that have such get another version. Not from within events. */
void pgoutput_retype(struct pgoutput *decoder);
/* Decodes one message, whose bytes are lent for the call. 0, or -1 with err filled in
 * (EX_PROTOCOL); then nothing of this message has been given. */
int pgoutput_decode(struct pgoutput *decoder, const char *bytes, size_t n, struct err *err);
bool pgoutput_in_transaction(const struct pgoutput *decoder);
/* A relation as the stream last defined it; lent until the next message or retype. NULL: it has not
 * yet. */
const struct relation *pgoutput_relation(const struct pgoutput *decoder, uint32_t oid);
/* NULL is allowed. */
void pgoutput_free(struct pgoutput *decoder);

/* A number for relation.version that no other definition has had in this process. */
uint64_t pgoutput_next_version(void);

#endif
