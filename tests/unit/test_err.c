#include "base/err.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

static char *printed(struct complaints *complaints)
{
    char *text;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    complaints_print(complaints, to);
    fclose(to);
    complaints_free(complaints);
    return text;
}

static void complaints_stand_in_the_order_of_the_files(void **state)
{
    struct complaints complaints = {0};
    (void)state;
    complain(&complaints, SEVERITY_ERROR, "b.cfg", 1, "third");
    complain(&complaints, SEVERITY_WARNING, "a.cfg", 10, "second");
    complain(&complaints, SEVERITY_ERROR, "a.cfg", 2, "first");
    complain(&complaints, SEVERITY_ERROR, "a.cfg", 2, "first");
    assert_int_equal(complaints.n_errors, 2);
    char *text = printed(&complaints);
    assert_string_equal(text, "a.cfg:2: first\na.cfg:10: warning: second\nb.cfg:1: third\n");
    free(text);
}

static void the_first_error_gives_the_code(void **state)
{
    struct complaints complaints = {0};
    (void)state;
    complain(&complaints, SEVERITY_WARNING, "a.cfg", 1, "a warning");
    complain_code(&complaints, EX_NOINPUT, "a.cfg", 0, "an error");
    complain(&complaints, SEVERITY_ERROR, "a.cfg", 2, "another");
    assert_int_equal(complaints.code, EX_NOINPUT);
    complaints_free(&complaints);
}

static void what_is_too_much_is_only_counted(void **state)
{
    struct complaints complaints = {0};
    (void)state;
    for (int line = 1; line <= COMPLAINTS_MAX + 7; line++)
        complain(&complaints, SEVERITY_ERROR, "a.cfg", line, "wrong");
    assert_int_equal(complaints.n, COMPLAINTS_MAX);
    assert_int_equal(complaints.n_errors, COMPLAINTS_MAX + 7);
    char *text = printed(&complaints);
    assert_non_null(strstr(text, "a.cfg:1000: wrong\nand 7 more\n"));
    free(text);
}

static void an_error_takes_the_place_of_a_warning(void **state)
{
    struct complaints complaints = {0};
    (void)state;
    for (int line = 1; line <= COMPLAINTS_MAX + 2; line++)
        complain(&complaints, SEVERITY_WARNING, "a.cfg", line, "odd");
    complain(&complaints, SEVERITY_ERROR, "b.cfg", 1, "wrong");
    complain(&complaints, SEVERITY_ERROR, "b.cfg", 1, "wrong");
    complain(&complaints, SEVERITY_WARNING, "a.cfg", 1, "odd");
    assert_int_equal(complaints.n, COMPLAINTS_MAX);
    assert_int_equal(complaints.n_errors, 1);
    assert_int_equal(complaints.n_warnings, COMPLAINTS_MAX + 2);
    assert_int_equal(complaints.n_more, 3);
    char *text = printed(&complaints);
    assert_non_null(strstr(text, "a.cfg:999: warning: odd\nb.cfg:1: wrong\nand 3 more\n"));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(complaints_stand_in_the_order_of_the_files),
        cmocka_unit_test(the_first_error_gives_the_code),
        cmocka_unit_test(what_is_too_much_is_only_counted),
        cmocka_unit_test(an_error_takes_the_place_of_a_warning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
