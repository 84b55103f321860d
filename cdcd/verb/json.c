#include "verb/json.h"

#include "base/utf8.h"

#include <string.h>

void json_text(FILE *to, const char *text, size_t n)
{
    uint32_t code;
    fputc('"', to);
    while (n > 0) {
        size_t length = utf8_read(text, n, &code);
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
