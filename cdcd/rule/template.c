#include "rule/template_part.h"

#include "rule/jsontext.h"

#include <string.h>

/* No store has longer keys: Redis takes texts of 512 MB, and a prefix has at most a file's 16. */
#define MOST_BYTES ((size_t)480 << 20)

static enum template_outcome render_parts(const struct template_part *parts, unsigned n_parts,
                                          const struct template_value *values, bool nulls_shown,
                                          struct buf *to);

void template_escape(const char *text, size_t n, struct buf *to)
{
    for (size_t i = 0; i < n; i++) {
        if (strchr("*?[]\\", text[i]) && text[i])
            buf_put(to, "\\", 1);
        buf_put(to, text + i, 1);
    }
}

/* The part's value before its filters. */
static enum template_outcome put_raw(const struct template_part *part,
                                     const struct template_value *values, struct filtered *raw)
{
    if (part->kind == PART_LET) {
        enum template_outcome outcome =
            render_parts(part->let->parts, part->let->n_parts, values, false, raw->to);
        raw->is_null = outcome == TEMPLATE_NULL;
        return outcome == TEMPLATE_IN_DOUBT ? outcome : TEMPLATE_TEXT;
    }
    if (part->kind != PART_PARAM) {
        buf_put(raw->to, part->text, part->len);
        return TEMPLATE_TEXT;
    }
    const struct template_value *given = &values[part->param];
    switch (given->value.kind) {
    case VALUE_NULL:
        raw->is_null = true;
        return TEMPLATE_TEXT;
    case VALUE_TEXT:
        raw->type = given->type;
        buf_put(raw->to, given->value.text, given->value.len);
        return TEMPLATE_TEXT;
    case VALUE_ABSENT:
    case VALUE_UNCHANGED:
        break;
    }
    return TEMPLATE_IN_DOUBT;
}

enum template_outcome template_render_part(const struct template_part *part,
                                           const struct template_value *values, bool nulls_shown,
                                           struct buf *to)
{
    /* So that the value at hand is never a NULL pointer. */
    buf_room(to, 1);
    struct filtered value = {.to = to, .at = to->len, .nulls_shown = nulls_shown};
    enum template_outcome outcome = put_raw(part, values, &value);
    for (unsigned i = 0; outcome == TEMPLATE_TEXT && i < part->n_filters; i++)
        if (!filter_apply(&part->filters[i], &value, MOST_BYTES))
            outcome = TEMPLATE_IN_DOUBT;
    if (outcome == TEMPLATE_TEXT && value.is_null && !nulls_shown)
        outcome = TEMPLATE_NULL;
    if (outcome != TEMPLATE_TEXT)
        to->len = value.at;
    return outcome;
}

/* What most parts are: a value as it is. */
static bool is_plain(const struct template_part *part, const struct template_value *values)
{
    return part->kind == PART_PARAM && part->n_filters == 0 &&
           values[part->param].value.kind == VALUE_TEXT;
}

/* A text that is too long is not copied to be thrown away. */
static enum template_outcome put_text(const char *text, size_t n, size_t begin, struct buf *to)
{
    if (to->len - begin + n > MOST_BYTES)
        return TEMPLATE_IN_DOUBT;
    buf_put(to, text, n);
    return TEMPLATE_TEXT;
}

/* NULL decides, so a part in doubt does not end it. */
static enum template_outcome render_parts(const struct template_part *parts, unsigned n_parts,
                                          const struct template_value *values, bool nulls_shown,
                                          struct buf *to)
{
    size_t begin = to->len;
    enum template_outcome all = TEMPLATE_TEXT;
    for (unsigned i = 0; i < n_parts && all != TEMPLATE_NULL; i++) {
        const struct template_part *part = &parts[i];
        enum template_outcome outcome;
        if (part->kind <= PART_ELEMENT) {
            outcome = put_text(part->text, part->len, begin, to);
        } else if (is_plain(part, values)) {
            const struct value *value = &values[part->param].value;
            outcome = put_text(value->text, value->len, begin, to);
        } else {
            outcome = template_render_part(part, values, nulls_shown, to);
            if (to->len - begin > MOST_BYTES)
                outcome = TEMPLATE_IN_DOUBT;
        }
        if (outcome == TEMPLATE_TEXT)
            continue;
        all = outcome;
        to->len = begin;
    }
    if (all != TEMPLATE_TEXT)
        to->len = begin;
    return all;
}

/* Makes what stands behind `at` match itself alone. */
static void escape_tail(struct buf *to, size_t at)
{
    size_t n = to->len - at;
    if (n == 0)
        return;
    buf_room(to, 2 * n);
    template_escape(to->data + at, n, to);
    memmove(to->data + at, to->data + at + n, to->len - at - n);
    to->len -= n;
}

static enum template_outcome render_pattern(const struct template *template,
                                            const struct template_value *values, struct buf *to)
{
    size_t begin = to->len;
    enum template_outcome all = TEMPLATE_TEXT;
    for (unsigned i = 0; i < template->n_parts && all != TEMPLATE_NULL; i++) {
        const struct template_part *part = &template->parts[i];
        size_t at = to->len;
        enum template_outcome outcome = render_parts(part, 1, values, template->nulls_shown, to);
        if (part->kind != PART_LITERAL)
            escape_tail(to, at);
        if (outcome == TEMPLATE_TEXT && to->len - begin > MOST_BYTES)
            outcome = TEMPLATE_IN_DOUBT;
        if (outcome != TEMPLATE_TEXT)
            all = outcome;
        if (all != TEMPLATE_TEXT)
            to->len = begin;
    }
    return all;
}

enum template_outcome template_render(const struct template *template,
                                      const struct template_value *values, struct buf *to)
{
    if (template->pattern)
        return render_pattern(template, values, to);
    return render_parts(template->parts, template->n_parts, values, template->nulls_shown, to);
}

void template_put_head(const struct template *template, struct buf *to)
{
    for (unsigned i = 0; i < template->n_parts; i++) {
        const struct template_part *part = &template->parts[i];
        if (part->kind > PART_ELEMENT)
            return;
        if (part->kind == PART_ELEMENT && template->pattern)
            template_escape(part->text, part->len, to);
        else
            buf_put(to, part->text, part->len);
    }
}

void template_put_match(const struct template *template, struct buf *to)
{
    for (unsigned i = 0; i < template->n_parts; i++) {
        const struct template_part *part = &template->parts[i];
        if (part->kind > PART_ELEMENT)
            buf_put(to, "*", 1);
        else if (part->kind == PART_LITERAL && template->pattern)
            buf_put(to, part->text, part->len);
        else
            template_escape(part->text, part->len, to);
    }
}

void template_put_listed(const struct template *template, struct buf *to)
{
    for (unsigned i = 0; i < template->n_parts; i++) {
        const struct template_part *part = &template->parts[i];
        if (part->kind > PART_ELEMENT)
            buf_printf(to, "{%s}", part->written);
        else
            buf_put(to, part->text, part->len);
    }
}

void template_put_json(const struct template_value *value, struct buf *to)
{
    if (value->value.kind == VALUE_TEXT)
        jsontext_put(value->value.text, value->value.len, value->type, to);
    else
        buf_put_str(to, "null");
}

bool template_put_row(const struct change *change, enum image image, struct buf *to)
{
    const struct relation *relation = change->relation;
    size_t begin = to->len;
    buf_put(to, "{", 1);
    for (unsigned i = 0; i < relation->n_columns; i++) {
        const struct column *column = &relation->columns[i];
        struct template_value value = {change_value(change, image, i), column->type};
        if (value.value.kind != VALUE_TEXT && value.value.kind != VALUE_NULL) {
            to->len = begin;
            return false;
        }
        if (i > 0)
            buf_put(to, ",", 1);
        jsontext_put_string(column->name, strlen(column->name), to);
        buf_put(to, ":", 1);
        template_put_json(&value, to);
    }
    buf_put(to, "}", 1);
    return true;
}
