/* Rules, a table, and what changes of it make. A row is written as in SQL, one word a column of the
 * table: NULL, - (not sent), ~ (large and not touched), else a text. */
#ifndef CDCD_TEST_RULE_FIXTURE_H
#define CDCD_TEST_RULE_FIXTURE_H

#include "base/buf.h"
#include "base/mem.h"
#include "model/stats.h"
#include "rule/rule.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

#include <cmocka.h>

#define MAX_COLUMNS 4

#define ALL_ACTIONS ((1U << OP_N_ACTIONS) - 1)

static const struct rule_store stores[] = {
    {"redis", "", "redis", ALL_ACTIONS},
    {"pre[1]", "p[1]:", "redis", ALL_ACTIONS},
    {"mc", "", "memcached", ALL_ACTIONS & ~(1U << OP_PUBLISH) & ~(1U << OP_DELETE_MEMBERS)},
};

struct fixture {
    struct ruleset *set;
    struct complaints complaints;
    struct column columns[MAX_COLUMNS];
    struct relation relation;
    struct value rows[2][MAX_COLUMNS];
    char words[2][256];
    struct buf got; /* "store action key[=value] image stage[ terms][ doubt]\n" an op; a question
                       is "ask image params" */
    char *context;  /* of the last question */
    uint32_t context_len;
};

static inline int set_up(void **state)
{
    struct fixture *f = mem_alloc(sizeof *f);
    f->relation = (struct relation){.oid = 7, .version = 1, .schema = "public", .name = "t"};
    f->relation.columns = f->columns;
    *stats() = (struct stats){0};
    *state = f;
    return 0;
}

static inline int tear_down(void **state)
{
    struct fixture *f = *state;
    ruleset_free(f->set);
    complaints_free(&f->complaints);
    buf_free(&f->got);
    free(f->context);
    free(f);
    return 0;
}

/* Loads rules whose caches are these. */
static inline void rules(struct fixture *f, const char *caches)
{
    char path[64];
    const char *globs[] = {path};
    int fd = memfd_create("rules", MFD_CLOEXEC);
    dprintf(fd, "cdcd = 1; app = \"x\"; store = \"redis\"; caches = { %s };", caches);
    snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    f->set = ruleset_load(globs, 1, stores, 3, false, &f->complaints);
    close(fd);
    if (!f->set)
        complaints_print(&f->complaints, stderr);
    assert_non_null(f->set);
}

/* Gives the table these columns; those of the replica identity have a star. */
static inline void table(struct fixture *f, const char *a, const char *b, const char *c)
{
    const char *names[] = {a, b, c};
    f->relation.n_columns = 0;
    f->relation.version++;
    for (unsigned i = 0; i < 3 && names[i]; i++)
        f->columns[f->relation.n_columns++] =
            (struct column){.name = names[i] + (*names[i] == '*'), .in_identity = *names[i] == '*'};
}

static inline const struct value *make_row(struct fixture *f, enum image image, const char *words)
{
    char *rest = f->words[image];
    if (!words)
        return NULL;
    snprintf(rest, sizeof f->words[image], "%s", words);
    for (unsigned i = 0; i < f->relation.n_columns; i++) {
        const char *word = strsep(&rest, " ");
        struct value *value = &f->rows[image][i];
        *value = (struct value){.text = word, .len = (uint32_t)strlen(word), .kind = VALUE_TEXT};
        if (strcmp(word, "NULL") == 0)
            *value = (struct value){.kind = VALUE_NULL};
        else if (strcmp(word, "-") == 0)
            *value = (struct value){.kind = VALUE_ABSENT};
        else if (strcmp(word, "~") == 0)
            *value = (struct value){.kind = VALUE_UNCHANGED};
    }
    return f->rows[image];
}

static inline void on_op(void *ctx, const struct op *op, const struct origin *origin)
{
    struct fixture *f = ctx;
    buf_printf(&f->got, "%s %s %.*s", ruleset_store_name(f->set, op->store),
               op_action_name((enum op_action)op->action), (int)op->key_len, op->key);
    if (op->value)
        buf_printf(&f->got, "=%.*s", (int)op->value_len, op->value);
    buf_printf(&f->got, " %s %d", origin->image, op->stage);
    if (op->ttl_ms)
        buf_printf(&f->got, " ttl=%d", (int)op->ttl_ms);
    if (op->grace_ms)
        buf_printf(&f->got, " grace=%d", (int)op->grace_ms);
    if (op->redelete_ms)
        buf_printf(&f->got, " redelete=%d", (int)op->redelete_ms);
    buf_printf(&f->got, "%s\n", op->in_doubt ? " doubt" : "");
}

static inline void on_ask(void *ctx, const struct question *question, const struct origin *origin)
{
    struct fixture *f = ctx;
    buf_printf(&f->got, "ask %s", origin->image);
    for (unsigned i = 0; i < question->lookup->n_params; i++) {
        const struct value *value = &question->params[i];
        buf_printf(&f->got, " %.*s", value->kind == VALUE_TEXT ? (int)value->len : 4,
                   value->kind == VALUE_TEXT ? value->text : "NULL");
    }
    buf_put_str(&f->got, "\n");
    free(f->context);
    /* At an odd address: a context is of any alignment. */
    f->context = mem_alloc(question->context_len + 1);
    memcpy(f->context + 1, question->context, question->context_len);
    f->context_len = question->context_len;
}

static inline void change(struct fixture *f, enum change_op op, const char *old, const char *new)
{
    struct change made = {.op = op, .relation = &f->relation};
    made.old_row = make_row(f, IMAGE_OLD, old);
    made.new_row = make_row(f, IMAGE_NEW, new);
    f->got.len = 0;
    ruleset_change(f->set, &made, &(struct rule_sink){on_op, on_ask}, f);
}

#define expect(text) assert_string_equal(buf_str(&f->got), text)

#endif
