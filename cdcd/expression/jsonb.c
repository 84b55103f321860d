/* jsonb's text: read into a tree, whose objects are sorted, and written again. */
#include "expression/json.h"

#include "base/mem.h"
#include "expression/numeric.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char TOO_LONG[] = "a jsonb too long";

struct node {
    enum json_kind kind;
    struct text text;      /* of scalars; of a string what it says */
    struct member *member; /* of arrays and objects */
    uint32_t n;
};

struct member {
    struct text key;
    uint32_t place; /* as it was written */
    struct node node;
    struct member *next; /* while reading, backwards */
};

struct tree {
    struct json json;
    size_t number_bytes; /* 1e131071 is short to write and long to say */
};

static const char *read_node(struct tree *tree, struct node *node);

static const char *read_number(struct tree *tree, struct node *node)
{
    struct text text;
    const struct numeric *number = NULL;
    const char *error = json_value(&tree->json, &text);
    if (!error)
        error = numeric_read(text, tree->json.arena, &number);
    if (error)
        return error;
    node->text = numeric_write(number, tree->json.arena);
    tree->number_bytes += node->text.len;
    return tree->number_bytes > CATALOG_MAX_BYTES ? TOO_LONG : NULL;
}

/* Shorter keys first: that is jsonb's order. */
static int order_keys(struct text left, struct text right)
{
    if (left.len != right.len)
        return left.len < right.len ? -1 : 1;
    return left.len ? memcmp(left.bytes, right.bytes, left.len) : 0;
}

static int order_members(const void *left, const void *right)
{
    const struct member *a = left, *b = right;
    int order = order_keys(a->key, b->key);
    return order ? order : a->place > b->place ? 1 : -1;
}

/* Of equal keys the last one written stays. */
static void sort_members(struct node *node)
{
    uint32_t kept = 0;
    qsort(node->member, node->n, sizeof *node->member, order_members);
    for (uint32_t i = 0; i < node->n; i++) {
        if (i + 1 == node->n || order_keys(node->member[i].key, node->member[i + 1].key) != 0)
            node->member[kept++] = node->member[i];
    }
    node->n = kept;
}

static const char *read_members(struct tree *tree, struct node *node)
{
    const char *error = json_enter(&tree->json);
    struct member *last = NULL;
    bool more = true;
    for (uint32_t n = 0; !error;) {
        struct text key = {0};
        error = node->kind == JSON_OBJECT ? json_member(&tree->json, &n, &more, &key)
                                          : json_element(&tree->json, &n, &more);
        if (error || !more)
            break;
        struct member *member = arena_alloc(tree->json.arena, sizeof *member);
        *member = (struct member){.key = key, .place = n, .next = last};
        last = member;
        node->n = n;
        error = read_node(tree, &member->node);
    }
    if (error || !node->n)
        return error;
    node->member = arena_alloc(tree->json.arena, node->n * sizeof *node->member);
    for (uint32_t i = node->n; i-- > 0; last = last->next)
        node->member[i] = *last;
    if (node->kind == JSON_OBJECT)
        sort_members(node);
    return NULL;
}

static const char *read_node(struct tree *tree, struct node *node)
{
    node->kind = json_next(&tree->json);
    switch (node->kind) {
    case JSON_NULL:
    case JSON_BOOL:
        return json_value(&tree->json, &node->text);
    case JSON_NUMBER:
        return read_number(tree, node);
    case JSON_STRING:
        return json_read_string(&tree->json, &node->text);
    case JSON_ARRAY:
    case JSON_OBJECT:
        break;
    }
    return read_members(tree, node);
}

/* Without bytes it measures. */
struct out {
    char *bytes;
    size_t len;
};

static void put(struct out *out, const char *bytes, size_t n)
{
    if (out->bytes && n)
        memcpy(out->bytes + out->len, bytes, n);
    out->len += n;
}

static void put_escaped(struct out *out, unsigned char c)
{
    static const char NAMES[] = "bfnrt\"\\", BYTES[] = "\b\f\n\r\t\"\\";
    char escape[8] = "\\";
    const char *found = memchr(BYTES, c, sizeof BYTES - 1);
    if (found)
        escape[1] = NAMES[found - BYTES];
    else
        snprintf(escape, sizeof escape, "\\u%04x", c);
    put(out, escape, found ? 2 : 6);
}

static void put_string(struct out *out, struct text text)
{
    put(out, "\"", 1);
    uint32_t begin = 0;
    for (uint32_t i = 0; i < text.len; i++) {
        unsigned char c = (unsigned char)text.bytes[i];
        if (c >= 0x20 && c != '"' && c != '\\')
            continue;
        put(out, text.bytes + begin, i - begin);
        put_escaped(out, c);
        begin = i + 1;
    }
    put(out, text.bytes + begin, text.len - begin);
    put(out, "\"", 1);
}

static void put_node(struct out *out, const struct node *node)
{
    bool object = node->kind == JSON_OBJECT;
    if (node->kind == JSON_STRING) {
        put_string(out, node->text);
        return;
    }
    if (!object && node->kind != JSON_ARRAY) {
        put(out, node->text.bytes, node->text.len);
        return;
    }
    put(out, object ? "{" : "[", 1);
    for (uint32_t i = 0; i < node->n; i++) {
        put(out, ", ", i ? 2 : 0);
        if (object) {
            put_string(out, node->member[i].key);
            put(out, ": ", 2);
        }
        put_node(out, &node->member[i].node);
    }
    put(out, object ? "}" : "]", 1);
}

const char *jsonb_normalise(struct text text, struct arena *arena, struct text *result)
{
    *result = text;
    if (jsonb_is_normal(text))
        return NULL;
    struct tree tree = {.json = json_make(text, true, arena)};
    struct node root = {0};
    const char *error = read_node(&tree, &root);
    if (!error)
        error = json_end(&tree.json);
    if (error)
        return error;
    struct out out = {0};
    put_node(&out, &root);
    if (out.len > CATALOG_MAX_BYTES)
        return TOO_LONG;
    out.bytes = arena_alloc(arena, out.len);
    out.len = 0;
    put_node(&out, &root);
    *result = (struct text){out.bytes, (uint32_t)out.len};
    return NULL;
}
