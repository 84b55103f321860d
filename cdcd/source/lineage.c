#include "source/lineage.h"

#include <stdio.h>
#include <string.h>

static void note(char *known, size_t size, const char *found, const char **gap, const char *reason)
{
    if (*known && *found && strcmp(known, found) != 0)
        *gap = reason;
    if (*found)
        snprintf(known, size, "%s", found);
}

void lineage_note(struct lineage *lineage, const char *cluster, const char *timeline,
                  const char *outbox)
{
    note(lineage->outbox, sizeof lineage->outbox, outbox, &lineage->gap,
         "the outbox is gone, and made anew");
    note(lineage->timeline, sizeof lineage->timeline, timeline, &lineage->gap,
         "the cluster is on another timeline, as when a standby was promoted");
    note(lineage->cluster, sizeof lineage->cluster, cluster, &lineage->gap,
         "another cluster stands behind the same name");
}

const char *lineage_take_gap(struct lineage *lineage)
{
    const char *gap = lineage->gap;
    lineage->gap = NULL;
    return gap;
}
