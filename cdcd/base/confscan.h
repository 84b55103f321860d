/* A scan of a configuration file's text for what libconfig does not tell, or tells badly. */
#ifndef CDCD_BASE_CONFSCAN_H
#define CDCD_BASE_CONFSCAN_H

#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>

#define CONFSCAN_MAX_DEPTH 32

struct arena;

/* Lines on which the elements of arrays and lists begin, in the order of the file. libconfig gives
 * a string there the line of the token that follows it. */
struct confscan {
    int *element_lines;
    unsigned n_elements;
};

/* Complains about what is wrong; false when parsing could only say the same less clearly. The
 * lines are the arena's. */
bool confscan_run(struct confscan *scan, struct arena *arena, const char *file, const char *text,
                  size_t n, struct complaints *complaints);

#endif
