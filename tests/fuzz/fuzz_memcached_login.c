/* What a memcached says in the handshake: in pieces it means the same, and the password leaves
 * once, and only to a server that asked for it. */
#include "store/memcached_login.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* A file of one word that is on every Linux. */
#define PASSWORD_FILE "/proc/sys/kernel/ostype"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(bool truth)
{
    if (!truth)
        abort();
}

/* All at once, or byte by byte as a link does: what was not used is given again, with more. */
static enum memcached_login_step run(struct memcached_login *login, const char *bytes, size_t n,
                                     bool whole, struct buf *out)
{
    enum memcached_login_step step = LOGIN_MORE;
    struct err err;
    memcached_login_begin(login, out);
    for (size_t from = 0, to = whole ? n : 1; to <= n && step == LOGIN_MORE; to++) {
        size_t used;
        step = memcached_login_take(login, bytes + from, to - from, &used, out, &err);
        require(used <= to - from);
        from += used;
    }
    return step;
}

static unsigned count(const struct buf *out, const char *words)
{
    unsigned n = 0;
    size_t len = strlen(words);
    for (size_t at = 0; at + len <= out->len; at++)
        n += memcmp(out->data + at, words, len) == 0;
    return n;
}

static void shake_hands(const char *password_file, const char *bytes, size_t n)
{
    struct memcached_login login = {.store = "mc", .user = "joe", .password_file = password_file};
    struct buf at_once = {0}, slowly = {0};
    enum memcached_login_step step = run(&login, bytes, n, true, &at_once);
    unsigned n_sent = count(&at_once, "set auth");
    require(n_sent <= 1 && (n_sent == 0 || password_file));
    require(n_sent == 0 || memmem(bytes, n, "CLIENT_ERROR unauthenticated", 28));
    require(step != LOGIN_DONE || login.taken == (password_file != NULL));
    require(run(&login, bytes, n, false, &slowly) == step);
    require(slowly.len == at_once.len && memcmp(slowly.data, at_once.data, slowly.len) == 0);
    buf_free(&at_once);
    buf_free(&slowly);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    if (size == 0)
        return 0;
    shake_hands(NULL, (const char *)data, size);
    shake_hands(PASSWORD_FILE, (const char *)data, size);
    return 0;
}
