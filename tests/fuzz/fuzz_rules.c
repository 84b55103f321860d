/* Any bytes as a rules file: the loader complains or loads, and what was loaded takes changes. */
#include "base/log.h"
#include "rule/rule.h"

#include <stdint.h>
#include <stdlib.h>
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
    static const uint32_t types[] = {0, 23, 25, 16, 1114, 1700, 17, 3802};
    table->columns[table->n] = (struct column){
        .name = name,
        .type = types[table->n % 8],
        .typmod = -1,
        .in_identity = table->n % 2 == 0,
    };
    table->n++;
}

#define MAX_QUESTIONS 8

/* What came of a change. */
struct made {
    unsigned sum;
    char *contexts[MAX_QUESTIONS];
    uint32_t lengths[MAX_QUESTIONS];
    unsigned n;
};

static void read_bytes(struct made *made, const char *bytes, uint32_t n)
{
    for (uint32_t i = 0; i < n; i++)
        made->sum += (unsigned char)bytes[i];
}

/* Reads the whole key, so that a sanitizer sees one that is not all there. */
static void on_op(void *ctx, const struct op *op, const struct origin *origin)
{
    struct made *made = ctx;
    read_bytes(made, op->key, op->key_len);
    read_bytes(made, op->value, op->value_len);
    made->sum += (unsigned)origin->line;
}

static void on_ask(void *ctx, const struct question *question, const struct origin *origin)
{
    struct made *made = ctx;
    made->sum += (unsigned)origin->line;
    for (unsigned i = 0; i < question->lookup->n_params; i++)
        if (question->params[i].kind == VALUE_TEXT)
            read_bytes(made, question->params[i].text, question->params[i].len);
    if (made->n == MAX_QUESTIONS)
        return;
    made->contexts[made->n] = malloc(question->context_len);
    if (!made->contexts[made->n])
        abort();
    memcpy(made->contexts[made->n], question->context, question->context_len);
    made->lengths[made->n++] = question->context_len;
}

static void answer_all(struct ruleset *set, struct made *made)
{
    static const char *const names[] = {"id", "slug"};
    static const uint32_t types[] = {23, 25};
    static const struct value rows[] = {
        {"1", 1, VALUE_TEXT}, {"a*b", 3, VALUE_TEXT}, {"2", 1, VALUE_TEXT}, {.kind = VALUE_NULL}};
    static const struct answer answers[] = {
        {.names = names, .types = types, .n_columns = 2, .rows = rows, .n_rows = 2},
        {.failed = "no answer"},
        {.too_many = true}};
    for (unsigned i = 0; i < made->n; i++) {
        ruleset_answer(set, made->contexts[i], made->lengths[i], &answers[i % 3], on_op, made);
        free(made->contexts[i]);
    }
    made->n = 0;
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
    struct made made = {0};
    struct complaints complaints = {0};
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
    ruleset_judge(set, &relation, true, &complaints);
    ruleset_advise(set, &relation, &complaints);
    complaints_free(&complaints);
    ruleset_list(set, named->schema, named->name, on_op, &made);
    for (int op = CHANGE_INSERT; op <= CHANGE_TRUNCATE; op++) {
        struct change change = {.op = (enum change_op)op, .relation = &relation};
        change.old_row = op == CHANGE_UPDATE || op == CHANGE_DELETE ? rows[0] : NULL;
        change.new_row = op == CHANGE_UPDATE || op == CHANGE_INSERT ? rows[1] : NULL;
        ruleset_change(set, &change, &(struct rule_sink){on_op, on_ask}, &made);
        answer_all(set, &made);
    }
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[64];
    const char *globs[] = {path};
    struct complaints complaints = {0};
    unsigned n = 0;
    struct made made = {0};
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
        ruleset_clear(set, on_op, &made);
    ruleset_free(set);
    complaints_free(&complaints);
    return 0;
}
