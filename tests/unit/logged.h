/* What the log says while something runs. */
#ifndef CDCD_TEST_LOGGED_H
#define CDCD_TEST_LOGGED_H

#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* How many lines have a text in them of those that were logged while the function ran. */
static inline unsigned logged(void *ctx, void (*run)(void *ctx), const char *text)
{
    char line[4096];
    unsigned n = 0;
    fflush(stderr);
    int kept = dup(STDERR_FILENO), to = memfd_create("log", MFD_CLOEXEC);
    dup2(to, STDERR_FILENO);
    run(ctx);
    fflush(stderr);
    dup2(kept, STDERR_FILENO);
    close(kept);
    lseek(to, 0, SEEK_SET);
    FILE *from = fdopen(to, "r");
    while (fgets(line, sizeof line, from))
        n += strstr(line, text) != NULL;
    fclose(from);
    return n;
}

#endif
