/* UTF-8 as RFC 3629 has it: no overlong form, no surrogate, nothing over U+10FFFF. NUL is a
 * character. */
#ifndef CDCD_BASE_UTF8_H
#define CDCD_BASE_UTF8_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define UTF8_MAX_BYTES 4

/* The length of the character at text, of which there are n bytes, with its code; 0 when there is
 * none. */
size_t utf8_read(const char *text, size_t n, uint32_t *code);
/* Writes a character, which must be one; its length. */
size_t utf8_write(uint32_t code, char to[UTF8_MAX_BYTES]);
/* True when there is nothing else in the text. */
bool utf8_is_valid(const char *text, size_t n);

#endif
