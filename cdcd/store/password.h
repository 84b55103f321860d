/* A file that holds a password, and nothing else. */
#ifndef CDCD_STORE_PASSWORD_H
#define CDCD_STORE_PASSWORD_H

#include "base/err.h"

#include <stddef.h>

#define PASSWORD_MAX 4096

/* The whole file but one newline at its end, of less than PASSWORD_MAX bytes; the caller wipes it.
 * The bytes read, or -1 with err filled. */
long password_read(const char *path, char to[PASSWORD_MAX], struct err *err);

#endif
