#include "verb/verb.h"

int verb_version(const struct verb_args *args)
{
    printf(args->json ? "{\"name\":\"cdcd\",\"version\":\"%s\"}\n" : "cdcd %s\n", CDCD_VERSION);
    return 0;
}
