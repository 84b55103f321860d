/* The values of MintCache, as it was published: a pickled pair of the time from which the value is
 * stale, and the value. https://docs.python.org/3/library/pickletools.html */
#ifndef CDCD_STORE_MINTCACHE_H
#define CDCD_STORE_MINTCACHE_H

#include <stddef.h>

#define MINTCACHE_TIME_BYTES 8 /* a double, big-endian: all zero is long ago */

/* Where the time stands in the value; 0 when it is no such pickle (of protocol 2 to 5, as Python's
 * own pickler writes it). */
size_t mintcache_time_at(const char *value, size_t len);

#endif
