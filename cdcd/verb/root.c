#include "verb/root.h"

#include "base/mem.h"
#include "source/source.h"

#include <string.h>

#define TIMEOUT_MS 10000

static const char sql[] =
    "SELECT rn.nspname, r.relname"
    "  FROM pg_catalog.pg_class c"
    "  JOIN pg_catalog.pg_namespace n ON n.oid = c.relnamespace"
    "  JOIN pg_catalog.pg_class r ON r.oid = pg_catalog.pg_partition_root(c.oid)"
    "  JOIN pg_catalog.pg_namespace rn ON rn.oid = r.relnamespace"
    " WHERE c.relispartition AND n.nspname = $1::text AND c.relname = $2::text";

static struct value text_value(const char *text)
{
    return (struct value){.kind = VALUE_TEXT, .text = text, .len = (uint32_t)strlen(text)};
}

const char *root_of(struct arena *arena, const char *conninfo, const char *schema,
                    const char *table)
{
    static const struct lookup lookup = {
        .sql = sql, .n_params = 2, .limit = 1, .app = "explain", .cache = "", .file = ""};
    const struct value params[] = {text_value(schema), text_value(table)};
    struct answer answer;
    source_look_up(conninfo, TIMEOUT_MS, &lookup, params, arena, &answer);
    if (answer.failed || answer.n_rows == 0)
        return NULL;
    return arena_printf(arena, "%.*s.%.*s", (int)answer.rows[0].len, answer.rows[0].text,
                        (int)answer.rows[1].len, answer.rows[1].text);
}
