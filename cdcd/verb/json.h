/* JSON on stdout. */
#ifndef CDCD_VERB_JSON_H
#define CDCD_VERB_JSON_H

#include <stddef.h>
#include <stdio.h>

/* A string with its quotes; bytes that are no UTF-8 become U+FFFD. */
void json_text(FILE *to, const char *text, size_t n);
/* The same for a C string; NULL becomes null. */
void json_string(FILE *to, const char *text);

#endif
