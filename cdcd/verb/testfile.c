#include "verb/testfile.h"

#include "base/mem.h"
#include "verb/storelist.h"
#include "verb/testenv.h"
#include "verb/testread.h"

#include <stddef.h>
#include <string.h>
#include <unistd.h>

struct file_settings {
    struct opt_strings rules;
    const struct conf *env;
    const struct conf *tests;
};

#define AT(member) .offset = offsetof(struct file_settings, member)

static const struct opt file_rows[] = {
    {.name = "rules",
     .type = OPT_STRINGS,
     AT(rules),
     .required = true,
     .help = "the rules files, relative to this file's folder"},
    {.name = "env",
     .type = OPT_NODE,
     AT(env),
     .help = "what ${NAME} stands for; each name must stand in a file that is read"},
    {.name = "tests", .type = OPT_NODE, AT(tests), .required = true, .help = "a list of tests"},
    {0}};

#undef AT

static void load_rules(struct test_file *file, const struct file_settings *settings,
                       const char *config, struct complaints *complaints);
static void check_tests(const struct test_file *file, struct complaints *complaints);

/* A file of the other kinds would be complained about setting by setting. */
static bool is_another(const struct conf *root, struct complaints *complaints)
{
    bool rules = conf_member(root, "caches"), config = conf_member(root, "stores");
    if (conf_member(root, "tests") || (!rules && !config))
        return false;
    complain(complaints, SEVERITY_ERROR, root->file, root->line,
             "this is a %s, and not a file of rule tests, which has rules and tests; cdcd check "
             "reads it",
             rules ? "rules file" : "cdcd.cfg");
    return true;
}

bool testfile_open(struct test_file *file, const char *path, const char *config,
                   struct complaints *complaints)
{
    unsigned n_errors = complaints->n_errors;
    struct file_settings settings = {0};
    *file = (struct test_file){.arena = arena_make()};
    file->path = arena_strdup(file->arena, path);
    const struct conf *root = conf_read(file->arena, path, complaints);
    if (!root || is_another(root, complaints))
        return false;
    struct opt_reader reader = {.arena = file->arena, .complaints = complaints};
    opt_read(&reader, file_rows, root, &settings);
    if (settings.tests)
        testread_tests(file, settings.tests, complaints);
    if (settings.rules.n)
        load_rules(file, &settings, config, complaints);
    else if (settings.rules.list)
        complain(complaints, SEVERITY_ERROR, path, conf_member(root, "rules")->line,
                 "rules is empty; name the rules files that are tested");
    if (file->ruleset)
        check_tests(file, complaints);
    return complaints->n_errors == n_errors;
}

void testfile_close(struct test_file *file)
{
    ruleset_free(file->ruleset);
    arena_free(file->arena);
}

/* The path as seen from the test file's folder. */
static const char *beside(const struct test_file *file, const char *path)
{
    const char *slash = strrchr(file->path, '/');
    if (*path == '/' || !slash)
        return path;
    return arena_printf(file->arena, "%.*s/%s", (int)(slash - file->path), file->path, path);
}

static void load_rules(struct test_file *file, const struct file_settings *settings,
                       const char *config, struct complaints *complaints)
{
    struct testenv env;
    const char **globs = arena_alloc(file->arena, settings->rules.n * sizeof *globs);
    for (unsigned i = 0; i < settings->rules.n; i++)
        globs[i] = beside(file, settings->rules.list[i]);
    testenv_set(&env, file->arena, settings->env, complaints);
    const char *near = beside(file, "cdcd.cfg");
    struct storelist stores = {0};
    if (!config && access(near, F_OK) == 0)
        config = near;
    if (!config || storelist_read(&stores, file->arena, config, complaints))
        file->ruleset =
            ruleset_load(globs, settings->rules.n, stores.list, stores.n, !config, complaints);
    testenv_restore(&env);
    if (file->ruleset)
        testenv_check(file->arena, settings->env, file->ruleset, config, complaints);
}

/* Names that no cache has would make a test of nothing. */
static void check_cache(const struct test_file *file, int line, const char *cache,
                        struct complaints *complaints)
{
    unsigned n = ruleset_n_caches(file->ruleset);
    const char **names = arena_alloc(file->arena, (n + 1) * sizeof *names);
    for (unsigned i = 0; i < n; i++) {
        names[i] = ruleset_cache_name(file->ruleset, i);
        if (strcmp(names[i], cache) == 0)
            return;
    }
    opt_unknown(complaints, file->path, line, "cache", cache, names);
}

/* So would a store that does not exist. */
static void check_store(const struct test_file *file, const struct test_line *line,
                        struct complaints *complaints)
{
    unsigned n = ruleset_n_stores(file->ruleset);
    const char **names = arena_alloc(file->arena, (n + 1) * sizeof *names);
    const char *word = arena_strndup(file->arena, line->text, strcspn(line->text, " "));
    for (unsigned i = 0; i < n; i++) {
        names[i] = ruleset_store_name(file->ruleset, i);
        if (strcmp(names[i], word) == 0)
            return;
    }
    opt_unknown(complaints, file->path, line->line, "store", word, names);
}

static void check_tests(const struct test_file *file, struct complaints *complaints)
{
    for (unsigned i = 0; i < file->n_tests; i++) {
        const struct test *test = &file->tests[i];
        for (unsigned j = 0; j < test->only.n; j++)
            check_cache(file, test->only_line, test->only.list[j], complaints);
        for (unsigned j = 0; j < test->n_answers; j++)
            check_cache(file, test->answers[j].line, test->answers[j].cache, complaints);
        for (unsigned j = 0; j < test->expect.n; j++)
            check_store(file, &test->expect.list[j], complaints);
        for (unsigned j = 0; j < test->absent.n; j++)
            check_store(file, &test->absent.list[j], complaints);
    }
}
