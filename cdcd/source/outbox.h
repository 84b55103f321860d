/* The outbox, a feed: reads what triggers wrote, and takes out of it what is safe.
 *
 * sql/004_outbox.sql makes it. Row ids become visible out of order, so there is no mark up to which
 * all was read. A read gives what a snapshot sees and the one before did not: the rows of
 * transactions that had not begun then, or were running. A transaction's rows become visible at
 * once, and are deleted by its number. What was read and not deleted is read again by whoever comes
 * next.
 *
 * While nothing comes it sleeps: triggers see in cdcd.asleep_until that they shall NOTIFY, which a
 * connection of its own listens for. Under load it polls, so that nobody pays for NOTIFY. What
 * falls between is found by the poll. One daemon reads, the one that has the advisory lock. */
#ifndef CDCD_SOURCE_OUTBOX_H
#define CDCD_SOURCE_OUTBOX_H

#include "source/feed.h"

const struct feed_ops *outbox_feed(void);

#endif
