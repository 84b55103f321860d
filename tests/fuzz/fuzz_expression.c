/* Any bytes as an expression, and after a NUL as the values of a row: the expression is refused, or
 * it is evaluated, with a table at hand and without one. */
#include "base/mem.h"
#include "expression/expression.h"

#include <stdint.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const char *const labels[] = {"sad", "ok", NULL};
static const struct own_type mood = {"mood", OWN_EQUALITY_ENUM, true, labels};
static const struct own_type moods = {"mood[]", OWN_EQUALITY_ENUMS, true, labels};
static const struct own_type pair = {"pair", OWN_EQUALITY_ROW, true, NULL};

static const struct column columns[] = {
    {"id", 20, -1, true, NULL},       {"b", 16, -1, false, NULL},
    {"s", 21, -1, false, NULL},       {"i", 23, -1, false, NULL},
    {"l", 20, -1, false, NULL},       {"e", 700, -1, false, NULL},
    {"f", 701, -1, false, NULL},      {"n", 1700, -1, false, NULL},
    {"t", 25, -1, false, NULL},       {"v", 1043, -1, false, NULL},
    {"c", 1042, -1, false, NULL},     {"u", 2950, -1, false, NULL},
    {"d", 1082, -1, false, NULL},     {"ts", 1114, -1, false, NULL},
    {"tz", 1184, -1, false, NULL},    {"y", 17, -1, false, NULL},
    {"j", 114, -1, false, NULL},      {"k", 3802, -1, false, NULL},
    {"o", 16500, -1, false, NULL},    {"x", 0, -1, false, NULL},
    {"a", 25, -1, false, NULL},       {"m", 16501, -1, false, &mood},
    {"ms", 16502, -1, false, &moods}, {"p", 16503, -1, false, &pair},
};
#define COLUMNS (sizeof columns / sizeof *columns)

static const struct relation relation = {.oid = 1,
                                         .version = 1,
                                         .schema = "public",
                                         .name = "t",
                                         .n_columns = COLUMNS,
                                         .columns = columns};

static void set_row(struct value *row, const char *bytes, size_t n)
{
    for (size_t i = 0; i < COLUMNS; i++) {
        const char *end = n ? memchr(bytes, '\0', n) : NULL;
        size_t len = end ? (size_t)(end - bytes) : n;
        row[i] = (struct value){bytes, (uint32_t)len, VALUE_TEXT};
        if (len == 0)
            row[i] = (struct value){.kind = (enum value_kind)(i % 3)};
        bytes += end ? len + 1 : len;
        n -= end ? len + 1 : len;
    }
}

/* Reads the whole text, so that a sanitizer sees one that is not all there. */
static unsigned sum_of(const struct value *value)
{
    unsigned sum = 0;
    for (uint32_t i = 0; i < value->len; i++)
        sum += (unsigned char)value->text[i];
    return sum;
}

static unsigned evaluate(const struct expression *expression, struct arena *arena,
                         const struct relation *known, const struct change *change)
{
    struct program_scratch scratch = {.arena = arena};
    struct err err = {0};
    struct value value;
    enum image image = change->op == CHANGE_DELETE ? IMAGE_OLD : IMAGE_NEW;
    struct program *test = expression_compile(expression, arena, known, EXPRESSION_CONDITION, &err);
    struct program *text = expression_compile(expression, arena, known, EXPRESSION_TEXT, &err);
    unsigned sum = test ? (unsigned)program_test(test, change, image, &scratch) : 0;
    if (text && program_value(text, change, image, &scratch, &value) == PROGRAM_TRUE)
        sum += sum_of(&value);
    return sum;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct arena *arena = arena_make();
    struct err err = {0};
    const char *text = arena_strndup(arena, (const char *)data, size);
    size_t len = strlen(text);
    struct value row[COLUMNS];
    set_row(row, len < size ? text + len + 1 : text + size, len < size ? size - len - 1 : 0);
    struct expression *expression = expression_parse(arena, text, &err);
    volatile unsigned sum = 0;
    for (int op = CHANGE_INSERT; expression && op <= CHANGE_DELETE; op++) {
        struct change change = {(enum change_op)op, &relation, op == CHANGE_INSERT ? NULL : row,
                                op == CHANGE_DELETE ? NULL : row};
        sum += evaluate(expression, arena, &relation, &change);
        sum += evaluate(expression, arena, NULL, &change);
    }
    (void)sum;
    arena_free(arena);
    return 0;
}
