#include "store/password.h"

#include <errno.h>
#include <stdbool.h>
#include <string.h>

long password_read(const char *path, char to[PASSWORD_MAX], struct err *err)
{
    FILE *file = fopen(path, "re");
    if (!file)
        return err_set(err, EX_NOPERM, "cannot read password_file %s: %s; mend its owner or mode",
                       path, strerror(errno));
    setvbuf(file, NULL, _IONBF, 0); /* no second copy of it in memory */
    size_t n = fread(to, 1, PASSWORD_MAX, file);
    bool failed = ferror(file) || n == PASSWORD_MAX;
    fclose(file);
    if (failed)
        return err_set(err, EX_NOPERM,
                       "cannot read password_file %s: it is no file of less than "
                       "%d bytes; write the password alone into it",
                       path, PASSWORD_MAX);
    return (long)(n > 0 && to[n - 1] == '\n' ? n - 1 : n);
}
