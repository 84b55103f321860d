/* Rules for tests of the pipeline: what a row says is what is done.
 *
 * A row's text is a list of ops, `STORE ACTION KEY[=VALUE] [@STAGE] [+REDELETE_MS]`, parted by
 * semicolons, and of questions, `? ` and the ops that an answer makes, parted by commas. A question
 * that failed makes `0 scan all` in doubt. The first `@@` of an answer's ops stands for what
 * PostgreSQL answered. With a name, the rules put it before each key. */
#ifndef TESTS_UNIT_FAKE_RULES_H
#define TESTS_UNIT_FAKE_RULES_H

#include "rule/rule.h"

#include "fake_pipeline.h"

struct ruleset {
    const char *name;
    unsigned n_holders;
};

static unsigned n_rulesets; /* that were not freed yet */

static inline struct ruleset *fake_rules(const char *name)
{
    struct ruleset *ruleset = calloc(1, sizeof *ruleset);
    ruleset->name = name;
    n_rulesets++;
    return ruleset;
}

struct ruleset *ruleset_hold(struct ruleset *ruleset)
{
    ruleset->n_holders++;
    return ruleset;
}

void ruleset_free(struct ruleset *ruleset)
{
    if (!ruleset || ruleset->n_holders-- > 0)
        return;
    n_rulesets--;
    free(ruleset);
}

static inline uint8_t action_named(const char *name)
{
    uint8_t action = 0;
    while (strcmp(op_action_name((enum op_action)action), name) != 0)
        assert_true(++action < OP_N_ACTIONS);
    return action;
}

static inline void give_op(const struct ruleset *ruleset, const char *text, rule_op_fn emit,
                           void *ctx)
{
    char store[8], action[32], what[64], key[96], *value, *more = NULL;
    char words[128];
    snprintf(words, sizeof words, "%s", text);
    assert_int_equal(sscanf(words, "%7s %31s %63s", store, action, what), 3);
    struct op op = {.store = (uint16_t)atoi(store), .action = action_named(action)};
    if ((value = strchr(what, '='))) {
        *value++ = '\0';
        op.value = value;
        op.value_len = (uint32_t)strlen(value);
    }
    snprintf(key, sizeof key, "%s%s", ruleset->name, what);
    op.key = key;
    op.key_len = (uint32_t)strlen(key);
    for (char *word = strtok_r(words, " ", &more); word; word = strtok_r(NULL, " ", &more)) {
        if (*word == '@')
            op.stage = (uint8_t)atoi(word + 1);
        if (*word == '+')
            op.redelete_ms = atoi(word + 1);
    }
    emit(ctx, &op, NULL);
}

static inline void give_ops(const struct ruleset *ruleset, const char *text, const char *parting,
                            rule_op_fn emit, void *ctx)
{
    char line[512], *more = NULL;
    snprintf(line, sizeof line, "%s", text);
    for (char *op = strtok_r(line, parting, &more); op; op = strtok_r(NULL, parting, &more))
        give_op(ruleset, op, emit, ctx);
}

static const struct lookup FAKE_LOOKUP = {.sql = "SELECT $1", .n_params = 1, .number = 1};

void ruleset_change(struct ruleset *ruleset, const struct change *change,
                    const struct rule_sink *sink, void *ctx)
{
    char line[512], *more = NULL;
    const struct value *row = change->new_row ? change->new_row : change->old_row;
    snprintf(line, sizeof line, "%.*s", (int)row->len, row->text);
    for (char *part = strtok_r(line, ";", &more); part; part = strtok_r(NULL, ";", &more)) {
        if (strncmp(part, "? ", 2) != 0) {
            give_op(ruleset, part, sink->op, ctx);
            continue;
        }
        struct value param = {.text = part + 2, .len = (uint32_t)strlen(part + 2)};
        param.kind = VALUE_TEXT;
        struct question question = {.lookup = &FAKE_LOOKUP, .params = &param};
        question.context = part + 2;
        question.context_len = param.len;
        sink->ask(ctx, &question, NULL);
    }
}

void ruleset_answer(struct ruleset *ruleset, const char *context, uint32_t context_len,
                    const struct answer *answer, rule_op_fn emit, void *ctx)
{
    char text[512];
    struct op all = {.key = "all", .key_len = 3, .action = OP_SCAN, .in_doubt = true};
    const char *at = memmem(context, context_len, "@@", 2);
    if (at && answer->n_rows)
        snprintf(text, sizeof text, "%.*s%.*s%.*s", (int)(at - context), context,
                 (int)answer->rows[0].len, answer->rows[0].text,
                 (int)(context + context_len - at - 2), at + 2);
    else
        snprintf(text, sizeof text, "%.*s", (int)context_len, context);
    if (answer->failed || answer->too_many)
        emit(ctx, &all, NULL);
    else
        give_ops(ruleset, text, ",", emit, ctx);
}

void ruleset_clear(struct ruleset *ruleset, rule_op_fn emit, void *ctx)
{
    give_op(ruleset, "0 scan all", emit, ctx);
}

void ruleset_clear_table(struct ruleset *ruleset, const char *schema, const char *table,
                         rule_op_fn emit, void *ctx)
{
    (void)schema;
    (void)table;
    ruleset_clear(ruleset, emit, ctx);
}

const struct rule_table *ruleset_tables(const struct ruleset *ruleset, unsigned *n)
{
    static const struct rule_table table = {.schema = "public", .name = "t"};
    (void)ruleset;
    *n = 1;
    return &table;
}

void ruleset_judge(const struct ruleset *ruleset, const struct relation *relation,
                   bool weak_is_error, struct complaints *complaints)
{
    (void)relation;
    (void)weak_is_error;
    complain(complaints, SEVERITY_WARNING, NULL, 0, "judged by %s", ruleset->name);
}

void ruleset_warn(struct ruleset *ruleset, const struct relation *relation,
                  struct complaints *complaints)
{
    ruleset_judge(ruleset, relation, false, complaints);
}

unsigned ruleset_n_caches(const struct ruleset *ruleset)
{
    (void)ruleset;
    return 1;
}

#endif
