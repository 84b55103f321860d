/* The command line, the verbs that need no server, and what they print. */
#include "base/mem.h"
#include "verb/json.h"
#include "verb/verb.h"

#include <fcntl.h>
#include <limits.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <cmocka.h>

#define RULES_DIR TESTS_DIR "/golden/rules"

static struct verb_args last; /* what the verb "look" was given */

static int look(const struct verb_args *args)
{
    last = *args;
    return 42;
}

static const struct verb verbs[] = {
    {"look", "[X...]", "for this test", look, VERB_TAKES_JSON | VERB_TAKES_CHANGE, 0, 2},
    {"check", "[FILE...]", "", verb_check, VERB_TAKES_JSON | VERB_TAKES_STRICT, 0, UINT_MAX},
    {"explain", "FILE OP TABLE", "", verb_explain, VERB_TAKES_JSON | VERB_TAKES_CHANGE, 0, 3},
    {"later", "", "", NULL, 0, 0, 0},
    {"help", "[VERB]", "", verb_help, 0, 0, 1},
    {0}};

static char out[8192], messages[8192];

static void slurp(FILE *from, char *into, size_t size)
{
    rewind(from);
    into[fread(into, 1, size - 1, from)] = '\0';
    fclose(from);
}

/* Runs a command line, words separated by blanks; what it wrote is in out and messages then. */
static int run(const char *line)
{
    static char copy[512]; /* what the verb was given is looked at later */
    char *argv[32] = {copy}, *rest = copy;
    int argc = 1, saved[] = {dup(1), dup(2)};
    FILE *files[] = {tmpfile(), tmpfile()};
    snprintf(copy, sizeof copy, "%s", line);
    for (char *word; (word = strsep(&rest, " "));)
        if (*word)
            argv[argc++] = word;
    fflush(stdout);
    dup2(fileno(files[0]), 1);
    dup2(fileno(files[1]), 2);
    int code = verb_main(verbs, argc, argv);
    fflush(stdout);
    for (int i = 0; i < 2; i++) {
        dup2(saved[i], i + 1);
        close(saved[i]);
    }
    slurp(files[0], out, sizeof out);
    slurp(files[1], messages, sizeof messages);
    return code;
}

static void options_stand_anywhere(void **state)
{
    (void)state;
    assert_int_equal(run("-c a.cfg look one --json --old=a=1 two --new b=2"), 42);
    assert_string_equal(last.config, "a.cfg");
    assert_true(last.json);
    assert_string_equal(last.old_row, "a=1");
    assert_string_equal(last.new_row, "b=2");
    assert_int_equal(last.n_operands, 2);
}

static void after_two_dashes_there_are_no_options(void **state)
{
    (void)state;
    assert_int_equal(run("look -- --json -c"), 42);
    assert_false(last.json);
    assert_int_equal(last.n_operands, 2);
}

#define EXPLAIN_USAGE                                                               \
    "cdcd: usage: cdcd explain [FILE] OP TABLE, or cdcd explain [FILE] --table T, " \
    "or cdcd explain [FILE] --key K, or cdcd explain --where K --store S\n"

static void a_misused_command_line_says_why(void **state)
{
    static const struct {
        const char *line, *why;
    } cases[] = {
        {"", "cdcd: no verb; try cdcd help\n"},
        {"chekc", "cdcd: unknown verb \"chekc\"; did you mean \"check\"?\n"},
        {"zzzzzzzz", "cdcd: unknown verb \"zzzzzzzz\"; see cdcd help\n"},
        {"later", "cdcd: later is not built yet in this version\n"},
        {"look --jsno", "cdcd: unknown option \"--jsno\"; did you mean \"--json\"?\n"},
        {"look --strict", "cdcd: look does not take --strict; see cdcd help look\n"},
        {"look --json=1", "cdcd: --json takes no value\n"},
        {"look -c", "cdcd: -c needs a value\n"},
        {"look --config=a.cfg", "cdcd: unknown option \"--config=a.cfg\"; see cdcd help\n"},
        {"look 1 2 3", "cdcd: usage: cdcd look [X...]\n"},
        {"explain x.cfg upsert t",
         "cdcd: unknown operation \"upsert\"; did you mean \"insert\"?\n"},
        {"explain x.cfg insert t --old a=1", "cdcd: insert has no old row: leave --old out\n"},
        {"explain x.cfg delete t --new a=1", "cdcd: delete has no new row: leave --new out\n"},
        {"explain --table t insert", EXPLAIN_USAGE},
        {"explain x.cfg --table t --old a=1", EXPLAIN_USAGE},
        {"explain x.cfg --table t --new a=1", EXPLAIN_USAGE},
        {"explain x.cfg insert --table t", EXPLAIN_USAGE},
        {"explain x.cfg --table t --key k", EXPLAIN_USAGE},
        {"explain --where k", EXPLAIN_USAGE},
        {"explain x.cfg --where k --store s", EXPLAIN_USAGE},
        {"explain x.cfg --key k --db", EXPLAIN_USAGE},
        {"explain x.cfg delete t --store s", EXPLAIN_USAGE},
        {"explain good/blog.cfg delete blog_post --db",
         "cdcd: --db needs to know the database: give -c FILE, a cdcd.cfg\n"},
        {"explain x.cfg delete t --old a",
         "cdcd: --old: \"a\" is no column=value; write a=1,b='a, b',c=NULL\n"},
    };
    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        assert_int_equal(run(cases[i].line), EX_USAGE);
        assert_string_equal(messages, cases[i].why);
        assert_string_equal(out, "");
    }
}

static void check_says_that_rules_are_right(void **state)
{
    (void)state;
    assert_int_equal(run("check good/blog.cfg"), 0);
    assert_string_equal(out, "good/blog.cfg: 1 file, 4 caches, 7 triggers: ok\n");
    assert_string_equal(messages, "");
}

static void warnings_are_three_when_check_is_strict(void **state)
{
    (void)state;
    assert_int_equal(run("check bad/no_all.cfg"), 0);
    assert_string_equal(out, "bad/no_all.cfg: 1 file, 2 caches, 2 triggers: 2 warnings\n");
    assert_int_equal(run("check --strict bad/no_all.cfg"), 3);
    assert_int_equal(run("check --strict good/blog.cfg"), 0);
}

static void check_gives_the_code_of_what_is_wrong(void **state)
{
    (void)state;
    assert_int_equal(run("check bad/syntax.cfg"), EX_CONFIG);
    assert_string_equal(out, "");
    assert_int_equal(run("check nowhere.cfg"), EX_NOINPUT);
    assert_string_equal(messages, "nowhere.cfg: cannot be read: No such file or directory; correct "
                                  "the path, or make the file\n");
    assert_int_equal(run("check -c nowhere.cfg good/blog.cfg"), EX_NOINPUT);
}

static void check_answers_in_json(void **state)
{
    (void)state;
    assert_int_equal(run("check --json bad/bad_app.cfg"), EX_CONFIG);
    assert_string_equal(out, "{\"ok\":false,\"errors\":1,\"warnings\":0,\"more\":0,\"complaints\":["
                             "{\"severity\":\"error\",\"file\":\"bad/bad_app.cfg\",\"line\":2,"
                             "\"text\":\"app = \\\"my app\\\" is no name; it has letters, digits, "
                             "_, . and -\"}]}\n");
    assert_string_equal(messages, "");
}

static void check_counts_what_it_does_not_print(void **state)
{
    char path[] = "/tmp/cdcd_many_XXXXXX", line[64];
    (void)state;
    int fd = mkstemp(path);
    dprintf(fd, "cdcd = 1; app = \"x\"; store = \"redis\"; caches = {\n");
    for (int i = 0; i < COMPLAINTS_MAX + 7; i++)
        dprintf(fd, "c%d = { key = \"{id}\"; triggers = \"t\"; };\n", i);
    dprintf(fd, "};\n");
    close(fd);
    snprintf(line, sizeof line, "check %s", path);
    assert_int_equal(run(line), 0);
    assert_non_null(strstr(out, ": 1007 warnings\n"));
    snprintf(line, sizeof line, "check --json %s", path);
    assert_int_equal(run(line), 0);
    assert_ptr_equal(strstr(out, "{\"ok\":true,\"errors\":0,\"warnings\":1007,\"more\":7,"), out);
    unlink(path);
}

static void explain_gives_each_op_with_its_trigger(void **state)
{
    (void)state;
    assert_int_equal(
        run("explain good/blog.cfg update blog_comment --old id=7,post_id=3 --new post_id=5"), 0);
    assert_string_equal(out, "redis delete blog:get_comments:3  good/blog.cfg:14 old\n"
                             "redis delete blog:get_comments:5  good/blog.cfg:14 new\n"
                             "redis bump blog:home:version  good/blog.cfg:25 new\n");
    assert_string_equal(messages, "note: no rule reads id\n");
}

static void explain_says_of_no_column_that_the_whole_row_leaves_it_out(void **state)
{
    static const char text[] =
        "cdcd = 1; app = \"a\"; store = \"redis\"; caches = { c = { key = \"c:{id}\"; "
        "action = \"set\"; value = \"{row|json}\"; triggers = \"t\"; }; };";
    char path[] = "/tmp/cdcd-row-XXXXXX", line[64];
    (void)state;
    int fd = mkstemp(path);
    assert_int_equal(write(fd, text, sizeof text - 1), sizeof text - 1);
    close(fd);
    snprintf(line, sizeof line, "explain %s insert t --new id=3,title=x", path);
    assert_int_equal(run(line), 0);
    unlink(path);
    assert_string_equal(messages, "");
}

static void explain_names_columns_that_look_mistyped(void **state)
{
    (void)state;
    assert_int_equal(run("explain good/blog.cfg insert blog_comment --new post_di=3"), 0);
    assert_string_equal(messages, "note: no rule reads post_di; did you mean post_id?\n"
                                  "note: taken as NULL, since nobody gave them: post_id\n");
}

static void explain_takes_the_rest_of_the_new_row_from_the_old(void **state)
{
    (void)state;
    assert_int_equal(run("explain good/blog.cfg update archive.post --old Year=3 --new x=1"), 0);
    assert_string_equal(out, "redis delete {archive}:page  good/blog.cfg:32 new\n"
                             "mc delete {archive}:page  good/blog.cfg:32 new\n");
    assert_int_equal(run("explain good/blog.cfg update post --old year=3 --new x=1"), 0);
    assert_string_equal(out, "redis delete {archive}:page  good/blog.cfg:32 new\n"
                             "mc delete {archive}:page  good/blog.cfg:32 new\n"
                             "redis delete {archive}:3  good/blog.cfg:32 new\n"
                             "mc delete {archive}:3  good/blog.cfg:32 new\n");
}

static void explain_says_that_nothing_matches(void **state)
{
    (void)state;
    assert_int_equal(run("explain good/blog.cfg insert blog_settings"), 0);
    assert_string_equal(out, "");
    assert_string_equal(messages, "note: taken as NULL, since nobody gave them: comment_order\n"
                                  "nothing matches this change\n");
    assert_int_equal(run("explain good/blog.cfg insert blog_pots"), 0);
    assert_string_equal(messages, "no trigger names table public.blog_pots; did you mean "
                                  "blog_post?\nnothing matches this change\n");
    assert_int_equal(run("explain good/blog.cfg insert zzzzzz"), 0);
    assert_string_equal(messages, "no trigger names table public.zzzzzz; there is: "
                                  "blog_post, blog_comment, blog_settings, archive.post\n"
                                  "nothing matches this change\n");
}

static void explain_answers_in_json(void **state)
{
    (void)state;
    assert_int_equal(run("explain --json good/blog.cfg truncate blog_comment"), 0);
    assert_string_equal(
        out, "[{\"store\":\"redis\",\"action\":\"scan\",\"key\":\"blog:get_comments:*\","
             "\"app\":\"blog\",\"cache\":\"get_comments\",\"file\":\"good/blog.cfg\",\"line\":14,"
             "\"image\":\"all\"},"
             "{\"store\":\"redis\",\"action\":\"bump\",\"key\":\"blog:home:version\","
             "\"app\":\"blog\",\"cache\":\"home_version\",\"file\":\"good/blog.cfg\",\"line\":25,"
             "\"image\":\"all\"}]\n");
}

static void explain_lists_what_the_triggers_of_a_table_do(void **state)
{
    (void)state;
    assert_int_equal(run("explain good/blog.cfg --table blog_post"), 0);
    assert_string_equal(out,
                        "redis delete blog:get_latest_posts  good/blog.cfg:9 get_latest_posts\n"
                        "redis delete blog:get_comments:{post_id}  good/blog.cfg:15 "
                        "get_comments\n"
                        "redis bump blog:home:version  good/blog.cfg:25 home_version\n");
    assert_int_equal(run("explain good/blog.cfg --table blog_settings"), 0);
    assert_string_equal(out, "redis scan blog:get_comments:*  good/blog.cfg:16 get_comments\n");
}

static void explain_takes_the_rules_of_the_configuration(void **state)
{
    (void)state;
    assert_int_equal(run("explain -c config/cdcd.cfg insert blog_post"), 0);
    assert_string_equal(out, "redis delete p:blog:get_latest_posts  config/../good/blog.cfg:9 new\n"
                             "redis bump p:blog:home:version  config/../good/blog.cfg:25 new\n");
}

static void check_goes_on_to_the_rules_of_a_wrong_configuration(void **state)
{
    (void)state;
    assert_int_equal(run("check -c config/wrong.cfg"), EX_CONFIG);
    assert_string_equal(messages,
                        "config/../bad/bad_app.cfg:2: app = \"my app\" is no name; it has letters, "
                        "digits, _, . and -\n"
                        "config/wrong.cfg:1: unknown setting \"slto\"; did you mean \"slot\"?\n"
                        "config/wrong.cfg:2: unknown type of store \"rediss\"; did you mean "
                        "\"redis\"?\n");
    assert_string_equal(out, "");
}

static void explain_refuses_wrong_rules(void **state)
{
    (void)state;
    assert_int_equal(run("explain bad/bad_app.cfg insert t"), EX_CONFIG);
    assert_string_equal(out, "");
}

static void help_knows_every_verb(void **state)
{
    (void)state;
    assert_int_equal(run("help"), 0);
    for (const struct verb *verb = verbs; verb->name; verb++)
        assert_non_null(strstr(out, verb->name));
    assert_int_equal(run("help check"), 0);
    assert_non_null(strstr(out, "usage: cdcd [-c FILE] check [FILE...]"));
    assert_int_equal(run("help nothing"), EX_USAGE);
    assert_int_equal(run("help chekc"), EX_USAGE);
    assert_string_equal(messages, "cdcd: unknown verb \"chekc\"; did you mean \"check\"?\n");
}

static void a_verb_with_help_is_explained_and_not_run(void **state)
{
    static const char *const lines[] = {"check --help", "--help check", "check x.cfg y.cfg -h",
                                        "check --strict --help", "help check --help"};
    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        assert_int_equal(run(lines[i]), 0);
        assert_non_null(strstr(out, "usage: cdcd [-c FILE] check [FILE...]"));
        assert_string_equal(messages, "");
    }
    assert_int_equal(run("--help"), 0);
    assert_non_null(strstr(out, "usage: cdcd [-c FILE] VERB ..."));
    assert_int_equal(run("chekc --help"), EX_USAGE);
}

static void json_takes_any_bytes(void **state)
{
    static const char bytes[] = "a\"\\\n\x7f\xc3\xa9\xff\xc3\xed\xa0\x80\xf0\x9f\x98\x80\xe2\x82";
    char *text;
    size_t n;
    (void)state;
    FILE *to = open_memstream(&text, &n);
    json_text(to, bytes, sizeof bytes - 1);
    fclose(to);
    assert_string_equal(text, "\"a\\\"\\\\\\u000a\\u007f\xc3\xa9\\ufffd\\ufffd\\ufffd\\ufffd\\ufffd"
                              "\xf0\x9f\x98\x80\\ufffd\\ufffd\"");
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(options_stand_anywhere),
        cmocka_unit_test(after_two_dashes_there_are_no_options),
        cmocka_unit_test(a_misused_command_line_says_why),
        cmocka_unit_test(check_says_that_rules_are_right),
        cmocka_unit_test(warnings_are_three_when_check_is_strict),
        cmocka_unit_test(check_gives_the_code_of_what_is_wrong),
        cmocka_unit_test(check_answers_in_json),
        cmocka_unit_test(check_counts_what_it_does_not_print),
        cmocka_unit_test(explain_gives_each_op_with_its_trigger),
        cmocka_unit_test(explain_names_columns_that_look_mistyped),
        cmocka_unit_test(explain_says_of_no_column_that_the_whole_row_leaves_it_out),
        cmocka_unit_test(explain_takes_the_rest_of_the_new_row_from_the_old),
        cmocka_unit_test(explain_says_that_nothing_matches),
        cmocka_unit_test(explain_answers_in_json),
        cmocka_unit_test(explain_lists_what_the_triggers_of_a_table_do),
        cmocka_unit_test(explain_takes_the_rules_of_the_configuration),
        cmocka_unit_test(check_goes_on_to_the_rules_of_a_wrong_configuration),
        cmocka_unit_test(explain_refuses_wrong_rules),
        cmocka_unit_test(help_knows_every_verb),
        cmocka_unit_test(a_verb_with_help_is_explained_and_not_run),
        cmocka_unit_test(json_takes_any_bytes),
    };
    if (chdir(RULES_DIR) != 0)
        return 1;
    unsetenv("BLOG_CACHE_PREFIX");
    return cmocka_run_group_tests(tests, NULL, NULL);
}
