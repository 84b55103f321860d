/* The `env` of a file of rule tests: what ${NAME} stands for while its rules are loaded. */
#ifndef CDCD_VERB_TESTENV_H
#define CDCD_VERB_TESTENV_H

#include "base/confread.h"
#include "rule/rule.h"

struct arena;
struct testenv_saved;

struct testenv {
    struct testenv_saved *saved;
    unsigned n;
};

/* Sets what the group says; env may be NULL. What is no text is complained about. */
void testenv_set(struct testenv *set, struct arena *arena, const struct conf *env,
                 struct complaints *complaints);
/* All is again as it was before. */
void testenv_restore(const struct testenv *set);
/* Complains of names that neither the rules' prefixes nor the configuration, which may be NULL,
 * have: a test with another prefix than was meant may pass all the same. */
void testenv_check(struct arena *arena, const struct conf *env, const struct ruleset *ruleset,
                   const char *config, struct complaints *complaints);

#endif
