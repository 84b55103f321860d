#include "base/mem.h"
#include "verb/testreport.h"
#include "verb/verb.h"

#include <errno.h>
#include <regex.h>
#include <stdlib.h>
#include <string.h>

struct testing {
    const struct verb_args *args;
    struct test_file *files;
    unsigned n_files;
    regex_t pattern; /* with args->run */
    FILE *junit;     /* NULL when none is wanted */
    struct test_result *results;
    unsigned n_results;
};

static int open_junit(struct testing *t);
static bool open_files(struct testing *t, struct complaints *complaints);
static void run_files(struct testing *t);
static int report(struct testing *t);

static int run_tests(struct testing *t)
{
    struct complaints complaints = {0};
    int code = EX_CONFIG;
    t->files = mem_alloc(t->args->n_operands * sizeof *t->files);
    if (open_files(t, &complaints)) {
        code = open_junit(t);
        if (code == 0) {
            run_files(t);
            code = report(t);
        }
    } else {
        complaints_print(&complaints, stderr);
        code = complaints.code;
    }
    for (unsigned i = 0; i < t->n_files; i++)
        testfile_close(&t->files[i]);
    free(t->files);
    free(t->results);
    complaints_free(&complaints);
    return code;
}

int verb_test(const struct verb_args *args)
{
    struct testing t = {.args = args};
    if (args->run) {
        int wrong = regcomp(&t.pattern, args->run, REG_EXTENDED | REG_NOSUB);
        if (wrong) {
            char why[128];
            regerror(wrong, &t.pattern, why, sizeof why);
            return verb_misused("--run: \"%s\" is no regular expression: %s", args->run, why);
        }
    }
    int code = run_tests(&t);
    if (args->run)
        regfree(&t.pattern);
    return code;
}

static bool open_files(struct testing *t, struct complaints *complaints)
{
    const struct verb_args *args = t->args;
    bool good = true;
    while (t->n_files < args->n_operands) {
        struct test_file *file = &t->files[t->n_files];
        good &= testfile_open(file, args->operands[t->n_files++], args->config, complaints);
    }
    return good;
}

static int open_junit(struct testing *t)
{
    if (!t->args->junit)
        return 0;
    t->junit = fopen(t->args->junit, "w");
    if (t->junit)
        return 0;
    int code = errno == EACCES || errno == EPERM ? EX_NOPERM : EX_NOINPUT;
    fprintf(stderr, "cdcd: %s cannot be written: %s; correct the path of --junit\n", t->args->junit,
            strerror(errno));
    return code;
}

static bool is_wanted(const struct testing *t, const struct test *test)
{
    return !t->args->run || regexec(&t->pattern, test->name, 0, NULL, 0) == 0;
}

static void run_files(struct testing *t)
{
    size_t n = 0;
    for (unsigned i = 0; i < t->n_files; i++)
        n += t->files[i].n_tests;
    t->results = mem_alloc((n + 1) * sizeof *t->results);
    for (unsigned i = 0; i < t->n_files; i++) {
        const struct test_file *file = &t->files[i];
        for (unsigned j = 0; j < file->n_tests; j++)
            if (is_wanted(t, &file->tests[j]))
                t->results[t->n_results++] = testrun(file, &file->tests[j], j + 1);
    }
}

static int write_junit(struct testing *t)
{
    testreport_junit(t->junit, t->results, t->n_results);
    bool failed = ferror(t->junit) != 0;
    if (fclose(t->junit) == 0 && !failed)
        return 0;
    fprintf(stderr, "cdcd: %s cannot be written: %s\n", t->args->junit, strerror(errno));
    return EX_NOINPUT;
}

static int report(struct testing *t)
{
    bool failed = t->n_results == 0;
    if (t->args->json)
        testreport_json(stdout, t->results, t->n_results);
    else
        testreport_tap(stdout, t->results, t->n_results);
    for (unsigned i = 0; i < t->n_results; i++) {
        const struct test_result *result = &t->results[i];
        failed |= result->n_findings > 0;
        for (unsigned j = 0; j < result->n_notes; j++)
            fprintf(stderr, "%s:%d: note: %s\n", result->test->file, result->test->line,
                    result->notes[j]);
    }
    if (t->n_results == 0)
        fprintf(stderr, "no test's name matches --run %s\n", t->args->run ? t->args->run : "");
    int code = t->junit ? write_junit(t) : 0;
    return code ? code : failed;
}
