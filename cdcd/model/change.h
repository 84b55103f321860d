/* What a source says: relations, changes of their rows, and which transactions can be seen.
 *
 * All of it is lent for the call in which it is given, and points into the source's read buffer.
 * A row is an array of values in the order of its relation's columns. */
#ifndef CDCD_MODEL_CHANGE_H
#define CDCD_MODEL_CHANGE_H

#include <stdbool.h>
#include <stdint.h>

enum value_kind {
    VALUE_ABSENT,    /* not sent: the table's replica identity does not carry it */
    VALUE_NULL,      /* SQL NULL */
    VALUE_UNCHANGED, /* large, not touched by the UPDATE, and not sent */
    VALUE_TEXT,      /* PostgreSQL's text of it */
};

struct value {
    const char *text; /* with VALUE_TEXT; len bytes, no NUL among or after them */
    uint32_t len;
    enum value_kind kind;
};

/* What says whether two values of a type are equal. */
enum own_equality {
    OWN_EQUALITY_ITS,   /* operators of its own; of no use here */
    OWN_EQUALITY_ROW,   /* those of its fields: a composite type, of which IS NULL asks each */
    OWN_EQUALITY_ENUM,  /* their texts: it is an enum */
    OWN_EQUALITY_ENUMS, /* their texts: an array of an enum */
};

/* A type that a database has made itself; of one of PostgreSQL's, when a collation makes texts
 * equal that are not the same. */
struct own_type {
    const char *name; /* as SQL writes it */
    enum own_equality equality;
    bool casts_to_text;        /* a cast to text gives the text that is sent */
    const char *const *labels; /* of the enum, ended by NULL. NULL: not known, as in a stream */
};

struct column {
    const char *name;
    uint32_t type; /* oid; of a domain that of what it is made of, where that is known */
    int32_t typmod;
    bool in_identity; /* its old value is sent with an UPDATE that moves the row, and a DELETE */
    const struct own_type *own; /* NULL: the type is PostgreSQL's, or nothing is known of it */
};

/* A unique index whose columns are never NULL, so that it could be the replica identity. */
struct relation_index {
    const char *name_sql; /* as SQL writes it, without its schema */
    const bool *holds;    /* by column */
    unsigned n_columns;
};

/* Columns that a table has and its source does not give. */
struct left_out {
    const char *const *names;
    unsigned n;
    const char *where;  /* what they are not, as in "watched" */
    const char *remedy; /* the SQL after which they are given */
};

struct relation {
    uint32_t oid;
    uint64_t version; /* a number that no other definition of any relation has had */
    const char *schema;
    const char *name;
    unsigned n_columns;
    const struct column *columns;
    /* From a catalog alone; NULL and 0 otherwise. */
    const bool *not_null; /* by column */
    const bool *large;    /* by column: it may be stored out of line, and an UPDATE that leaves it
                             does not send it then */
    const struct relation_index *indexes;
    unsigned n_indexes;
    bool partitioned;        /* each partition has an identity of its own */
    bool updates_of_these;   /* an UPDATE that leaves all these columns as they were is not given */
    const char *updates_sql; /* with it: the SQL after which that is given too */
    struct left_out left_out;
};

enum change_op { CHANGE_INSERT, CHANGE_UPDATE, CHANGE_DELETE, CHANGE_TRUNCATE };

enum image { IMAGE_OLD, IMAGE_NEW };

struct change {
    enum change_op op;
    const struct relation *relation;
    const struct value *old_row; /* NULL when none was sent */
    const struct value *new_row; /* NULL with DELETE and TRUNCATE */
};

/* A column's value in one image of a change that has that image (no old one in an INSERT, no new
 * one in a DELETE, none in a TRUNCATE). An UPDATE for which the source sent no old row left the
 * identity's columns as they were, and of the others it says nothing. */
struct value change_value(const struct change *change, enum image image, unsigned column);

/* Which transactions a new query of the primary sees; pg_current_snapshot(). */
struct snapshot {
    uint64_t xmax;           /* the first that was not begun */
    const uint64_t *running; /* those before xmax that have not ended */
    unsigned n_running;
};

/* xid is the 32 bits that the stream gives of it. */
bool snapshot_sees(const struct snapshot *snapshot, uint32_t xid);

const char *change_op_name(enum change_op op);

#endif
