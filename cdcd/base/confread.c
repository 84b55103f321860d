#include "base/confread.h"

#include "base/buf.h"
#include "base/confscan.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <libconfig.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

struct copying {
    struct arena *arena;
    const char *file;
    const struct confscan *scan;
    unsigned n_seen; /* elements of arrays and lists so far */
};

static int read_all(const char *path, struct buf *into, struct err *err);
static void copy_setting(struct copying *copying, const config_setting_t *from, struct conf *to);

const struct conf *conf_read(struct arena *arena, const char *path, struct complaints *complaints)
{
    struct buf text = {0};
    struct err err = {0};
    const struct conf *root = NULL;
    if (read_all(path, &text, &err) == 0)
        root = conf_parse(arena, path, text.data, text.len, complaints);
    else
        complain_code(complaints, err.code, path, 0, "%s", err.text);
    buf_free(&text);
    return root;
}

static const char *what_to_do(const char *error)
{
    if (strcmp(error, "syntax error") == 0)
        return "; it may begin on the line before: a setting ends with ;, a string stands in "
               "\"quotes\"";
    if (strcmp(error, "duplicate setting name") == 0)
        return "; its group has this name already, rename one or leave it out";
    return "";
}

const struct conf *conf_parse(struct arena *arena, const char *file, const char *text, size_t n,
                              struct complaints *complaints)
{
    struct confscan scan;
    file = arena_strdup(arena, file);
    if (!confscan_run(&scan, arena, file, text, n, complaints))
        return NULL;
    struct conf *root = NULL;
    config_t config;
    config_init(&config);
    if (config_read_string(&config, arena_strndup(arena, text, n))) {
        struct copying copying = {.arena = arena, .file = file, .scan = &scan};
        root = arena_alloc(arena, sizeof *root);
        copy_setting(&copying, config_root_setting(&config), root);
        root->line = 1; /* where what is missing is complained about */
    } else {
        complain(complaints, SEVERITY_ERROR, file, config_error_line(&config), "%s%s",
                 config_error_text(&config), what_to_do(config_error_text(&config)));
    }
    config_destroy(&config);
    return root;
}

static const char *remedy_of(int failed)
{
    if (failed == EACCES)
        return "let cdcd's user read it";
    if (failed == EISDIR)
        return "name a file, or FOLDER/*.cfg";
    return "correct the path, or make the file";
}

/* The whole file, which may be a pipe. */
static int read_all(const char *path, struct buf *into, struct err *err)
{
    ssize_t n = -1;
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    while (fd >= 0 && into->len <= CONF_MAX_BYTES) {
        n = read(fd, buf_room(into, 65536), 65536);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            break;
        into->len += (size_t)n;
    }
    int failed = n < 0 ? errno : 0;
    if (fd >= 0)
        close(fd);
    if (failed)
        return err_set(err, failed == EACCES ? EX_NOPERM : EX_NOINPUT, "cannot be read: %s; %s",
                       strerror(failed), remedy_of(failed));
    if (into->len > CONF_MAX_BYTES)
        return err_set(err, EX_CONFIG, "is larger than 16 MB; is it the right file?");
    return 0;
}

static enum conf_type type_of(const config_setting_t *setting)
{
    switch (config_setting_type(setting)) {
    case CONFIG_TYPE_GROUP:
        return CONF_GROUP;
    case CONFIG_TYPE_ARRAY:
        return CONF_ARRAY;
    case CONFIG_TYPE_LIST:
        return CONF_LIST;
    case CONFIG_TYPE_STRING:
        return CONF_STRING;
    case CONFIG_TYPE_FLOAT:
        return CONF_FLOAT;
    case CONFIG_TYPE_BOOL:
        return CONF_BOOL;
    default:
        return CONF_INT;
    }
}

static void copy_children(struct copying *copying, const config_setting_t *from, struct conf *to)
{
    int n = config_setting_length(from);
    struct conf *children = arena_alloc(copying->arena, (size_t)n * sizeof *children);
    for (int i = 0; i < n; i++)
        copy_setting(copying, config_setting_get_elem(from, (unsigned)i), &children[i]);
    to->children = children;
    to->n_children = (unsigned)n;
}

/* The element's own line; the scan saw as many elements as libconfig, unless libconfig joined two
 * strings, and then that was said. */
static int element_line(struct copying *copying, const config_setting_t *from)
{
    unsigned i = copying->n_seen++;
    if (i < copying->scan->n_elements)
        return copying->scan->element_lines[i];
    return (int)config_setting_source_line(from);
}

static void copy_setting(struct copying *copying, const config_setting_t *from, struct conf *to)
{
    const char *name = config_setting_name(from);
    to->name = name ? arena_strdup(copying->arena, name) : NULL;
    to->file = copying->file;
    to->type = type_of(from);
    if (name || config_setting_is_root(from))
        to->line = (int)config_setting_source_line(from);
    else
        to->line = element_line(copying, from);
    switch (to->type) {
    case CONF_GROUP:
    case CONF_ARRAY:
    case CONF_LIST:
        copy_children(copying, from, to);
        break;
    case CONF_STRING:
        to->text = arena_strdup(copying->arena, config_setting_get_string(from));
        break;
    case CONF_INT:
        to->number = config_setting_get_int64(from);
        break;
    case CONF_FLOAT:
        to->real = config_setting_get_float(from);
        break;
    case CONF_BOOL:
        to->number = config_setting_get_bool(from);
        break;
    }
}

const struct conf *conf_member(const struct conf *group, const char *name)
{
    for (unsigned i = 0; group && i < group->n_children; i++)
        if (group->children[i].name && strcmp(group->children[i].name, name) == 0)
            return &group->children[i];
    return NULL;
}

const char *conf_type_name(enum conf_type type)
{
    static const char *const names[] = {
        [CONF_GROUP] = "a group",      [CONF_ARRAY] = "an array", [CONF_LIST] = "a list",
        [CONF_STRING] = "a string",    [CONF_INT] = "a number",   [CONF_FLOAT] = "a number",
        [CONF_BOOL] = "true or false",
    };
    return names[type];
}
