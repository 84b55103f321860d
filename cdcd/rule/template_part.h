/* What a template is compiled into. Private to template*.c. */
#ifndef CDCD_RULE_TEMPLATE_PART_H
#define CDCD_RULE_TEMPLATE_PART_H

#include "rule/filter.h"
#include "rule/template.h"

enum template_part_kind {
    PART_LITERAL, /* as it was written */
    PART_ELEMENT, /* what a name and its filters always give; escaped in a pattern */
    PART_PARAM,
    PART_LET,
};

struct template_part {
    enum template_part_kind kind;
    const char *text; /* of a literal, an element */
    uint32_t len;
    unsigned param;
    bool is_row;
    const struct template_let *let;
    const struct filter *filters;
    unsigned n_filters;
    const char *written; /* between the braces */
};

/* One of `let`, shared by all that name it. */
struct template_let {
    const struct template_part *parts;
    unsigned n_parts;
    unsigned n_params;
    size_t
        weight; /* parts that are rendered with it, those of lets within as often as they stand */
};

/* Appends a part with its filters; the outcome, and nothing appended unless it is TEMPLATE_TEXT. */
enum template_outcome template_render_part(const struct template_part *part,
                                           const struct template_value *values, bool nulls_shown,
                                           struct buf *to);

#endif
