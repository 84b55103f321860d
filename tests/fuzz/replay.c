/* A fuzz target as a plain program: runs it on every file of the folders and files that are given,
 * and fails when there is none. */
#include <dirent.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);

static unsigned replay_file(const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t *bytes = NULL;
    size_t n = 0, got;
    if (!file)
        return 0;
    do {
        bytes = realloc(bytes, n + 65536);
        if (!bytes)
            abort();
        got = fread(bytes + n, 1, 65536, file);
        n += got;
    } while (got);
    fclose(file);
    /* A block of exactly that size, so that a sanitizer sees a read past its end. */
    uint8_t *exact = malloc(n ? n : 1);
    if (!exact)
        abort();
    memcpy(exact, bytes, n);
    LLVMFuzzerTestOneInput(exact, n);
    free(exact);
    free(bytes);
    return 1;
}

static unsigned replay(const char *path)
{
    DIR *folder = opendir(path);
    unsigned n = 0;
    if (!folder)
        return replay_file(path);
    for (struct dirent *entry; (entry = readdir(folder));) {
        char inside[4096];
        snprintf(inside, sizeof inside, "%s/%s", path, entry->d_name);
        if (entry->d_name[0] != '.')
            n += replay_file(inside);
    }
    closedir(folder);
    return n;
}

int main(int argc, char **argv)
{
    unsigned n = 0;
    for (int i = 1; i < argc; i++)
        n += replay(argv[i]);
    printf("%u files replayed\n", n);
    return n ? 0 : 1;
}
