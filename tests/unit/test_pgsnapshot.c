#include "source/pgsnapshot.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct pgsnapshot parsed;

static int forget(void **state)
{
    (void)state;
    pgsnapshot_free(&parsed);
    return 0;
}

static void nothing_runs_in_a_quiet_database(void **state)
{
    (void)state;
    assert_true(pgsnapshot_parse(&parsed, "725:725:"));
    assert_int_equal(parsed.snapshot.xmax, 725);
    assert_int_equal(parsed.snapshot.n_running, 0);
}

static void those_that_run_are_listed(void **state)
{
    (void)state;
    assert_true(pgsnapshot_parse(&parsed, "10:20:10,14,15"));
    assert_int_equal(parsed.snapshot.xmax, 20);
    assert_int_equal(parsed.snapshot.n_running, 3);
    assert_int_equal(parsed.snapshot.running[0], 10);
    assert_int_equal(parsed.snapshot.running[2], 15);
}

static void transaction_numbers_have_64_bits(void **state)
{
    (void)state;
    assert_true(pgsnapshot_parse(&parsed, "4294967300:4294967302:4294967301"));
    assert_true(parsed.snapshot.xmax == UINT64_C(4294967302));
    assert_true(parsed.snapshot.running[0] == UINT64_C(4294967301));
}

static void a_thousand_running_are_read_and_then_none(void **state)
{
    char text[8192];
    int n = snprintf(text, sizeof text, "1:2000:1");
    (void)state;
    for (int i = 2; i <= 1000; i++)
        n += snprintf(text + n, sizeof text - (size_t)n, ",%d", i);
    assert_true(pgsnapshot_parse(&parsed, text));
    assert_int_equal(parsed.snapshot.n_running, 1000);
    assert_int_equal(parsed.snapshot.running[999], 1000);
    assert_true(pgsnapshot_parse(&parsed, "2000:2000:"));
    assert_int_equal(parsed.snapshot.n_running, 0);
}

static void other_texts_are_no_snapshots(void **state)
{
    static const char *const texts[] = {
        "",
        ":",
        "1:2",
        "1:2:3,",
        "1:2:,3",
        "1:2:x",
        "a:2:",
        "1:-2:",
        "1:2:3:4",
        "1 :2:",
        "1:99999999999999999999:",
    };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (pgsnapshot_parse(&parsed, texts[i]))
            fail_msg("\"%s\" was taken", texts[i]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_teardown(nothing_runs_in_a_quiet_database, forget),
        cmocka_unit_test_teardown(those_that_run_are_listed, forget),
        cmocka_unit_test_teardown(transaction_numbers_have_64_bits, forget),
        cmocka_unit_test_teardown(a_thousand_running_are_read_and_then_none, forget),
        cmocka_unit_test_teardown(other_texts_are_no_snapshots, forget),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
