#include "rule/load.h"

#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <glob.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct file_settings {
    int64_t version;
    const char *app;
    const char *prefix;
    const char *schema;
    struct opt_strings store;
    const struct conf *caches;
};

#define AT(member) .offset = offsetof(struct file_settings, member)

static const struct opt file_rows[] = {
    {.name = "cdcd",
     .type = OPT_INT,
     AT(version),
     .required = true,
     .min = 1,
     .max = 1,
     .range = "a version of the grammar that this cdcd reads; it reads 1",
     .help = "the version of the grammar: cdcd = 1"},
    {.name = "app",
     .type = OPT_STRING,
     AT(app),
     .required = true,
     .help = "the application's name, unique among the files"},
    {.name = "prefix",
     .type = OPT_STRING,
     AT(prefix),
     .fallback = "",
     .expand = true,
     .help = "stands before every key, after the store's own prefix; ${NAME} and ${NAME:-default} "
             "are replaced from the environment"},
    {.name = "schema",
     .type = OPT_STRING,
     AT(schema),
     .fallback = "public",
     .help = "the schema of tables written without one"},
    {.name = "store",
     .type = OPT_STRINGS,
     AT(store),
     .help = "the stores of caches that name none, by their names in cdcd.cfg"},
    {.name = "caches",
     .type = OPT_NODE,
     AT(caches),
     .required = true,
     .help = "a group of what is cached, each by its name"},
    {0}};

#undef AT

static void load_glob(struct loader *loader, const char *pattern);
static void load_file(struct loader *loader, const char *path);

struct ruleset *ruleset_load(const char *const *globs, unsigned n_globs,
                             const struct rule_store *stores, unsigned n_stores, bool any_store,
                             struct complaints *complaints)
{
    struct arena *arena = arena_make();
    struct ruleset *set = arena_alloc(arena, sizeof *set);
    struct loader loader = {
        .set = set,
        .arena = arena,
        .complaints = complaints,
        .reader = {.arena = arena, .complaints = complaints},
        .any_store = any_store,
    };
    unsigned n_errors = complaints->n_errors;
    set->arena = arena;
    set->stores = stores;
    set->n_stores = n_stores;
    for (unsigned i = 0; i < n_globs; i++)
        load_glob(&loader, globs[i]);
    if (set->n_files == 0 && complaints->n_errors == n_errors)
        complain(complaints, SEVERITY_ERROR, NULL, 0,
                 "no rules file was found; correct the path, or rules in cdcd.cfg");
    if (complaints->n_errors == n_errors) {
        load_check_owners(&loader);
        return set;
    }
    ruleset_free(set);
    return NULL;
}

/* What a glob passes over in silence: the folder before its first wildcard is not there, or may not
 * be read. A reload would drop the folder's rules. */
static bool check_folder(struct loader *loader, const char *pattern)
{
    size_t n = strcspn(pattern, "*?[");
    while (n > 0 && pattern[n - 1] != '/')
        n--;
    char *folder = n ? arena_strndup(loader->arena, pattern, n) : NULL;
    DIR *opened = opendir(folder ? folder : ".");
    if (opened) {
        closedir(opened);
        return true;
    }
    bool forbidden = errno == EACCES;
    complain_code(loader->complaints, forbidden ? EX_NOPERM : EX_NOINPUT, pattern, 0,
                  "the folder %s cannot be read: %s; %s", folder ? folder : ".", strerror(errno),
                  forbidden ? "let cdcd's user read it" : "make it, or correct the path");
    return false;
}

/* Of folders that a wildcard names, those that are none do not matter. */
static int stop_at(const char *folder, int error)
{
    (void)folder;
    return error != ENOENT && error != ENOTDIR;
}

/* Rule tests stand beside the rules that they test, and are not meant by their wildcard. */
static bool is_test(const char *path)
{
    static const char end[] = ".test.cfg";
    size_t n = strlen(path), n_end = sizeof end - 1;
    return n >= n_end && strcmp(path + n - n_end, end) == 0;
}

static void load_glob(struct loader *loader, const char *pattern)
{
    glob_t found = {0};
    if (!strpbrk(pattern, "*?[") || access(pattern, F_OK) == 0) {
        load_file(loader, pattern);
        return;
    }
    if (!check_folder(loader, pattern))
        return;
    int result = glob(pattern, 0, stop_at, &found);
    if (result == GLOB_NOMATCH)
        complain(loader->complaints, SEVERITY_WARNING, pattern, 0, "no rules file matches this");
    else if (result != 0)
        complain_code(loader->complaints, EX_NOPERM, pattern, 0,
                      "a folder that this names cannot be read; let cdcd's user read it");
    for (size_t i = 0; i < found.gl_pathc; i++)
        if (!is_test(found.gl_pathv[i]))
            load_file(loader, found.gl_pathv[i]);
    globfree(&found);
}

static bool loaded_before(const struct ruleset *set, const char *path)
{
    for (unsigned i = 0; i < set->n_files; i++)
        if (strcmp(set->files[i], path) == 0)
            return true;
    return false;
}

static void add_file(struct loader *loader, const char *app, int app_line)
{
    struct ruleset *set = loader->set;
    size_t n = set->n_files + 1;
    set->files = mem_resize(set->files, n * sizeof *set->files);
    set->apps = mem_resize(set->apps, n * sizeof *set->apps);
    set->app_lines = mem_resize(set->app_lines, n * sizeof *set->app_lines);
    set->files[set->n_files] = loader->file;
    set->apps[set->n_files] = app;
    set->app_lines[set->n_files++] = app_line;
}

static void check_app(struct loader *loader, const char *app, int line)
{
    static const char letters[] =
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789_.-";
    const struct ruleset *set = loader->set;
    if (!*app || strspn(app, letters) < strlen(app))
        complain(loader->complaints, SEVERITY_ERROR, loader->file, line,
                 "app = \"%s\" is no name; it has letters, digits, _, . and -", app);
    for (unsigned i = 0; i < set->n_files; i++)
        if (set->apps[i] && strcmp(set->apps[i], app) == 0)
            complain(loader->complaints, SEVERITY_ERROR, loader->file, line,
                     "app = \"%s\" is that of %s:%d too; each file needs its own", app,
                     set->files[i], set->app_lines[i]);
}

static void load_caches(struct loader *loader, const struct conf *caches)
{
    if (caches->type != CONF_GROUP) {
        complain(loader->complaints, SEVERITY_ERROR, caches->file, caches->line,
                 "caches takes a group, and this is %s", conf_type_name(caches->type));
        return;
    }
    if (caches->n_children == 0)
        complain(loader->complaints, SEVERITY_WARNING, caches->file, caches->line,
                 "caches is empty: this file clears nothing");
    for (unsigned i = 0; i < caches->n_children; i++)
        load_cache(loader, &caches->children[i]);
}

static bool is_configuration(const struct conf *root)
{
    return root && !conf_member(root, "caches") && !conf_member(root, "app") &&
           (conf_member(root, "stores") || conf_member(root, "source"));
}

static void load_file(struct loader *loader, const char *path)
{
    struct file_settings settings = {0};
    if (loaded_before(loader->set, path))
        return;
    loader->file = arena_strdup(loader->arena, path);
    const struct conf *root = conf_read(loader->arena, path, loader->complaints);
    const struct conf *tests = root ? conf_member(root, "tests") : NULL;
    if (tests && !conf_member(root, "caches"))
        LOAD_ERROR(loader, tests,
                   "this is a file of rule tests, which cdcd test runs; name the "
                   "rules file itself");
    else if (is_configuration(root))
        LOAD_ERROR(loader, root,
                   "this is a cdcd.cfg, and not a rules file; name it with -c, or the rules file "
                   "itself");
    else if (root)
        opt_read(&loader->reader, file_rows, root, &settings);
    const struct conf *app = conf_member(root, "app");
    if (settings.app)
        check_app(loader, settings.app, app->line);
    add_file(loader, settings.app, app ? app->line : 0);
    loader->app = settings.app;
    loader->prefix = settings.prefix ? settings.prefix : "";
    loader->schema = settings.schema ? settings.schema : "";
    loader->store = settings.store;
    loader->store_place = conf_member(root, "store");
    if (settings.caches)
        load_caches(loader, settings.caches);
}

const struct conf *load_place(const struct conf *group, const char *name)
{
    const struct conf *place = conf_member(group, name);
    return place ? place : group;
}
