/* Values of MintCache, or of anything: where a time is found, eight bytes are within the value, and
 * making them zero changes nothing of what is found. */
#include "store/mintcache.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void require(int truth)
{
    if (!truth)
        abort();
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    size_t at = mintcache_time_at((const char *)data, size);
    if (at == 0)
        return 0;
    require(at + MINTCACHE_TIME_BYTES < size && data[at - 1] == 'G');
    char *copy = malloc(size);
    require(copy != NULL);
    memcpy(copy, data, size);
    memset(copy + at, 0, MINTCACHE_TIME_BYTES);
    require(mintcache_time_at(copy, size) == at);
    free(copy);
    return 0;
}
