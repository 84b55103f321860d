#include "base/mem.h"
#include "verb/json.h"
#include "verb/load.h"
#include "verb/meaning.h"
#include "verb/opline.h"

#include <fcntl.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <unistd.h>

/* Exit code: the files mean different things. */
#define EXIT_DIFFERS 2

struct diffing {
    struct arena *arena;
    bool json;
    const struct meaning *old, *new;
    unsigned n; /* differences that were printed */
};

static void compare(struct diffing *d);

/* What can be read only once, as the shell's <(git show HEAD:blog.cfg), is kept, since it is read
 * twice: the path of the copy, or the path as it is. */
static const char *readable_twice(struct diffing *d, const char *path)
{
    struct stat about;
    char block[4096];
    if (stat(path, &about) < 0 || !S_ISFIFO(about.st_mode))
        return path;
    int from = open(path, O_RDONLY | O_CLOEXEC), copy = memfd_create("rules", MFD_CLOEXEC);
    size_t left = CONF_MAX_BYTES + sizeof block;
    for (ssize_t n = 1; from >= 0 && copy >= 0 && n > 0 && left >= sizeof block;) {
        n = read(from, block, sizeof block);
        if (n > 0 && write(copy, block, (size_t)n) != n)
            break;
        left -= n > 0 ? (size_t)n : 0;
    }
    if (from >= 0)
        close(from);
    return copy < 0 ? path : arena_printf(d->arena, "/dev/fd/%d", copy);
}

/* 0 when the file is right, and read. */
static int read_file(struct diffing *d, const struct verb_args *args, unsigned i,
                     struct meaning *meaning)
{
    struct loaded loaded;
    const char *path = readable_twice(d, args->operands[i]);
    load_all(&loaded, args, &path, 1);
    if (loaded.ruleset) {
        const struct conf *root = conf_read(d->arena, path, &loaded.complaints);
        if (root)
            meaning_read(meaning, d->arena, root);
    }
    int code = loaded.complaints.code;
    if (code)
        complaints_print(&loaded.complaints, stderr);
    load_free(&loaded);
    return code;
}

int verb_diff(const struct verb_args *args)
{
    struct diffing d = {.arena = arena_make(), .json = args->json};
    struct meaning old = {0}, new = {0};
    d.old = &old;
    d.new = &new;
    int code = read_file(&d, args, 0, &old);
    int code_of_new = read_file(&d, args, 1, &new);
    code = code ? code : code_of_new;
    if (code == 0) {
        compare(&d);
        code = d.n ? EXIT_DIFFERS : 0;
    }
    arena_free(d.arena);
    return code;
}

/* cache is NULL for what is about the file, name for what is about the whole cache. */
struct difference {
    char sign;
    const char *cache, *name;
    const char *old_value, *new_value; /* of '-' and '+' one is NULL */
    const char *file;
    int line;
};

static void print_json(struct diffing *d, const struct difference *one)
{
    const char *change = one->sign == '+' ? "added" : one->sign == '-' ? "removed" : "changed";
    printf("%s{\"change\":\"%s\",\"cache\":", d->n ? "," : "", change);
    json_string(stdout, one->cache);
    printf(",\"setting\":");
    json_string(stdout, one->name);
    printf(",\"old\":");
    json_string(stdout, one->old_value);
    printf(",\"new\":");
    json_string(stdout, one->new_value);
    printf(",\"file\":");
    json_string(stdout, one->file);
    printf(",\"line\":%d}", one->line);
}

static void put_clean(struct buf *to, const char *text)
{
    if (text)
        opline_put_text(to, text, strlen(text));
}

static void print_text(const struct difference *one)
{
    struct buf line = {0};
    buf_printf(&line, "%c %s%s", one->sign, one->cache ? "cache " : "file",
               one->cache ? one->cache : "");
    if (one->name)
        buf_printf(&line, ": %s ", one->name);
    put_clean(&line, one->old_value);
    if (one->sign == '~')
        buf_put_str(&line, " -> ");
    put_clean(&line, one->new_value);
    printf("%s  %s:%d\n", buf_str(&line), one->file, one->line);
    buf_free(&line);
}

static void differ(struct diffing *d, struct difference one)
{
    if (d->json)
        print_json(d, &one);
    else
        print_text(&one);
    d->n++;
}

static void differ_fact(struct diffing *d, const char *cache, const struct fact *old,
                        const struct fact *new)
{
    differ(d, (struct difference){
                  .sign = old && new ? '~'
                          : old      ? '-'
                                     : '+',
                  .cache = cache,
                  .name = old ? old->name : new->name,
                  .old_value = old ? old->value : NULL,
                  .new_value = new ? new->value : NULL,
                  .file = new ? d->new->file : d->old->file,
                  .line = new ? new->line : old->line,
              });
}

/* Below 0 when the next fact is old's alone, above when it is new's, 0 when both have it. */
static int order(const struct fact *old, const struct fact *new)
{
    int names = strcmp(old->name, new->name);
    bool many = names == 0 && strcmp(old->name, "trigger") == 0;
    return many ? strcmp(old->value, new->value) : names;
}

static unsigned skip_same(const struct meaning_cache *cache, unsigned i)
{
    unsigned next = i + 1;
    while (next < cache->n_facts && strcmp(cache->facts[i].name, cache->facts[next].name) == 0 &&
           strcmp(cache->facts[i].value, cache->facts[next].value) == 0)
        next++;
    return next;
}

static void compare_cache(struct diffing *d, const struct meaning_cache *old,
                          const struct meaning_cache *new)
{
    unsigned i = 0, j = 0;
    while (i < old->n_facts || j < new->n_facts) {
        const struct fact *a = i < old->n_facts ? &old->facts[i] : NULL;
        const struct fact *b = j < new->n_facts ? &new->facts[j] : NULL;
        int which = !a ? 1 : !b ? -1 : order(a, b);
        if (which != 0)
            differ_fact(d, new->name, which < 0 ? a : NULL, which < 0 ? NULL : b);
        else if (strcmp(a->value, b->value) != 0)
            differ_fact(d, new->name, a, b);
        i = which <= 0 ? skip_same(old, i) : i;
        j = which >= 0 ? skip_same(new, j) : j;
    }
}

static void compare_files(struct diffing *d)
{
    const struct meaning *old = d->old, *new = d->new;
    if (strcmp(old->app, new->app) != 0)
        differ(d,
               (struct difference){'~', NULL, "app", old->app, new->app, new->file, new->app_line});
    for (unsigned i = 0, j = 0; i < old->n_caches || j < new->n_caches;) {
        const struct meaning_cache *a = i < old->n_caches ? &old->caches[i] : NULL;
        const struct meaning_cache *b = j < new->n_caches ? &new->caches[j] : NULL;
        int which = !a ? 1 : !b ? -1 : strcmp(a->name, b->name);
        if (which < 0)
            differ(d, (struct difference){'-', a->name, NULL, NULL, NULL, old->file, a->line});
        else if (which > 0)
            differ(d, (struct difference){'+', b->name, NULL, NULL, NULL, new->file, b->line});
        else
            compare_cache(d, a, b);
        i += which <= 0;
        j += which >= 0;
    }
}

static void compare(struct diffing *d)
{
    if (d->json)
        printf("[");
    compare_files(d);
    if (d->json)
        printf("]\n");
}
