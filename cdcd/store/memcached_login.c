#include "store/memcached_login.h"

#include "store/memcached_text.h"
#include "store/password.h"
#include "store/server.h"
#include "store/store.h"

#include <string.h>

#define LINE_MAX_BYTES 2048
#define WORDS_MAX 120

static const char version[] = "version\r\n";

void memcached_login_begin(struct memcached_login *login, struct buf *out)
{
    login->sent = login->taken = false;
    buf_put_str(out, version);
}

/* Blanks end a word of the authentication. */
static bool is_word(const char *text, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)text[i] <= ' ' || text[i] == 127)
            return false;
    return n > 0;
}

/* -1 with err filled. The key and its time to live are not looked at; should a server take it for
 * an item all the same, the item has expired. */
static int put_password(const struct memcached_login *login, struct buf *out, struct err *err)
{
    char password[PASSWORD_MAX];
    long n = password_read(login->password_file, password, err);
    if (n < 0)
        return -1;
    if (!is_word(password, (size_t)n)) {
        explicit_bzero(password, sizeof password);
        return err_set(
            err, EX_CONFIG,
            "the password in password_file %s is empty or has a blank, which no memcached "
            "takes; write the password alone into it",
            login->password_file);
    }
    buf_printf(out, "set auth 0 -1 %zu\r\n%s ", strlen(login->user) + 1 + (size_t)n, login->user);
    buf_put(out, password, (size_t)n);
    buf_put_str(out, "\r\n");
    explicit_bzero(password, sizeof password);
    return 0;
}

/* The whole line begins with these words. */
static bool says(const char *words, const char *with)
{
    return strncmp(words, with, strlen(with)) == 0;
}

static enum memcached_login_step take_version(const struct memcached_login *login, const char *line,
                                              size_t n, struct err *err)
{
    static const size_t head = sizeof "VERSION " - 1;
    char words[WORDS_MAX];
    if (login->password_file && !login->taken)
        err_set(err, EX_CONFIG,
                "it asks for no password: remove user and password_file of store %s, or start it "
                "with -Y",
                login->store);
    else if (memcached_version_is_known(line + head, n - head))
        return LOGIN_DONE;
    else {
        server_quote(line + head, n - head, words, sizeof words);
        err_set(err, EX_UNAVAILABLE, "memcached %s is too old: 1.6.10 or later is needed", words);
    }
    return LOGIN_REFUSED;
}

static enum memcached_login_step refuse(const struct memcached_login *login, const char *words,
                                        struct err *err)
{
    if (says(words, "CLIENT_ERROR unauthenticated"))
        err_set(err, EX_NOPERM, "%s: set user and password_file of store %s", words, login->store);
    else if (says(words, "CLIENT_ERROR") && login->sent)
        err_set(err, EX_NOPERM, "%s: mend user and password_file of store %s", words, login->store);
    else if (says(words, "CLIENT_ERROR") || says(words, "ERROR") || says(words, "SERVER_ERROR"))
        err_set(err, EX_UNAVAILABLE, "%s", words);
    else
        err_set(err, EX_PROTOCOL,
                "protocol error: the handshake was not answered as by a memcached");
    return LOGIN_REFUSED;
}

static enum memcached_login_step take_line(struct memcached_login *login, const char *line,
                                           size_t n, struct buf *out, struct err *err)
{
    char words[WORDS_MAX];
    server_quote(line, n, words, sizeof words);
    if (says(words, "VERSION ") && login->sent == login->taken)
        return take_version(login, line, n, err);
    if (says(words, "CLIENT_ERROR unauthenticated") && login->password_file && !login->sent) {
        login->sent = true;
        return put_password(login, out, err) < 0 ? LOGIN_REFUSED : LOGIN_MORE;
    }
    if (strcmp(words, "STORED") == 0 && login->sent && !login->taken) {
        login->taken = true;
        buf_put_str(out, version);
        return LOGIN_MORE;
    }
    return refuse(login, words, err);
}

enum memcached_login_step memcached_login_take(struct memcached_login *login, const char *bytes,
                                               size_t n, size_t *used, struct buf *out,
                                               struct err *err)
{
    enum memcached_login_step step = LOGIN_MORE;
    *used = 0;
    while (step == LOGIN_MORE && *used < n) {
        const char *line = bytes + *used;
        const char *end = memchr(line, '\n', n - *used);
        size_t len = end ? (size_t)(end - line) : n - *used;
        if (len > LINE_MAX_BYTES)
            return refuse(login, "", err);
        if (!end)
            break;
        *used += len + 1;
        step = take_line(login, line, len > 0 && line[len - 1] == '\r' ? len - 1 : len, out, err);
    }
    return step;
}

void memcached_login_check(const struct store_opts *opts, struct complaints *complaints)
{
    if (!opts->user != !opts->password_file)
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s has a %s and no %s; a memcached wants both", opts->name,
                 opts->user ? "user" : "password_file", opts->user ? "password_file" : "user");
    if (opts->user && !is_word(opts->user, strlen(opts->user)))
        complain(complaints, SEVERITY_ERROR, opts->file, opts->line,
                 "store %s: its user is empty or has a blank, which no memcached takes; mend user",
                 opts->name);
}
