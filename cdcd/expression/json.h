/* JSON's text: reading it element by element. Private to expression/. RFC 8259, as PostgreSQL reads
 * it.
 *
 * A json is read from its start; what it gives is lent from the text. The functions return the
 * error, after which nothing more can be read. */
#ifndef CDCD_EXPRESSION_JSON_H
#define CDCD_EXPRESSION_JSON_H

#include "expression/scan.h"

/* PostgreSQL's own limit hangs on its stack's size; documents of people are far from either. */
#define JSON_MAX_DEPTH 500

struct json {
    struct scan scan;
    struct arena *arena; /* holds decoded strings; NULL when none are made */
    int depth;
    bool decode; /* strings are decoded, so escapes of no character are errors */
};

enum json_kind { JSON_NULL, JSON_BOOL, JSON_NUMBER, JSON_STRING, JSON_ARRAY, JSON_OBJECT };

struct json json_make(struct text text, bool decode, struct arena *arena);
/* What comes next, after spaces; by its first byte alone. */
enum json_kind json_next(struct json *json);
/* Reads one value. *value is its text, without the spaces around it. */
const char *json_value(struct json *json, struct text *value);
/* Reads a string; with decode *text is what it says, else what stands between the quotes. */
const char *json_read_string(struct json *json, struct text *text);
/* Goes into an array or object, which json_next has seen. */
const char *json_enter(struct json *json);
/* The next element; *more is false at the end, which is read. Begin with n at 0. */
const char *json_element(struct json *json, uint32_t *n, bool *more);
/* The same in an object: the key and the colon are read. */
const char *json_member(struct json *json, uint32_t *n, bool *more, struct text *key);
/* Nothing but spaces may follow. */
const char *json_end(struct json *json);

/* True when jsonb has the text as it stands; false when it has not, or when that takes more to
 * tell. */
bool jsonb_is_normal(struct text text);
/* The text as jsonb has it: spaces, order of keys, numbers. */
const char *jsonb_normalise(struct text text, struct arena *arena, struct text *result);

#endif
