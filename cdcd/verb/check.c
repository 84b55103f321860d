#include "verb/json.h"
#include "verb/live.h"
#include "verb/load.h"

static void check_files(struct loaded *loaded);
static int judge(const struct loaded *loaded, bool strict);
static void print_json(struct loaded *loaded);
static void print_text(struct loaded *loaded, const char *what);

int verb_check(const struct verb_args *args)
{
    struct loaded loaded;
    const char *what = args->config ? args->config : CONFIG_DEFAULT_PATH;
    if (args->n_operands)
        what = args->operands[0];
    load_all(&loaded, args, args->operands, args->n_operands);
    check_files(&loaded);
    if (args->live)
        live_check(&loaded, args->config ? args->config : CONFIG_DEFAULT_PATH);
    int code = judge(&loaded, args->strict);
    if (args->json)
        print_json(&loaded);
    else
        print_text(&loaded, what);
    load_free(&loaded);
    return code;
}

static void check_files(struct loaded *loaded)
{
    for (unsigned i = 0; loaded->config && i < loaded->config->n_stores; i++)
        store_check_files(&loaded->config->stores[i], &loaded->complaints);
}

static int judge(const struct loaded *loaded, bool strict)
{
    const struct complaints *complaints = &loaded->complaints;
    if (complaints->n_errors)
        return complaints->code;
    return strict && complaints->n ? EXIT_WARNINGS : 0;
}

static void print_json(struct loaded *loaded)
{
    const struct complaints *complaints = &loaded->complaints;
    complaints_sort(&loaded->complaints);
    printf("{\"ok\":%s,\"errors\":%u,\"warnings\":%u,\"more\":%u,\"complaints\":[",
           complaints->n_errors ? "false" : "true", complaints->n_errors, complaints->n_warnings,
           complaints->n_more);
    for (unsigned i = 0; i < complaints->n; i++) {
        const struct complaint *one = &complaints->list[i];
        printf("%s{\"severity\":\"%s\",\"file\":", i ? "," : "",
               one->severity == SEVERITY_ERROR ? "error" : "warning");
        json_string(stdout, one->file);
        printf(",\"line\":%d,\"text\":", one->line);
        json_string(stdout, one->text);
        printf("}");
    }
    printf("]");
    if (loaded->ruleset)
        printf(",\"files\":%u,\"caches\":%u,\"triggers\":%u", ruleset_n_files(loaded->ruleset),
               ruleset_n_caches(loaded->ruleset), ruleset_n_triggers(loaded->ruleset));
    printf("}\n");
}

static const char *plural(unsigned n)
{
    return n == 1 ? "" : "s";
}

static void print_text(struct loaded *loaded, const char *what)
{
    complaints_print(&loaded->complaints, stderr);
    if (!loaded->ruleset || loaded->complaints.n_errors)
        return;
    unsigned n_files = ruleset_n_files(loaded->ruleset);
    unsigned n_caches = ruleset_n_caches(loaded->ruleset);
    unsigned n_triggers = ruleset_n_triggers(loaded->ruleset);
    unsigned n_warnings = loaded->complaints.n_warnings;
    printf("%s: %u file%s, %u cache%s, %u trigger%s: ", what, n_files, plural(n_files), n_caches,
           plural(n_caches), n_triggers, plural(n_triggers));
    if (n_warnings)
        printf("%u warning%s\n", n_warnings, plural(n_warnings));
    else
        printf("ok\n");
}
