#include "config.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define STORES "stores = { redis = { type = \"redis\"; url = \"redis://127.0.0.1:6379\"; }; };\n"
#define RULES "rules = [ \"rules.d/*.cfg\", \"/abs.cfg\" ];\n"

static char path[] = "/tmp/cdcd_config_XXXXXX";

static struct config *load(const char *text, struct complaints *complaints)
{
    FILE *file = fopen(path, "w");
    fputs(text, file);
    fclose(file);
    *complaints = (struct complaints){0};
    struct config *config = config_read(path, complaints);
    if (complaints->n_errors == 0)
        return config;
    config_free(config);
    return NULL;
}

/* The text loads. */
static struct config *good(const char *text)
{
    struct complaints complaints;
    struct config *config = load(text, &complaints);
    complaints_print(&complaints, stderr);
    assert_non_null(config);
    assert_int_equal(complaints.n, 0);
    complaints_free(&complaints);
    return config;
}

/* The text does not load, for one reason. */
static void bad(const char *text, int line, const char *why)
{
    struct complaints complaints;
    assert_null(load(text, &complaints));
    if (complaints.n != 1)
        complaints_print(&complaints, stderr);
    assert_int_equal(complaints.n, 1);
    assert_string_equal(complaints.list[0].text, why);
    assert_int_equal(complaints.list[0].line, line);
    assert_string_equal(complaints.list[0].file, path);
    assert_int_equal(complaints.code, EX_CONFIG);
    complaints_free(&complaints);
}

static void what_is_left_out_has_its_default(void **state)
{
    (void)state;
    struct config *config = good(STORES RULES);
    assert_string_equal(config->source.conninfo, "");
    assert_string_equal(config->source.slot, "cdcd");
    assert_string_equal(config->source.publication, "cdcd");
    assert_false(config->source.create);
    assert_true(config->source.gate);
    assert_int_equal(config->source.decoding_work_mem_bytes, 256 << 20);
    assert_int_equal(config->source.retry_min_ms, 100);
    assert_int_equal(config->source.retry_max_ms, 30000);
    assert_int_equal(config->detach_after_ms, 10000);
    assert_true(config->weak_is_error);
    assert_int_equal(config->batch_ops, 512);
    assert_int_equal(config->buffer_bytes, 64 << 20);
    assert_int_equal(config->log_level, LOG_LEVEL_INFO);
    assert_int_equal(config->n_stores, 1);
    assert_string_equal(config->stores[0].name, "redis");
    assert_string_equal(config->stores[0].prefix, "");
    assert_int_equal(config->stores[0].timeout_ms, 2000);
    assert_int_equal(config->stores[0].retry_max_ms, 30000);
    assert_null(config->stores[0].password_file);
    config_free(config);
}

static void what_is_said_is_taken(void **state)
{
    (void)state;
    struct config *config =
        good("source = { conninfo = \"service=blog\"; slot = \"a_1\"; publication = \"P\";\n"
             "  create = true; visibility = \"none\"; weak_identity = \"clear\";\n"
             "  detach_after = \"1min\"; logical_decoding_work_mem = \"1GB\"; };\n"
             "stores = { mc = { type = \"memcached\"; servers = [ \"10.0.0.1:11211\" ];\n"
             "  selector = \"one\"; timeout = \"250ms\"; prefix = \"p:\"; }; };\n"
             "log = { level = \"debug\"; format = \"text\"; };\n"
             "limits = { batch = 7; buffer = \"1MB\"; retry = \"1s..2s\"; };\n" RULES);
    assert_string_equal(config->source.conninfo, "service=blog");
    assert_string_equal(config->source.slot, "a_1");
    assert_string_equal(config->source.publication, "P");
    assert_true(config->source.create);
    assert_false(config->source.gate);
    assert_false(config->weak_is_error);
    assert_int_equal(config->detach_after_ms, 60000);
    assert_int_equal(config->source.decoding_work_mem_bytes, 1 << 30);
    assert_int_equal(config->batch_ops, 7);
    assert_int_equal(config->buffer_bytes, 1 << 20);
    assert_int_equal(config->retry_min_ms, 1000);
    assert_int_equal(config->log_level, LOG_LEVEL_DEBUG);
    assert_int_equal(config->stores[0].n_servers, 1);
    assert_string_equal(config->stores[0].servers[0], "10.0.0.1:11211");
    assert_string_equal(config->stores[0].selector, "one");
    assert_int_equal(config->stores[0].timeout_ms, 250);
    assert_int_equal(config->stores[0].line, 4);
    assert_string_equal(config->rule_stores[0].prefix, "p:");
    assert_string_equal(config->rule_stores[0].type, "memcached");
    config_free(config);
}

static void an_outbox_is_polled_and_needs_no_gate(void **state)
{
    (void)state;
    struct config *config =
        good(STORES RULES "source = { mode = \"outbox\"; poll = \"250ms\"; };\n");
    assert_int_equal(config->source.mode, SOURCE_OUTBOX);
    assert_int_equal(config->source.poll_ms, 250);
    assert_false(config->source.gate);
    config_free(config);
    config = good(STORES RULES);
    assert_int_equal(config->source.mode, SOURCE_REPLICATION);
    assert_int_equal(config->source.poll_ms, 1000);
    assert_true(config->source.gate);
    config_free(config);
}

static void globs_are_relative_to_the_file(void **state)
{
    (void)state;
    struct config *config = good(STORES RULES);
    assert_int_equal(config->n_rules, 2);
    assert_string_equal(config->rules[0], "/tmp/rules.d/*.cfg");
    assert_string_equal(config->rules[1], "/abs.cfg");
    config_free(config);
}

static void variables_are_replaced_in_every_string(void **state)
{
    (void)state;
    setenv("CDCD_TEST_SLOT", "from_env", 1);
    setenv("CDCD_TEST_LEVEL", "error", 1);
    struct config *config =
        good(STORES RULES "source = { slot = \"${CDCD_TEST_SLOT}\"; };\n"
                          "log = { level = \"${CDCD_TEST_LEVEL}\"; };\n"
                          "limits = { buffer = \"${CDCD_TEST_NOT_SET:-2MB}\"; };\n");
    assert_string_equal(config->source.slot, "from_env");
    assert_int_equal(config->log_level, LOG_LEVEL_ERROR);
    assert_int_equal(config->buffer_bytes, 2 << 20);
    config_free(config);
}

static void a_variable_that_is_not_set_is_named(void **state)
{
    (void)state;
    unsetenv("CDCD_TEST_NOT_SET");
    bad(STORES "rules = \"${CDCD_TEST_NOT_SET}/x\";\n", 2,
        "the environment has no CDCD_TEST_NOT_SET; set it, or write "
        "${CDCD_TEST_NOT_SET:-default}");
}

static void a_misspelt_setting_names_the_nearest(void **state)
{
    (void)state;
    bad(STORES RULES "source = {\n  slto = \"x\"; };\n", 4,
        "unknown setting \"slto\"; did you mean \"slot\"?");
}

static void what_is_not_built_is_said(void **state)
{
    (void)state;
    bad(STORES RULES "http = { listen = \"127.0.0.1:9720\"; };\n", 3,
        "http is not built yet in this version; leave it out");
    bad(STORES RULES "source = { visibility = [ \"host=replica\" ]; };\n", 3,
        "a list in visibility is not built yet in this version");
    bad(STORES RULES "source = { on_gap = \"stop\"; };\n", 3,
        "on_gap = \"stop\" is not built yet in this version");
}

static void values_out_of_range_are_refused(void **state)
{
    (void)state;
    bad(STORES RULES "limits = { batch = 0; };\n", 3, "batch = 0 is not from 1 to 10000");
    bad(STORES RULES "limits = { batch = 10001; };\n", 3, "batch = 10001 is not from 1 to 10000");
    bad(STORES RULES "limits = { buffer = \"100kB\"; };\n", 3,
        "buffer = \"100kB\" is not at least 1MB");
    bad(STORES RULES "limits = { buffer = \"64\"; };\n", 3,
        "buffer = \"64\" is not a size, as in \"64MB\"");
    bad(STORES RULES "limits = { retry = \"30s..100ms\"; };\n", 3,
        "retry = \"30s..100ms\" is not a range of times, as in \"100ms..30s\"");
    bad(STORES RULES "source = { detach_after = \"0s\"; };\n", 3,
        "detach_after = \"0s\" is not a time above 0");
}

static void wrong_types_are_refused(void **state)
{
    (void)state;
    bad(STORES RULES "limits = { batch = \"512\"; };\n", 3,
        "batch takes a whole number, and this is a string");
    bad(STORES RULES "limits = { buffer = 64; };\n", 3,
        "buffer takes a string with a unit (\"64MB\", \"30s\"), and this is a number");
    bad(STORES RULES "source = { create = \"yes\"; };\n", 3,
        "create takes true or false, and this is a string");
    bad(STORES RULES "source = \"service=blog\";\n", 3,
        "source takes a group, and this is a string");
    bad(STORES "rules = [ 1, 2 ];\n", 2,
        "rules takes a string or an array of strings, and this is an array");
}

static void a_number_that_would_wrap_is_refused(void **state)
{
    (void)state;
    bad(STORES RULES "limits = { batch = 4294967808; };\n", 3,
        "the number 4294967808 is too large; sizes and times are strings, as in \"64MB\"");
}

static void a_slot_has_letters_that_postgresql_takes(void **state)
{
    (void)state;
    bad(STORES RULES "source = {\n slot = \"My-Slot\"; };\n", 4,
        "slot = \"My-Slot\" is no name of a slot; it has 1 to 63 of a-z, 0-9 and _");
    bad(STORES RULES "source = { slot = \"\"; };\n", 3,
        "slot = \"\" is no name of a slot; it has 1 to 63 of a-z, 0-9 and _");
}

static void there_must_be_a_store(void **state)
{
    (void)state;
    bad(RULES, 1,
        "stores is missing; add it: a group of the stores that keys are deleted from, each by its "
        "name");
    bad(RULES "stores = { };\n", 2,
        "stores must be a group with at least one store: "
        "stores = { redis = { type = \"redis\"; url = \"redis://127.0.0.1:6379\"; }; };");
    bad(RULES "stores = { x = { type = \"rediss\"; }; };\n", 2,
        "unknown type of store \"rediss\"; did you mean \"redis\"?");
    bad(RULES "stores = { x = { url = \"redis://h\"; }; };\n", 2,
        "type is missing; add it: \"redis\", \"memcached\" or \"http\"");
    bad(RULES "stores = { x = \"redis\"; };\n", 2,
        "x must be a group: x = { type = \"redis\"; url = \"redis://...\"; };");
}

static void settings_of_http_are_for_no_other_store(void **state)
{
    (void)state;
    bad(RULES "stores = { r = { type = \"redis\"; url = \"redis://h\";\n method = \"BAN\"; }; };\n",
        3, "store r: method is for http, and this is a redis; remove it");
    struct config *config = good(
        RULES "stores = { e = { type = \"http\"; urls = [ \"http://a\", \"http://b\" ]; }; };\n");
    assert_int_equal(config->stores[0].n_urls, 2);
    assert_string_equal(config->stores[0].method, "PURGE");
    config_free(config);
}

static void all_complaints_are_made_at_once(void **state)
{
    struct complaints complaints;
    (void)state;
    assert_null(load("source = { slto = \"x\"; on_gap = \"stop\"; };\n"
                     "limits = { batch = 0; };\nstores = { s = { type = \"x\"; }; };\n",
                     &complaints));
    assert_int_equal(complaints.n_errors, 5);
    complaints_free(&complaints);
}

static void a_missing_file_is_no_input(void **state)
{
    struct complaints complaints = {0};
    (void)state;
    assert_null(config_read("/nowhere/cdcd.cfg", &complaints));
    assert_int_equal(complaints.code, EX_NOINPUT);
    assert_string_equal(
        complaints.list[0].text,
        "cannot be read: No such file or directory; correct the path, or make the file");
    complaints_free(&complaints);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(what_is_left_out_has_its_default),
        cmocka_unit_test(what_is_said_is_taken),
        cmocka_unit_test(an_outbox_is_polled_and_needs_no_gate),
        cmocka_unit_test(globs_are_relative_to_the_file),
        cmocka_unit_test(variables_are_replaced_in_every_string),
        cmocka_unit_test(a_variable_that_is_not_set_is_named),
        cmocka_unit_test(a_misspelt_setting_names_the_nearest),
        cmocka_unit_test(what_is_not_built_is_said),
        cmocka_unit_test(values_out_of_range_are_refused),
        cmocka_unit_test(wrong_types_are_refused),
        cmocka_unit_test(a_number_that_would_wrap_is_refused),
        cmocka_unit_test(a_slot_has_letters_that_postgresql_takes),
        cmocka_unit_test(there_must_be_a_store),
        cmocka_unit_test(settings_of_http_are_for_no_other_store),
        cmocka_unit_test(all_complaints_are_made_at_once),
        cmocka_unit_test(a_missing_file_is_no_input),
    };
    close(mkstemp(path));
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    unlink(path);
    return failed;
}
