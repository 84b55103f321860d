#include "base/str.h"
#include "verb/json.h"
#include "verb/load.h"
#include "verb/needs.h"
#include "verb/opline.h"
#include "verb/script.h"
#include "verb/sql_modes.h"

#include <string.h>

static const char *const mode_words[] = {
    [SOURCE_REPLICATION] = "replication",
    [SOURCE_OUTBOX] = "outbox",
    NULL,
};

static int read_mode(const char *word, enum source_mode *mode);
static void write_script(struct script *script, const struct loaded *loaded, enum source_mode mode,
                         bool down);
static void print_text(const struct script *script);
static void print_json(const struct script *script, enum source_mode mode, bool down);

int verb_sql(const struct verb_args *args)
{
    struct loaded loaded;
    enum source_mode mode = SOURCE_REPLICATION;
    if (args->mode && read_mode(args->mode, &mode) != 0)
        return EX_USAGE;
    load_all(&loaded, args, NULL, 0);
    int code = loaded.complaints.n_errors ? loaded.complaints.code : 0;
    complaints_print(&loaded.complaints, stderr);
    if (code == 0) {
        struct script script = {.arena = arena_make()};
        mode = args->mode ? mode : loaded.config->source.mode;
        write_script(&script, &loaded, mode, args->down);
        if (args->json)
            print_json(&script, mode, args->down);
        else
            print_text(&script);
        script_free(&script);
    }
    load_free(&loaded);
    return code;
}

static int read_mode(const char *word, enum source_mode *mode)
{
    for (unsigned i = 0; mode_words[i]; i++) {
        if (strcmp(word, mode_words[i]) != 0)
            continue;
        *mode = (enum source_mode)i;
        return 0;
    }
    const char *nearest = str_nearest(word, mode_words);
    if (nearest)
        return verb_misused("unknown mode \"%s\"; did you mean \"%s\"?", word, nearest);
    return verb_misused("unknown mode \"%s\"; write replication or outbox", word);
}

struct listing {
    struct script *script;
    struct buf text;
};

/* On one line. */
static void on_lookup(void *ctx, const struct lookup *lookup)
{
    struct listing *listing = ctx;
    struct buf sql = {0};
    for (const char *at = lookup->sql; *at; at++)
        buf_put(&sql, strchr("\t\r\n", *at) ? " " : at, 1);
    buf_put_str(&listing->text, "\n");
    opline_put_text(&listing->text, lookup->file, strlen(lookup->file));
    buf_printf(&listing->text, ":%d %s: ", lookup->line, lookup->cache);
    opline_put_text(&listing->text, sql.data, sql.len);
    buf_free(&sql);
}

/* Which tables a lookup reads, PostgreSQL alone knows. */
static void add_lookups(struct script *script, const struct ruleset *ruleset, const char *role)
{
    struct listing listing = {.script = script};
    ruleset_lookups(ruleset, on_lookup, &listing);
    if (listing.text.len) {
        struct buf comment = {0};
        buf_put_str(&comment, "Lookups run as the role that cdcd connects as. It may read what "
                              "they name:\n  GRANT SELECT ON ... TO ");
        sql_put_name(&comment, role);
        buf_printf(&comment, ";%s", buf_str(&listing.text));
        script_add(script, &comment, NULL);
        buf_free(&comment);
    }
    buf_free(&listing.text);
}

static bool is_ascii(const char *text)
{
    while (*text && (unsigned char)*text < 0x80)
        text++;
    return !*text;
}

/* What reads the script may take names for LATIN1, as the database is. */
static void add_encoding(struct script *script, const struct needs *needs)
{
    bool ascii = true;
    for (unsigned i = 0; i < needs->n; i++) {
        const struct need *need = &needs->list[i];
        ascii &= is_ascii(need->schema) && is_ascii(need->name);
        for (unsigned k = 0; k < need->n_columns; k++)
            ascii &= is_ascii(need->columns[k].name);
    }
    if (!ascii)
        script_add_text(script, "The names below are in UTF-8.", "SET client_encoding = 'UTF8';");
}

static void write_script(struct script *script, const struct loaded *loaded, enum source_mode mode,
                         bool down)
{
    const struct source_opts *source = &loaded->config->source;
    struct needs *needs = needs_make(loaded->ruleset);
    const char *role = source_role(script->arena, source);
    add_encoding(script, needs);
    switch (mode) {
    case SOURCE_OUTBOX:
        if (down)
            sql_outbox_down(script, needs);
        else
            sql_outbox_up(script, needs, role);
        break;
    case SOURCE_REPLICATION:
        if (!loaded->config->weak_is_error)
            needs_weaken(needs);
        if (down)
            sql_replication_down(script, needs, source);
        else
            sql_replication_up(script, needs, source, role);
        break;
    }
    if (!down)
        add_lookups(script, loaded->ruleset,
                    role                    ? role
                    : mode == SOURCE_OUTBOX ? "cdcd_reader"
                                            : "cdcd");
    needs_free(needs);
}

/* For PostgreSQL a carriage return ends a comment too. */
static void print_comment(const char *comment)
{
    for (const char *at = comment; at && *at;) {
        size_t n = strcspn(at, "\n");
        printf("--%s", n ? " " : "");
        for (size_t i = 0; i < n; i++)
            putchar(at[i] == '\r' ? ' ' : at[i]);
        printf("\n");
        at += n;
        at += *at == '\n';
    }
}

static void print_text(const struct script *script)
{
    for (unsigned i = 0; i < script->n; i++) {
        const struct script_part *part = &script->parts[i];
        printf("%s", i ? "\n" : "");
        print_comment(part->comment);
        if (part->sql)
            printf("%s\n", part->sql);
    }
}

static void print_json(const struct script *script, enum source_mode mode, bool down)
{
    printf("{\"mode\":\"%s\",\"down\":%s,\"parts\":[", mode_words[mode], down ? "true" : "false");
    for (unsigned i = 0; i < script->n; i++) {
        printf("%s{\"comment\":", i ? "," : "");
        json_string(stdout, script->parts[i].comment);
        printf(",\"sql\":");
        json_string(stdout, script->parts[i].sql);
        printf("}");
    }
    printf("]}\n");
}
