#include "verb/explain.h"
#include "verb/json.h"
#include "verb/load.h"
#include "verb/opline.h"

#include <string.h>

struct finding {
    const struct ruleset *ruleset;
    bool json;
    unsigned n;
};

static void print_text(const struct finding *f, const struct rule_clearer *clearer)
{
    const struct origin *origin = clearer->origin;
    struct buf line = {0};
    opline_put(&line, f->ruleset, clearer->op);
    buf_printf(&line, "  %s:%d ", origin->file, origin->line);
    for (unsigned op = CHANGE_INSERT; op <= CHANGE_TRUNCATE; op++)
        if (clearer->ops & 1U << op)
            buf_printf(&line, "%s ", change_op_name((enum change_op)op));
    buf_printf(&line, "of %s.%s", clearer->schema, clearer->table);
    for (unsigned i = 0; i < clearer->n_readings; i++) {
        const struct rule_reading *one = &clearer->readings[i];
        buf_put_str(&line, i ? ", " : ": ");
        opline_put_text(&line, one->written, strlen(one->written));
        buf_put_str(&line, " = ");
        opline_put_text(&line, one->value.text, one->value.len);
    }
    printf("%s\n", buf_str(&line));
    buf_free(&line);
}

static void print_json(const struct finding *f, const struct rule_clearer *clearer)
{
    bool first = true;
    printf("%s{\"op\":", f->n ? "," : "");
    opline_json(stdout, f->ruleset, clearer->op, clearer->origin);
    printf(",\"schema\":");
    json_string(stdout, clearer->schema);
    printf(",\"table\":");
    json_string(stdout, clearer->table);
    printf(",\"on\":[");
    for (unsigned op = CHANGE_INSERT; op <= CHANGE_TRUNCATE; op++)
        if (clearer->ops & 1U << op) {
            printf("%s\"%s\"", first ? "" : ",", change_op_name((enum change_op)op));
            first = false;
        }
    printf("],\"values\":[");
    for (unsigned i = 0; i < clearer->n_readings; i++) {
        printf("%s{\"name\":", i ? "," : "");
        json_string(stdout, clearer->readings[i].written);
        printf(",\"value\":");
        json_text(stdout, clearer->readings[i].value.text, clearer->readings[i].value.len);
        printf("}");
    }
    printf("]}");
}

static void on_found(void *ctx, const struct rule_clearer *clearer)
{
    struct finding *f = ctx;
    if (f->json)
        print_json(f, clearer);
    else
        print_text(f, clearer);
    f->n++;
}

int explain_key(const struct verb_args *args)
{
    struct loaded loaded;
    load_all(&loaded, args, args->operands, args->n_operands);
    int code = loaded.complaints.code;
    if (loaded.ruleset) {
        struct finding finding = {loaded.ruleset, args->json, 0};
        printf("%s", args->json ? "[" : "");
        ruleset_find(loaded.ruleset, args->key, strlen(args->key), on_found, &finding);
        printf("%s", args->json ? "]\n" : "");
        if (finding.n == 0)
            fprintf(stderr, "no trigger clears this key%s\n",
                    loaded.config ? "" : "; without -c FILE stores have no prefix");
    } else {
        complaints_print(&loaded.complaints, stderr);
    }
    load_free(&loaded);
    return code;
}
