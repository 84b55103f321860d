#include "verb/script.h"

#include "base/reserved.h"

#include <stdlib.h>
#include <string.h>

void script_add_text(struct script *script, const char *comment, const char *sql)
{
    if (script->n == script->cap) {
        script->cap = script->cap ? script->cap * 2 : 16;
        script->parts = mem_resize(script->parts, script->cap * sizeof *script->parts);
    }
    script->parts[script->n++] = (struct script_part){comment, sql};
}

static const char *take(struct arena *arena, struct buf *text)
{
    if (!text || !text->len)
        return NULL;
    const char *copy = arena_strdup(arena, buf_str(text));
    text->len = 0;
    return copy;
}

void script_add(struct script *script, struct buf *comment, struct buf *sql)
{
    script_add_text(script, take(script->arena, comment), take(script->arena, sql));
}

void script_free(struct script *script)
{
    free(script->parts);
    arena_free(script->arena);
}

static void put_doubled(struct buf *sql, const char *text, const char *doubled)
{
    for (; *text; text++)
        for (int i = strchr(doubled, *text) ? 2 : 1; i > 0; i--)
            buf_put(sql, text, 1);
}

void sql_put_literal(struct buf *sql, const char *text)
{
    buf_put_str(sql, strchr(text, '\\') ? "E'" : "'");
    put_doubled(sql, text, "'\\");
    buf_put(sql, "'", 1);
}

void sql_put_name(struct buf *sql, const char *name)
{
    static const char plain[] = "abcdefghijklmnopqrstuvwxyz0123456789_";
    if (*name && strspn(name, plain) == strlen(name) && !strchr("0123456789", *name) &&
        !reserved_word(name)) {
        buf_put_str(sql, name);
        return;
    }
    buf_put(sql, "\"", 1);
    put_doubled(sql, name, "\"");
    buf_put(sql, "\"", 1);
}

void sql_put_table(struct buf *sql, const char *schema, const char *name)
{
    sql_put_name(sql, schema);
    buf_put(sql, ".", 1);
    sql_put_name(sql, name);
}

void sql_put_table_literal(struct buf *sql, const char *schema, const char *name)
{
    struct buf table = {0};
    sql_put_table(&table, schema, name);
    sql_put_literal(sql, buf_str(&table));
    buf_free(&table);
}

void sql_put_pattern(struct buf *sql, const char *name)
{
    struct buf like = {0};
    for (; *name; name++) {
        if (strchr("%_\\", *name))
            buf_put(&like, "\\", 1);
        buf_put(&like, *name == '*' ? "%" : *name == '?' ? "_" : name, 1);
    }
    sql_put_literal(sql, buf_str(&like));
    buf_free(&like);
}
