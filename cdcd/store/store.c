#include "store/store.h"

#include <string.h>

/* One of each driver file. */
extern const struct store_ops store_redis;
extern const struct store_ops store_memcached;
extern const struct store_ops store_http;

const struct store_ops *store_driver(const char *type)
{
    static const struct store_ops *const drivers[] = {&store_redis, &store_memcached, &store_http};
    for (size_t i = 0; i < sizeof drivers / sizeof *drivers; i++)
        if (strcmp(drivers[i]->type, type) == 0)
            return drivers[i];
    return NULL;
}

unsigned store_check_files(const struct store_opts *opts, struct complaints *complaints)
{
    if (!opts->tls.ca_file && !opts->tls.cert_file)
        return 0;
    return tls_check_files(&opts->tls, opts->name, opts->file, opts->line, complaints);
}

const char *const *store_types(void)
{
    static const char *const types[] = {"redis", "memcached", "http", NULL};
    return types;
}
