/* Any bytes as a rules file: the loader complains or loads, and what was loaded takes changes. */
#include "base/log.h"
#include "rule/rule.h"

#include <stdint.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#define MAX_COLUMNS 64

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 forgets the string at hand when it meets a syntax error. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}

struct table {
    struct column columns[MAX_COLUMNS];
    unsigned n;
};

static void add_column(void *ctx, const char *name)
{
    struct table *table = ctx;
    for (unsigned i = 0; i < table->n; i++)
        if (strcmp(table->columns[i].name, name) == 0)
            return;
    if (table->n == MAX_COLUMNS)
        return;
    table->columns[table->n] = (struct column){.name = name, .in_identity = table->n % 2 == 0};
    table->n++;
}

/* Reads the whole key, so that a sanitizer sees one that is not all there. */
static void on_op(void *ctx, const struct op *op, const struct origin *origin)
{
    unsigned *sum = ctx;
    for (uint32_t i = 0; i < op->key_len; i++)
        *sum += (unsigned char)op->key[i];
    *sum += (unsigned)origin->line;
}

static void change_table(struct ruleset *set, const struct rule_table *named, uint32_t oid)
{
    static const struct value kinds[] = {{"a*b", 3, VALUE_TEXT},
                                         {"", 0, VALUE_TEXT},
                                         {.kind = VALUE_NULL},
                                         {.kind = VALUE_ABSENT},
                                         {.kind = VALUE_UNCHANGED}};
    struct table table = {0};
    struct value rows[2][MAX_COLUMNS];
    unsigned sum = 0;
    ruleset_columns(set, named->schema, named->name, add_column, &table);
    for (unsigned i = 0; i < MAX_COLUMNS; i++) {
        rows[0][i] = kinds[i % 5];
        rows[1][i] = kinds[i % 3];
    }
    struct relation relation = {.oid = oid,
                                .version = 1,
                                .schema = named->schema,
                                .name = named->name,
                                .n_columns = table.n,
                                .columns = table.columns};
    for (int op = CHANGE_INSERT; op <= CHANGE_TRUNCATE; op++) {
        struct change change = {.op = (enum change_op)op, .relation = &relation};
        change.old_row = op == CHANGE_UPDATE || op == CHANGE_DELETE ? rows[0] : NULL;
        change.new_row = op == CHANGE_UPDATE || op == CHANGE_INSERT ? rows[1] : NULL;
        ruleset_change(set, &change, &(struct rule_sink){.op = on_op}, &sum);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const char *globs[] = {path};
    struct complaints complaints = {0};
    unsigned n = 0, sum = 0;
    int fd = memfd_create("rules", MFD_CLOEXEC);
    log_level_set(LOG_LEVEL_ERROR);
    if (fd < 0 || write(fd, data, size) != (ssize_t)size)
        return 0;
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    struct ruleset *set = ruleset_load(globs, 1, NULL, 0, true, &complaints);
    close(fd);
    const struct rule_table *tables = set ? ruleset_tables(set, &n) : NULL;
    for (unsigned i = 0; i < n; i++)
        change_table(set, &tables[i], i);
    if (set)
        ruleset_clear(set, on_op, &sum);
    ruleset_free(set);
    complaints_free(&complaints);
    return 0;
}
