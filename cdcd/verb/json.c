#include "verb/json.h"

#include <stdint.h>
#include <string.h>

size_t json_utf8_length(const char *bytes, size_t n)
{
    const unsigned char *text = (const unsigned char *)bytes;
    static const uint32_t least[] = {0, 0, 0x80, 0x800, 0x10000};
    unsigned char lead = text[0];
    size_t length = lead < 0x80 ? 1 : lead >= 0xf0 ? 4 : lead >= 0xe0 ? 3 : 2;
    if (length == 1)
        return 1;
    if (lead < 0xc2 || lead > 0xf4 || n < length)
        return 0;
    uint32_t code = lead & (0xffU >> (length + 1));
    for (size_t i = 1; i < length; i++) {
        if ((text[i] & 0xc0) != 0x80)
            return 0;
        code = code << 6 | (text[i] & 0x3fU);
    }
    if (code < least[length] || code > 0x10ffff || (code >= 0xd800 && code < 0xe000))
        return 0;
    return length;
}

void json_text(FILE *to, const char *text, size_t n)
{
    fputc('"', to);
    while (n > 0) {
        size_t length = json_utf8_length(text, n);
        unsigned char byte = (unsigned char)*text;
        if (length == 0)
            fputs("\\ufffd", to);
        else if (byte == '"' || byte == '\\')
            fprintf(to, "\\%c", byte);
        else if (byte < ' ' || byte == 127)
            fprintf(to, "\\u%04x", byte);
        else
            fwrite(text, 1, length, to);
        length += length == 0;
        text += length;
        n -= length;
    }
    fputc('"', to);
}

void json_string(FILE *to, const char *text)
{
    if (text)
        json_text(to, text, strlen(text));
    else
        fputs("null", to);
}
