/* The settings of an HTTP store. */
#ifndef CDCD_STORE_HTTP_CHECK_H
#define CDCD_STORE_HTTP_CHECK_H

#include "store/store.h"
#include "store/url.h"

/* As store_ops.check. */
unsigned http_check(const struct store_opts *opts, struct complaints *complaints);
/* url, or urls. */
unsigned http_n_urls(const struct store_opts *opts);
const char *http_url_of(const struct store_opts *opts, unsigned number);

#endif
