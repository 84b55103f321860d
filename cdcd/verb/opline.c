#include "verb/opline.h"

#include "base/utf8.h"
#include "verb/json.h"

#include <inttypes.h>
#include <string.h>

void opline_put_text(struct buf *to, const char *text, size_t n)
{
    uint32_t code;
    for (size_t i = 0, length; i < n; i += length) {
        unsigned char byte = (unsigned char)text[i];
        length = utf8_read(text + i, n - i, &code);
        if (length == 0 || byte < ' ' || byte == 127) {
            buf_printf(to, "\\x%02x", byte);
            length = 1;
        } else {
            buf_put(to, &text[i], length);
        }
    }
}

void opline_put(struct buf *to, const struct ruleset *ruleset, const struct op *op)
{
    buf_printf(to, "%s %s ", ruleset_store_name(ruleset, op->store),
               op_action_name((enum op_action)op->action));
    opline_put_text(to, op->key, op->key_len);
}

int opline_action(const char *word, size_t n)
{
    for (int i = 0; i < OP_N_ACTIONS; i++) {
        const char *name = op_action_name((enum op_action)i);
        if (strlen(name) == n && strncmp(name, word, n) == 0)
            return i;
    }
    return -1;
}

void opline_actions(const char *words[OP_N_ACTIONS + 1])
{
    for (int i = 0; i < OP_N_ACTIONS; i++)
        words[i] = op_action_name((enum op_action)i);
    words[OP_N_ACTIONS] = NULL;
}

static void put_time(FILE *to, const char *name, int64_t ms)
{
    if (ms)
        fprintf(to, ",\"%s\":%" PRId64, name, ms);
}

void opline_json(FILE *to, const struct ruleset *ruleset, const struct op *op,
                 const struct origin *origin)
{
    fprintf(to, "{\"store\":");
    json_string(to, ruleset_store_name(ruleset, op->store));
    fprintf(to, ",\"action\":\"%s\",\"key\":", op_action_name((enum op_action)op->action));
    json_text(to, op->key, op->key_len);
    if (op->value) {
        fprintf(to, ",\"value\":");
        json_text(to, op->value, op->value_len);
    }
    put_time(to, "ttl_ms", op->ttl_ms);
    put_time(to, "grace_ms", op->grace_ms);
    put_time(to, "redelete_ms", op->redelete_ms);
    if (op->format == OP_FORMAT_MINTCACHE)
        fprintf(to, ",\"format\":\"mintcache\"");
    fprintf(to, ",\"app\":");
    json_string(to, origin->app);
    fprintf(to, ",\"cache\":");
    json_string(to, origin->cache);
    fprintf(to, ",\"file\":");
    json_string(to, origin->file);
    fprintf(to, ",\"line\":%d,\"image\":\"%s\"}", origin->line, origin->image);
}
