#include "verb/xml.h"

#include "base/utf8.h"

#include <stdbool.h>
#include <string.h>

static const char *entity(char byte)
{
    switch (byte) {
    case '&':
        return "&amp;";
    case '<':
        return "&lt;";
    case '>':
        return "&gt;";
    case '"':
        return "&quot;";
    case '\n':
        return "&#10;";
    case '\t':
        return "&#9;";
    case '\r':
        return "&#13;";
    default:
        return NULL;
    }
}

void xml_text(FILE *to, const char *text)
{
    size_t n = strlen(text);
    uint32_t code;
    while (n > 0) {
        size_t length = utf8_read(text, n, &code);
        unsigned char byte = (unsigned char)*text;
        /* U+FFFE and U+FFFF are UTF-8, and no XML. */
        bool none = length && (code == 0xfffe || code == 0xffff);
        if (length == 1 && entity(*text))
            fputs(entity(*text), to);
        else if (length == 0 || none || byte < ' ')
            fputs("\xef\xbf\xbd", to);
        else
            fwrite(text, 1, length, to);
        length += length == 0;
        text += length;
        n -= length;
    }
}
