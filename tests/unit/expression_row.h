/* A row with a column of each type, and expressions over it, for unit tests. */
#ifndef CDCD_TESTS_UNIT_EXPRESSION_ROW_H
#define CDCD_TESTS_UNIT_EXPRESSION_ROW_H

#include "base/mem.h"
#include "expression/expression.h"

#include <stdlib.h>
#include <string.h>

#define ENUM_OID 16500

#define ENUMS_OID 16501
#define CITEXT_OID 16502
#define GEOMETRY_OID 16503
#define PAIR_OID 16504
#define UNKNOWN_OID 16505

static const char *const row_labels[] = {"post", "page", NULL};
static const struct own_type row_enum = {"kind", OWN_EQUALITY_ENUM, true, row_labels};
static const struct own_type row_enums = {"kind[]", OWN_EQUALITY_ENUMS, true, NULL};
static const struct own_type row_citext = {"citext", OWN_EQUALITY_ITS, true, NULL};
static const struct own_type row_geometry = {"geometry", OWN_EQUALITY_ITS, false, NULL};
static const struct own_type row_pair = {"pair", OWN_EQUALITY_ROW, true, NULL};
static const struct own_type row_folded = {"text COLLATE ci", OWN_EQUALITY_ITS, false, NULL};

static const struct column row_columns[] = {
    {"id", 23, -1, true, NULL},
    {"b", 16, -1, false, NULL},
    {"i2", 21, -1, false, NULL},
    {"i4", 23, -1, false, NULL},
    {"i8", 20, -1, false, NULL},
    {"f8", 701, -1, false, NULL},
    {"n", 1700, -1, false, NULL},
    {"t", 25, -1, false, NULL},
    {"v", 1043, 14, false, NULL},
    {"c", 1042, 9, false, NULL},
    {"u", 2950, -1, false, NULL},
    {"d", 1082, -1, false, NULL},
    {"ts", 1114, -1, false, NULL},
    {"tz", 1184, -1, false, NULL},
    {"j", 3802, -1, false, NULL},
    {"kind", ENUM_OID, -1, false, &row_enum},
    {"nothing", 23, -1, false, NULL},
    {"absent", 23, -1, false, NULL},
    {"large", 25, -1, false, NULL},
    {"ip", 869, -1, false, NULL},
    {"span", 1186, -1, false, NULL},
    {"no", 16, -1, false, NULL},
    {"kind2", ENUM_OID, -1, false, &row_enum},
    {"x", 705, -1, false, NULL},
    {"f4", 700, -1, false, NULL},
    {"fraction", 0, -1, false, NULL},
    {"kinds", ENUMS_OID, -1, false, &row_enums},
    {"email", CITEXT_OID, -1, false, &row_citext},
    {"area", GEOMETRY_OID, -1, false, &row_geometry},
    {"folded", 25, -1, false, &row_folded},
    {"pair", PAIR_OID, -1, false, &row_pair},
    {"unheard", UNKNOWN_OID, -1, false, NULL},
};
static const char *const row_texts[] = {
    "7",
    "t",
    "2",
    "4",
    "8000000000",
    "1.5",
    "12.50",
    "post",
    "post",
    "post ",
    "00000000-0000-0000-0000-000000000001",
    "2020-02-29",
    "2020-02-29 12:00:00",
    "2020-02-29 12:00:00+00",
    "{\"a\": 1}",
    "post",
    NULL,
    "",
    "",
    "10.0.0.1",
    "1 day",
    "f",
    "page",
    "5",
    "3.14",
    "5.50",
    "{post,page}",
    "Ann@example.org",
    "0101",
    "Ann",
    "(,)",
    "a",
};
#define ROW_COLUMNS (sizeof row_columns / sizeof *row_columns)

static const struct relation row_relation = {
    .oid = 1,
    .version = 1,
    .schema = "public",
    .name = "blog_post",
    .n_columns = ROW_COLUMNS,
    .columns = row_columns,
};

struct row {
    struct arena *arena;
    struct err err;
    struct value values[2][ROW_COLUMNS]; /* by enum image */
    struct change change;
    struct program_scratch scratch;
};

static int row_set_up(void **state)
{
    struct row *row = mem_alloc(sizeof *row);
    row->arena = arena_make();
    row->scratch.arena = row->arena;
    for (size_t i = 0; i < ROW_COLUMNS; i++) {
        const char *text = row_texts[i];
        struct value value = {text, text ? (uint32_t)strlen(text) : 0,
                              text ? VALUE_TEXT : VALUE_NULL};
        if (strcmp(row_columns[i].name, "absent") == 0)
            value = (struct value){.kind = VALUE_ABSENT};
        if (strcmp(row_columns[i].name, "large") == 0)
            value = (struct value){.kind = VALUE_UNCHANGED};
        row->values[IMAGE_OLD][i] = row->values[IMAGE_NEW][i] = value;
    }
    row->change = (struct change){CHANGE_UPDATE, &row_relation, row->values[IMAGE_OLD],
                                  row->values[IMAGE_NEW]};
    *state = row;
    return 0;
}

static int row_tear_down(void **state)
{
    struct row *row = *state;
    arena_free(row->arena);
    free(row);
    return 0;
}

/* A text of 1,000 bytes at most is set in one image. */
static inline void row_put(struct row *row, enum image image, const char *column, const char *text)
{
    for (size_t i = 0; i < ROW_COLUMNS; i++)
        if (strcmp(row_columns[i].name, column) == 0)
            row->values[image][i] = (struct value){text, text ? (uint32_t)strlen(text) : 0,
                                                   text ? VALUE_TEXT : VALUE_NULL};
}

static inline struct program *row_compile(struct row *row, const char *text,
                                          const struct relation *relation,
                                          enum expression_want want)
{
    struct expression *expression = expression_parse(row->arena, text, &row->err);
    if (!expression)
        return NULL;
    return expression_compile(expression, row->arena, relation, want, &row->err);
}

/* "true", "false", "null", "doubt", "error: ...", "refused: ...". */
static inline const char *row_test(struct row *row, const char *text)
{
    static const char *const outcomes[] = {"false", "true", "null", "doubt"};
    struct program *program = row_compile(row, text, &row_relation, EXPRESSION_CONDITION);
    if (!program)
        return arena_printf(row->arena, "refused: %s", row->err.text);
    enum program_outcome outcome = program_test(program, &row->change, IMAGE_NEW, &row->scratch);
    if (outcome == PROGRAM_ERROR)
        return arena_printf(row->arena, "error: %s", row->scratch.error);
    return outcomes[outcome];
}

/* Its text, or "null", "doubt", "error: ...", "refused: ...". */
static inline const char *row_value(struct row *row, const char *text)
{
    struct value value;
    struct program *program = row_compile(row, text, &row_relation, EXPRESSION_TEXT);
    if (!program)
        return arena_printf(row->arena, "refused: %s", row->err.text);
    enum program_outcome outcome =
        program_value(program, &row->change, IMAGE_NEW, &row->scratch, &value);
    if (outcome == PROGRAM_ERROR)
        return arena_printf(row->arena, "error: %s", row->scratch.error);
    if (outcome == PROGRAM_TRUE)
        return arena_strndup(row->arena, value.text, value.len);
    return outcome == PROGRAM_NULL ? "null" : "doubt";
}

/* "taken", or "refused: ...", where no table is at hand. */
static inline const char *row_offline(struct row *row, const char *text, enum expression_want want)
{
    struct program *program = row_compile(row, text, NULL, want);
    return program ? "taken" : arena_printf(row->arena, "refused: %s", row->err.text);
}

#endif
