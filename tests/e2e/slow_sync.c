/* Preloaded into a redis-server: fdatasync takes as long as the file that SLOW_SYNC_WHILE names is
 * there. Meanwhile Redis, with appendfsync everysec, puts off its writes to the append-only file
 * for up to two seconds, and answers all the same. */
#include <stdlib.h>
#include <unistd.h>

int fdatasync(int fd)
{
    const char *path = getenv("SLOW_SYNC_WHILE");
    while (path && access(path, F_OK) == 0)
        usleep(10000);
    return fsync(fd);
}
