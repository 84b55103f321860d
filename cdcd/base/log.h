/* The log: one line an event on stderr, `what happened key=value key="two words"`, in lower case
 * and without a full stop. Never a key's text, a row's value or a password above debug. */
#ifndef CDCD_BASE_LOG_H
#define CDCD_BASE_LOG_H

#include <stdbool.h>
#include <stdint.h>

enum log_level { LOG_LEVEL_DEBUG, LOG_LEVEL_INFO, LOG_LEVEL_WARN, LOG_LEVEL_ERROR };

/* Process-wide; INFO until set. */
void log_level_set(enum log_level level);

void log_debug(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_info(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_warn(const char *format, ...) __attribute__((format(printf, 1, 2)));
void log_error(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* For lines that may repeat fast: one limit belongs to one kind of line, zeroed at the start. True
 * when the line may be written now: one in interval_ms; *n_suppressed then says how many were held
 * back since the last. */
struct log_limit {
    int64_t next_ms;
    unsigned n_suppressed;
};

bool log_limit_pass(struct log_limit *limit, int64_t now_ms, int64_t interval_ms,
                    unsigned *n_suppressed);

#endif
