/* Asks PostgreSQL lookups, as lines on stdin say, until stdin ends and all are answered:
 *
 *      ask_lookups CONNINFO TIMEOUT_MS
 *
 *      sql NUMBER LIMIT N_PARAMS QUERY     a lookup; of one line
 *      ask QUESTION NUMBER [PARAM]...      parameters are words; \N is NULL
 *      forget
 *
 * The answer to each is a line: QUESTION failed REASON, QUESTION many, or QUESTION rows ROW..., a
 * row being its values with commas between; a NULL is \N. `ready` says that a line was taken that
 * has no answer. */
#include "base/log.h"
#include "base/mem.h"
#include "source/source.h"

#include <event2/buffer.h>
#include <event2/event.h>
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MAX 1000
#define PARAMS_MAX 8

struct program {
    struct event_base *base;
    struct event *input;
    struct evbuffer *lines;
    struct lookups *lookups;
    struct lookup list[MAX];
    bool ended;
    unsigned n_out;
};

static void answered(void *ctx, uint64_t question, const struct answer *answer)
{
    struct program *program = ctx;
    program->n_out--;
    if (answer->failed)
        printf("%" PRIu64 " failed %s\n", question, answer->failed);
    else if (answer->too_many)
        printf("%" PRIu64 " many\n", question);
    else
        printf("%" PRIu64 " rows", question);
    for (unsigned i = 0; !answer->failed && i < answer->n_rows * answer->n_columns; i++) {
        const struct value *value = &answer->rows[i];
        printf("%s%.*s", i % answer->n_columns ? "," : " ",
               value->kind == VALUE_NULL ? 2 : (int)value->len,
               value->kind == VALUE_NULL ? "\\N" : value->text);
    }
    if (!answer->failed && !answer->too_many)
        printf("\n");
    fflush(stdout);
    if (program->ended && program->n_out == 0)
        event_base_loopbreak(program->base);
}

static void define(struct program *program, char *words)
{
    char *rest = words;
    unsigned long number = strtoul(rest, &rest, 10), limit = strtoul(rest, &rest, 10);
    unsigned long n_params = strtoul(rest, &rest, 10);
    if (number >= MAX || n_params > PARAMS_MAX || *rest != ' ')
        abort();
    program->list[number] = (struct lookup){
        .sql = mem_strdup(rest + 1),
        .n_params = (unsigned)n_params,
        .limit = (unsigned)limit,
        .number = number,
        .app = "test",
        .cache = "test",
        .file = "test.cfg",
        .line = 1,
    };
    printf("ready\n");
    fflush(stdout);
}

static void ask(struct program *program, char *words)
{
    struct value params[PARAMS_MAX];
    unsigned n = 0;
    char *rest = words;
    uint64_t question = strtoull(rest, &rest, 10);
    unsigned long number = strtoul(rest, &rest, 10);
    for (char *word = strtok(rest, " "); word && n < PARAMS_MAX; word = strtok(NULL, " "))
        params[n++] = strcmp(word, "\\N") == 0
                          ? (struct value){.kind = VALUE_NULL}
                          : (struct value){word, (uint32_t)strlen(word), VALUE_TEXT};
    if (number >= MAX || n != program->list[number].n_params)
        abort();
    program->n_out++;
    program->lookups->ops->ask(program->lookups, &program->list[number], params, question);
}

static void on_line(struct program *program, char *line)
{
    if (strncmp(line, "sql ", 4) == 0) {
        define(program, line + 4);
    } else if (strncmp(line, "ask ", 4) == 0) {
        ask(program, line + 4);
    } else if (strcmp(line, "forget") == 0) {
        program->lookups->ops->forget(program->lookups);
        program->n_out = 0;
        printf("ready\n");
        fflush(stdout);
    } else {
        abort();
    }
}

static void on_input(evutil_socket_t fd, short what, void *ctx)
{
    struct program *program = ctx;
    char *line;
    (void)what;
    if (evbuffer_read(program->lines, fd, -1) <= 0) {
        program->ended = true;
        event_del(program->input);
        if (program->n_out == 0)
            event_base_loopbreak(program->base);
        return;
    }
    while ((line = evbuffer_readln(program->lines, NULL, EVBUFFER_EOL_LF))) {
        on_line(program, line);
        free(line);
    }
}

int main(int argc, char **argv)
{
    struct program program = {.base = event_base_new(), .lines = evbuffer_new()};
    if (argc != 3 || !program.base || !program.lines)
        abort();
    log_level_set(LOG_LEVEL_DEBUG);
    struct lookups_opts opts = {argv[1], atoll(argv[2]), 20, 1000};
    program.lookups = source_lookups()->open(&opts, program.base, answered, &program);
    program.input = event_new(program.base, STDIN_FILENO, EV_READ | EV_PERSIST, on_input, &program);
    event_add(program.input, NULL);
    event_base_dispatch(program.base);
    program.lookups->ops->close(program.lookups);
    for (unsigned i = 0; i < MAX; i++)
        free((void *)(uintptr_t)program.list[i].sql);
    event_free(program.input);
    evbuffer_free(program.lines);
    event_base_free(program.base);
    return 0;
}
