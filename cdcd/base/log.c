#include "base/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static enum log_level threshold = LOG_LEVEL_INFO;

void log_level_set(enum log_level level)
{
    threshold = level;
}

/* Text of others (a server's error message) may hold line ends: they must not forge a line. */
static void flatten(char *text)
{
    for (char *at = text; *at; at++)
        if ((unsigned char)*at < ' ' || *at == 127)
            *at = ' ';
}

__attribute__((format(printf, 2, 0))) static void write_line(enum log_level level,
                                                             const char *format, va_list args)
{
    static const char *const names[] = {"debug", "info", "warning", "error"};
    if (level < threshold)
        return;
    struct timespec now;
    struct tm utc;
    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    char line[4096];
    size_t n = strftime(line, sizeof line, "%Y-%m-%dT%H:%M:%S", &utc);
    n += (size_t)snprintf(line + n, sizeof line - n, ".%03ldZ %-7s ", now.tv_nsec / 1000000,
                          names[level]);
    vsnprintf(line + n, sizeof line - n - 1, format, args);
    flatten(line);
    n = strlen(line);
    line[n++] = '\n';
    /* One write, so that lines of two processes do not mix. A log that cannot be written stops
     * nothing. */
    if (write(STDERR_FILENO, line, n) < 0)
        return;
}

#define DEFINE_LOG(name, level)          \
    void name(const char *format, ...)   \
    {                                    \
        va_list args;                    \
        va_start(args, format);          \
        write_line(level, format, args); \
        va_end(args);                    \
    }

DEFINE_LOG(log_debug, LOG_LEVEL_DEBUG)
DEFINE_LOG(log_info, LOG_LEVEL_INFO)
DEFINE_LOG(log_warn, LOG_LEVEL_WARN)
DEFINE_LOG(log_error, LOG_LEVEL_ERROR)

bool log_limit_pass(struct log_limit *limit, int64_t now_ms, int64_t interval_ms,
                    unsigned *n_suppressed)
{
    if (limit->next_ms && now_ms < limit->next_ms) {
        limit->n_suppressed++;
        return false;
    }
    *n_suppressed = limit->n_suppressed;
    *limit = (struct log_limit){.next_ms = now_ms + interval_ms};
    return true;
}
