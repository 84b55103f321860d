#include "verb/load.h"

#include <unistd.h>

void load_all(struct loaded *loaded, const struct verb_args *args, const char *const *files,
              unsigned n_files)
{
    const char *path = args->config ? args->config : CONFIG_DEFAULT_PATH;
    struct complaints *complaints = &loaded->complaints;
    *loaded = (struct loaded){0};
    if (args->config || n_files == 0 || access(path, F_OK) == 0) {
        loaded->config = config_load(path, complaints);
        if (!loaded->config)
            return;
    }
    const struct config *config = loaded->config;
    loaded->ruleset = ruleset_load(
        n_files ? files : config->rules, n_files ? n_files : config->n_rules,
        config ? config->rule_stores : NULL, config ? config->n_stores : 0, !config, complaints);
}

void load_free(struct loaded *loaded)
{
    ruleset_free(loaded->ruleset);
    config_free(loaded->config);
    complaints_free(&loaded->complaints);
}
