/* Any bytes as a test file: the reader complains, or its tests run against a small ruleset, and are
 * reported in every form. */
#include "base/log.h"
#include "verb/testreport.h"

#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);
const char *__lsan_default_suppressions(void);

/* libconfig 1.5 forgets the string at hand when it meets a syntax error. */
const char *__lsan_default_suppressions(void)
{
    return "leak:libconfig";
}

static const char rules[] =
    "cdcd = 1; app = \"x\"; store = \"redis\"; prefix = \"${FUZZ_PREFIX:-p:}\";\n"
    "caches = {\n"
    "  a = { keys = [ \"a:{id}\", \"b:{id|md5}\" ]; triggers = ( { table = \"t\"; when = \"n > "
    "5\"; } );\n"
    "        all = { action = \"scan\"; match = \"a:*\"; }; };\n"
    "  b = { key = \"c:{slug}\"; all = { action = \"bump\"; key = \"c\"; };\n"
    "        triggers = ( { table = \"u\"; limit = 2; lookup = \"SELECT slug FROM p WHERE a = "
    "{id}\"; "
    "} ); };\n"
    "};\n";

static char folder[] = "/tmp/cdcd_fuzz_XXXXXX";
static char rules_path[64], tests_path[64];

static void remove_files(void)
{
    unlink(rules_path);
    unlink(tests_path);
    rmdir(folder);
}

static void write_file(const char *path, const void *bytes, size_t n)
{
    FILE *file = fopen(path, "w");
    if (!file || fwrite(bytes, 1, n, file) != n || fclose(file) != 0)
        abort();
}

static void make_files(void)
{
    if (*rules_path)
        return;
    if (!mkdtemp(folder))
        abort();
    snprintf(rules_path, sizeof rules_path, "%s/r.cfg", folder);
    snprintf(tests_path, sizeof tests_path, "%s/t.cfg", folder);
    write_file(rules_path, rules, sizeof rules - 1);
    atexit(remove_files);
}

static void run_tests(const struct test_file *file)
{
    struct test_result *results = calloc(file->n_tests + 1, sizeof *results);
    FILE *nowhere = fopen("/dev/null", "w");
    if (!results || !nowhere)
        abort();
    for (unsigned i = 0; i < file->n_tests; i++)
        results[i] = testrun(file, &file->tests[i], i + 1);
    testreport_tap(nowhere, results, file->n_tests);
    testreport_json(nowhere, results, file->n_tests);
    testreport_junit(nowhere, results, file->n_tests);
    fclose(nowhere);
    free(results);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct complaints complaints = {0};
    struct test_file file;
    make_files();
    log_level_set(LOG_LEVEL_ERROR);
    write_file(tests_path, data, size);
    if (testfile_open(&file, tests_path, NULL, &complaints))
        run_tests(&file);
    testfile_close(&file);
    complaints_free(&complaints);
    return 0;
}
