#include "store/http_verdict.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>

#include <cmocka.h>

static struct http_verdict judge(unsigned status, const char *location)
{
    struct http_reply reply = {.status = status};
    snprintf(reply.location, sizeof reply.location, "%s", location);
    return http_judge(&reply, "PURGE");
}

static void each_status_has_its_meaning(void **state)
{
    static const unsigned hits[] = {200, 202, 204}, misses[] = {404, 410, 412},
                          busy[] = {408, 429, 502, 503, 504, 599},
                          refused[] = {300, 301, 302, 400, 401, 403, 405, 414,
                                       418, 431, 500, 501, 505, 600, 999};
    (void)state;
    for (unsigned i = 0; i < sizeof hits / sizeof *hits; i++)
        assert_int_equal(judge(hits[i], "").result, RESULT_HIT);
    for (unsigned i = 0; i < sizeof misses / sizeof *misses; i++) {
        assert_int_equal(judge(misses[i], "").status, BATCH_DONE);
        assert_int_equal(judge(misses[i], "").result, RESULT_MISS);
    }
    for (unsigned i = 0; i < sizeof busy / sizeof *busy; i++)
        assert_int_equal(judge(busy[i], "").status, BATCH_BUSY);
    for (unsigned i = 0; i < sizeof refused / sizeof *refused; i++)
        assert_int_equal(judge(refused[i], "").status, BATCH_REFUSED);
    assert_string_equal(judge(301, "www.example.org").reason,
                        "301 is the answer to PURGE: it points to www.example.org; name the cache "
                        "itself as url");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(each_status_has_its_meaning),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
