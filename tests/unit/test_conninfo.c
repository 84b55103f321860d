#include "base/mem.h"
#include "source/conninfo.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>
#include <libpq-fe.h>

static const char *const variables[] = {"PGSERVICE", "PGSERVICEFILE", "PGOPTIONS", "PGTZ",
                                        "PGDATESTYLE"};

static int setup(void **state)
{
    for (size_t i = 0; i < sizeof variables / sizeof *variables; i++)
        unsetenv(variables[i]);
    *state = arena_make();
    return 0;
}

static int teardown(void **state)
{
    arena_free(*state);
    return 0;
}

/* The last value counts; "" when there is none. */
static const char *value_of(const struct conninfo *conninfo, const char *keyword)
{
    const char *value = "";
    for (size_t i = 0; conninfo->keywords[i]; i++)
        if (strcmp(conninfo->keywords[i], keyword) == 0)
            value = conninfo->values[i];
    return value;
}

static void assert_has(const char *text, const char *part)
{
    if (!strstr(text, part))
        fail_msg("no \"%s\" in \"%s\"", part, text);
}

static void text_settings_are_pinned_on_both_connections(void **state)
{
    static const char *const pinned[] = {"datestyle=ISO", "intervalstyle=postgres", "timezone=UTC",
                                         "extra_float_digits=1", "bytea_output=hex"};
    for (int use = CONNINFO_SQL; use <= CONNINFO_REPLICATION; use++) {
        struct conninfo made = conninfo_make(*state, "dbname=d", (enum conninfo_use)use, 0);
        for (size_t i = 0; i < sizeof pinned / sizeof *pinned; i++)
            assert_has(value_of(&made, "options"), pinned[i]);
        assert_string_equal(value_of(&made, "client_encoding"), "UTF8");
    }
}

static void the_server_notices_soon_that_who_reads_the_outbox_is_gone(void **state)
{
    struct conninfo made = conninfo_make(*state, "dbname=d", CONNINFO_OUTBOX, 0);
    assert_has(value_of(&made, "options"), "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=3"
                                           " -c tcp_keepalives_count=3");
}

static void variables_do_not_win_over_what_is_pinned(void **state)
{
    setenv("PGTZ", "Asia/Tokyo", 1);
    setenv("PGDATESTYLE", "German", 1);
    conninfo_make(*state, "dbname=d", CONNINFO_SQL, 0);
    assert_null(getenv("PGTZ"));
    assert_null(getenv("PGDATESTYLE"));
}

static void the_users_options_stay_before_ours(void **state)
{
    struct conninfo made =
        conninfo_make(*state, "options='-c work_mem=1MB -c timezone=X'", CONNINFO_SQL, 0);
    const char *options = value_of(&made, "options");
    assert_ptr_equal(strstr(options, "-c work_mem=1MB -c timezone=X -c datestyle"), options);
    assert_true(strstr(options, "timezone=UTC") > strstr(options, "timezone=X"));
}

static void options_of_a_uri_stay(void **state)
{
    struct conninfo made =
        conninfo_make(*state, "postgresql://u@h/d?options=-c%20work_mem%3D2MB", CONNINFO_SQL, 0);
    assert_has(value_of(&made, "options"), "-c work_mem=2MB ");
}

static void options_of_the_environment_stay(void **state)
{
    setenv("PGOPTIONS", "-c work_mem=3MB", 1);
    struct conninfo made = conninfo_make(*state, "", CONNINFO_SQL, 0);
    assert_has(value_of(&made, "options"), "-c work_mem=3MB ");
}

static void options_of_a_service_stay(void **state)
{
    char path[] = "/tmp/cdcd-service-XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0);
    dprintf(fd, "[blog]\ndbname=blog\noptions=-c work_mem=4MB\nkeepalives_idle=77\n");
    close(fd);
    setenv("PGSERVICEFILE", path, 1);
    struct conninfo made = conninfo_make(*state, "service=blog", CONNINFO_SQL, 0);
    unlink(path);
    assert_has(value_of(&made, "options"), "-c work_mem=4MB ");
    assert_string_equal(value_of(&made, "keepalives_idle"), "");
    assert_null(getenv("PGSERVICE"));
}

static void a_dead_peer_is_noticed_unless_the_user_says_when(void **state)
{
    struct conninfo made = conninfo_make(*state, "tcp_user_timeout=5", CONNINFO_SQL, 0);
    assert_string_equal(value_of(&made, "tcp_user_timeout"), "");
    assert_string_equal(value_of(&made, "keepalives_idle"), "10");
}

static void only_one_connection_replicates(void **state)
{
    struct conninfo sql = conninfo_make(*state, "dbname=d", CONNINFO_SQL, 1 << 20);
    struct conninfo replication =
        conninfo_make(*state, "dbname=d", CONNINFO_REPLICATION, INT64_C(256) << 20);
    assert_string_equal(value_of(&sql, "replication"), "");
    assert_string_equal(value_of(&replication, "replication"), "database");
    assert_null(strstr(value_of(&sql, "options"), "logical_decoding_work_mem"));
    assert_has(value_of(&replication, "options"), "logical_decoding_work_mem=262144kB");
}

static void decoding_memory_keeps_to_what_postgresql_takes(void **state)
{
    struct conninfo made = conninfo_make(*state, "", CONNINFO_REPLICATION, 1);
    assert_has(value_of(&made, "options"), "logical_decoding_work_mem=64kB");
    made = conninfo_make(*state, "", CONNINFO_REPLICATION, INT64_MAX);
    assert_has(value_of(&made, "options"), "logical_decoding_work_mem=2147483647kB");
    made = conninfo_make(*state, "", CONNINFO_REPLICATION, 0);
    assert_null(strstr(value_of(&made, "options"), "logical_decoding_work_mem"));
}

static void a_server_is_only_told_of_settings_that_it_knows(void **state)
{
    char sql[CONNINFO_SETTLE_BYTES];
    (void)state;
    conninfo_settle_sql(sql, 130099, "UTF8");
    assert_string_equal(sql, "");
    conninfo_settle_sql(sql, 140000, "UTF8");
    assert_string_equal(sql, "SET idle_session_timeout = 0; ");
    conninfo_settle_sql(sql, 170000, "SQL_ASCII");
    assert_has(sql, "client_encoding = 'SQL_ASCII'; SET idle_session_timeout = 0");
    assert_has(sql, "SET transaction_timeout = 0");
    conninfo_settle_sql(sql, 120000, NULL);
    assert_string_equal(sql, "");
}

static void what_is_no_conninfo_is_said_in_one_line(void **state)
{
    struct err err = {0};
    (void)state;
    assert_int_equal(conninfo_check("host=h dbname=d", &err), 0);
    assert_int_equal(conninfo_check("postgresql://h/d", &err), 0);
    assert_int_equal(conninfo_check("", &err), 0);
    assert_int_equal(conninfo_check("nonsense", &err), -1);
    assert_int_equal(err.code, EX_CONFIG);
    assert_null(strchr(err.text, '\n'));
}

/* As libpq has it once it has merged all: the last value of a keyword counts. */
static void assert_host(const struct conninfo *made, const char *host, const char *hostaddr,
                        const char *port)
{
    PGconn *pg = PQconnectStartParams(made->keywords, made->values, 1);
    assert_non_null(pg);
    assert_string_equal(PQhost(pg), host);
    assert_string_equal(PQport(pg), port);
    assert_string_equal(value_of(made, "hostaddr"), hostaddr);
    PQfinish(pg);
}

static void the_host_that_was_reached_takes_the_place_of_all(void **state)
{
    struct conninfo made = conninfo_make(
        *state, "host=a,b hostaddr=127.0.0.8,127.0.0.9 port=1,2 dbname=d", CONNINFO_REPLICATION, 0);
    conninfo_pin(&made, *state, "b", "127.0.0.9", "2");
    assert_host(&made, "b", "127.0.0.9", "2");
}

static void a_socket_that_was_reached_takes_the_place_of_all(void **state)
{
    struct conninfo made = conninfo_make(
        *state, "postgresql://a:1,b:2/d?host=/nowhere/a,/nowhere/b", CONNINFO_REPLICATION, 0);
    conninfo_pin(&made, *state, "/nowhere/b", "", "2");
    assert_host(&made, "/nowhere/b", "", "2");
}

static void a_socket_among_addresses_pins_nothing(void **state)
{
    struct conninfo made =
        conninfo_make(*state, "host=/nowhere/a,b hostaddr=,127.0.0.9", CONNINFO_REPLICATION, 0);
    conninfo_pin(&made, *state, "/nowhere/a", "", "5432");
    assert_string_equal(value_of(&made, "host"), "");
    assert_string_equal(value_of(&made, "port"), "");
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, setup, teardown)

static void lookups_are_read_only_and_keep_the_search_path(void **state)
{
    struct conninfo made = conninfo_make_lookups(*state, "options='-c search_path=x'", 1500);
    assert_has(value_of(&made, "options"), "-c search_path=x -c datestyle=ISO");
    assert_has(value_of(&made, "options"), "default_transaction_read_only=on");
    assert_has(value_of(&made, "options"), "statement_timeout=1500ms");
    assert_null(strstr(value_of(&made, "options"), "pg_catalog"));
    assert_string_equal(value_of(&made, "fallback_application_name"), "cdcd lookups");
}

/* libpq would take our own read-only transactions for a read-only server. */
static void lookups_go_to_the_primary_of_several_hosts(void **state)
{
    static const char *const texts[][2] = {
        {"host=a", ""},
        {"host=a,b", "primary"},
        {"postgresql://a,b/d", "primary"},
        {"hostaddr=1.1.1.1,2.2.2.2", "primary"},
        {"host=a target_session_attrs=read-write", "primary"},
        {"host=a,b target_session_attrs=any", ""},
    };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        struct conninfo made = conninfo_make_lookups(*state, texts[i][0], 1000);
        assert_string_equal(value_of(&made, "target_session_attrs"), texts[i][1]);
    }
}

static void the_role_is_the_one_that_the_text_names(void **state)
{
    assert_string_equal(conninfo_user(*state, "user=cdcd dbname=blog"), "cdcd");
    assert_string_equal(conninfo_user(*state, "postgresql://re%20ader@db/blog"), "re ader");
    assert_null(conninfo_user(*state, "service=blog"));
    assert_null(conninfo_user(*state, "user='' dbname=blog"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(text_settings_are_pinned_on_both_connections),
        TEST(the_server_notices_soon_that_who_reads_the_outbox_is_gone),
        TEST(variables_do_not_win_over_what_is_pinned),
        TEST(the_users_options_stay_before_ours),
        TEST(options_of_a_uri_stay),
        TEST(options_of_the_environment_stay),
        TEST(options_of_a_service_stay),
        TEST(a_dead_peer_is_noticed_unless_the_user_says_when),
        TEST(only_one_connection_replicates),
        TEST(decoding_memory_keeps_to_what_postgresql_takes),
        TEST(a_server_is_only_told_of_settings_that_it_knows),
        TEST(what_is_no_conninfo_is_said_in_one_line),
        TEST(the_host_that_was_reached_takes_the_place_of_all),
        TEST(a_socket_that_was_reached_takes_the_place_of_all),
        TEST(a_socket_among_addresses_pins_nothing),
        TEST(lookups_are_read_only_and_keep_the_search_path),
        TEST(lookups_go_to_the_primary_of_several_hosts),
        TEST(the_role_is_the_one_that_the_text_names),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
