#include "store/redis_login.h"

#include "store/password.h"
#include "store/redis_command.h"

#include <string.h>

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
    long n = password_file ? password_read(password_file, password, err) : 0;
    if (n < 0)
        return -1;
    put_auth(out, user, password, (size_t)n);
    explicit_bzero(password, sizeof password);
    return 0;
}
