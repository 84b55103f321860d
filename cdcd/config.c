#include "config.h"

#include "base/mem.h"
#include "base/opt.h"

#include <errno.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define MB ((int64_t)1 << 20)
#define SLOT_LETTERS "abcdefghijklmnopqrstuvwxyz0123456789_"

/* What the file says, before it becomes the modules' options. */
struct settings {
    struct config config; /* first: config_free gets its address */
    struct arena *arena;
    struct complaints *complaints;
    const char *path;
    int mode, visibility, on_gap, weak_identity; /* values of the words below */
    int log_level, log_format;
    const struct conf *stores;
    struct opt_strings rules;
    int64_t batch, buffer_bytes;
    struct opt_range retry;
};

enum weak_identity { WEAK_REFUSE, WEAK_CLEAR };
enum visibility { VISIBILITY_PRIMARY, VISIBILITY_NONE };

static const struct opt_word modes[] = {
    {"replication", SOURCE_REPLICATION, false}, {"outbox", SOURCE_OUTBOX, false}, {0}};
static const struct opt_word visibilities[] = {
    {"primary", VISIBILITY_PRIMARY, false}, {"none", VISIBILITY_NONE, false}, {0}};
static const struct opt_word gap_policies[] = {{"invalidate", 0, false}, {"stop", 1, true}, {0}};
static const struct opt_word weak_policies[] = {
    {"refuse", WEAK_REFUSE, false}, {"clear", WEAK_CLEAR, false}, {0}};
static const struct opt_word levels[] = {{"debug", LOG_LEVEL_DEBUG, false},
                                         {"info", LOG_LEVEL_INFO, false},
                                         {"warning", LOG_LEVEL_WARN, false},
                                         {"error", LOG_LEVEL_ERROR, false},
                                         {0}};
static const struct opt_word formats[] = {{"auto", 0, false},   {"text", 0, false},
                                          {"journal", 1, true}, {"logfmt", 2, true},
                                          {"json", 3, true},    {0}};

#define AT(member) .offset = offsetof(struct settings, member)

static const struct opt source_rows[] = {
    {.name = "conninfo",
     .type = OPT_STRING,
     AT(config.source.conninfo),
     .fallback = "",
     .help = "the database: a libpq conninfo or URI; what it leaves out comes from PG* variables, "
             "service and passfile"},
    {.name = "mode",
     .type = OPT_WORD,
     AT(mode),
     .words = modes,
     .fallback = "replication",
     .help = "how changes are read: replication (a slot), or outbox (tables with triggers, of "
             "sql/004_outbox.sql)"},
    {.name = "slot",
     .type = OPT_STRING,
     AT(config.source.slot),
     .fallback = "cdcd",
     .help = "the logical replication slot: 1 to 63 of a-z, 0-9 and _"},
    {.name = "publication",
     .type = OPT_STRING,
     AT(config.source.publication),
     .fallback = "cdcd",
     .help = "the publication that holds the tables"},
    {.name = "create",
     .type = OPT_BOOL,
     AT(config.source.create),
     .fallback = "false",
     .help = "make slot and publication when they are missing, and add tables that rules name"},
    {.name = "visibility",
     .type = OPT_WORD,
     AT(visibility),
     .words = visibilities,
     .unbuilt_list = true,
     .fallback = "primary",
     .help = "where a transaction must be visible before its ops leave; none: at once, and a "
             "reader may put the old value back"},
    {.name = "on_gap",
     .type = OPT_WORD,
     AT(on_gap),
     .words = gap_policies,
     .fallback = "invalidate",
     .help = "when changes may have been missed (the slot was lost; while cdcd ran, the slot or "
             "the outbox was made anew, the outbox emptied, a standby promoted, or the cluster is "
             "another), every cache's all is done, or its keys that have no parameters"},
    {.name = "weak_identity",
     .type = OPT_WORD,
     AT(weak_identity),
     .words = weak_policies,
     .fallback = "refuse",
     .help = "a rule whose old keys the table does not send: it is refused at the start, or the "
             "cache's all is cleared at such changes"},
    {.name = "detach_after",
     .type = OPT_TIME,
     AT(config.detach_after_ms),
     .fallback = "10s",
     .min = 1,
     .max = INT64_MAX,
     .range = "a time above 0",
     .help = "a store is down for longer: the stream is left until it is back, and PostgreSQL "
             "keeps the WAL meanwhile"},
    {.name = "logical_decoding_work_mem",
     .type = OPT_SIZE,
     AT(config.source.decoding_work_mem_bytes),
     .fallback = "256MB",
     .min = 64 * 1024,
     .max = 1024 * 1024 * MB,
     .range = "from 64kB to 1024GB",
     .help = "of the replication connection, from PostgreSQL 13: the server spills larger "
             "transactions to its disk"},
    {.name = "poll",
     .type = OPT_TIME,
     AT(config.source.poll_ms),
     .fallback = "1s",
     .min = 1,
     .max = INT64_MAX,
     .range = "a time above 0",
     .help = "outbox: it is looked at so often, notified or not"},
    {0}};

static const struct opt log_rows[] = {{.name = "level",
                                       .type = OPT_WORD,
                                       AT(log_level),
                                       .words = levels,
                                       .fallback = "info",
                                       .help = "the least important lines that are written"},
                                      {.name = "format",
                                       .type = OPT_WORD,
                                       AT(log_format),
                                       .words = formats,
                                       .fallback = "auto",
                                       .help = "how a line is written; both are the same yet"},
                                      {0}};

static const struct opt limits_rows[] = {
    {.name = "batch",
     .type = OPT_INT,
     AT(batch),
     .fallback = "512",
     .min = 1,
     .max = 10000,
     .range = "from 1 to 10000",
     .help = "ops that go to a server together"},
    {.name = "buffer",
     .type = OPT_SIZE,
     AT(buffer_bytes),
     .fallback = "64MB",
     .min = MB,
     .max = INT64_MAX,
     .range = "at least 1MB",
     .help =
         "what waits in memory; past it cdcd reads no further, and the rest waits in PostgreSQL"},
    {.name = "retry",
     .type = OPT_TIME_RANGE,
     AT(retry),
     .fallback = "100ms..30s",
     .min = 1,
     .max = INT64_MAX,
     .range = "a range of times above 0",
     .help = "pauses between attempts to connect, the first and the longest"},
    {0}};

static const struct opt file_rows[] = {
    {.name = "source", .type = OPT_GROUP, .rows = source_rows, .help = "where changes come from"},
    {.name = "stores",
     .type = OPT_NODE,
     AT(stores),
     .required = true,
     .help = "a group of the stores that keys are deleted from, each by its name"},
    {.name = "rules",
     .type = OPT_STRINGS,
     AT(rules),
     .required = true,
     .help = "an array of rules files; * and ? match; relative to the folder of cdcd.cfg"},
    {.name = "log", .type = OPT_GROUP, .rows = log_rows, .help = "the log"},
    {.name = "limits", .type = OPT_GROUP, .rows = limits_rows, .help = "how much, how often"},
    {.name = "http", .unbuilt = true, .help = "page, metrics, health"},
    {.name = "control", .unbuilt = true, .help = "the control socket"},
    {.name = "state", .unbuilt = true, .help = "where what was last confirmed is kept"},
    {0}};

#undef AT
#define AT(member) .offset = offsetof(struct store_settings, member)

struct store_settings {
    struct store_opts opts;
    struct opt_strings servers, urls, cluster, sentinels;
    int64_t wait_replicas;
};

static const struct opt store_rows[] = {
    {.name = "type",
     .type = OPT_STRING,
     AT(opts.type),
     .required = true,
     .help = "\"redis\", \"memcached\" or \"http\""},
    {.name = "url",
     .type = OPT_STRING,
     AT(opts.url),
     .help = "redis: redis://[user@]host[:port][/db], port 6379 and database 0 where left out, "
             "rediss:// with TLS, or unix:///path/redis.sock?db=0; no password in it. "
             "http: http://host[:port], port 80 where left out, https:// with TLS, or "
             "unix:///path"},
    {.name = "user",
     .type = OPT_STRING,
     AT(opts.user),
     .help = "redis: the ACL user; memcached: of its -Y"},
    {.name = "password_file",
     .type = OPT_STRING,
     AT(opts.password_file),
     .help = "redis, memcached: a file that holds the password alone, read at each connect"},
    {.name = "timeout",
     .type = OPT_TIME,
     AT(opts.timeout_ms),
     .fallback = "2s",
     .min = 1,
     .max = INT64_MAX,
     .range = "a time above 0",
     .help = "for a connection, and for an answer"},
    {.name = "prefix",
     .type = OPT_STRING,
     AT(opts.prefix),
     .fallback = "",
     .help = "stands before every key, before the prefix of the rules"},
    {.name = "servers",
     .type = OPT_STRINGS,
     AT(servers),
     .help = "memcached: host[:port], port 11211 where left out, [address]:port, or "
             "unix:/path/mc.sock, in the order and as written as the application has them; a "
             "weight may follow, host:port:weight"},
    {.name = "selector",
     .type = OPT_STRING,
     AT(opts.selector),
     .help = "memcached: how the application's client chooses the server of a key; \"all\", the "
             "default: every server gets every op"},
    {.name = "unhashed_prefix",
     .type = OPT_STRING,
     AT(opts.unhashed_prefix),
     .help = "memcached: how keys begin where the client has put a prefix in front after it chose "
             "the server"},
    {.name = "sentinels",
     .type = OPT_STRINGS,
     AT(sentinels),
     .help = "redis: instead of a url, all sentinels of the master, host[:port] each, port 26379 "
             "where left out; the server is the one that most of them name"},
    {.name = "master",
     .type = OPT_STRING,
     AT(opts.master),
     .help = "redis: the name that the sentinels have for the master"},
    {.name = "cluster",
     .type = OPT_STRINGS,
     AT(cluster),
     .help = "redis: some nodes of a Redis Cluster, host:port or [address]:port; they name the "
             "others"},
    {.name = "failover_window",
     .type = OPT_TIME,
     AT(opts.failover_window_ms),
     .fallback = "60s",
     .min = 0,
     .max = (int64_t)24 * 3600 * 1000,
     .range = "at most 24h",
     .help = "redis: what was done within it is done again when another server became the master, "
             "or the server was started again, for it may have lost what it acknowledged; 0s: "
             "nothing is"},
    {.name = "wait_replicas",
     .type = OPT_INT,
     AT(wait_replicas),
     .fallback = "0",
     .min = 0,
     .max = 100,
     .range = "from 0 to 100",
     .help = "redis: what was done counts, and is confirmed to PostgreSQL, when so many replicas "
             "have it (WAIT)"},
    {.name = "tls",
     .type = OPT_BOOL,
     AT(opts.tls.on),
     .fallback = "false",
     .help = "memcached, and what else has no url: TLS 1.2 or later to all servers but unix "
             "sockets, whose certificates must be good for the hosts that are named here; in a "
             "url, rediss:// says it"},
    {.name = "ca_file",
     .type = OPT_STRING,
     AT(opts.tls.ca_file),
     .help = "TLS: the CA that signs the server's certificate, in PEM; left out: whom the system "
             "trusts. Files of TLS are read at each connect"},
    {.name = "cert_file",
     .type = OPT_STRING,
     AT(opts.tls.cert_file),
     .help = "TLS: our certificate, and those between it and its CA, in PEM"},
    {.name = "key_file",
     .type = OPT_STRING,
     AT(opts.tls.key_file),
     .help = "TLS: the key of our certificate, in PEM and without a passphrase; left out: it "
             "stands in cert_file"},
    {.name = "urls",
     .type = OPT_STRINGS,
     AT(urls),
     .help = "http: several caches, each gets the op; instead of url"},
    {.name = "method",
     .type = OPT_STRING,
     AT(opts.method),
     .fallback = "PURGE",
     .help = "http: what deletes a key, such as PURGE or BAN; a scan is always a BAN"},
    {.name = "host",
     .type = OPT_STRING,
     AT(opts.host),
     .help = "http: the Host that readers ask for, where it is not the url's"},
    {.name = "header",
     .type = OPT_STRING,
     AT(opts.header),
     .help = "http: the header that carries the key, such as xkey-purge; without it the key is the "
             "path"},
    {0}};

#undef AT

static void finish_source(struct settings *set);
static void check_names(struct settings *set, const struct conf *root);
static void finish_rules(struct settings *set);
static void read_stores(struct settings *set, const struct opt_reader *reader);

/* A file of the other kinds would be complained about setting by setting. */
static bool is_another(const struct conf *root, struct complaints *complaints)
{
    bool rules = conf_member(root, "caches"), tests = conf_member(root, "tests");
    if (conf_member(root, "stores") || (!rules && !tests))
        return false;
    complain(complaints, SEVERITY_ERROR, root->file, root->line,
             "this is a file of %s, and not a cdcd.cfg; name it without -c",
             rules ? "rules" : "rule tests");
    return true;
}

/* Who has named no file has perhaps another elsewhere. */
static bool is_absent(const char *path, struct complaints *complaints)
{
    if (strcmp(path, CONFIG_DEFAULT_PATH) != 0 || access(path, F_OK) == 0 || errno != ENOENT)
        return false;
    complain_code(complaints, EX_NOINPUT, path, 0,
                  "does not exist; make it, or name another with -c FILE");
    return true;
}

struct config *config_read(const char *path, struct complaints *complaints)
{
    struct arena *arena = arena_make();
    struct settings *set = arena_alloc(arena, sizeof *set);
    struct opt_reader reader = {.arena = arena, .complaints = complaints, .expand = true};
    set->arena = arena;
    set->complaints = complaints;
    set->path = arena_strdup(arena, path);
    const struct conf *root =
        is_absent(path, complaints) ? NULL : conf_read(arena, path, complaints);
    if (!root || is_another(root, complaints)) {
        arena_free(arena);
        return NULL;
    }
    opt_read(&reader, file_rows, root, set);
    finish_source(set);
    check_names(set, root);
    finish_rules(set);
    read_stores(set, &reader);
    return &set->config;
}

void config_free(struct config *config)
{
    if (config)
        arena_free(((struct settings *)config)->arena);
}

static void finish_source(struct settings *set)
{
    struct config *config = &set->config;
    config->log_level = (enum log_level)set->log_level;
    config->weak_is_error = set->weak_identity == WEAK_REFUSE;
    config->batch_ops = (unsigned)set->batch;
    config->buffer_bytes = (uint64_t)set->buffer_bytes;
    config->retry_min_ms = set->retry.from;
    config->retry_max_ms = set->retry.to;
    config->source.mode = (enum source_mode)set->mode;
    /* A row of the outbox that is seen is visible. */
    config->source.gate = set->visibility == VISIBILITY_PRIMARY && set->mode == SOURCE_REPLICATION;
    config->source.retry_min_ms = set->retry.from;
    config->source.retry_max_ms = set->retry.to;
}

/* Where a setting of the group source stands. */
static const struct conf *source_place(const struct conf *root, const char *name)
{
    const struct conf *source = conf_member(root, "source");
    const struct conf *place = conf_member(source, name);
    return place ? place : root;
}

/* PostgreSQL takes no other names of slots, and these need no quotes. */
static void check_names(struct settings *set, const struct conf *root)
{
    const char *slot = set->config.source.slot;
    const char *publication = set->config.source.publication;
    const struct conf *place = source_place(root, "slot");
    size_t n = slot ? strlen(slot) : 1;
    if (n == 0 || n > 63 || (slot && strspn(slot, SLOT_LETTERS) < n))
        complain(set->complaints, SEVERITY_ERROR, place->file, place->line,
                 "slot = \"%s\" is no name of a slot; it has 1 to 63 of a-z, 0-9 and _", slot);
    place = source_place(root, "publication");
    if (publication && (!*publication || strlen(publication) > 63))
        complain(set->complaints, SEVERITY_ERROR, place->file, place->line,
                 "publication = \"%s\" is no name of a publication; it has 1 to 63 bytes",
                 publication);
}

/* Globs are relative to the folder of cdcd.cfg, wherever the daemon was started. */
static void finish_rules(struct settings *set)
{
    const char *slash = strrchr(set->path, '/');
    const char **globs = arena_alloc(set->arena, (set->rules.n + 1) * sizeof *globs);
    for (unsigned i = 0; i < set->rules.n; i++) {
        const char *glob = set->rules.list[i];
        if (*glob == '/' || !slash)
            globs[i] = glob;
        else
            globs[i] =
                arena_printf(set->arena, "%.*s/%s", (int)(slash - set->path), set->path, glob);
    }
    set->config.rules = globs;
    set->config.n_rules = set->rules.n;
}

static bool name_is_good(const char *name)
{
    static const char letters[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_";
    static const char others[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz_0123456789-";
    return strchr(letters, *name) && strspn(name, others) == strlen(name);
}

static const struct store_ops *find_driver(struct settings *set, const struct conf *node,
                                           const char *type)
{
    const struct store_ops *ops = store_driver(type);
    const struct conf *place = conf_member(node, "type");
    if (!ops)
        opt_unknown(set->complaints, place->file, place->line, "type of store", type,
                    store_types());
    return ops;
}

static void check_http_settings(struct settings *set, const struct conf *node, const char *type)
{
    static const char *const names[] = {"urls", "method", "host", "header"};
    for (unsigned i = 0; i < sizeof names / sizeof *names; i++) {
        const struct conf *place = conf_member(node, names[i]);
        if (place && strcmp(type, "http") != 0)
            complain(set->complaints, SEVERITY_ERROR, place->file, place->line,
                     "store %s: %s is for http, and this is a %s; remove it", node->name, names[i],
                     type);
    }
}

static void check_is_redis(struct settings *set, const struct store_opts *opts)
{
    bool has = opts->n_sentinels || opts->master || opts->n_cluster || opts->wait_replicas;
    if (has && strcmp(opts->type, "redis") != 0)
        complain(
            set->complaints, SEVERITY_ERROR, opts->file, opts->line,
            "store %s: sentinels, master, cluster and wait_replicas are for redis; remove them",
            opts->name);
}

static void read_store(struct settings *set, const struct opt_reader *reader,
                       const struct conf *node)
{
    struct config *config = &set->config;
    struct store_settings store = {0};
    struct rule_store *as_rules_see_it = &config->rule_stores[config->n_stores];
    struct store_opts *opts = &config->stores[config->n_stores++];
    *as_rules_see_it = (struct rule_store){node->name, "", "store", ~0U};
    if (!name_is_good(node->name))
        complain(set->complaints, SEVERITY_ERROR, node->file, node->line,
                 "\"%s\" is no name of a store; it has letters, digits, _ and -", node->name);
    if (node->type != CONF_GROUP) {
        complain(set->complaints, SEVERITY_ERROR, node->file, node->line,
                 "%s must be a group: %s = { type = \"redis\"; url = \"redis://...\"; };",
                 node->name, node->name);
        return;
    }
    bool good = opt_read(reader, store_rows, node, &store);
    const struct store_ops *ops = store.opts.type ? find_driver(set, node, store.opts.type) : NULL;
    if (!good || !ops)
        return;
    *opts = store.opts;
    opts->name = node->name;
    opts->servers = store.servers.list;
    opts->n_servers = store.servers.n;
    opts->urls = store.urls.list;
    opts->n_urls = store.urls.n;
    opts->cluster = store.cluster.list;
    opts->n_cluster = store.cluster.n;
    opts->sentinels = store.sentinels.list;
    opts->n_sentinels = store.sentinels.n;
    opts->wait_replicas = (unsigned)store.wait_replicas;
    opts->retry_min_ms = config->retry_min_ms;
    opts->retry_max_ms = config->retry_max_ms;
    opts->file = node->file;
    opts->line = node->line;
    check_http_settings(set, node, ops->type);
    ops->check(opts, set->complaints);
    check_is_redis(set, opts);
    *as_rules_see_it = (struct rule_store){
        .name = opts->name,
        .prefix = opts->prefix,
        .type = ops->type,
        .actions = ops->actions,
    };
}

static void read_stores(struct settings *set, const struct opt_reader *reader)
{
    const struct conf *stores = set->stores;
    if (!stores)
        return;
    if (stores->type != CONF_GROUP || stores->n_children == 0) {
        complain(set->complaints, SEVERITY_ERROR, stores->file, stores->line,
                 "stores must be a group with at least one store: "
                 "stores = { redis = { type = \"redis\"; url = \"redis://127.0.0.1:6379\"; }; };");
        return;
    }
    size_t n = stores->n_children;
    set->config.stores = arena_alloc(set->arena, n * sizeof *set->config.stores);
    set->config.rule_stores = arena_alloc(set->arena, n * sizeof *set->config.rule_stores);
    for (unsigned i = 0; i < n; i++)
        read_store(set, reader, &stores->children[i]);
}
