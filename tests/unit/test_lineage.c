#include "source/lineage.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#define NOTED(...)                                       \
    struct lineage lineage = {0};                        \
    lineage_note(&lineage, "71", "00000001", "16384/5"); \
    lineage_note(&lineage, __VA_ARGS__)

static void what_is_seen_first_is_no_gap(void **state)
{
    struct lineage lineage = {0};
    (void)state;
    lineage_note(&lineage, "71", "00000001", "16384/5");
    assert_null(lineage_take_gap(&lineage));
}

static void what_is_as_before_is_no_gap(void **state)
{
    (void)state;
    NOTED("71", "00000001", "16384/5");
    assert_null(lineage_take_gap(&lineage));
}

static void another_cluster_is_a_gap_said_once(void **state)
{
    (void)state;
    NOTED("72", "00000001", "16384/5");
    assert_string_equal(lineage_take_gap(&lineage), "another cluster stands behind the same name");
    assert_null(lineage_take_gap(&lineage));
    lineage_note(&lineage, "72", "00000001", "16384/5");
    assert_null(lineage_take_gap(&lineage));
}

static void another_timeline_is_a_gap(void **state)
{
    (void)state;
    NOTED("71", "00000002", "16384/5");
    assert_string_equal(lineage_take_gap(&lineage),
                        "the cluster is on another timeline, as when a standby was promoted");
}

static void an_outbox_made_anew_is_a_gap(void **state)
{
    (void)state;
    NOTED("71", "00000001", "16384/6");
    assert_string_equal(lineage_take_gap(&lineage), "the outbox is gone, and made anew");
}

static void of_several_reasons_the_cluster_is_said(void **state)
{
    (void)state;
    NOTED("72", "00000002", "16385/6");
    assert_string_equal(lineage_take_gap(&lineage), "another cluster stands behind the same name");
}

static void a_gap_waits_until_it_is_said(void **state)
{
    (void)state;
    NOTED("71", "00000002", "16384/5");
    lineage_note(&lineage, "71", "00000002", "16384/5");
    assert_non_null(lineage_take_gap(&lineage));
}

static void what_cannot_be_told_is_no_gap_and_forgets_nothing(void **state)
{
    (void)state;
    NOTED("", "", "16384/5");
    assert_null(lineage_take_gap(&lineage));
    lineage_note(&lineage, "72", "00000001", "16384/5");
    assert_non_null(lineage_take_gap(&lineage));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_seen_first_is_no_gap),
        cmocka_unit_test(what_is_as_before_is_no_gap),
        cmocka_unit_test(another_cluster_is_a_gap_said_once),
        cmocka_unit_test(another_timeline_is_a_gap),
        cmocka_unit_test(an_outbox_made_anew_is_a_gap),
        cmocka_unit_test(of_several_reasons_the_cluster_is_said),
        cmocka_unit_test(a_gap_waits_until_it_is_said),
        cmocka_unit_test(what_cannot_be_told_is_no_gap_and_forgets_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
