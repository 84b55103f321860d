#include "store/redis_login.h"

#include "store/redis_command.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#define PASSWORD_MAX 4096

/* The whole file but one newline at its end. The bytes read, or -1. */
static long read_password(const char *path, char *to, size_t room, struct err *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, EX_NOPERM, "cannot read password_file %s: %s; mend its owner or mode",
                       path, strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); /* no second copy of it in memory */
    size_t n = fread(to, 1, room, file);
    bool failed = ferror(file) || n == room;
    fclose(file);
    if (failed)
        return err_set(err, EX_NOPERM,
                       "cannot read password_file %s: it is no file of less than "
                       "%zu bytes; write the password alone into it",
                       path, room);
    return (long)(n > 0 && to[n - 1] == '\n' ? n - 1 : n);
}

static void put_auth(struct buf *out, const char *user, const char *password, size_t n)
{
    redis_put_head(out, user ? 3 : 2);
    redis_put_bulk(out, "AUTH", 4);
    if (user)
        redis_put_bulk(out, user, strlen(user));
    redis_put_bulk(out, password, n);
}

int redis_put_login(struct buf *out, const char *user, const char *password_file, struct err *err)
{
    char password[PASSWORD_MAX];
    long n = password_file ? read_password(password_file, password, sizeof password, err) : 0;
    if (n < 0)
        return -1;
    put_auth(out, user, password, (size_t)n);
    explicit_bzero(password, sizeof password);
    return 0;
}
