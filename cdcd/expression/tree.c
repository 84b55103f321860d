#include "expression/tree.h"

#include <string.h>

#define SHOWN_BYTES 60

void tree_refuse(struct err *err, const char *source, unsigned position, const char *what)
{
    int shown = (int)strnlen(source, SHOWN_BYTES + 1);
    bool cut = shown > SHOWN_BYTES;
    while (cut && shown > 0 && (shown > SHOWN_BYTES || (source[shown] & 0xC0) == 0x80))
        shown--;
    if (!err->code)
        err_set(err, EX_CONFIG, "\"%.*s%s\": at position %u: %s", shown, source, cut ? "..." : "",
                position, what);
}
