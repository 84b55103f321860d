/* Transactions between being given and being deleted. */
#include "source/outbox_ledger.h"
#include "source/outbox_sql.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static uint64_t give(struct outbox_ledger *ledger, uint64_t txid)
{
    return outbox_ledger_give(ledger, &(struct outbox_unit){txid, txid + 1});
}

/* The statement that deletes at most n of what is done must be the one for these transactions. */
static void expect(struct outbox_ledger *ledger, unsigned n, const uint64_t *txids,
                   unsigned n_txids)
{
    struct outbox_unit units[2];
    struct buf is = {0}, wanted = {0};
    outbox_ledger_take_sql(ledger, n, &is);
    for (unsigned i = 0; i < n_txids; i++)
        units[i] = (struct outbox_unit){txids[i], txids[i] + 1};
    outbox_delete_sql(&wanted, units, n_txids);
    assert_string_equal(buf_str(&is), buf_str(&wanted));
    buf_free(&is);
    buf_free(&wanted);
}

static void what_was_given_is_done_when_confirmed_and_not_before(void **state)
{
    (void)state;
    struct outbox_ledger ledger = {0};
    uint64_t first = give(&ledger, 900);
    uint64_t second = give(&ledger, 700);
    assert_true(first < second);
    assert_false(outbox_ledger_has_done(&ledger));
    outbox_ledger_confirm(&ledger, first);
    expect(&ledger, 10, (const uint64_t[]){900}, 1);
    assert_false(outbox_ledger_has_done(&ledger));
    assert_false(outbox_ledger_is_clear(&ledger));
    outbox_ledger_confirm(&ledger, second);
    outbox_ledger_confirm(&ledger, second);
    expect(&ledger, 10, (const uint64_t[]){700}, 1);
    assert_true(outbox_ledger_is_clear(&ledger));
    outbox_ledger_free(&ledger);
}

static void no_more_than_asked_for_are_taken(void **state)
{
    (void)state;
    struct outbox_ledger ledger = {0};
    for (uint64_t txid = 1; txid <= 3; txid++)
        give(&ledger, txid);
    outbox_ledger_confirm(&ledger, 3);
    expect(&ledger, 2, (const uint64_t[]){1, 2}, 2);
    expect(&ledger, 2, (const uint64_t[]){3}, 1);
    outbox_ledger_free(&ledger);
}

static void tokens_go_on_to_grow_after_it_forgot(void **state)
{
    (void)state;
    struct outbox_ledger ledger = {0};
    uint64_t before = give(&ledger, 5);
    outbox_ledger_forget(&ledger);
    assert_true(outbox_ledger_is_clear(&ledger));
    outbox_ledger_confirm(&ledger, before);
    assert_false(outbox_ledger_has_done(&ledger));
    assert_true(give(&ledger, 5) > before);
    outbox_ledger_free(&ledger);
}

/* Confirmed a few at a time, whatever was moved meanwhile. */
static void each_is_taken_once_and_in_order(void **state)
{
    (void)state;
    struct outbox_ledger ledger = {0};
    uint64_t taken = 0, given = 0;
    for (unsigned round = 0; round < 1000; round++) {
        for (unsigned i = 0; i < round % 7; i++)
            give(&ledger, 1000 + given++);
        outbox_ledger_confirm(&ledger, given - (given - taken) / 3);
        while (outbox_ledger_has_done(&ledger))
            expect(&ledger, 1, (const uint64_t[]){1000 + taken++}, 1);
    }
    outbox_ledger_confirm(&ledger, given);
    while (outbox_ledger_has_done(&ledger))
        expect(&ledger, 1, (const uint64_t[]){1000 + taken++}, 1);
    assert_int_equal(taken, given);
    assert_true(outbox_ledger_is_clear(&ledger));
    outbox_ledger_free(&ledger);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_was_given_is_done_when_confirmed_and_not_before),
        cmocka_unit_test(no_more_than_asked_for_are_taken),
        cmocka_unit_test(tokens_go_on_to_grow_after_it_forgot),
        cmocka_unit_test(each_is_taken_once_and_in_order),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
