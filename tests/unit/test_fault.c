#include "source/fault.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <string.h>

#include <cmocka.h>

static struct pg_fault fault_of(const char *text)
{
    struct pg_fault fault;
    fault_from_text(&fault, text);
    return fault;
}

static void the_sqlstate_is_found_in_any_language(void **state)
{
    (void)state;
    struct pg_fault fault = fault_of("connection to server at \"db\" (10.0.0.1), port 5432 failed: "
                                     "ВАЖНО:  28P01: пользователь \"x\" не прошёл проверку\n");
    assert_string_equal(fault.sqlstate, "28P01");
}

static void of_several_attempts_the_first_counts(void **state)
{
    (void)state;
    struct pg_fault fault =
        fault_of("connection to h failed: FATAL:  28P01: password authentication failed\n"
                 "LOCATION:  auth_failed, auth.c:338\n"
                 "connection to h failed: FATAL:  28000: no entry, no encryption\n"
                 "LOCATION:  ClientAuthentication, auth.c:543\n");
    assert_string_equal(fault.sqlstate, "28P01");
    assert_string_equal(fault.reason,
                        "connection to h failed: FATAL:  28P01: password authentication failed "
                        "connection to h failed: FATAL:  28000: no entry, no encryption");
}

static void a_reason_is_one_line_without_the_servers_own_source(void **state)
{
    (void)state;
    struct pg_fault fault = fault_of("FATAL:  57P03: the database system is starting up\nDETAIL:  "
                                     "wait\nLOCATION:  ProcessStartupPacket, postmaster.c:2341\n");
    assert_string_equal(fault.reason,
                        "FATAL:  57P03: the database system is starting up DETAIL:  wait");
}

static void a_longer_reason_is_cut(void **state)
{
    char text[2000];
    (void)state;
    memset(text, 'x', sizeof text - 1);
    text[sizeof text - 1] = '\0';
    struct pg_fault fault = fault_of(text);
    assert_int_equal(strlen(fault.reason), sizeof fault.reason - 1);
}

static void check(const char *text, int code, const char *remedy)
{
    struct pg_fault fault = fault_of(text);
    struct err err = {0};
    bool final = fault_is_final(&fault, &err);
    if (final != (code != 0) || err.code != code)
        fail_msg("%s: code %d", text, err.code);
    if (remedy && !strstr(err.text, remedy))
        fail_msg("%s: no \"%s\" in: %s", text, remedy, err.text);
}

static void only_the_operator_mends_these(void **state)
{
    (void)state;
    check("FATAL:  28P01: password authentication failed", EX_NOPERM, "password");
    check("FATAL:  28000: no pg_hba.conf entry for host \"h\", user \"u\", database \"d\", SSL "
          "encryption",
          EX_NOPERM, "pg_hba.conf");
    check("FATAL:  28000: no pg_hba.conf entry for host \"h\", user \"u\", no encryption",
          EX_CONFIG, "sslmode");
    check("FATAL:  28000: role \"u\" does not exist", EX_CONFIG, "CREATE ROLE");
    check("FATAL:  3D000: database \"d\" does not exist", EX_CONFIG, "dbname");
    check("FATAL:  42501: must be superuser or replication role to start walsender", EX_NOPERM,
          "REPLICATION");
    check("FATAL:  42501: permission denied for database \"d\"", EX_NOPERM, "GRANT CONNECT");
    check("server does not support SSL, but SSL was required", EX_CONFIG, "sslmode");
    check("fe_sendauth: no password supplied", EX_NOPERM, "password");
}

static void these_pass(void **state)
{
    (void)state;
    check("FATAL:  57P03: the database system is starting up", 0, NULL);
    check("FATAL:  53300: sorry, too many clients already", 0, NULL);
    check("FATAL:  57P01: terminating connection due to administrator command", 0, NULL);
    check("connection to server at \"h\" failed: Connection refused", 0, NULL);
    check("could not translate host name \"h\" to address: Temporary failure", 0, NULL);
    check("", 0, NULL);
}

static void slots_that_are_used_up_are_for_the_operator(void **state)
{
    struct pg_fault fault;
    struct err err = {0};
    (void)state;
    fault_set(&fault, "53400", "all replication slots are in use");
    assert_true(fault_of_slot_is_final(&fault, &err));
    assert_int_equal(err.code, EX_CONFIG);
    assert_non_null(strstr(err.text, "raise max_replication_slots and restart"));
    fault_set(&fault, "55000", "replication slots can only be used if max_replication_slots > 0");
    assert_true(fault_of_slot_is_final(&fault, &err));
    assert_non_null(strstr(err.text, "raise max_replication_slots and restart"));
    fault_set(&fault, "55000", "something that is not as it must be yet");
    assert_false(fault_of_slot_is_final(&fault, &err));
}

static void walsenders_that_are_used_up_pass_or_are_mended(void **state)
{
    struct pg_fault fault = fault_of("FATAL:  53300: number of requested standby connections "
                                     "exceeds max_wal_senders (currently 1)");
    struct err err = {0};
    (void)state;
    assert_false(fault_is_final(&fault, &err));
    fault_explain(&fault, SOURCE_REPLICATION, &err);
    assert_non_null(strstr(err.text, "; raise max_wal_senders and restart"));
    fault_set(&fault, "57P03", "the database system is starting up");
    fault_explain(&fault, SOURCE_REPLICATION, &err);
    assert_string_equal(err.text, "the database system is starting up");
}

static void bytes_that_are_no_text_come_again_until_the_slot_is_dropped(void **state)
{
    struct pg_fault fault;
    struct err err = {0};
    (void)state;
    fault_set(&fault, "22021", "invalid byte sequence for encoding \"UTF8\": 0xff");
    assert_false(fault_is_final(&fault, &err));
    fault_explain(&fault, SOURCE_REPLICATION, &err);
    assert_non_null(strstr(err.text, "0xff; a row has bytes that are no text: mend the row"));
    fault_set(&fault, "22P05", "it has no equivalent");
    fault_explain(&fault, SOURCE_REPLICATION, &err);
    assert_non_null(strstr(err.text, "drop the replication slot"));
}

static void bytes_that_are_no_text_come_again_until_the_outbox_is_emptied(void **state)
{
    struct pg_fault fault;
    struct err err = {0};
    (void)state;
    fault_set(&fault, "22P05", "it has no equivalent");
    fault_explain(&fault, SOURCE_OUTBOX, &err);
    assert_non_null(strstr(err.text, "mend the row, then DELETE FROM cdcd.outbox"));
    assert_null(strstr(err.text, "slot"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(bytes_that_are_no_text_come_again_until_the_slot_is_dropped),
        cmocka_unit_test(bytes_that_are_no_text_come_again_until_the_outbox_is_emptied),
        cmocka_unit_test(the_sqlstate_is_found_in_any_language),
        cmocka_unit_test(of_several_attempts_the_first_counts),
        cmocka_unit_test(a_reason_is_one_line_without_the_servers_own_source),
        cmocka_unit_test(a_longer_reason_is_cut),
        cmocka_unit_test(only_the_operator_mends_these),
        cmocka_unit_test(these_pass),
        cmocka_unit_test(slots_that_are_used_up_are_for_the_operator),
        cmocka_unit_test(walsenders_that_are_used_up_pass_or_are_mended),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
