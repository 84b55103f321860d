#include "base/mem.h"

#include <stdalign.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BLOCK_BYTES 4096

struct block {
    struct block *next;
    size_t used;
    size_t size;
    alignas(max_align_t) char bytes[];
};

struct arena {
    struct block *first; /* the one being filled */
    size_t total_bytes;
};

void *mem_alloc(size_t n)
{
    void *got = calloc(1, n ? n : 1);
    if (!got)
        abort();
    return got;
}

void *mem_resize(void *old, size_t n)
{
    void *got = realloc(old, n ? n : 1);
    if (!got)
        abort();
    return got;
}

char *mem_strdup(const char *str)
{
    size_t n = strlen(str) + 1;
    return memcpy(mem_alloc(n), str, n);
}

struct arena *arena_make(void)
{
    return mem_alloc(sizeof(struct arena));
}

static void add_block(struct arena *arena, size_t at_least)
{
    size_t size = at_least > BLOCK_BYTES ? at_least : BLOCK_BYTES;
    struct block *block = mem_resize(NULL, sizeof *block + size);
    block->next = arena->first;
    block->used = 0;
    block->size = size;
    arena->first = block;
    arena->total_bytes += size;
}

void *arena_alloc(struct arena *arena, size_t n)
{
    size_t align = alignof(max_align_t);
    size_t room = (n + align - 1) / align * align;
    if (!arena->first || arena->first->size - arena->first->used < room)
        add_block(arena, room);
    char *at = arena->first->bytes + arena->first->used;
    arena->first->used += room;
    return memset(at, 0, n);
}

char *arena_strdup(struct arena *arena, const char *str)
{
    return arena_strndup(arena, str, strlen(str));
}

char *arena_strndup(struct arena *arena, const char *bytes, size_t n)
{
    char *copy = arena_alloc(arena, n + 1);
    if (n)
        memcpy(copy, bytes, n);
    return copy;
}

char *arena_printf(struct arena *arena, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    char *text = arena_alloc(arena, (size_t)n + 1);
    va_start(args, format);
    vsnprintf(text, (size_t)n + 1, format, args);
    va_end(args);
    return text;
}

static void free_blocks(struct arena *arena, struct block *kept)
{
    for (struct block *block = arena->first, *next; block; block = next) {
        next = block->next;
        if (block != kept)
            free(block);
    }
    arena->first = kept;
}

void arena_reset(struct arena *arena)
{
    struct block *kept = arena->first;
    if (kept && kept->size > BLOCK_BYTES)
        kept = NULL;
    free_blocks(arena, kept);
    if (kept) {
        kept->next = NULL;
        kept->used = 0;
    }
    arena->total_bytes = kept ? kept->size : 0;
}

size_t arena_bytes(const struct arena *arena)
{
    return arena->total_bytes;
}

void arena_free(struct arena *arena)
{
    if (!arena)
        return;
    free_blocks(arena, NULL);
    free(arena);
}
