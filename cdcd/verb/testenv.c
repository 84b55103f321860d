#include "verb/testenv.h"

#include "base/mem.h"
#include "base/opt.h"

#include <stdlib.h>
#include <string.h>

#define MAX_NAMES 256

/* A variable as it was before. */
struct testenv_saved {
    const char *name;
    const char *value; /* NULL: it was not set */
};

/* Names that stand in files as ${NAME}. */
struct naming {
    struct arena *arena;
    const char *names[MAX_NAMES + 1]; /* NULL-terminated */
    unsigned n;
};

void testenv_set(struct testenv *set, struct arena *arena, const struct conf *env,
                 struct complaints *complaints)
{
    unsigned n = env ? env->n_children : 0;
    *set = (struct testenv){arena_alloc(arena, (n + 1) * sizeof *set->saved), 0};
    if (env && env->type != CONF_GROUP) {
        complain(complaints, SEVERITY_ERROR, env->file, env->line,
                 "env takes a group, { NAME = \"value\"; }, and this is %s",
                 conf_type_name(env->type));
        return;
    }
    for (unsigned i = 0; i < n; i++) {
        const struct conf *node = &env->children[i];
        if (node->type != CONF_STRING) {
            complain(complaints, SEVERITY_ERROR, node->file, node->line,
                     "%s takes a string, and this is %s", node->name, conf_type_name(node->type));
            continue;
        }
        const char *before = getenv(node->name);
        before = before ? arena_strdup(arena, before) : NULL;
        set->saved[set->n++] = (struct testenv_saved){node->name, before};
        setenv(node->name, node->text, 1);
    }
}

void testenv_restore(const struct testenv *set)
{
    for (unsigned i = 0; i < set->n; i++) {
        if (set->saved[i].value)
            setenv(set->saved[i].name, set->saved[i].value, 1);
        else
            unsetenv(set->saved[i].name);
    }
}

static bool is_named(const struct naming *naming, const char *name)
{
    for (unsigned i = 0; i < naming->n; i++)
        if (strcmp(naming->names[i], name) == 0)
            return true;
    return false;
}

static void name_in_text(struct naming *naming, const char *text)
{
    while ((text = strstr(text, "${"))) {
        text += 2;
        size_t n = strcspn(text, "}");
        const char *fallback = memmem(text, n, ":-", 2);
        n = fallback ? (size_t)(fallback - text) : n;
        const char *name = arena_strndup(naming->arena, text, n);
        if (naming->n < MAX_NAMES && !is_named(naming, name))
            naming->names[naming->n++] = name;
    }
}

/* setting: of the only texts in which ${NAME} means something; NULL: in all. */
static void name_in(struct naming *naming, const struct conf *node, const char *setting)
{
    bool counts = !setting || (node->name && strcmp(node->name, setting) == 0);
    if (node->type == CONF_STRING && counts)
        name_in_text(naming, node->text);
    for (unsigned i = 0; i < node->n_children; i++)
        name_in(naming, &node->children[i], setting);
}

/* What is wrong with the file was said when it was loaded. */
static void name_in_file(struct naming *naming, const char *path, const char *setting)
{
    struct complaints unsaid = {0};
    const struct conf *root = conf_read(naming->arena, path, &unsaid);
    if (root)
        name_in(naming, root, setting);
    complaints_free(&unsaid);
}

void testenv_check(struct arena *arena, const struct conf *env, const struct ruleset *ruleset,
                   const char *config, struct complaints *complaints)
{
    struct naming naming = {.arena = arena};
    if (!env || env->type != CONF_GROUP || env->n_children == 0)
        return;
    for (unsigned i = 0; i < ruleset_n_files(ruleset); i++)
        name_in_file(&naming, ruleset_file(ruleset, i), "prefix");
    if (config)
        name_in_file(&naming, config, NULL);
    for (unsigned i = 0; i < env->n_children && naming.n < MAX_NAMES; i++) {
        const struct conf *node = &env->children[i];
        if (!is_named(&naming, node->name))
            opt_unknown(complaints, node->file, node->line, "variable", node->name, naming.names);
    }
}
