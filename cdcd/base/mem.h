/* Memory: allocation does not fail, it aborts; and arenas, which are freed as one.
 *
 * An abort loses nothing: what was not confirmed is sent again by PostgreSQL. */
#ifndef CDCD_BASE_MEM_H
#define CDCD_BASE_MEM_H

#include <stddef.h>

/* Zeroed; the caller owns it and frees it with free(). */
void *mem_alloc(size_t n);
/* As realloc; the bytes gained are not zeroed. */
void *mem_resize(void *old, size_t n);
char *mem_strdup(const char *str);

/* An arena owns all that was taken from it until arena_reset or arena_free. */
struct arena;

struct arena *arena_make(void);
/* Zeroed, aligned for any type, lent until the arena is reset or freed. */
void *arena_alloc(struct arena *arena, size_t n);
char *arena_strdup(struct arena *arena, const char *str);
/* Copies n bytes and adds a NUL. */
char *arena_strndup(struct arena *arena, const char *bytes, size_t n);
char *arena_printf(struct arena *arena, const char *format, ...)
    __attribute__((format(printf, 2, 3)));
/* Frees what was taken, and keeps one block for what comes next. */
void arena_reset(struct arena *arena);
/* Bytes held from the system. */
size_t arena_bytes(const struct arena *arena);
/* NULL is allowed. */
void arena_free(struct arena *arena);

#endif
