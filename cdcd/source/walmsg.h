/* The messages of a walsender inside COPY BOTH, and positions in the WAL.
 *
 * PostgreSQL's manual, "Streaming Replication Protocol": XLogData (w) and keepalive (k) come, the
 * standby status (r) goes. */
#ifndef CDCD_SOURCE_WALMSG_H
#define CDCD_SOURCE_WALMSG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define WALMSG_STATUS_BYTES 34

enum walmsg_kind { WALMSG_DATA = 'w', WALMSG_KEEPALIVE = 'k', WALMSG_BAD = 0 };

struct walmsg {
    enum walmsg_kind kind;
    const char *data; /* with DATA: a message of pgoutput; lent from the bytes that were read */
    size_t data_len;
    uint64_t end_lsn;  /* with KEEPALIVE: all before it has been sent */
    bool wants_answer; /* with KEEPALIVE */
};

struct walmsg walmsg_read(const char *bytes, size_t n);
/* All before lsn is safe; now_us since the Unix epoch. */
void walmsg_status(char bytes[WALMSG_STATUS_BYTES], uint64_t lsn, int64_t now_us);

#endif
