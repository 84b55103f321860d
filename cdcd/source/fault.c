#include "source/fault.h"

#include <ctype.h>
#include <stdio.h>
#include <string.h>

/* Codes of PostgreSQL's manual, appendix "Error Codes". */
static const struct remedy {
    const char *sqlstate;
    const char *saying; /* must stand in the reason; NULL for any */
    int code;
    const char *remedy;
} remedies[] = {
    {"28P01", NULL, EX_NOPERM, "mend the password in source.conninfo or its passfile"},
    {"28000", "role \"", EX_CONFIG, "mend the user in source.conninfo, or CREATE ROLE"},
    {"28000", "no encryption", EX_CONFIG,
     "set sslmode=require (or better) in source.conninfo, or mend pg_hba.conf"},
    {"28000", "SSL off", EX_CONFIG,
     "set sslmode=require (or better) in source.conninfo, or mend pg_hba.conf"},
    {"28000", NULL, EX_NOPERM, "mend the user in source.conninfo, or pg_hba.conf"},
    {"3D000", NULL, EX_CONFIG, "mend dbname in source.conninfo"},
    {"42501", "database", EX_NOPERM, "GRANT CONNECT ON DATABASE to the role of source.conninfo"},
    {"42501", NULL, EX_NOPERM, "ALTER ROLE ... REPLICATION for the role of source.conninfo"},
    {"42704", NULL, EX_CONFIG, "mend options in source.conninfo"},
    {"22023", NULL, EX_CONFIG, "mend options in source.conninfo"},
    {"", "no password supplied", EX_NOPERM,
     "give a password in source.conninfo, a passfile or PGPASSWORD"},
    {"", "definition of service", EX_CONFIG, "mend the service in source.conninfo"},
    {"", "invalid connection option", EX_CONFIG, "mend source.conninfo"},
    {"", "server does not support SSL", EX_CONFIG,
     "mend sslmode in source.conninfo, or the server"},
    {"", "certificate", EX_CONFIG, "mend sslrootcert, sslcert or sslkey in source.conninfo"},
    {"", "sslmode value", EX_CONFIG, "mend sslmode in source.conninfo"},
};

/* Copies with blanks for line ends, and without the lines that name PostgreSQL's own source. */
static void copy_line(char *to, size_t size, const char *text)
{
    size_t n = 0;
    while (*text && n + 1 < size) {
        size_t line = strcspn(text, "\n");
        bool location = strncmp(text, "LOCATION:", 9) == 0;
        for (size_t i = 0; i < line && !location && n + 1 < size; i++)
            to[n++] = isspace((unsigned char)text[i]) ? ' ' : text[i];
        text += line + (text[line] == '\n');
        if (*text && !location && n + 1 < size)
            to[n++] = ' ';
    }
    while (n && to[n - 1] == ' ')
        n--;
    to[n] = '\0';
}

/* Where `:  28P01: ` begins in the text; NULL when nowhere. Severity before it and message after
 * it may be in any language. Of several attempts the first counts: after one with TLS comes one
 * without, which is refused for just that. */
static const char *find_sqlstate(const char *text)
{
    for (const char *at = text; (at = strstr(at, ":  ")); at += 3) {
        size_t n = strspn(at + 3, "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ");
        if (n == 5 && at[8] == ':' && at[9] == ' ')
            return at + 3;
    }
    return NULL;
}

void fault_from_text(struct pg_fault *fault, const char *text)
{
    const char *sqlstate = find_sqlstate(text);
    *fault = (struct pg_fault){0};
    if (sqlstate)
        memcpy(fault->sqlstate, sqlstate, 5);
    copy_line(fault->reason, sizeof fault->reason, text);
}

void fault_set(struct pg_fault *fault, const char *sqlstate, const char *reason)
{
    snprintf(fault->sqlstate, sizeof fault->sqlstate, "%s", sqlstate ? sqlstate : "");
    copy_line(fault->reason, sizeof fault->reason, reason);
}

bool fault_is(const struct pg_fault *fault, const char *sqlstate)
{
    return strcmp(fault->sqlstate, sqlstate) == 0;
}

bool fault_is_final(const struct pg_fault *fault, struct err *err)
{
    for (size_t i = 0; i < sizeof remedies / sizeof *remedies; i++) {
        const struct remedy *remedy = &remedies[i];
        if (!fault_is(fault, remedy->sqlstate))
            continue;
        if (remedy->saying && !strstr(fault->reason, remedy->saying))
            continue;
        err_set(err, remedy->code, "PostgreSQL refuses the connection: %s; %s", fault->reason,
                remedy->remedy);
        return true;
    }
    return false;
}

void fault_explain(const struct pg_fault *fault, enum source_mode mode, struct err *err)
{
    const char *remedy = "";
    if (fault_is(fault, "53300") && strstr(fault->reason, "max_wal_senders"))
        remedy = "; raise max_wal_senders and restart PostgreSQL, or end a walsender that is not "
                 "needed (SELECT * FROM pg_stat_replication)";
    /* It is in the WAL, or in the outbox, and comes again each time. */
    if (fault_is(fault, "22P05") || fault_is(fault, "22021"))
        remedy =
            mode == SOURCE_OUTBOX
                ? "; a row has bytes that are no text: mend the row, then DELETE FROM cdcd.outbox "
                  "as its owner, after which cdcd clears what it may have missed"
                : "; a row has bytes that are no text: mend the row, then drop the replication "
                  "slot (pg_drop_replication_slot), after which cdcd clears what it may have "
                  "missed";
    err_set(err, EX_TEMPFAIL, "%s%s", fault->reason, remedy);
}

/* 55000 is said of much that passes; a setting's name is in no language but its own. */
bool fault_of_slot_is_final(const struct pg_fault *fault, struct err *err)
{
    static const char what[] = "the replication slot cannot be made";
    if (fault_is(fault, "53400") ||
        (fault_is(fault, "55000") && strstr(fault->reason, "max_replication_slots")))
        err_set(err, EX_CONFIG,
                "%s: %s; raise max_replication_slots and restart PostgreSQL, or drop a slot that "
                "is not needed (SELECT * FROM pg_replication_slots WHERE NOT active)",
                what, fault->reason);
    else if (fault_is(fault, "42501"))
        err_set(err, EX_NOPERM,
                "%s: %s; ALTER ROLE ... REPLICATION for the role of source.conninfo", what,
                fault->reason);
    else
        return false;
    return true;
}
