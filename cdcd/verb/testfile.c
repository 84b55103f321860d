#include "verb/testfile.h"

#include "base/mem.h"
#include "verb/storelist.h"
#include "verb/testread.h"

#include <stddef.h>
#include <stdlib.h>
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
    {.name = "env", .type = OPT_NODE, AT(env), .help = "what ${NAME} stands for"},
    {.name = "tests", .type = OPT_NODE, AT(tests), .required = true, .help = "a list of tests"},
    {0}};

#undef AT

/* A variable as it was before the file's env. */
struct saved {
    const char *name;
    const char *value; /* NULL: it was not set */
};

static void load_rules(struct test_file *file, const struct file_settings *settings,
                       const char *config, struct complaints *complaints);
static unsigned set_env(struct test_file *file, const struct conf *env, struct saved *saved,
                        struct complaints *complaints);
static void restore_env(const struct saved *saved, unsigned n);
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
    unsigned n = settings->env ? settings->env->n_children : 0;
    struct saved *saved = arena_alloc(file->arena, (n + 1) * sizeof *saved);
    const char **globs = arena_alloc(file->arena, settings->rules.n * sizeof *globs);
    for (unsigned i = 0; i < settings->rules.n; i++)
        globs[i] = beside(file, settings->rules.list[i]);
    n = set_env(file, settings->env, saved, complaints);
    const char *near = beside(file, "cdcd.cfg");
    struct storelist stores = {0};
    if (!config && access(near, F_OK) == 0)
        config = near;
    if (!config || storelist_read(&stores, file->arena, config, complaints))
        file->ruleset =
            ruleset_load(globs, settings->rules.n, stores.list, stores.n, !config, complaints);
    restore_env(saved, n);
}

static unsigned set_env(struct test_file *file, const struct conf *env, struct saved *saved,
                        struct complaints *complaints)
{
    unsigned n = 0;
    if (env && env->type != CONF_GROUP)
        complain(complaints, SEVERITY_ERROR, env->file, env->line,
                 "env takes a group, { NAME = \"value\"; }, and this is %s",
                 conf_type_name(env->type));
    for (unsigned i = 0; env && env->type == CONF_GROUP && i < env->n_children; i++) {
        const struct conf *node = &env->children[i];
        if (node->type != CONF_STRING) {
            complain(complaints, SEVERITY_ERROR, node->file, node->line,
                     "%s takes a string, and this is %s", node->name, conf_type_name(node->type));
            continue;
        }
        const char *before = getenv(node->name);
        saved[n++] = (struct saved){node->name, before ? arena_strdup(file->arena, before) : NULL};
        setenv(node->name, node->text, 1);
    }
    return n;
}

static void restore_env(const struct saved *saved, unsigned n)
{
    for (unsigned i = 0; i < n; i++) {
        if (saved[i].value)
            setenv(saved[i].name, saved[i].value, 1);
        else
            unsetenv(saved[i].name);
    }
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
            check_cache(file, test->line, test->only.list[j], complaints);
        for (unsigned j = 0; j < test->n_answers; j++)
            check_cache(file, test->answers[j].line, test->answers[j].cache, complaints);
        for (unsigned j = 0; j < test->expect.n; j++)
            check_store(file, &test->expect.list[j], complaints);
        for (unsigned j = 0; j < test->absent.n; j++)
            check_store(file, &test->absent.list[j], complaints);
    }
}
