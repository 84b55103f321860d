/* What rules cost: bytes that a thousand caches hold once they are loaded, and once changes of all
 * their tables came; and the CPU time of a change. Prints a line each: figures, not verdicts. Of
 * two arguments, the first is the caches to measure alone, as in a rules file, on table t0, and the
 * second how many changes. */
#include "base/buf.h"
#include "rule/rule.h"

#include <fcntl.h>
#include <malloc.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#define CACHES 1000
#define TABLES 100
#define RUNS 5

static const struct column columns[] = {
    {.name = "id", .type = 23, .typmod = -1, .in_identity = true},
    {.name = "post_id", .type = 23, .typmod = -1, .in_identity = true},
    {.name = "status", .type = 25, .typmod = -1, .in_identity = true},
    {.name = "n", .type = 23, .typmod = -1, .in_identity = true},
};
#define COLUMNS (sizeof columns / sizeof *columns)

struct shape {
    const char *key;
    const char *settings; /* of its trigger */
};

static const struct shape shapes[] = {
    {"{post_id}", ""},
    {"{post_id}", "when = \"status = 'on'\";"},
    {"{p}", "bind = { p = \"post_id % 16\"; }; when = \"status IN ('on', 'new') AND n > 10\";"},
};

static struct ruleset *load(const char *caches)
{
    static const struct rule_store store = {"redis", "", "redis", (1U << OP_N_ACTIONS) - 1};
    struct complaints complaints = {0};
    char path[64];
    const char *globs[] = {path};
    int fd = memfd_create("rules", MFD_CLOEXEC);
    dprintf(fd, "cdcd = 1; app = \"x\"; store = \"redis\"; caches = { %s };", caches);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct ruleset *ruleset = ruleset_load(globs, 1, &store, 1, false, &complaints);
    close(fd);
    if (!ruleset)
        complaints_print(&complaints, stderr);
    complaints_free(&complaints);
    return ruleset;
}

static void count(void *ctx, const struct op *op, const struct origin *origin)
{
    uint64_t *n = ctx;
    (void)op;
    (void)origin;
    ++*n;
}

static const struct rule_sink sink = {.op = count};

/* An UPDATE that moves a row. */
static void change(struct ruleset *ruleset, const struct relation *relation, unsigned n,
                   uint64_t *n_ops)
{
    static const struct value rows[3][COLUMNS] = {
        {{"7", 1, VALUE_TEXT}, {"3", 1, VALUE_TEXT}, {"on", 2, VALUE_TEXT}, {"20", 2, VALUE_TEXT}},
        {{"7", 1, VALUE_TEXT}, {"5", 1, VALUE_TEXT}, {"on", 2, VALUE_TEXT}, {"20", 2, VALUE_TEXT}},
        {{"7", 1, VALUE_TEXT}, {"9", 1, VALUE_TEXT}, {"on", 2, VALUE_TEXT}, {"20", 2, VALUE_TEXT}}};
    struct change made = {CHANGE_UPDATE, relation, rows[n % 3], rows[(n + 1) % 3]};
    ruleset_change(ruleset, &made, &sink, n_ops);
}

static struct relation table(unsigned i, char *name, size_t size)
{
    snprintf(name, size, "t%u", i);
    return (struct relation){.oid = i + 1,
                             .version = 1,
                             .schema = "public",
                             .name = name,
                             .n_columns = COLUMNS,
                             .columns = columns};
}

static size_t held(void)
{
    return mallinfo2().uordblks;
}

static void put_cache(struct buf *to, const struct shape *shape, unsigned number)
{
    buf_printf(to,
               "c%u = { key = \"c:%s\"; triggers = ( { table = \"t%u\"; %s } ); "
               "all = { action = \"scan\"; match = \"c:*\"; }; };",
               number, shape->key, number % TABLES, shape->settings);
}

/* Bytes that each of many caches holds. */
static int weigh(const struct shape *shape)
{
    struct buf caches = {0};
    uint64_t n_ops = 0;
    char name[16];
    for (unsigned i = 0; i < CACHES; i++)
        put_cache(&caches, shape, i);
    size_t before = held();
    struct ruleset *ruleset = load(buf_str(&caches));
    if (!ruleset)
        return 1;
    size_t loaded = held();
    for (unsigned i = 0; i < TABLES; i++) {
        struct relation relation = table(i, name, sizeof name);
        change(ruleset, &relation, i, &n_ops);
    }
    printf("%8zu %8zu   %s %s\n", (loaded - before) / CACHES, (held() - loaded) / CACHES,
           shape->key, shape->settings);
    ruleset_free(ruleset);
    buf_free(&caches);
    return 0;
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static int time_changes(const char *caches, unsigned n)
{
    double took[RUNS];
    uint64_t n_ops = 0;
    char name[16];
    struct relation relation = table(0, name, sizeof name);
    struct ruleset *ruleset = load(caches);
    if (!ruleset)
        return 1;
    for (int run = 0; run < RUNS; run++) {
        double start = seconds();
        for (unsigned i = 0; i < n; i++)
            change(ruleset, &relation, i, &n_ops);
        took[run] = seconds() - start;
    }
    qsort(took, RUNS, sizeof *took, by_size);
    printf("%8.1f %8.2f   %s\n", took[RUNS / 2] / n * 1e9, (double)n_ops / n / RUNS, caches);
    ruleset_free(ruleset);
    return 0;
}

static int time_shape(const struct shape *shape, unsigned n)
{
    struct buf cache = {0};
    put_cache(&cache, shape, 0);
    int failed = time_changes(buf_str(&cache), n);
    buf_free(&cache);
    return failed;
}

int main(int argc, char **argv)
{
    unsigned n = argc > 2 ? (unsigned)atoi(argv[2]) : 5000000;
    int failed = 0;
    if (argc > 1)
        return time_changes(argv[1], n);
    printf("bytes a cache, of %d in %d tables\n%8s %8s\n", CACHES, TABLES, "loaded", "planned");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        failed |= weigh(&shapes[i]);
    printf("\n%u updates that move a row, median of %d runs, CPU time of one core\n", n, RUNS);
    printf("%8s %8s\n", "ns", "ops");
    for (size_t i = 0; i < sizeof shapes / sizeof *shapes; i++)
        failed |= time_shape(&shapes[i], n);
    return failed;
}
