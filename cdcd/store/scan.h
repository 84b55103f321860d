/* The scans of a server: one runs at a time, beside everything else that the server is sent.
 *
 * The driver lists keys and deletes them; a scan has ended when all is listed and no delete is due.
 * Its op is a hit when some key was there. */
#ifndef CDCD_STORE_SCAN_H
#define CDCD_STORE_SCAN_H

#include "store/server.h"

struct scan {
    struct flight *flight;
    unsigned place;     /* of its op in the flight's order */
    unsigned n_due;     /* deletes that are not answered */
    unsigned n_unnamed; /* keys that the driver cannot tell the server */
    bool listed;        /* nothing more will be found */
    bool failed;        /* something was refused: its op gets no result */
    bool found;         /* some key was there */
    struct scan *prev;
    struct scan *next;
};

struct scans {
    /* Lists the keys of this scan, which runs from now on. */
    void (*list)(void *driver, const struct scan *scan);
    void *driver;
    struct scan *first; /* runs; NULL when none does */
};

/* The flight's next op is a scan: it runs now, or after those before it. */
void scans_add(struct scans *scans, struct flight *flight);
/* Ends the scan that runs if it has come to its end: the next one runs. */
void scans_settle(struct scans *scans);
/* For a lost connection, and the end. */
void scans_forget(struct scans *scans);

#endif
