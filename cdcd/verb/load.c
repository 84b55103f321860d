#include "verb/load.h"

#include <unistd.h>

void load_all(struct loaded *loaded, const struct verb_args *args, const char *const *files,
              unsigned n_files)
{
    const char *path = args->config ? args->config : CONFIG_DEFAULT_PATH;
    struct complaints *complaints = &loaded->complaints;
    *loaded = (struct loaded){0};
    if (args->config || n_files == 0 || access(path, R_OK) == 0) {
        loaded->config = config_read(path, complaints);
        if (!loaded->config)
            return;
    }
    const struct config *config = loaded->config;
    const struct rule_store *stores = config ? config->rule_stores : NULL;
    unsigned n_stores = config ? config->n_stores : 0;
    if (n_files == 0) {
        files = config->rules;
        n_files = config->n_rules;
    }
    /* No files, because rules made no sense, were complained about. */
    if (n_files || complaints->n_errors == 0)
        loaded->ruleset = ruleset_load(files, n_files, stores, n_stores, n_stores == 0, complaints);
    if (complaints->n_errors) {
        ruleset_free(loaded->ruleset);
        loaded->ruleset = NULL;
    }
}

void load_free(struct loaded *loaded)
{
    ruleset_free(loaded->ruleset);
    config_free(loaded->config);
    complaints_free(&loaded->complaints);
}
