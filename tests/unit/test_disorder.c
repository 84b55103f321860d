/* Transactions that are read in another order than they were committed in. */
#include "fake_pipeline.h"

#include "base/log.h"

static const char SETS[] =
    "cdcd = 1; app = \"t\"; store = \"one\";\n"
    "caches = { s = { key = \"s:{id}\"; triggers = \"t\"; action = \"set\";\n"
    "                 value = \"v\"; ttl = \"60s\"; };\n"
    "           u = { key = \"u:{id}\"; triggers = \"t\"; }; };\n";

static void open_sets(struct fixture *f)
{
    open_rules(f, false, 1, load(SETS, STORES, 2));
}

static void assert_sends(struct fixture *f, uint64_t token, const char *expected)
{
    unit(f, 1, "t", "1", token);
    pipeline_turn(f->pipeline);
    assert_string_equal(fake_said(&f->store), expected);
    answer(f, &f->store, 0);
}

static void a_source_is_ordered_unless_it_says_otherwise(void **state)
{
    struct fixture f;
    (void)state;
    open_sets(&f);
    assert_sends(&f, 1, "set s:1=v;delete u:1;|");
    pipeline_free(f.pipeline);
}

static void sets_of_no_known_order_are_deletes(void **state)
{
    struct fixture f;
    (void)state;
    open_sets(&f);
    f.say->ordered(f.pipeline, false);
    assert_sends(&f, 1, "delete s:1;delete u:1;|");
    f.say->ordered(f.pipeline, true);
    assert_sends(&f, 2, "set s:1=v;delete u:1;|");
    pipeline_free(f.pipeline);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(a_source_is_ordered_unless_it_says_otherwise),
        cmocka_unit_test(sets_of_no_known_order_are_deletes),
    };
    log_level_set(LOG_LEVEL_ERROR);
    return cmocka_run_group_tests(tests, NULL, NULL);
}
