/* cdcd.cfg, as every module's options. */
#ifndef CDCD_CONFIG_H
#define CDCD_CONFIG_H

#include "base/err.h"
#include "base/log.h"
#include "rule/rule.h"
#include "source/source.h"
#include "store/store.h"

#include <stdbool.h>
#include <stdint.h>

/* Where cdcd.cfg is when -c does not say. */
#define CONFIG_DEFAULT_PATH "/etc/cdcd/cdcd.cfg"

struct config {
    struct source_opts source;
    int64_t detach_after_ms; /* a store down for longer: leave the stream */
    bool weak_is_error;      /* source.weak_identity = "refuse" */
    struct store_opts *stores;
    struct rule_store *rule_stores; /* the same, as rules see them */
    unsigned n_stores;
    const char *const *rules; /* globs */
    unsigned n_rules;
    unsigned batch_ops;    /* limits.batch: ops of a batch */
    uint64_t buffer_bytes; /* limits.buffer: what waits in memory */
    int64_t retry_min_ms;  /* limits.retry */
    int64_t retry_max_ms;
    enum log_level log_level;
};

/* Reads the file; all that is wrong is complained about, and what makes sense is kept, so that the
 * rules can be looked at too: a store that makes none has its name and nothing more. NULL when the
 * file cannot be read at all. The caller owns the config. */
struct config *config_read(const char *path, struct complaints *complaints);
void config_free(struct config *config);

#endif
