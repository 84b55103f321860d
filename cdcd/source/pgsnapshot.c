#include "source/pgsnapshot.h"

#include "base/mem.h"

#include <ctype.h>
#include <errno.h>
#include <stdlib.h>

/* A number and what must follow it. */
static bool take_number(const char **at, char then, uint64_t *number)
{
    char *end;
    if (!isdigit((unsigned char)**at))
        return false;
    errno = 0;
    *number = strtoull(*at, &end, 10);
    if (errno || *end != then)
        return false;
    *at = end + (then != '\0');
    return true;
}

static void add_running(struct pgsnapshot *parsed, uint64_t xid)
{
    if (parsed->snapshot.n_running == parsed->cap) {
        parsed->cap = parsed->cap ? parsed->cap * 2 : 64;
        parsed->running = mem_resize(parsed->running, parsed->cap * sizeof *parsed->running);
    }
    parsed->running[parsed->snapshot.n_running++] = xid;
    parsed->snapshot.running = parsed->running;
}

bool pgsnapshot_parse(struct pgsnapshot *parsed, const char *text)
{
    uint64_t xid;
    parsed->snapshot = (struct snapshot){0};
    if (!take_number(&text, ':', &xid) || !take_number(&text, ':', &parsed->snapshot.xmax))
        return false;
    while (take_number(&text, ',', &xid))
        add_running(parsed, xid);
    if (!*text)
        return parsed->snapshot.n_running == 0;
    if (!take_number(&text, '\0', &xid))
        return false;
    add_running(parsed, xid);
    return true;
}

void pgsnapshot_free(struct pgsnapshot *parsed)
{
    free(parsed->running);
    *parsed = (struct pgsnapshot){0};
}
