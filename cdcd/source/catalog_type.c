#include "source/catalog_type.h"

#include "base/mem.h"
#include "source/catalog_row.h"

#include <stdlib.h>
#include <string.h>

/* Types that are not the same in every database. Domains are followed to what they are made of: so
 * does PostgreSQL when it looks for an operator or a cast. Of an enum it finds no operator then,
 * so that such a domain is a type by itself. A cast to text that is a function may
 * give another text than the one that is sent. */
static const char types_sql[] =
    " attributes AS MATERIALIZED ("
    "  SELECT f.n, a.attrelid, a.attnum, a.attnotnull, a.attname, a.atttypid, a.atttypmod,"
    "         a.attstorage, CASE WHEN a.attcollation >= 16384 THEN"
    "           (SELECT l.collname FROM pg_collation l WHERE l.oid = a.attcollation"
    "               AND to_jsonb(l) ->> 'collisdeterministic' = 'false') END AS folding"
    "    FROM found f JOIN pg_attribute a ON a.attrelid = f.oid"
    "   WHERE a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated IN ('', $5::\"char\")),"
    " used AS MATERIALIZED ("
    "  SELECT atttypid AS type, min(n * 10000 + attnum) AS first FROM attributes"
    "   WHERE atttypid >= 10000 GROUP BY 1),"
    " layers AS ("
    "  SELECT u.first, t.oid AS type, t.oid AS base, t.typtype, t.typbasetype, t.typtypmod, -1 AS "
    "typmod"
    "    FROM used u JOIN pg_type t ON t.oid = u.type"
    "  UNION ALL"
    "  SELECT l.first, l.type, t.oid, t.typtype, t.typbasetype, t.typtypmod, l.typtypmod"
    "    FROM layers l JOIN pg_type t ON t.oid = l.typbasetype WHERE l.typtype = 'd'),"
    " types AS MATERIALIZED ("
    "  SELECT l.first, l.type, d.base, l.typmod, format_type(d.base, NULL) AS name,"
    "         CASE WHEN b.typtype = 'c' THEN 'row' WHEN b.typtype = 'e' AND d.base = l.base THEN "
    "'enum' WHEN e.typtype = 'e' THEN "
    "'enums' END AS kind,"
    "         NOT EXISTS (SELECT FROM pg_cast c"
    "                      WHERE c.castsource = l.base AND c.casttarget IN (25, 1042, 1043)"
    "                        AND (c.castmethod = 'f'"
    "                             OR (c.castmethod = 'b' AND NOT EXISTS ("
    "                                 SELECT FROM pg_proc o WHERE o.oid = b.typoutput"
    "                                    AND o.prosrc = 'textout' AND o.prolang = 12))))"
    "           AS casts_to_text,"
    "         (SELECT CASE WHEN NOT bool_or(m.enumlabel ~ E'\n')"
    "                      THEN string_agg(m.enumlabel, E'\n' ORDER BY m.enumsortorder) END"
    "            FROM pg_enum m WHERE m.enumtypid IN (l.base, e.oid)) AS labels"
    "    FROM layers l JOIN pg_type b ON b.oid = l.base"
    "   CROSS JOIN LATERAL (SELECT CASE b.typtype WHEN 'e' THEN l.type ELSE l.base END AS base) d"
    "    LEFT JOIN pg_type e ON e.oid = b.typelem AND e.typarray = b.oid"
    "   WHERE l.typtype <> 'd')";

const char *catalog_type_sql(void)
{
    return types_sql;
}

/* Lines into an array that NULL ends. */
static const char *const *read_labels(struct arena *arena, const char *lines)
{
    unsigned n = 2;
    for (const char *at = lines; *at; at++)
        n += *at == '\n';
    const char **labels = arena_alloc(arena, n * sizeof *labels);
    for (n = 0; *lines; n++) {
        size_t len = strcspn(lines, "\n");
        labels[n] = arena_strndup(arena, lines, len);
        lines += len + (lines[len] == '\n');
    }
    return labels;
}

static enum own_equality equality_of(struct row row)
{
    const char *kind = text_of(row, "kind");
    if (strcmp(kind, "row") == 0)
        return OWN_EQUALITY_ROW;
    if (strcmp(kind, "enum") == 0)
        return OWN_EQUALITY_ENUM;
    return strcmp(kind, "enums") == 0 ? OWN_EQUALITY_ENUMS : OWN_EQUALITY_ITS;
}

static struct types_entry entry_of(struct row row)
{
    return (struct types_entry){
        .oid = oid_of(row, "atttypid"),
        .base = oid_of(row, "base"),
        .typmod = atoi(text_of(row, "typmod")),
    };
}

void catalog_type_learn(struct catalog *catalog, const PGresult *result, int number)
{
    struct row row = {result, number};
    if (is_null(row, "base"))
        return;
    struct types_entry entry = entry_of(row);
    struct own_type own = {
        .name = text_of(row, "type_name"),
        .equality = equality_of(row),
        .casts_to_text = text_of(row, "casts_to_text")[0] == 't',
    };
    if (!is_null(row, "labels"))
        own.labels = read_labels(catalog->arena, text_of(row, "labels"));
    if (entry.base >= TYPES_FIRST_OWN_OID)
        entry.own = &own;
    types_add(catalog->types, &entry);
}

/* Texts that a collation makes equal are not compared here, as if their type were another. */
static const struct own_type *folded(struct catalog *catalog, struct row row)
{
    struct own_type *own = arena_alloc(catalog->arena, sizeof *own);
    own->name = arena_printf(catalog->arena, "text COLLATE %s", text_of(row, "folding"));
    return own;
}

void catalog_type_set(struct catalog *catalog, const PGresult *result, int number,
                      struct column *column)
{
    struct row row = {result, number};
    types_resolve(catalog->types, column);
    if (!is_null(row, "folding"))
        column->own = folded(catalog, row);
}
