#include "source/outbox_ledger.h"

#include "source/outbox_sql.h"

#include <assert.h>
#include <string.h>

#define KEEP_BYTES (64 << 10)

struct given {
    uint64_t token;
    struct outbox_unit unit;
};

uint64_t outbox_ledger_give(struct outbox_ledger *ledger, const struct outbox_unit *unit)
{
    struct given given = {.token = ++ledger->token, .unit = *unit};
    buf_put(&ledger->given, &given, sizeof given);
    return given.token;
}

static void drop_front(struct buf *buf, size_t n)
{
    if (n == buf->len) {
        buf_reset(buf, KEEP_BYTES);
        return;
    }
    memmove(buf->data, buf->data + n, buf->len - n);
    buf->len -= n;
}

void outbox_ledger_confirm(struct outbox_ledger *ledger, uint64_t token)
{
    assert(token <= ledger->token);
    for (; ledger->n_over < ledger->given.len; ledger->n_over += sizeof(struct given)) {
        struct given given;
        memcpy(&given, ledger->given.data + ledger->n_over, sizeof given);
        if (given.token > token)
            break;
        buf_put(&ledger->done, &given.unit, sizeof given.unit);
    }
    if (ledger->n_over >= ledger->given.len / 2) { /* else moving would cost more than it gains */
        drop_front(&ledger->given, ledger->n_over);
        ledger->n_over = 0;
    }
}

bool outbox_ledger_has_done(const struct outbox_ledger *ledger)
{
    return ledger->done.len > 0;
}

bool outbox_ledger_is_clear(const struct outbox_ledger *ledger)
{
    return ledger->n_over == ledger->given.len && ledger->done.len == 0;
}

void outbox_ledger_take_sql(struct outbox_ledger *ledger, unsigned n, struct buf *sql)
{
    size_t size = sizeof(struct outbox_unit), n_done = ledger->done.len / size;
    assert(n_done > 0);
    if (n > n_done)
        n = (unsigned)n_done;
    outbox_delete_sql(sql, (const struct outbox_unit *)(const void *)ledger->done.data, n);
    drop_front(&ledger->done, n * size);
}

void outbox_ledger_forget(struct outbox_ledger *ledger)
{
    buf_reset(&ledger->given, KEEP_BYTES);
    buf_reset(&ledger->done, KEEP_BYTES);
    ledger->n_over = 0;
}

void outbox_ledger_free(struct outbox_ledger *ledger)
{
    buf_free(&ledger->given);
    buf_free(&ledger->done);
}
