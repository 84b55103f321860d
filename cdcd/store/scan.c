#include "store/scan.h"

#include "base/mem.h"

#include <stdlib.h>
#include <utlist.h>

void scans_add(struct scans *scans, struct flight *flight)
{
    struct scan *scan = mem_alloc(sizeof *scan);
    scan->flight = flight;
    scan->place = flight->n_sent++;
    flight->n_due++;
    DL_APPEND(scans->first, scan);
    if (scan == scans->first)
        scans->list(scans->driver, scan);
}

void scans_settle(struct scans *scans)
{
    struct scan *scan = scans->first;
    struct flight *flight = scan->flight;
    if (!scan->listed || scan->n_due > 0)
        return;
    if (!scan->failed)
        flight_op(flight, scan->place)->result = scan->found ? RESULT_HIT : RESULT_MISS;
    flight->n_due--;
    DL_DELETE(scans->first, scan);
    free(scan);
    if (scans->first)
        scans->list(scans->driver, scans->first);
}

void scans_forget(struct scans *scans)
{
    struct scan *scan, *next;
    DL_FOREACH_SAFE(scans->first, scan, next)
    {
        free(scan);
    }
    scans->first = NULL;
}
