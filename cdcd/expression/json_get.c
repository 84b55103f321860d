/* Functions of json and jsonb: -> and ->>, equality, casts. */
#include "expression/calls.h"
#include "expression/json.h"
#include "expression/numeric.h"

#include "base/mem.h"

#include <string.h>

static bool same(struct text left, struct text right)
{
    return left.len == right.len && !memcmp(left.bytes, right.bytes, left.len);
}

/* The whole is read, for PostgreSQL does so too: of keys that stand in a json twice the last
 * counts, and a string anywhere that cannot be decoded is an error. */
static const char *find_key(struct json *json, struct text wanted, struct text *found)
{
    const char *error = json_enter(json);
    bool more = true;
    for (uint32_t n = 0; !error && more;) {
        struct text key, value;
        error = json_member(json, &n, &more, &key);
        if (error || !more)
            break;
        error = json_value(json, &value);
        if (same(key, wanted))
            *found = value;
    }
    return error;
}

static const char *find_element(struct json *json, int64_t wanted, struct text *found,
                                int64_t *n_elements)
{
    const char *error = json_enter(json);
    bool more = true;
    for (uint32_t n = 0; !error && more;) {
        struct text value;
        error = json_element(json, &n, &more);
        *n_elements = n - 1;
        if (error || !more)
            break;
        error = json_value(json, &value);
        if (n - 1 == wanted)
            *found = value;
    }
    return error;
}

static const char *get_key(struct call *call, struct text *found)
{
    struct json json = json_make(call->args[0].text, true, call->arena);
    if (json_next(&json) == JSON_OBJECT)
        return find_key(&json, call->args[1].text, found);
    return json_value(&json, &(struct text){0});
}

static const char *get_element(struct call *call, struct text *found)
{
    struct json json = json_make(call->args[0].text, true, call->arena);
    int64_t wanted = call->args[1].integer, n = 0;
    enum json_kind kind = json_next(&json);
    if (kind == JSON_ARRAY) {
        struct json again = json;
        const char *error = find_element(&json, wanted, found, &n);
        if (!error && wanted < 0 && wanted >= -n)
            error = find_element(&again, wanted + n, found, &n);
        return error;
    }
    struct text value;
    const char *error = json_value(&json, &value);
    /* a jsonb that is a scalar is kept as an array of one */
    if (call->types[0] == TYPE_JSONB && kind != JSON_OBJECT && (wanted == 0 || wanted == -1))
        *found = value;
    return error;
}

static const char *give(struct call *call, const char *error, struct text found, bool as_text)
{
    if (error)
        return error;
    struct json json = json_make(found, true, call->arena);
    enum json_kind kind = json_next(&json);
    if (!found.bytes || (as_text && kind == JSON_NULL)) {
        call->result->kind = DATUM_NULL;
        return NULL;
    }
    if (as_text && kind == JSON_STRING)
        return json_read_string(&json, &call->result->text);
    call->result->text = found;
    return NULL;
}

const char *json_by_key(struct call *call)
{
    struct text found = {0};
    const char *error = get_key(call, &found);
    return give(call, error, found, false);
}

const char *json_text_by_key(struct call *call)
{
    struct text found = {0};
    const char *error = get_key(call, &found);
    return give(call, error, found, true);
}

const char *json_by_index(struct call *call)
{
    struct text found = {0};
    const char *error = get_element(call, &found);
    return give(call, error, found, false);
}

const char *json_text_by_index(struct call *call)
{
    struct text found = {0};
    const char *error = get_element(call, &found);
    return give(call, error, found, true);
}

/* The number or string that begins here; any other byte stands for itself. */
static const char *token(struct scan *scan, struct text *token)
{
    const char *begin = scan->at;
    struct json json = {.scan = *scan};
    const char *error = NULL;
    if (*begin == '"')
        error = json_read_string(&json, token);
    else if (*begin == '-' || scan_is_digit(scan))
        error = json_value(&json, token);
    else
        json.scan.at++;
    *scan = json.scan;
    *token = (struct text){begin, (uint32_t)(scan->at - begin)};
    return error;
}

static const char *same_numbers(struct text left, struct text right, struct arena *arena,
                                bool *equal)
{
    const struct numeric *a, *b;
    const char *error = numeric_read(left, arena, &a);
    if (!error)
        error = numeric_read(right, arena, &b);
    *equal = !error && numeric_order(a, b) == 0;
    return error;
}

/* Both are normalised, so that equal ones differ in how their numbers are written alone. */
static const char *compare(struct call *call, bool *equal)
{
    struct scan left = scan_make(call->args[0].text), right = scan_make(call->args[1].text);
    const char *error = NULL;
    *equal = true;
    while (!error && *equal && left.at < left.end && right.at < right.end) {
        bool number = *left.at != '"' && *right.at != '"';
        struct text a, b;
        error = token(&left, &a);
        if (!error)
            error = token(&right, &b);
        if (error)
            break;
        *equal = same(a, b);
        if (!*equal && number && (*a.bytes == '-' || (*a.bytes >= '0' && *a.bytes <= '9')) &&
            (*b.bytes == '-' || (*b.bytes >= '0' && *b.bytes <= '9')))
            error = same_numbers(a, b, call->arena, equal);
        if (!error && arena_bytes(call->arena) > CATALOG_MAX_MADE)
            error = "a jsonb too long to compare";
    }
    *equal = *equal && left.at == left.end && right.at == right.end;
    return error;
}

const char *jsonb_eq(struct call *call)
{
    return compare(call, &call->result->truth);
}

const char *jsonb_ne(struct call *call)
{
    const char *error = compare(call, &call->result->truth);
    call->result->truth = !call->result->truth;
    return error;
}

const char *jsonb_to_bool(struct call *call)
{
    struct json json = json_make(call->args[0].text, false, call->arena);
    if (json_next(&json) != JSON_BOOL)
        return "a jsonb that is no boolean";
    call->result->truth = *json.scan.at == 't';
    return NULL;
}

const char *jsonb_to_numeric(struct call *call)
{
    struct json json = json_make(call->args[0].text, false, call->arena);
    if (json_next(&json) != JSON_NUMBER)
        return "a jsonb that is no number";
    return numeric_read(call->args[0].text, call->arena, &call->result->numeric);
}

static const char *through_numeric(struct call *call, call_fn convert)
{
    static const enum type type = TYPE_NUMERIC;
    const char *error = jsonb_to_numeric(call);
    struct datum number = *call->result;
    struct call second = {call->arena, &number, &type, 1, call->result};
    return error ? error : convert(&second);
}

const char *jsonb_to_int2(struct call *call)
{
    return through_numeric(call, numeric_to_int2);
}

const char *jsonb_to_int4(struct call *call)
{
    return through_numeric(call, numeric_to_int4);
}

const char *jsonb_to_int8(struct call *call)
{
    return through_numeric(call, numeric_to_int8);
}

const char *jsonb_to_float4(struct call *call)
{
    return through_numeric(call, numeric_to_float4);
}

const char *jsonb_to_float8(struct call *call)
{
    return through_numeric(call, numeric_to_float8);
}
