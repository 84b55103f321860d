/* The parts of selectors: how each client's choice is prepared and made. */
#ifndef CDCD_STORE_SELECTOR_KIND_H
#define CDCD_STORE_SELECTOR_KIND_H

#include "store/ring.h"
#include "store/selector.h"

#include <stdint.h>

struct selector_kind {
    const char *name;
    bool ejects;        /* moves the keys of a server that does not answer */
    bool costs_weights; /* the weights, added up, cost memory */
    /* Fills in what choosing needs of ring, buckets and labels; NULL: nothing. */
    void (*build)(struct selector *selector, const struct url_server *servers);
    /* Among two servers or more. */
    unsigned (*choose)(const struct selector *selector, const char *key, size_t len);
};

struct selector {
    const struct selector_kind *kind;
    unsigned n; /* servers */
    char *unhashed_prefix;
    size_t prefix_len;
    struct ring ring;
    unsigned *buckets; /* of servers; owned */
    unsigned n_buckets;
    char **labels; /* one a server; owned */
};

/* The weights of all. */
uint64_t selector_sum_weights(const struct url_server *servers, unsigned n);

/* The pairs of the table in selector.c. */
void selector_build_ketama(struct selector *selector, const struct url_server *servers);
void selector_build_ketama_plain(struct selector *selector, const struct url_server *servers);
unsigned selector_choose_modulo(const struct selector *selector, const char *key, size_t len);
unsigned selector_choose_ketama(const struct selector *selector, const char *key, size_t len);
unsigned selector_choose_ketama_plain(const struct selector *selector, const char *key, size_t len);
void selector_build_python_memcached(struct selector *selector, const struct url_server *servers);
unsigned selector_choose_python_memcached(const struct selector *selector, const char *key,
                                          size_t len);
void selector_build_pymemcache(struct selector *selector, const struct url_server *servers);
unsigned selector_choose_pymemcache(const struct selector *selector, const char *key, size_t len);
void selector_build_dalli(struct selector *selector, const struct url_server *servers);
unsigned selector_choose_dalli(const struct selector *selector, const char *key, size_t len);
unsigned selector_choose_gomemcache(const struct selector *selector, const char *key, size_t len);
void selector_build_pecl_memcache(struct selector *selector, const struct url_server *servers);
unsigned selector_choose_pecl_memcache(const struct selector *selector, const char *key,
                                       size_t len);
void selector_build_spymemcached_ketama(struct selector *selector,
                                        const struct url_server *servers);
unsigned selector_choose_spymemcached(const struct selector *selector, const char *key, size_t len);

#endif
