#include "verb/testreport.h"

#include "base/buf.h"
#include "verb/json.h"
#include "verb/opline.h"
#include "verb/xml.h"

#include <string.h>

static const char *name_of(char sign)
{
    switch (sign) {
    case '-':
        return "missing";
    case '+':
        return "unexpected";
    case '!':
        return "forbidden";
    default:
        return "problem";
    }
}

/* The words after a result's number, in which # would begin a directive. */
static void put_description(FILE *to, const char *name)
{
    struct buf text = {0};
    opline_put_text(&text, name, strlen(name));
    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] == '#' || text.data[i] == '\\')
            fputc('\\', to);
        fputc(text.data[i], to);
    }
    buf_free(&text);
}

static void put_finding(struct buf *to, const struct test_finding *finding)
{
    buf_printf(to, "%c %s  %s:%d", finding->sign, finding->text, finding->file, finding->line);
    if (finding->image)
        buf_printf(to, " %s", finding->image);
    buf_put_str(to, "\n");
}

static void tap_details(FILE *to, const struct test_result *result)
{
    fprintf(to, "  ---\n  at: ");
    json_string(to, result->test->file); /* a YAML string too */
    fprintf(to, "\n  line: %d\n  message: |\n", result->test->line);
    struct buf name = {0};
    opline_put_text(&name, result->test->name, strlen(result->test->name));
    fprintf(to, "    %s:%d: %s\n", result->test->file, result->test->line, buf_str(&name));
    buf_free(&name);
    for (unsigned i = 0; i < result->n_findings; i++) {
        struct buf line = {0};
        put_finding(&line, &result->findings[i]);
        fprintf(to, "    %s", buf_str(&line));
        buf_free(&line);
    }
    fprintf(to, "  ...\n");
}

void testreport_tap(FILE *to, const struct test_result *results, unsigned n)
{
    fprintf(to, "TAP version 13\n1..%u\n", n);
    for (unsigned i = 0; i < n; i++) {
        fprintf(to, "%s %u - ", results[i].n_findings ? "not ok" : "ok", i + 1);
        put_description(to, results[i].test->name);
        fprintf(to, "\n");
        if (results[i].n_findings)
            tap_details(to, &results[i]);
    }
}

static void json_finding(FILE *to, const struct test_finding *finding)
{
    fprintf(to, "{\"kind\":\"%s\",\"text\":", name_of(finding->sign));
    json_string(to, finding->text);
    fprintf(to, ",\"file\":");
    json_string(to, finding->file);
    fprintf(to, ",\"line\":%d,\"image\":", finding->line);
    json_string(to, finding->image);
    fprintf(to, "}");
}

void testreport_json(FILE *to, const struct test_result *results, unsigned n)
{
    unsigned n_failed = 0;
    fprintf(to, "{\"tests\":[");
    for (unsigned i = 0; i < n; i++) {
        const struct test_result *result = &results[i];
        n_failed += result->n_findings > 0;
        fprintf(to, "%s{\"name\":", i ? "," : "");
        json_string(to, result->test->name);
        fprintf(to, ",\"file\":");
        json_string(to, result->test->file);
        fprintf(to, ",\"line\":%d,\"ok\":%s,\"notes\":[", result->test->line,
                result->n_findings ? "false" : "true");
        for (unsigned j = 0; j < result->n_notes; j++) {
            fputs(j ? "," : "", to);
            json_string(to, result->notes[j]);
        }
        fprintf(to, "],\"findings\":[");
        for (unsigned j = 0; j < result->n_findings; j++) {
            fputs(j ? "," : "", to);
            json_finding(to, &result->findings[j]);
        }
        fprintf(to, "]}");
    }
    fprintf(to, "],\"passed\":%u,\"failed\":%u}\n", n - n_failed, n_failed);
}

static void junit_case(FILE *to, const struct test_result *result)
{
    const struct test *test = result->test;
    fprintf(to, "    <testcase name=\"");
    xml_text(to, test->name);
    fprintf(to, "\" classname=\"");
    xml_text(to, test->file);
    fprintf(to, "\" file=\"");
    xml_text(to, test->file);
    fprintf(to, "\" line=\"%d\"", test->line);
    if (result->n_findings == 0) {
        fprintf(to, "/>\n");
        return;
    }
    struct buf text = {0};
    for (unsigned i = 0; i < result->n_findings; i++)
        put_finding(&text, &result->findings[i]);
    fprintf(to, ">\n      <failure message=\"");
    xml_text(to, test->file);
    fprintf(to, ":%d\" type=\"difference\">", test->line);
    xml_text(to, buf_str(&text));
    fprintf(to, "</failure>\n    </testcase>\n");
    buf_free(&text);
}

/* One suite for each file, of which the results stand together. */
static unsigned junit_suite(FILE *to, const struct test_result *results, unsigned n)
{
    unsigned n_here = 0, n_failed = 0;
    for (; n_here < n && results[n_here].test->file == results[0].test->file; n_here++)
        n_failed += results[n_here].n_findings > 0;
    fprintf(to, "  <testsuite name=\"");
    xml_text(to, results[0].test->file);
    fprintf(to, "\" tests=\"%u\" failures=\"%u\" errors=\"0\">\n", n_here, n_failed);
    for (unsigned i = 0; i < n_here; i++)
        junit_case(to, &results[i]);
    fprintf(to, "  </testsuite>\n");
    return n_here;
}

void testreport_junit(FILE *to, const struct test_result *results, unsigned n)
{
    unsigned n_failed = 0;
    for (unsigned i = 0; i < n; i++)
        n_failed += results[i].n_findings > 0;
    fprintf(to,
            "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n"
            "<testsuites tests=\"%u\" failures=\"%u\" errors=\"0\">\n",
            n, n_failed);
    for (unsigned i = 0; i < n;)
        i += junit_suite(to, &results[i], n - i);
    fprintf(to, "</testsuites>\n");
}
