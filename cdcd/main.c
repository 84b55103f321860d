/* The verbs, one line each. */
#include "config.h"
#include "daemon.h"
#include "verb/verb.h"

#include <limits.h>

static int run(const struct verb_args *args)
{
    return daemon_run(args->config ? args->config : CONFIG_DEFAULT_PATH);
}

#define J VERB_TAKES_JSON
#define S VERB_TAKES_STRICT
#define R VERB_TAKES_CHANGE
#define T VERB_TAKES_TESTS
#define L VERB_TAKES_LIVE
#define M VERB_TAKES_SQL

static const struct verb verbs[] = {
    /* clang-format off */
    {"run", "", "the daemon, in the foreground", run, 0, 0, 0},
    {"check", "[FILE...] [--live] [--strict]", "are the configuration and the rules right?", verb_check, J | S | L, 0, UINT_MAX},
    {"explain", "[FILE] OP TABLE [--old c=v,...] [--new c=v,...] [--db]", "what would a change do?", verb_explain, J | R, 0, 3},
    {"test", "FILE... [--run REGEX] [--junit FILE]", "do rules do what their tests say?", verb_test, J | T, 1, UINT_MAX},
    {"diff", "OLD NEW", "what two rules files do differently", verb_diff, J, 2, 2},
    {"sql", "[--mode replication|outbox] [--down]", "the SQL that the rules need of the database", verb_sql, J | M, 0, 0},
    {"init", "", "a first cdcd.cfg and rules file", NULL, 0, 0, 0},
    {"status", "[--watch]", "how a running cdcd does", NULL, 0, 0, 0},
    {"wait", "[--timeout T] [--lsn X]", "until all before now is done", NULL, 0, 0, 0},
    {"tail", "[--app A] [--cache C]", "every op as it happens", NULL, 0, 0, 0},
    {"clear", "CACHE [param=value...]", "does by hand what a trigger would", NULL, 0, 0, 0},
    {"pause", "", "stops a running cdcd's reading", NULL, 0, 0, 0},
    {"resume", "", "goes on after pause", NULL, 0, 0, 0},
    {"reload", "", "loads the rules again", NULL, 0, 0, 0},
    {"loglevel", "LEVEL", "changes a running cdcd's log", NULL, 0, 0, 0},
    {"completion", "bash|zsh|fish", "for a shell", NULL, 0, 0, 0},
    {"version", "", "which cdcd this is", verb_version, J, 0, 0},
    {"help", "[VERB]", "this, or more of one verb", verb_help, 0, 0, 1},
    {0},
    /* clang-format on */
};

int main(int argc, char **argv)
{
    return verb_main(verbs, argc, argv);
}
