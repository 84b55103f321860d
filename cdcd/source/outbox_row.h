/* Rows of the outbox: the bytes of COPY in binary format, as outbox_read_sql asks for them, to
 * changes. Pure.
 *
 * A decoder takes the messages of one COPY after the other. What makes no sense is told by a
 * reason, and breaks it: the connection must then be made anew. It keeps what a table's rows look
 * like: names as they were when the row was written, types as the catalog has told them.
 *
 * PostgreSQL's manual, "COPY", binary format (one message may hold the header and a row; a row
 * never spans messages), and "Composite Type Input and Output Syntax" for the values. */
#ifndef CDCD_SOURCE_OUTBOX_ROW_H
#define CDCD_SOURCE_OUTBOX_ROW_H

#include "base/err.h"
#include "model/change.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct catalog;
struct outbox_rows;

/* The first row of a read. snapshot is the text of a txid_snapshot; rows of transactions after
 * `bound` were left for the next read. Lent. */
struct outbox_head {
    const char *snapshot;
    uint64_t bound; /* UINT64_MAX: none were */
};

struct outbox_unit {
    uint64_t txid;
    uint64_t last_id; /* the largest of its rows */
};

/* Everything given is lent for the call. */
struct outbox_row_events {
    void (*head)(void *ctx, const struct outbox_head *head);
    /* A row of another transaction than the row before, in this read. */
    void (*begin)(void *ctx, const struct outbox_unit *unit);
    void (*change)(void *ctx, const struct change *change);
    /* Rows were taken out unread; reason says by whom. */
    void (*emptied)(void *ctx, const char *reason);
};

/* The caller owns it; ctx is borrowed until it is freed. */
struct outbox_rows *outbox_rows_make(const struct outbox_row_events *events, void *ctx);
/* A read begins. */
void outbox_rows_start(struct outbox_rows *rows);

enum outbox_decoded {
    OUTBOX_DECODED,
    OUTBOX_PUZZLED, /* the catalog must be asked first; give the same message again then */
    OUTBOX_BROKEN,  /* err says why (EX_PROTOCOL) */
};

/* Decodes one message, lent for the call. A message that puzzles has given nothing of the row that
 * does, nor of those behind it; what it gave before is not given again. */
enum outbox_decoded outbox_rows_decode(struct outbox_rows *rows, const char *bytes, size_t n,
                                       struct err *err);
/* What the catalog says of tables now; of others what it said before holds, unless anew. It settles
 * what puzzled: a table that it does not name, or whose columns are not those that were read, is
 * given all the same, with types that nobody knows. */
void outbox_rows_learn(struct outbox_rows *rows, const struct catalog *catalog, bool anew);
/* As it was given last; lent until the next message. NULL: no change of it was. */
const struct relation *outbox_rows_relation(const struct outbox_rows *rows, uint32_t oid);
/* NULL is allowed. */
void outbox_rows_free(struct outbox_rows *rows);

#endif
