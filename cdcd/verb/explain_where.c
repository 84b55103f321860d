#include "base/mem.h"
#include "base/str.h"
#include "verb/explain.h"
#include "verb/json.h"
#include "verb/load.h"
#include "verb/opline.h"

#include <stdlib.h>
#include <string.h>

struct asking {
    const struct verb_args *args;
    const struct store_opts *store;
    struct arena *arena;
    struct store_places *places;
    const char *key; /* the one that is asked for */
    size_t len;
    unsigned n;
};

static void print_where(void *ctx, const char *place)
{
    struct asking *a = ctx;
    if (a->args->json) {
        printf("%s{\"key\":", a->n++ ? "," : "");
        json_text(stdout, a->key, a->len);
        printf(",\"server\":");
        json_string(stdout, place);
        printf("}");
        return;
    }
    struct buf line = {0};
    opline_put_text(&line, a->key, a->len);
    printf("%s %s\n", buf_str(&line), place);
    buf_free(&line);
}

static void answer(struct asking *a, const char *key, size_t n)
{
    a->key = key;
    a->len = n;
    store_places_of(a->places, key, n, print_where, a);
}

static void answer_lines(struct asking *a)
{
    char *line = NULL;
    size_t size = 0;
    for (ssize_t n; (n = getline(&line, &size, stdin)) >= 0;) {
        n -= n > 0 && line[n - 1] == '\n';
        if (n > 0)
            answer(a, line, (size_t)n);
    }
    free(line);
}

static int find_store(struct asking *a, const struct config *config)
{
    const char **names = arena_alloc(a->arena, (config->n_stores + 1) * sizeof *names);
    for (unsigned i = 0; i < config->n_stores; i++) {
        names[i] = config->stores[i].name;
        if (strcmp(names[i], a->args->store) == 0)
            a->store = &config->stores[i];
    }
    if (a->store)
        return 0;
    const char *nearest = str_nearest(a->args->store, names);
    return verb_misused("cdcd.cfg has no store \"%s\"%s%s%s", a->args->store,
                        nearest ? "; did you mean " : "", nearest ? nearest : "",
                        nearest ? "?" : "");
}

int explain_where(const struct verb_args *args)
{
    struct asking a = {.args = args, .arena = arena_make()};
    struct complaints complaints = {0};
    struct config *config =
        config_read(args->config ? args->config : CONFIG_DEFAULT_PATH, &complaints);
    int code = complaints.code;
    if (code)
        complaints_print(&complaints, stderr);
    else
        code = find_store(&a, config);
    if (code == 0) {
        a.places = store_places_make(a.store);
        printf("%s", args->json ? "[" : "");
        if (strcmp(args->where, "-") == 0)
            answer_lines(&a);
        else
            answer(&a, args->where, strlen(args->where));
        printf("%s", args->json ? "]\n" : "");
        store_places_free(a.places);
    }
    config_free(config);
    complaints_free(&complaints);
    arena_free(a.arena);
    return code;
}
