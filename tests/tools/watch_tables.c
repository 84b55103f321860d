/* A source by itself, and a line for each event, until stdin ends:
 *
 *      watch_tables CONNINFO SLOT PUBLICATION create|use|outbox SCHEMA.TABLE...
 *
 * Lines: streaming, table T, appeared T, change T, set, failed REASON. A line on stdin is a list of
 * tables that are wanted from now on. */
#include "source/source.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX 100

struct program {
    struct event_base *base;
    struct event *input;
    struct evbuffer *lines;
    struct source *source;
};

static void say(const char *what, const char *schema, const char *table)
{
    printf("%s%s%s%s%s\n", what, schema ? " " : "", schema ? schema : "", table ? "." : "",
           table ? table : "");
    fflush(stdout);
}

static void on_begin(void *ctx, uint32_t xid)
{
    (void)ctx;
    (void)xid;
}

static void on_change(void *ctx, const struct change *change)
{
    (void)ctx;
    say("change", change->relation->schema, change->relation->name);
}

static void on_token(void *ctx, uint64_t token)
{
    struct program *program = ctx;
    program->source->ops->confirm(program->source, token);
}

static void on_reason(void *ctx, const char *reason)
{
    (void)ctx;
    (void)reason;
}

static void on_streaming(void *ctx)
{
    (void)ctx;
    say("streaming", NULL, NULL);
}

static void on_table(void *ctx, const struct relation *relation, struct complaints *complaints)
{
    (void)ctx;
    (void)complaints;
    say("table", relation->schema, relation->name);
}

static void on_appeared(void *ctx, const struct relation *relation)
{
    (void)ctx;
    say("appeared", relation->schema, relation->name);
}

static void on_tables_set(void *ctx, const struct err *err)
{
    (void)ctx;
    say(err->code ? "refused" : "set", NULL, NULL);
}

static void on_ordered(void *ctx, bool ordered)
{
    (void)ctx;
    (void)ordered;
}

static void on_failed(void *ctx, const struct err *err)
{
    struct program *program = ctx;
    say("failed", err->text, NULL);
    event_base_loopbreak(program->base);
}

static const struct source_events events = {
    .begin = on_begin,
    .change = on_change,
    .commit = on_token,
    .reached = on_token,
    .ordered = on_ordered,
    .again = on_reason,
    .streaming = on_streaming,
    .gap = on_reason,
    .table = on_table,
    .late_table = on_table,
    .appeared = on_appeared,
    .tables_set = on_tables_set,
    .failed = on_failed,
};

/* Splits schema.table, which is changed. */
static struct source_table table_of(char *text, int line)
{
    char *dot = strchr(text, '.');
    if (!dot)
        abort();
    *dot = '\0';
    return (struct source_table){text, dot + 1, "test.cfg", line};
}

static void set_tables(struct program *program, char *line)
{
    struct source_table tables[MAX];
    unsigned n = 0;
    for (char *word = strtok(line, " "); word && n < MAX; word = strtok(NULL, " "), n++)
        tables[n] = table_of(word, (int)n + 1);
    program->source->ops->set_tables(program->source, tables, n);
}

static void on_input(evutil_socket_t fd, short what, void *ctx)
{
    struct program *program = ctx;
    char *line;
    (void)what;
    if (evbuffer_read(program->lines, fd, -1) <= 0) {
        event_base_loopbreak(program->base);
        return;
    }
    while ((line = evbuffer_readln(program->lines, NULL, EVBUFFER_EOL_LF))) {
        set_tables(program, line);
        free(line);
    }
}

int main(int argc, char **argv)
{
    struct program program = {.base = event_base_new(), .lines = evbuffer_new()};
    struct source_table tables[MAX];
    unsigned n = 0;
    if (argc < 5 || argc > MAX || !program.base || !program.lines)
        abort();
    struct source_opts opts = {
        .mode = strcmp(argv[4], "outbox") == 0 ? SOURCE_OUTBOX : SOURCE_REPLICATION,
        .conninfo = argv[1],
        .slot = argv[2],
        .publication = argv[3],
        .create = strcmp(argv[4], "create") == 0,
        .poll_ms = 1000,
        .retry_min_ms = 20,
        .retry_max_ms = 200,
    };
    for (int i = 5; i < argc; i++, n++)
        tables[n] = table_of(argv[i], i - 4);
    program.source = source_driver()->open(&opts, tables, n, program.base, &events, &program);
    program.input = event_new(program.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, &program);
    event_add(program.input, NULL);
    event_base_dispatch(program.base);
    program.source->ops->close(program.source, NULL);
    event_free(program.input);
    evbuffer_free(program.lines);
    event_base_free(program.base);
    return 0;
}
