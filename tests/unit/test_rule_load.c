/* Rules files: what is wrong with one is said with its line, and all of it at once. */
#include "base/mem.h"
#include "rule/rule.h"

#include <glob.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#include <cmocka.h>

#define RULES_DIR TESTS_DIR "/golden/rules"

static const struct rule_store stores[] = {
    {"redis", "", "redis", (1U << OP_N_ACTIONS) - 1},
    {"mc", "", "memcached", 1U << OP_DELETE | 1U << OP_BUMP},
};

static struct ruleset *load(const char *const *globs, unsigned n, struct complaints *complaints)
{
    *complaints = (struct complaints){0};
    return ruleset_load(globs, n, stores, 2, false, complaints);
}

static char *said(struct complaints *complaints)
{
    char *text;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    complaints_print(complaints, to);
    fclose(to);
    return text;
}

static char *slurp(const char *path)
{
    char *text = mem_alloc(1 << 16);
    FILE *from = fopen(path, "r");
    if (from) {
        text[fread(text, 1, (1 << 16) - 1, from)] = '\0';
        fclose(from);
    }
    return text;
}

static void compare_with_golden(const char *cfg)
{
    struct complaints complaints;
    struct ruleset *set = load(&cfg, 1, &complaints);
    char path[256];
    snprintf(path, sizeof path, "%.*s.txt", (int)strlen(cfg) - 4, cfg);
    char *expected = slurp(path), *got = said(&complaints);
    if (strcmp(expected, got) != 0)
        fail_msg("%s: expected\n%s\ngot\n%s", cfg, expected, got);
    assert_int_equal(set == NULL, complaints.n_errors > 0);
    if (complaints.n_errors)
        assert_int_equal(complaints.code, EX_CONFIG);
    free(expected);
    free(got);
    ruleset_free(set);
    complaints_free(&complaints);
}

static void each_bad_file_gets_its_complaints(void **state)
{
    glob_t found;
    (void)state;
    unsetenv("CDCD_TEST_NOT_SET");
    assert_int_equal(glob("bad/*.cfg", 0, NULL, &found), 0);
    assert_true(found.gl_pathc >= 60);
    for (size_t i = 0; i < found.gl_pathc; i++)
        compare_with_golden(found.gl_pathv[i]);
    globfree(&found);
}

static void the_rules_of_a_blog_are_right(void **state)
{
    const char *files[] = {"good/blog.cfg"};
    struct complaints complaints;
    (void)state;
    unsetenv("BLOG_CACHE_PREFIX");
    struct ruleset *set = load(files, 1, &complaints);
    assert_non_null(set);
    assert_int_equal(complaints.n, 0);
    assert_int_equal(ruleset_n_files(set), 1);
    assert_int_equal(ruleset_n_caches(set), 4);
    assert_int_equal(ruleset_n_triggers(set), 7);
    ruleset_free(set);
    complaints_free(&complaints);
}

static void what_a_complaint_asks_for_is_content(void **state)
{
    const char *files[] = {"good/content.cfg"};
    struct complaints complaints;
    (void)state;
    struct ruleset *set = load(files, 1, &complaints);
    assert_non_null(set);
    if (complaints.n)
        assert_string_equal(complaints.list[0].text, "");
    ruleset_free(set);
    complaints_free(&complaints);
}

static void tables_come_once_in_the_order_of_the_file(void **state)
{
    const char *files[] = {"good/blog.cfg"};
    struct complaints complaints;
    unsigned n;
    (void)state;
    struct ruleset *set = load(files, 1, &complaints);
    const struct rule_table *tables = ruleset_tables(set, &n);
    assert_int_equal(n, 4);
    assert_string_equal(tables[0].name, "blog_post");
    assert_string_equal(tables[0].schema, "public");
    assert_int_equal(tables[0].line, 9);
    assert_string_equal(tables[1].name, "blog_comment");
    assert_string_equal(tables[2].name, "blog_settings");
    assert_string_equal(tables[3].schema, "archive");
    ruleset_free(set);
    complaints_free(&complaints);
}

/* What loading these says, which is then compared; complaints.code too. */
static void expect(const char *const *globs, unsigned n, const char *expected, int code)
{
    struct complaints complaints;
    struct ruleset *set = load(globs, n, &complaints);
    char *got = said(&complaints);
    assert_string_equal(got, expected);
    assert_int_equal(complaints.code, code);
    assert_int_equal(set == NULL, code != 0);
    free(got);
    ruleset_free(set);
    complaints_free(&complaints);
}

static void a_missing_file_is_no_input(void **state)
{
    const char *globs[] = {"good/nowhere.cfg"};
    (void)state;
    expect(globs, 1,
           "good/nowhere.cfg: cannot be read: No such file or directory; correct the path, or make "
           "the file\n",
           EX_NOINPUT);
}

static void a_folder_is_no_rules_file(void **state)
{
    const char *globs[] = {"good"};
    (void)state;
    expect(globs, 1, "good: cannot be read: Is a directory; name a file, or FOLDER/*.cfg\n",
           EX_NOINPUT);
}

static void a_glob_that_matches_nothing_is_a_warning(void **state)
{
    const char *globs[] = {"good/blog.cfg", "good/*.none"};
    (void)state;
    expect(globs, 2, "good/*.none: warning: no rules file matches this\n", 0);
}

static void a_folder_of_rules_that_is_not_there_is_no_input(void **state)
{
    const char *globs[] = {"good/blog.cfg", "nowhere/*.cfg"};
    (void)state;
    expect(globs, 2,
           "nowhere/*.cfg: the folder nowhere/ cannot be read: No such file or directory; make it, "
           "or correct the path\n",
           EX_NOINPUT);
}

static void a_file_is_no_folder_of_rules(void **state)
{
    const char *globs[] = {"good/blog.cfg", "good/blog.cfg/*"};
    (void)state;
    expect(globs, 2,
           "good/blog.cfg/*: the folder good/blog.cfg/ cannot be read: Not a directory; make it, "
           "or correct the path\n",
           EX_NOINPUT);
}

/* Loads in a process that is not root, which reads everything. */
static int code_of_another_user(const char *glob_text)
{
    struct complaints complaints;
    int status;
    pid_t child = fork();
    if (child == 0) {
        if (geteuid() == 0 && setuid(65534) != 0)
            _exit(1);
        load(&glob_text, 1, &complaints);
        _exit(complaints.code);
    }
    waitpid(child, &status, 0);
    return WEXITSTATUS(status);
}

static void a_folder_of_rules_that_may_not_be_read_is_no_permission(void **state)
{
    char folder[] = "/tmp/cdcd_rules_XXXXXX", below[64], pattern[64];
    (void)state;
    assert_non_null(mkdtemp(folder));
    snprintf(below, sizeof below, "%s/below", folder);
    assert_int_equal(mkdir(below, 0), 0);
    assert_int_equal(chmod(folder, 0755), 0);
    snprintf(pattern, sizeof pattern, "%s/below/*.cfg", folder);
    assert_int_equal(code_of_another_user(pattern), EX_NOPERM);
    snprintf(pattern, sizeof pattern, "%s/b*/*.cfg", folder);
    assert_int_equal(code_of_another_user(pattern), EX_NOPERM);
    rmdir(below);
    rmdir(folder);
}

static void no_rules_at_all_is_an_error(void **state)
{
    const char *globs[] = {"good/*.none"};
    (void)state;
    expect(globs, 1,
           "no rules file was found; correct the path, or rules in cdcd.cfg\n"
           "good/*.none: warning: no rules file matches this\n",
           EX_CONFIG);
}

static void a_file_that_two_globs_name_is_loaded_once(void **state)
{
    const char *globs[] = {"good/blog.cfg", "good/b*.cfg"};
    (void)state;
    expect(globs, 2, "", 0);
}

static void a_glob_passes_over_rule_tests(void **state)
{
    const char *globs[] = {"app/*.cfg"};
    (void)state;
    expect(globs, 1, "", 0);
}

static void a_file_of_rule_tests_holds_no_rules(void **state)
{
    const char *globs[] = {"app/again.test.cfg"};
    (void)state;
    expect(globs, 1,
           "app/again.test.cfg:2: this is a file of rule tests, which cdcd test runs; name the "
           "rules file itself\n",
           EX_CONFIG);
}

static void two_files_cannot_be_one_app(void **state)
{
    const char *globs[] = {"good/blog.cfg", "app/again.cfg"};
    (void)state;
    expect(globs, 2,
           "app/again.cfg:3: app = \"blog\" is that of good/blog.cfg:3 too; each file needs its "
           "own\n",
           EX_CONFIG);
}

static void the_complaints_of_every_file_are_made(void **state)
{
    const char *globs[] = {"bad/no_store.cfg", "bad/bad_app.cfg"};
    (void)state;
    expect(globs, 2,
           "bad/bad_app.cfg:2: app = \"my app\" is no name; it has letters, digits, _, . and -\n"
           "bad/no_store.cfg:4: a has no store; write store = \"NAME\" here or at the file's "
           "top\n",
           EX_CONFIG);
}

static void any_store_takes_names_that_nobody_configured(void **state)
{
    const char *globs[] = {"bad/unknown_store.cfg"};
    struct complaints complaints = {0};
    (void)state;
    struct ruleset *set = ruleset_load(globs, 1, NULL, 0, true, &complaints);
    assert_non_null(set);
    assert_string_equal(ruleset_store_name(set, 0), "reddis");
    assert_string_equal(ruleset_store_name(set, 2), "elsewhere");
    ruleset_free(set);
    complaints_free(&complaints);
}

static void a_huge_file_is_refused(void **state)
{
    char path[] = "/tmp/cdcd_huge_XXXXXX";
    struct complaints complaints;
    (void)state;
    int fd = mkstemp(path);
    assert_int_equal(ftruncate(fd, (16 << 20) + 1), 0);
    const char *globs[] = {path};
    assert_null(load(globs, 1, &complaints));
    assert_string_equal(complaints.list[0].text, "is larger than 16 MB; is it the right file?");
    complaints_free(&complaints);
    close(fd);
    unlink(path);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_bad_file_gets_its_complaints),
        cmocka_unit_test(what_a_complaint_asks_for_is_content),
        cmocka_unit_test(the_rules_of_a_blog_are_right),
        cmocka_unit_test(tables_come_once_in_the_order_of_the_file),
        cmocka_unit_test(a_missing_file_is_no_input),
        cmocka_unit_test(a_folder_is_no_rules_file),
        cmocka_unit_test(a_glob_that_matches_nothing_is_a_warning),
        cmocka_unit_test(a_folder_of_rules_that_is_not_there_is_no_input),
        cmocka_unit_test(a_file_is_no_folder_of_rules),
        cmocka_unit_test(a_folder_of_rules_that_may_not_be_read_is_no_permission),
        cmocka_unit_test(no_rules_at_all_is_an_error),
        cmocka_unit_test(a_file_that_two_globs_name_is_loaded_once),
        cmocka_unit_test(a_glob_passes_over_rule_tests),
        cmocka_unit_test(a_file_of_rule_tests_holds_no_rules),
        cmocka_unit_test(two_files_cannot_be_one_app),
        cmocka_unit_test(the_complaints_of_every_file_are_made),
        cmocka_unit_test(any_store_takes_names_that_nobody_configured),
        cmocka_unit_test(a_huge_file_is_refused),
    };
    if (chdir(RULES_DIR) != 0)
        return 1;
    return cmocka_run_group_tests(tests, NULL, NULL);
}
