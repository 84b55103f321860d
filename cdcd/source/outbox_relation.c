#include "source/outbox_relation.h"

#include "base/mem.h"
#include "source/catalog.h"
#include "source/outbox_record.h"
#include "source/pgoutput.h"

#include <stdlib.h>
#include <string.h>
#include <uthash.h>

/* Tables come and go, and so do their columns: what is kept of each must not fill the memory. */
#define DEFINED_BYTES_MAX ((size_t)32 << 20)
#define DESCRIBED_BYTES_MAX ((size_t)32 << 20)
#define DEFINITIONS_MAX 16 /* of one table */

/* No type has this oid. Nothing is evaluated with it: as of a composite type, not even IS NULL. */
#define NOBODYS_TYPE UINT32_MAX

/* A table as the catalog describes it. With its columns, their types and all texts one block, that
 * is kept as long as relations are that were made of it. */
struct description {
    int64_t shape;
    bool updates_of_these;
    const char *updates_sql; /* with it */
    struct left_out left_out;
    unsigned n_columns;
    struct column *columns;
    size_t bytes;
};

/* A relation, and what it was made for. With its columns and all names one block. */
struct definition {
    struct outbox_relation its;
    struct definition *next;
    bool exists;
    int64_t shape;
    struct value schema;
    struct value name;
    struct value columns;
    bool guessed; /* a column's type is not known */
    size_t bytes;
};

struct table {
    uint32_t oid;
    struct description *description; /* NULL: the catalog has said nothing */
    struct definition *definitions;  /* the one that was found last is the first */
    UT_hash_handle hh;
};

struct outbox_relations {
    struct table *tables; /* by oid */
    size_t defined_bytes;
    size_t described_bytes;
    bool puzzled;
    bool settled; /* the catalog was asked because of what is found next */
    struct value names[OUTBOX_RECORD_MAX];
};

static const struct own_type nobodys = {.name = "that nobody knows", .equality = OWN_EQUALITY_ROW};

static struct definition *find_definition(struct table *table, const struct outbox_table *row);
static struct definition *define(struct outbox_relations *relations, const struct table *table,
                                 const struct outbox_table *row);
static void keep_definition(struct outbox_relations *relations, struct table *table,
                            struct definition *definition);
static void describe(struct outbox_relations *relations, const struct catalog_table *from);
static void forget_definitions(struct outbox_relations *relations, struct table *table);
static void forget_all_definitions(struct outbox_relations *relations);
static void forget_all(struct outbox_relations *relations);

struct outbox_relations *outbox_relations_make(void)
{
    return mem_alloc(sizeof(struct outbox_relations));
}

static struct table *find_table(const struct outbox_relations *relations, uint32_t oid)
{
    struct table *table;
    HASH_FIND(hh, relations->tables, &oid, sizeof oid, table);
    return table;
}

static struct table *need_table(struct outbox_relations *relations, uint32_t oid)
{
    struct table *table = find_table(relations, oid);
    if (table)
        return table;
    table = mem_alloc(sizeof *table);
    table->oid = oid;
    HASH_ADD(hh, relations->tables, oid, sizeof table->oid, table);
    return table;
}

struct outbox_relation *outbox_relations_find(struct outbox_relations *relations,
                                              const struct outbox_table *row)
{
    struct table *table = find_table(relations, row->oid);
    struct definition *found = table ? find_definition(table, row) : NULL;
    if (found)
        return &found->its;
    found = define(relations, table, row);
    if (found->guessed && row->exists && !relations->settled) {
        relations->puzzled = true;
        free(found);
        return NULL;
    }
    relations->settled = false;
    if (relations->defined_bytes > DEFINED_BYTES_MAX)
        forget_all_definitions(relations);
    keep_definition(relations, need_table(relations, row->oid), found);
    return &found->its;
}

void outbox_relations_learn(struct outbox_relations *relations, const struct catalog *catalog,
                            bool anew)
{
    if (anew || relations->described_bytes > DESCRIBED_BYTES_MAX)
        forget_all(relations);
    for (unsigned i = 0; i < catalog->n_tables; i++)
        if (catalog->tables[i].kind != TABLE_MISSING)
            describe(relations, &catalog->tables[i]);
    relations->settled = relations->puzzled;
    relations->puzzled = false;
}

void outbox_relations_start(struct outbox_relations *relations)
{
    relations->puzzled = relations->settled = false;
}

const struct relation *outbox_relations_last(const struct outbox_relations *relations, uint32_t oid)
{
    const struct table *table = find_table(relations, oid);
    return table && table->definitions ? &table->definitions->its.relation : NULL;
}

void outbox_relations_free(struct outbox_relations *relations)
{
    if (!relations)
        return;
    forget_all(relations);
    free(relations);
}

static bool same_value(const struct value *a, const struct value *b)
{
    return a->kind == b->kind && a->len == b->len &&
           (a->len == 0 || memcmp(a->text, b->text, a->len) == 0);
}

static bool is_of(const struct definition *definition, const struct outbox_table *row)
{
    return definition->shape == row->shape && definition->exists == row->exists &&
           same_value(&definition->columns, &row->columns) &&
           same_value(&definition->name, &row->name) &&
           same_value(&definition->schema, &row->schema);
}

/* What is found becomes the first. */
static struct definition *find_definition(struct table *table, const struct outbox_table *row)
{
    struct definition **at = &table->definitions;
    while (*at && !is_of(*at, row))
        at = &(*at)->next;
    struct definition *found = *at;
    if (!found)
        return NULL;
    *at = found->next;
    found->next = table->definitions;
    table->definitions = found;
    return found;
}

/* Copies the text, with a NUL, to where *to points, and lets that point behind it. */
static struct value copy_value(char **to, const struct value *from)
{
    struct value copy = {.text = *to, .len = from->len, .kind = from->kind};
    if (from->len)
        memcpy(*to, from->text, from->len);
    (*to)[from->len] = '\0';
    *to += from->len + 1;
    return copy;
}

static const char *copy_str(char **to, const char *from)
{
    struct value value = {from, (uint32_t)strlen(from), VALUE_TEXT};
    return copy_value(to, &value).text;
}

static const struct column *column_of(const struct description *description, const char *name)
{
    for (unsigned i = 0; description && i < description->n_columns; i++)
        if (strcmp(description->columns[i].name, name) == 0)
            return &description->columns[i];
    return NULL;
}

static struct column column_named(struct definition *definition,
                                  const struct description *description, const char *name)
{
    const struct column *known = column_of(description, name);
    struct column column = {.type = NOBODYS_TYPE, .typmod = -1, .own = &nobodys};
    if (known)
        column = *known;
    else
        definition->guessed = true;
    column.name = name;
    column.in_identity = true;
    return column;
}

/* The columns that a row has values of, in its order. Those without a name, and those of which it
 * has a name that could not be written, are left out. */
static void take_columns(struct definition *definition, const struct description *description,
                         const struct value *names, unsigned n, char *text)
{
    struct column *columns = (struct column *)(definition + 1);
    bool *kept = (bool *)(columns + n);
    for (unsigned i = 0; i < n; i++) {
        kept[i] = names[i].kind == VALUE_TEXT && names[i].len > 0;
        if (!kept[i])
            continue;
        const char *name = copy_value(&text, &names[i]).text;
        columns[definition->its.relation.n_columns++] = column_named(definition, description, name);
    }
    definition->its.kept = kept;
    definition->its.n_fields = n;
}

/* Without values: the columns that the table has. */
static void take_all_columns(struct definition *definition, const struct description *description,
                             char *text)
{
    struct column *columns = (struct column *)(definition + 1);
    definition->guessed = !description;
    if (!description)
        return;
    for (unsigned i = 0; i < description->n_columns; i++) {
        columns[i] =
            column_named(definition, description, copy_str(&text, description->columns[i].name));
    }
    definition->its.relation.n_columns = description->n_columns;
}

/* Names as they are written: what they are copied to has room for as many bytes, and a NUL each. */
static size_t bytes_of(const struct description *description, const struct outbox_table *row,
                       unsigned n)
{
    size_t texts = row->schema.len + row->name.len + row->columns.len + 3;
    size_t columns = n ? n : description ? description->n_columns : 0;
    size_t names = n ? row->columns.len + n : description ? description->bytes : 0;
    return sizeof(struct definition) + columns * (sizeof(struct column) + sizeof(bool)) + texts +
           names;
}

static struct definition *define(struct outbox_relations *relations, const struct table *table,
                                 const struct outbox_table *row)
{
    const struct description *description = table ? table->description : NULL;
    char *room = mem_alloc(row->columns.len);
    unsigned n = outbox_record_parse(row->columns.text, row->columns.len, room, relations->names);
    if (description && !(row->exists && row->shape == description->shape))
        description = NULL;
    size_t bytes = bytes_of(description, row, n);
    struct definition *definition = mem_alloc(bytes);
    unsigned n_columns = n ? n : description ? description->n_columns : 0;
    char *text = (char *)(definition + 1) + n_columns * (sizeof(struct column) + sizeof(bool));
    definition->exists = row->exists;
    definition->shape = row->shape;
    definition->bytes = bytes;
    definition->schema = copy_value(&text, &row->schema);
    definition->name = copy_value(&text, &row->name);
    definition->columns = copy_value(&text, &row->columns);
    definition->its.relation = (struct relation){
        .oid = row->oid,
        .version = pgoutput_next_version(),
        .schema = definition->schema.text,
        .name = definition->name.text,
        .columns = (struct column *)(definition + 1),
        .updates_of_these = description && description->updates_of_these,
    };
    if (description) {
        definition->its.relation.updates_sql = description->updates_sql;
        definition->its.relation.left_out = description->left_out;
    }
    if (n)
        take_columns(definition, description, relations->names, n, text);
    else
        take_all_columns(definition, description, text);
    free(room);
    return definition;
}

static void keep_definition(struct outbox_relations *relations, struct table *table,
                            struct definition *definition)
{
    struct definition **last = &table->definitions;
    unsigned n = 1;
    definition->next = table->definitions;
    table->definitions = definition;
    relations->defined_bytes += definition->bytes;
    while (*last && n++ <= DEFINITIONS_MAX)
        last = &(*last)->next;
    for (struct definition *old = *last, *next; old; old = next) {
        next = old->next;
        relations->defined_bytes -= old->bytes;
        free(old);
    }
    *last = NULL;
}

static size_t bytes_of_texts(const struct relation *relation)
{
    const struct left_out *left_out = &relation->left_out;
    size_t bytes = relation->updates_sql ? strlen(relation->updates_sql) + 1 : 0;
    for (unsigned i = 0; i < relation->n_columns; i++) {
        const struct column *column = &relation->columns[i];
        bytes += strlen(column->name) + 1;
        bytes += column->own ? strlen(column->own->name) + 1 : 0;
    }
    for (unsigned i = 0; i < left_out->n; i++)
        bytes += strlen(left_out->names[i]) + 1;
    if (left_out->n)
        bytes += strlen(left_out->where) + strlen(left_out->remedy) + 2;
    return bytes;
}

/* The names go where there is room for as many. */
static struct left_out copy_left_out(char **to, const char **names, const struct left_out *from)
{
    for (unsigned i = 0; i < from->n; i++)
        names[i] = copy_str(to, from->names[i]);
    if (from->n == 0)
        return (struct left_out){0};
    return (struct left_out){.names = names,
                             .n = from->n,
                             .where = copy_str(to, from->where),
                             .remedy = copy_str(to, from->remedy)};
}

static struct description *describe_table(const struct catalog_table *from)
{
    const struct relation *relation = &from->relation;
    unsigned n = relation->n_columns;
    size_t fixed = sizeof(struct description) +
                   n * (sizeof(struct column) + sizeof(struct own_type)) +
                   relation->left_out.n * sizeof(char *);
    size_t bytes = fixed + bytes_of_texts(relation);
    struct description *description = mem_alloc(bytes);
    struct column *columns = (struct column *)(description + 1);
    struct own_type *own = (struct own_type *)(columns + n);
    const char **left_out = (const char **)(own + n);
    char *text = (char *)description + fixed;
    for (unsigned i = 0; i < n; i++, own++) {
        columns[i] = relation->columns[i];
        columns[i].name = copy_str(&text, columns[i].name);
        if (!columns[i].own)
            continue;
        *own = *columns[i].own;
        own->name = copy_str(&text, own->name);
        own->labels = NULL; /* the database may add some at any time */
        columns[i].own = own;
    }
    description->shape = from->shape;
    description->updates_of_these = relation->updates_of_these;
    if (relation->updates_sql)
        description->updates_sql = copy_str(&text, relation->updates_sql);
    description->left_out = copy_left_out(&text, left_out, &relation->left_out);
    description->columns = columns;
    description->n_columns = n;
    description->bytes = bytes;
    return description;
}

static bool same_type(const struct column *a, const struct column *b)
{
    if (a->type != b->type || a->typmod != b->typmod || !a->own != !b->own)
        return false;
    return !a->own ||
           (strcmp(a->own->name, b->own->name) == 0 && a->own->equality == b->own->equality &&
            a->own->casts_to_text == b->own->casts_to_text);
}

static bool same_text(const char *a, const char *b)
{
    return a && b ? strcmp(a, b) == 0 : a == b;
}

/* Of one shape, those that give the same columns leave out the same. */
static bool same_description(const struct description *a, const struct description *b)
{
    if (a->shape != b->shape || a->updates_of_these != b->updates_of_these ||
        a->n_columns != b->n_columns || !same_text(a->updates_sql, b->updates_sql) ||
        !same_text(a->left_out.remedy, b->left_out.remedy))
        return false;
    for (unsigned i = 0; i < a->n_columns; i++)
        if (strcmp(a->columns[i].name, b->columns[i].name) != 0 ||
            !same_type(&a->columns[i], &b->columns[i]))
            return false;
    return true;
}

/* What has changed makes relations anew, which then have another version. */
static void describe(struct outbox_relations *relations, const struct catalog_table *from)
{
    struct table *table = need_table(relations, from->relation.oid);
    struct description *description = describe_table(from);
    if (table->description && same_description(table->description, description)) {
        free(description);
        return;
    }
    forget_definitions(relations, table);
    relations->described_bytes += description->bytes;
    if (table->description)
        relations->described_bytes -= table->description->bytes;
    free(table->description);
    table->description = description;
}

static void forget_definitions(struct outbox_relations *relations, struct table *table)
{
    for (struct definition *old = table->definitions, *next; old; old = next) {
        next = old->next;
        relations->defined_bytes -= old->bytes;
        free(old);
    }
    table->definitions = NULL;
}

/* Tables that nothing else is known of go with them. */
static void forget_all_definitions(struct outbox_relations *relations)
{
    struct table *table, *next;
    HASH_ITER (hh, relations->tables, table, next) {
        forget_definitions(relations, table);
        if (table->description)
            continue;
        HASH_DELETE(hh, relations->tables, table);
        free(table);
    }
}

static void forget_all(struct outbox_relations *relations)
{
    struct table *table, *next;
    HASH_ITER (hh, relations->tables, table, next) {
        HASH_DELETE(hh, relations->tables, table);
        forget_definitions(relations, table);
        free(table->description);
        free(table);
    }
    relations->described_bytes = 0;
}
