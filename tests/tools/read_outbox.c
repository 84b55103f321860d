/* Asks for the outbox's statements, and decodes what a server answered, as lines on stdin say:
 *
 *      read N            prints the statement that reads about N rows
 *      answer HEX        decodes the answer to it, and prints a line each: `head SNAPSHOT BOUND`,
 *                        `begin TXID`, `emptied REASON`, `OP TABLE OLD NEW`; an image is its values
 *                        with commas between, \N a NULL, ? one that is not known
 *      delete TXID...    prints the statement that takes them out
 *
 * Each is followed by a line `done`, or `puzzled` before it where the catalog should have been
 * asked; it then knows nothing. */
#include "base/buf.h"
#include "base/mem.h"
#include "source/catalog.h"
#include "source/outbox_sql.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TXIDS_MAX 1000

static void on_head(void *ctx, const struct outbox_head *head)
{
    printf("head %s %" PRIu64 "\n", head->snapshot, head->bound);
    if (!outbox_mark_advance(ctx, head))
        printf("which makes no sense\n");
}

static void on_begin(void *ctx, const struct outbox_unit *unit)
{
    (void)ctx;
    printf("begin %" PRIu64 "\n", unit->txid);
}

static void print_image(const struct relation *relation, const struct value *row)
{
    printf(" ");
    for (unsigned i = 0; row && i < relation->n_columns; i++) {
        printf("%s", i ? "," : "");
        if (row[i].kind == VALUE_TEXT)
            printf("%.*s", (int)row[i].len, row[i].text);
        else
            printf("%s", row[i].kind == VALUE_NULL ? "\\N" : "?");
    }
}

static void on_change(void *ctx, const struct change *change)
{
    (void)ctx;
    printf("%s %s", change_op_name(change->op), change->relation->name);
    print_image(change->relation, change->old_row);
    print_image(change->relation, change->new_row);
    printf("\n");
}

static void on_emptied(void *ctx, const char *reason)
{
    (void)ctx;
    printf("emptied %s\n", reason);
}

static void take_answer(struct outbox_rows *rows, const char *hex)
{
    static const struct catalog nothing;
    struct buf bytes = {0};
    struct err err;
    enum outbox_decoded decoded;
    for (unsigned byte; sscanf(hex, "%2x", &byte) == 1; hex += 2)
        buf_put(&bytes, &(char){(char)byte}, 1);
    outbox_rows_start(rows);
    while ((decoded = outbox_rows_decode(rows, bytes.data, bytes.len, &err)) == OUTBOX_PUZZLED) {
        printf("puzzled\n");
        outbox_rows_learn(rows, &nothing, false);
    }
    if (decoded == OUTBOX_BROKEN)
        printf("broken %s\n", err.text);
    buf_free(&bytes);
}

static void put_delete(struct buf *sql, char *words)
{
    struct outbox_unit units[TXIDS_MAX];
    unsigned n = 0;
    for (char *word; (word = strsep(&words, " ")) && n < TXIDS_MAX;)
        units[n++] = (struct outbox_unit){strtoull(word, NULL, 10), INT64_MAX};
    outbox_delete_sql(sql, units, n);
}

static void obey(struct outbox_rows *rows, const struct outbox_mark *mark, char *line)
{
    struct buf sql = {0};
    char *words = line;
    const char *verb = strsep(&words, " ");
    if (strcmp(verb, "read") == 0)
        outbox_read_sql(&sql, mark, (unsigned)atoi(words));
    else if (strcmp(verb, "delete") == 0)
        put_delete(&sql, words);
    else
        take_answer(rows, words);
    if (sql.len)
        printf("%s\n", buf_str(&sql));
    printf("done\n");
    fflush(stdout);
    buf_free(&sql);
}

int main(void)
{
    static const struct outbox_row_events events = {on_head, on_begin, on_change, on_emptied};
    struct outbox_mark mark = {0};
    struct outbox_rows *rows = outbox_rows_make(&events, &mark);
    char *line = NULL;
    size_t cap = 0;
    for (ssize_t n; (n = getline(&line, &cap, stdin)) > 0;) {
        line[n - 1] = '\0';
        obey(rows, &mark, line);
    }
    free(line);
    outbox_rows_free(rows);
    outbox_mark_free(&mark);
    return 0;
}
