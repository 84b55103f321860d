#include "verb/verb.h"

#include "base/mem.h"
#include "base/str.h"

#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#define MAX_WORDS 64

struct option {
    const char *name;
    unsigned taken_by; /* bits of enum verb_option; 0: every verb */
    bool has_value;
    bool unbuilt;
};

enum option_number {
    OPTION_C,
    OPTION_JSON,
    OPTION_STRICT,
    OPTION_OLD,
    OPTION_NEW,
    OPTION_TABLE,
    OPTION_DB,
    OPTION_KEY,
    OPTION_WHERE,
    OPTION_STORE,
    OPTION_RUN,
    OPTION_JUNIT,
    OPTION_LIVE,
    OPTION_MODE,
    OPTION_DOWN
};

static const struct option options[] = {
    [OPTION_C] = {"-c", 0, true, false},
    [OPTION_JSON] = {"--json", VERB_TAKES_JSON, false, false},
    [OPTION_STRICT] = {"--strict", VERB_TAKES_STRICT, false, false},
    [OPTION_OLD] = {"--old", VERB_TAKES_CHANGE, true, false},
    [OPTION_NEW] = {"--new", VERB_TAKES_CHANGE, true, false},
    [OPTION_TABLE] = {"--table", VERB_TAKES_CHANGE, true, false},
    [OPTION_DB] = {"--db", VERB_TAKES_CHANGE, false, false},
    [OPTION_KEY] = {"--key", VERB_TAKES_CHANGE, true, false},
    [OPTION_WHERE] = {"--where", VERB_TAKES_CHANGE, true, false},
    [OPTION_STORE] = {"--store", VERB_TAKES_CHANGE, true, false},
    [OPTION_RUN] = {"--run", VERB_TAKES_TESTS, true, false},
    [OPTION_JUNIT] = {"--junit", VERB_TAKES_TESTS, true, false},
    [OPTION_LIVE] = {"--live", VERB_TAKES_LIVE, false, false},
    [OPTION_MODE] = {"--mode", VERB_TAKES_SQL, true, false},
    [OPTION_DOWN] = {"--down", VERB_TAKES_SQL, false, false},
    {0},
};

struct line {
    struct verb_args args;
    const char *verb;
    bool help;        /* --help stood somewhere */
    unsigned options; /* taken_by of those that were given */
    const char *last_option;
    const char **operands;
};

static int read_line(struct line *line, int argc, char **argv);
static int run_verb(struct line *line);

int verb_main(const struct verb *verbs, int argc, char **argv)
{
    struct line line = {.args = {.verbs = verbs}};
    line.operands = mem_alloc((size_t)argc * sizeof *line.operands);
    line.args.operands = line.operands;
    int code = read_line(&line, argc, argv);
    if (code == 0)
        code = run_verb(&line);
    free(line.operands);
    return code;
}

int verb_misused(const char *format, ...)
{
    va_list args;
    va_start(args, format);
    fputs("cdcd: ", stderr);
    vfprintf(stderr, format, args);
    fputs("\n", stderr);
    va_end(args);
    return EX_USAGE;
}

/* The word is none of the list: says so, with the nearest. */
static int unknown(const char *what, const char *word, const char *const *words)
{
    const char *nearest = str_nearest(word, words);
    if (nearest)
        return verb_misused("unknown %s \"%s\"; did you mean \"%s\"?", what, word, nearest);
    return verb_misused("unknown %s \"%s\"; see cdcd help", what, word);
}

static int unknown_option(const char *word)
{
    const char *words[MAX_WORDS + 1] = {0};
    for (unsigned i = 0; options[i].name && i < MAX_WORDS; i++)
        words[i] = options[i].name;
    return unknown("option", word, words);
}

static const struct option *find_option(const char *arg, size_t n)
{
    for (const struct option *option = options; option->name; option++)
        if (strlen(option->name) == n && strncmp(option->name, arg, n) == 0)
            return option;
    return NULL;
}

static void set_option(struct line *line, const struct option *option, const char *value)
{
    struct verb_args *args = &line->args;
    switch ((enum option_number)(option - options)) {
    case OPTION_C:
        args->config = value;
        break;
    case OPTION_JSON:
        args->json = true;
        break;
    case OPTION_STRICT:
        args->strict = true;
        break;
    case OPTION_OLD:
        args->old_row = value;
        break;
    case OPTION_NEW:
        args->new_row = value;
        break;
    case OPTION_TABLE:
        args->table = value;
        break;
    case OPTION_DB:
        args->db = true;
        break;
    case OPTION_KEY:
        args->key = value;
        break;
    case OPTION_WHERE:
        args->where = value;
        break;
    case OPTION_STORE:
        args->store = value;
        break;
    case OPTION_RUN:
        args->run = value;
        break;
    case OPTION_JUNIT:
        args->junit = value;
        break;
    case OPTION_LIVE:
        args->live = true;
        break;
    case OPTION_MODE:
        args->mode = value;
        break;
    case OPTION_DOWN:
        args->down = true;
        break;
    }
    line->options |= option->taken_by;
    if (option->taken_by)
        line->last_option = option->name;
}

/* An argument that begins with a dash; *i moves on to its value. */
static int read_option(struct line *line, int argc, char **argv, int *i)
{
    const char *arg = argv[*i];
    const char *equals = strncmp(arg, "--", 2) == 0 ? strchr(arg, '=') : NULL;
    const struct option *option = find_option(arg, equals ? (size_t)(equals - arg) : strlen(arg));
    if (!option)
        return unknown_option(arg);
    if (option->unbuilt)
        return verb_misused("%s is not built yet in this version", option->name);
    if (!option->has_value && equals)
        return verb_misused("%s takes no value", option->name);
    const char *value = equals ? equals + 1 : NULL;
    if (option->has_value && !value) {
        if (*i + 1 == argc)
            return verb_misused("%s needs a value", option->name);
        value = argv[++*i];
    }
    set_option(line, option, value);
    return 0;
}

static int read_line(struct line *line, int argc, char **argv)
{
    bool options_end = false;
    for (int i = 1; i < argc; i++) {
        const char *arg = argv[i];
        int code = 0;
        if (!options_end && strcmp(arg, "--") == 0)
            options_end = true;
        else if (!options_end && (strcmp(arg, "--help") == 0 || strcmp(arg, "-h") == 0))
            line->help = true;
        else if (!options_end && strcmp(arg, "--version") == 0)
            line->verb = "version";
        else if (!options_end && arg[0] == '-' && arg[1])
            code = read_option(line, argc, argv, &i);
        else if (!line->verb)
            line->verb = arg;
        else
            line->operands[line->args.n_operands++] = arg;
        if (code)
            return code;
    }
    return 0;
}

int verb_unknown(const struct verb *verbs, const char *word)
{
    const char *words[MAX_WORDS + 1] = {0};
    for (unsigned i = 0; verbs[i].name && i < MAX_WORDS; i++)
        words[i] = verbs[i].name;
    return unknown("verb", word, words);
}

/* A verb with --help is help with that verb, whatever else was written. */
static void turn_into_help(struct line *line)
{
    if (line->verb && strcmp(line->verb, "help") != 0) {
        line->operands[0] = line->verb;
        line->args.n_operands = 1;
    }
    line->verb = "help";
    line->options = 0;
}

static int run_verb(struct line *line)
{
    const struct verb *verb = line->args.verbs;
    if (line->help)
        turn_into_help(line);
    if (!line->verb)
        return verb_misused("no verb; try cdcd help");
    while (verb->name && strcmp(verb->name, line->verb) != 0)
        verb++;
    if (!verb->name)
        return verb_unknown(line->args.verbs, line->verb);
    if (!verb->run)
        return verb_misused("%s is not built yet in this version", verb->name);
    if (line->options & ~verb->options)
        return verb_misused("%s does not take %s; see cdcd help %s", verb->name, line->last_option,
                            verb->name);
    unsigned n = line->args.n_operands;
    if (n < verb->least_operands || n > verb->most_operands)
        return verb_misused("usage: cdcd %s %s", verb->name, verb->operands);
    return verb->run(&line->args);
}
