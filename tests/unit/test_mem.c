#include "base/mem.h"

#include <setjmp.h>
#include <stdalign.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static void memory_is_zeroed(void **state)
{
    static const char zeros[300];
    (void)state;
    char *got = mem_alloc(sizeof zeros);
    assert_memory_equal(got, zeros, sizeof zeros);
    free(got);
}

static void an_arena_gives_zeroed_aligned_memory(void **state)
{
    static const char zeros[100];
    struct arena *arena = arena_make();
    (void)state;
    for (size_t n = 0; n < 100; n++) {
        char *got = arena_alloc(arena, n);
        assert_int_equal((uintptr_t)got % alignof(max_align_t), 0);
        assert_memory_equal(got, zeros, n);
        memset(got, 0xff, n);
    }
    arena_reset(arena);
    assert_memory_equal(arena_alloc(arena, 100), zeros, 100);
    arena_free(arena);
}

static void pieces_do_not_overlap(void **state)
{
    struct arena *arena = arena_make();
    char *pieces[500];
    (void)state;
    for (int i = 0; i < 500; i++)
        pieces[i] = arena_printf(arena, "piece %d", i);
    for (int i = 0; i < 500; i++)
        assert_int_equal(atoi(pieces[i] + 6), i);
    arena_free(arena);
}

static void a_piece_may_be_larger_than_a_block(void **state)
{
    struct arena *arena = arena_make();
    (void)state;
    char *small = arena_strdup(arena, "small");
    char *large = arena_alloc(arena, 1 << 20);
    memset(large, 'x', 1 << 20);
    assert_string_equal(small, "small");
    assert_true(arena_bytes(arena) >= 1 << 20);
    arena_free(arena);
}

static void reset_gives_large_memory_back(void **state)
{
    struct arena *arena = arena_make();
    (void)state;
    arena_alloc(arena, 1 << 20);
    arena_reset(arena);
    assert_true(arena_bytes(arena) < 1 << 16);
    arena_free(arena);
}

static void reset_keeps_what_the_next_round_needs(void **state)
{
    struct arena *arena = arena_make();
    (void)state;
    arena_alloc(arena, 10);
    size_t bytes = arena_bytes(arena);
    for (int i = 0; i < 1000; i++) {
        arena_reset(arena);
        arena_alloc(arena, 10);
    }
    assert_int_equal(arena_bytes(arena), bytes);
    arena_free(arena);
}

static void copies_end_with_a_nul(void **state)
{
    struct arena *arena = arena_make();
    (void)state;
    assert_string_equal(arena_strndup(arena, "abcdef", 3), "abc");
    assert_string_equal(arena_strndup(arena, NULL, 0), "");
    assert_string_equal(arena_strdup(arena, ""), "");
    arena_free(arena);
}

static void no_arena_can_be_freed(void **state)
{
    (void)state;
    arena_free(NULL);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(memory_is_zeroed),
        cmocka_unit_test(an_arena_gives_zeroed_aligned_memory),
        cmocka_unit_test(pieces_do_not_overlap),
        cmocka_unit_test(a_piece_may_be_larger_than_a_block),
        cmocka_unit_test(reset_gives_large_memory_back),
        cmocka_unit_test(reset_keeps_what_the_next_round_needs),
        cmocka_unit_test(copies_end_with_a_nul),
        cmocka_unit_test(no_arena_can_be_freed),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
