/* A pipeline for tests: real rules, a source and stores that do what the test says. */
#ifndef TESTS_UNIT_FAKE_PIPELINE_H
#define TESTS_UNIT_FAKE_PIPELINE_H

#include "flow/pipeline.h"

#include "fake_store.h"

#include <stdlib.h>
#include <unistd.h>

#define SECOND 1000 /* ms */

struct fake_source {
    struct source source;
    uint64_t confirmed;
    bool paused;
    bool asked;
    bool detached;
    unsigned n_asked_tables;
};

static inline void source_confirm(struct source *source, uint64_t token)
{
    struct fake_source *fake = (struct fake_source *)source;
    assert_true(token >= fake->confirmed);
    fake->confirmed = token;
}

static inline void source_pause(struct source *source, bool paused)
{
    ((struct fake_source *)source)->paused = paused;
}

static inline void source_ask(struct source *source)
{
    struct fake_source *fake = (struct fake_source *)source;
    assert_false(fake->asked);
    fake->asked = true;
}

static inline void source_detach(struct source *source, const char *reason)
{
    (void)reason;
    ((struct fake_source *)source)->detached = true;
}

static inline void source_attach(struct source *source)
{
    ((struct fake_source *)source)->detached = false;
}

static inline void source_set_tables(struct source *source, const struct source_table *tables,
                                     unsigned n_tables)
{
    assert_int_equal(n_tables, 1);
    assert_string_equal(tables[0].name, "t");
    ((struct fake_source *)source)->n_asked_tables++;
}

static const struct source_ops fake_source_ops = {
    .confirm = source_confirm,
    .pause = source_pause,
    .ask = source_ask,
    .detach = source_detach,
    .attach = source_attach,
    .set_tables = source_set_tables,
};

struct fixture {
    struct fake_source source;
    struct fake_store store, other;
    struct pipeline *pipeline;
    const struct source_events *say;
    const struct store_events *store_says;
    int64_t now_ms;
};

static inline int64_t clock_ms(void *ctx)
{
    return ((struct fixture *)ctx)->now_ms;
}

static inline struct ruleset *load(const char *text, const struct rule_store *stores,
                                   unsigned n_stores)
{
    char path[] = "/tmp/test_pipeline_XXXXXX";
    int fd = mkstemp(path);
    assert_true(fd >= 0 && write(fd, text, strlen(text)) == (ssize_t)strlen(text));
    close(fd);
    const char *globs[] = {path};
    struct complaints complaints = {0};
    struct ruleset *ruleset = ruleset_load(globs, 1, stores, n_stores, false, &complaints);
    complaints_print(&complaints, stderr);
    complaints_free(&complaints);
    unlink(path);
    assert_non_null(ruleset);
    return ruleset;
}

static const char RULES[] = "cdcd = 1; app = \"t\"; store = \"one\";\n"
                            "caches = {\n"
                            "  c = { key = \"k:{id}\"; triggers = \"t\";\n"
                            "        all = { action = \"scan\"; match = \"k:*\"; }; };\n"
                            "  two = { key = \"o:{id}\"; store = \"other\"; triggers = \"u\"; };\n"
                            "  pair = { keys = [ \"block:{id}\", \"semaphore\" ];\n"
                            "           store = \"other\"; triggers = \"v\"; };\n"
                            "  three = { keys = [ \"x:{id}\", \"y:{id}\", \"z:{id}\" ];\n"
                            "            store = \"other\"; triggers = \"w\"; };\n"
                            "};\n";

static const struct rule_store STORES[] = {
    {.name = "one", .prefix = "", .type = "fake", .actions = ~0U},
    {.name = "other", .prefix = "", .type = "fake", .actions = ~0U},
};

/* Takes the ruleset. The first store may lose what it acknowledged within keep_ms. */
static inline void open_keeping(struct fixture *f, bool gate, unsigned n_servers,
                                struct ruleset *ruleset, int64_t keep_ms)
{
    *f = (struct fixture){.source.source.ops = &fake_source_ops, .now_ms = 1000};
    struct pipeline_opts opts = {
        .gate = gate,
        .batch_ops = 4,
        .buffer_bytes = 1 << 20,
        .retry_min_ms = 100,
        .retry_max_ms = 1000,
        .detach_after_ms = 10 * SECOND,
        .now_ms = clock_ms,
        .ctx = f,
    };
    f->pipeline = pipeline_make(&opts, ruleset);
    f->say = pipeline_source_events();
    f->store_says = pipeline_store_events();
    fake_open(&f->store, 1);
    f->store.store.keep_ms = keep_ms;
    fake_open(&f->other, n_servers);
    pipeline_add_store(f->pipeline, &f->store.store);
    pipeline_add_store(f->pipeline, &f->other.store);
    pipeline_set_source(f->pipeline, &f->source.source);
    f->store_says->up(f->pipeline, &f->store.store, 0);
    for (unsigned i = 0; i < n_servers; i++)
        f->store_says->up(f->pipeline, &f->other.store, i);
}

static inline void open_rules(struct fixture *f, bool gate, unsigned n_servers,
                              struct ruleset *ruleset)
{
    open_keeping(f, gate, n_servers, ruleset, 0);
}

static inline void open_with(struct fixture *f, bool gate, unsigned n_servers)
{
    open_rules(f, gate, n_servers, load(RULES, STORES, 2));
}

static inline void change(struct fixture *f, enum change_op op, const char *table, const char *id)
{
    static const struct column columns[] = {{.name = "id", .type = 23, .in_identity = true}};
    struct relation relation = {
        .oid = (uint32_t)table[0],
        .version = (uint64_t)table[0],
        .schema = "public",
        .name = table,
        .n_columns = 1,
        .columns = columns,
    };
    struct value row = {.kind = VALUE_ABSENT};
    if (id)
        row = (struct value){.text = id, .len = (uint32_t)strlen(id), .kind = VALUE_TEXT};
    struct change c = {.op = op, .relation = &relation};
    c.new_row = op == CHANGE_INSERT || op == CHANGE_UPDATE ? &row : NULL;
    c.old_row = op == CHANGE_DELETE ? &row : NULL;
    f->say->change(f->pipeline, &c);
}

static inline void unit(struct fixture *f, uint32_t xid, const char *table, const char *id,
                        uint64_t token)
{
    f->say->begin(f->pipeline, xid);
    change(f, CHANGE_INSERT, table, id);
    f->say->commit(f->pipeline, token);
}

static inline void see(struct fixture *f, uint64_t xmax)
{
    struct snapshot snapshot = {.xmax = xmax};
    assert_true(f->source.asked);
    f->source.asked = false;
    f->say->snapshot(f->pipeline, &snapshot);
}

static inline void answer(struct fixture *f, struct fake_store *fake, unsigned server)
{
    f->store_says->answered(f->pipeline, &fake->store, server, fake_do(fake, server));
}

#endif
