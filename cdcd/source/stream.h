/* The replication connection, a feed: makes the slot where it must, starts the stream, gives what
 * it says, and tells PostgreSQL what is safe.
 *
 * While another has the slot it asks again every second. PostgreSQL does not end a fast shutdown
 * before all it sent is confirmed: when it asks for that in a burst the stream is left. */
#ifndef CDCD_SOURCE_STREAM_H
#define CDCD_SOURCE_STREAM_H

#include "source/feed.h"

const struct feed_ops *stream_feed(void);

#endif
