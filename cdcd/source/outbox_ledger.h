/* Transactions of the outbox between being given and being deleted. Pure.
 *
 * A token is the number of a giving: it grows, and says nothing of the order of transactions. */
#ifndef CDCD_SOURCE_OUTBOX_LEDGER_H
#define CDCD_SOURCE_OUTBOX_LEDGER_H

#include "base/buf.h"
#include "source/outbox_row.h"

#include <stdbool.h>
#include <stdint.h>

/* All zeros is empty. */
struct outbox_ledger {
    uint64_t token;   /* the last that was given */
    struct buf given; /* what is not confirmed, in the order of tokens */
    size_t n_over;    /* bytes at its front that are */
    struct buf done;  /* transactions that are to be deleted */
};

/* Returns the transaction's token. */
uint64_t outbox_ledger_give(struct outbox_ledger *ledger, const struct outbox_unit *unit);
/* All up to the token is to be deleted. */
void outbox_ledger_confirm(struct outbox_ledger *ledger, uint64_t token);
bool outbox_ledger_has_done(const struct outbox_ledger *ledger);
/* True when nothing is between being given and being deleted. */
bool outbox_ledger_is_clear(const struct outbox_ledger *ledger);
/* Takes out at most n of those to be deleted, one at least, and appends the statement for them. */
void outbox_ledger_take_sql(struct outbox_ledger *ledger, unsigned n, struct buf *sql);
/* Nothing of it holds any more, but tokens go on to grow. */
void outbox_ledger_forget(struct outbox_ledger *ledger);
void outbox_ledger_free(struct outbox_ledger *ledger);

#endif
