#include "verb/verb.h"

#include <string.h>

static int help_verb(const struct verb *verb);
static void list_verbs(const struct verb *verbs);

int verb_help(const struct verb_args *args)
{
    if (args->n_operands == 0) {
        list_verbs(args->verbs);
        return 0;
    }
    for (const struct verb *verb = args->verbs; verb->name; verb++)
        if (strcmp(verb->name, args->operands[0]) == 0)
            return help_verb(verb);
    return verb_unknown(args->verbs, args->operands[0]);
}

static void list_verbs(const struct verb *verbs)
{
    printf("cdcd deletes cache keys when rows change in PostgreSQL.\n\n"
           "usage: cdcd [-c FILE] VERB ...\n\n");
    for (const struct verb *verb = verbs; verb->name; verb++)
        if (verb->run)
            printf("  %-8s %s\n", verb->name, verb->help);
    printf("\nNot built yet in this version:");
    for (const struct verb *verb = verbs; verb->name; verb++)
        if (!verb->run)
            printf(" %s", verb->name);
    printf("\n");
}

static int help_verb(const struct verb *verb)
{
    printf("usage: cdcd [-c FILE] %s%s%s\n\n%s\n", verb->name, *verb->operands ? " " : "",
           verb->operands, verb->help);
    if (!verb->run)
        printf("Not built yet in this version.\n");
    if (verb->options & VERB_TAKES_JSON)
        printf("  --json         answer in JSON\n");
    if (verb->options & VERB_TAKES_STRICT)
        printf("  --strict       exit %d when there are only warnings\n", EXIT_WARNINGS);
    if (verb->options & VERB_TAKES_LIVE)
        printf("  --live         ask the database and the stores too; changes nothing there\n");
    if (verb->options & VERB_TAKES_CHANGE)
        printf("  --old c=v,...  the row before; 'quoted, values' may hold commas and blanks, NULL "
               "is null\n"
               "  --new c=v,...  the row after; for an update, what differs from --old\n"
               "  --db           lookups are asked of the database that cdcd.cfg names\n"
               "  --table T      instead of a change: what each trigger of the table does\n"
               "  --key K        instead: which triggers clear the key\n"
               "  --where K      instead: on which server the key is; - reads keys from stdin\n"
               "  --store S      the store of --where\n");
    if (verb->options & VERB_TAKES_SQL)
        printf("  --mode M       replication or outbox; without it source.mode of cdcd.cfg\n"
               "  --down         the SQL that takes it back\n");
    if (verb->options & VERB_TAKES_TESTS)
        printf("  --run REGEX    only tests whose names match it (POSIX, extended)\n"
               "  --junit FILE   the results as JUnit's XML too\n");
    return 0;
}
