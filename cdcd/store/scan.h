/* The scans of a server: one runs at a time, beside everything else that the server is sent, and
 * ops of a higher stage of the same batch wait for it.
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

struct scan_ops {
    /* Lists the keys of this scan, which runs from now on. */
    void (*list)(void *driver, const struct scan *scan);
    /* Sends what of the flight has waited. */
    void (*send_more)(void *driver, struct flight *flight);
};

struct scans {
    const struct scan_ops *ops;
    void *driver;
    struct scan *first; /* runs; NULL when none does */
};

/* The flight's next op is a scan: it runs now, or after those before it. */
void scans_add(struct scans *scans, struct flight *flight);
/* True while a scan of a lower stage of this flight has not ended. */
bool scans_hold(const struct scans *scans, const struct flight *flight, unsigned stage);
/* Ends the scan that runs if it has come to its end: the next one runs, and what waited leaves. */
void scans_settle(struct scans *scans);
/* For a lost connection, and the end. */
void scans_forget(struct scans *scans);

#endif
