/* How many conditions a second one core evaluates, over rows as the stream gives them. Prints a
 * line each: figures, not verdicts. Of two arguments, the first is a condition to measure instead
 * of those below, the second how many rows. */
#include "base/mem.h"
#include "expression/expression.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define ROWS 1024
#define RUNS 5

static const struct column columns[] = {
    {"id", 20, -1, true, NULL},         {"published", 16, -1, false, NULL},
    {"approved", 16, -1, false, NULL},  {"status", 23, -1, false, NULL},
    {"views", 23, -1, false, NULL},     {"kind", 25, -1, false, NULL},
    {"price", 1700, -1, false, NULL},   {"title", 1043, -1, false, NULL},
    {"author_id", 20, -1, false, NULL}, {"created", 1184, -1, false, NULL},
};
#define COLUMNS (sizeof columns / sizeof *columns)

static const struct relation relation = {.oid = 1,
                                         .version = 1,
                                         .schema = "public",
                                         .name = "blog_post",
                                         .n_columns = COLUMNS,
                                         .columns = columns};

static const char *const conditions[] = {"published",
                                         "not published",
                                         "status = 3",
                                         "status = 3 AND views > 10",
                                         "approved AND kind = 'post'",
                                         "status IN (1, 3, 5)",
                                         "old.status <> new.status",
                                         "changed(title)",
                                         "price > 10.50",
                                         "title LIKE 'Post %7'",
                                         "created >= '2024-06-01'",
                                         NULL};

static void make_row(struct arena *arena, struct value *row, unsigned i)
{
    const char *texts[COLUMNS];
    texts[0] = arena_printf(arena, "%u", 1000000 + i);
    texts[1] = i % 3 ? "t" : "f";
    texts[2] = i % 5 ? "t" : "f";
    texts[3] = arena_printf(arena, "%u", i % 7);
    texts[4] = arena_printf(arena, "%u", i * 37 % 5000);
    texts[5] = i % 2 ? "post" : "page";
    texts[6] = arena_printf(arena, "%u.%02u", i % 30, i % 100);
    texts[7] = arena_printf(arena, "Post number %u", i);
    texts[8] = arena_printf(arena, "%u", i % 100);
    texts[9] = arena_printf(arena, "2024-%02u-15 10:20:30.123456+00", i % 12 + 1);
    for (size_t c = 0; c < COLUMNS; c++)
        row[c] = (struct value){texts[c], (uint32_t)strlen(texts[c]), VALUE_TEXT};
}

static double seconds(void)
{
    struct timespec now;
    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (double)now.tv_sec + (double)now.tv_nsec / 1e9;
}

/* CPU seconds of one run over `total` rows; *n_true counts, so that nothing is left out. */
static double measure(const struct program *program, struct value (*rows)[COLUMNS], unsigned total,
                      unsigned *n_true)
{
    struct program_scratch scratch = {.arena = arena_make()};
    double start = seconds();
    *n_true = 0;
    for (unsigned i = 0; i < total; i++) {
        struct change change = {CHANGE_UPDATE, &relation, rows[(i + 1) % ROWS], rows[i % ROWS]};
        *n_true += program_test(program, &change, IMAGE_NEW, &scratch) == PROGRAM_TRUE;
        if (arena_bytes(scratch.arena))
            arena_reset(scratch.arena);
    }
    double took = seconds() - start;
    arena_free(scratch.arena);
    return took;
}

static int by_size(const void *left, const void *right)
{
    double a = *(const double *)left, b = *(const double *)right;
    return (a > b) - (a < b);
}

static int bench(struct arena *arena, const char *text, struct value (*rows)[COLUMNS],
                 unsigned total)
{
    struct err err = {0};
    struct expression *expression = expression_parse(arena, text, &err);
    struct program *program =
        expression ? expression_compile(expression, arena, &relation, EXPRESSION_CONDITION, &err)
                   : NULL;
    double took[RUNS];
    unsigned n_true = 0;
    if (!program) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    for (int run = 0; run < RUNS; run++)
        took[run] = measure(program, rows, total, &n_true);
    qsort(took, RUNS, sizeof *took, by_size);
    printf("%-32s %8.1f %8.1f %8u\n", text, (double)total / took[RUNS / 2] / 1e6,
           took[RUNS / 2] / (double)total * 1e9, n_true);
    return 0;
}

int main(int argc, char **argv)
{
    struct arena *arena = arena_make();
    struct value(*rows)[COLUMNS] = arena_alloc(arena, ROWS * sizeof *rows);
    unsigned total = argc > 2 ? (unsigned)atoi(argv[2]) : 5000000;
    int failed = 0;
    for (unsigned i = 0; i < ROWS; i++)
        make_row(arena, rows[i], i);
    printf("%u rows, median of %d runs, CPU time of one core\n", total, RUNS);
    printf("%-32s %8s %8s %8s\n", "condition", "M/s", "ns", "true");
    if (argc > 1)
        failed = bench(arena, argv[1], rows, total);
    for (unsigned i = 0; argc == 1 && conditions[i]; i++)
        failed |= bench(arena, conditions[i], rows, total);
    arena_free(arena);
    return failed;
}
