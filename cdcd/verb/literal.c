#include "verb/literal.h"

#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>

#define OID_BOOL 16
#define OID_INT8 20
#define OID_INT4 23
#define OID_FLOAT8 701

static bool refuse(const struct conf *node, struct complaints *complaints)
{
    complain(complaints, SEVERITY_ERROR, node->file, node->line,
             "%s takes a number, a string, true or false, or () for NULL, and this is %s",
             node->name ? node->name : "an element", conf_type_name(node->type));
    return false;
}

bool literal_read(struct cell *cell, struct arena *arena, const struct conf *node,
                  struct complaints *complaints)
{
    const char *text = NULL;
    *cell = (struct cell){.column = node->name, .value.kind = VALUE_NULL};
    switch (node->type) {
    case CONF_GROUP:
        return refuse(node, complaints);
    case CONF_ARRAY:
    case CONF_LIST:
        return node->n_children == 0 || refuse(node, complaints);
    case CONF_STRING:
        text = node->text;
        cell->type = ROW_UNTYPED;
        break;
    case CONF_INT:
        text = arena_printf(arena, "%" PRId64, node->number);
        cell->type = node->number == (int32_t)node->number ? OID_INT4 : OID_INT8;
        break;
    case CONF_FLOAT:
        if (!isfinite(node->real))
            return refuse(node, complaints);
        text = literal_real(arena, node->real);
        cell->type = OID_FLOAT8;
        break;
    case CONF_BOOL:
        text = node->number ? "t" : "f";
        cell->type = OID_BOOL;
        break;
    }
    cell->value = (struct value){text, (uint32_t)strlen(text), VALUE_TEXT};
    return true;
}

bool literal_read_row(struct row *row, struct arena *arena, const struct conf *node,
                      struct complaints *complaints)
{
    bool good = true;
    if (node->type != CONF_GROUP) {
        complain(complaints, SEVERITY_ERROR, node->file, node->line,
                 "%s takes a group of columns, { id = 1; }, and this is %s",
                 node->name ? node->name : "a row", conf_type_name(node->type));
        return false;
    }
    *row = (struct row){.cells = arena_alloc(arena, (node->n_children + 1) * sizeof *row->cells)};
    for (unsigned i = 0; i < node->n_children; i++)
        good &= literal_read(&row->cells[row->n++], arena, &node->children[i], complaints);
    return good;
}

/* PostgreSQL writes an exponent below -4, and from 15 on. */
char *literal_real(struct arena *arena, double real)
{
    char text[32];
    int digits = 1;
    snprintf(text, sizeof text, "%.0e", real);
    while (digits < 17 && strtod(text, NULL) != real)
        snprintf(text, sizeof text, "%.*e", digits++, real);
    int exponent = atoi(strchr(text, 'e') + 1);
    if (exponent < -4 || exponent >= 15)
        return arena_strdup(arena, text);
    int decimals = digits - 1 - exponent;
    return arena_printf(arena, "%.*f", decimals > 0 ? decimals : 0, real);
}
