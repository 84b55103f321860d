/* Text inside XML. */
#ifndef CDCD_VERB_XML_H
#define CDCD_VERB_XML_H

#include <stdio.h>

/* Writes text for an element or a quoted attribute; what XML 1.0 cannot hold, bytes that are no
 * UTF-8 and control characters, becomes U+FFFD. */
void xml_text(FILE *to, const char *text);

#endif
