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
    unsigned n;
};

/* Of host:port[:weight], host:port. */
static const char *server_of_words(struct arena *arena, const char *words)
{
    const char *bracket = strrchr(words, ']');
    const char *port = strchr(bracket ? bracket : words, ':');
    if (strncmp(words, "unix:", 5) == 0)
        return words;
    if (!port)
        return arena_printf(arena, "%s:11211", words);
    return arena_strndup(arena, words, (size_t)(port - words) + 1 + strcspn(port + 1, ":"));
}

/* Of a URL, without user and password. */
static const char *server_of_url(struct arena *arena, const char *url)
{
    const char *host = strstr(url, "://");
    if (!host)
        return url;
    if (strncmp(url, "unix:", 5) == 0)
        return arena_printf(arena, "unix:%.*s", (int)strcspn(host + 3, "?"), host + 3);
    host += 3;
    size_t n = strcspn(host, "/?");
    const char *at = memrchr(host, '@', n);
    if (at) {
        n -= (size_t)(at + 1 - host);
        host = at + 1;
    }
    const char *bracket = memrchr(host, ']', n);
    size_t skip = bracket ? (size_t)(bracket - host) : 0;
    bool port = memchr(host + skip, ':', n - skip) != NULL;
    return arena_printf(arena, "%.*s%s", (int)n, host, port ? "" : ":6379");
}

static void print_where(struct asking *a, const char *key, size_t n, const char *server)
{
    if (a->args->json) {
        printf("%s{\"key\":", a->n++ ? "," : "");
        json_text(stdout, key, n);
        printf(",\"server\":");
        json_string(stdout, server);
        printf("}");
        return;
    }
    struct buf line = {0};
    opline_put_text(&line, key, n);
    printf("%s %s\n", buf_str(&line), server);
    buf_free(&line);
}

/* A store of several servers sends every op to each of them, in this version. */
static void answer(struct asking *a, const char *key, size_t n)
{
    if (a->store->url)
        print_where(a, key, n, server_of_url(a->arena, a->store->url));
    for (unsigned i = 0; i < a->store->n_servers; i++)
        print_where(a, key, n, server_of_words(a->arena, a->store->servers[i]));
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
        printf("%s", args->json ? "[" : "");
        if (strcmp(args->where, "-") == 0)
            answer_lines(&a);
        else
            answer(&a, args->where, strlen(args->where));
        printf("%s", args->json ? "]\n" : "");
    }
    config_free(config);
    complaints_free(&complaints);
    arena_free(a.arena);
    return code;
}
