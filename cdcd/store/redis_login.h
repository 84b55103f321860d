/* How a Redis is told who we are. */
#ifndef CDCD_STORE_REDIS_LOGIN_H
#define CDCD_STORE_REDIS_LOGIN_H

#include "base/buf.h"
#include "base/err.h"

/* Writes AUTH with the password that the file holds now, one newline at its end left out. user is
 * NULL for the server's default one; without a password_file the password is empty. 0, or -1 with
 * err filled when the file cannot be read. */
int redis_put_login(struct buf *out, const char *user, const char *password_file, struct err *err);

#endif
