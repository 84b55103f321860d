/* What PostgreSQL's catalog says of the server, the slot, the publication and the tables that are
 * wanted: two queries, and the structs that their results are read into. When to ask is for
 * prepare.c, to judge for remedy.c.
 *
 * All names that end in _sql are quoted by the server, to be used in statements and messages. */
#ifndef CDCD_SOURCE_CATALOG_H
#define CDCD_SOURCE_CATALOG_H

#include "model/change.h"

#include "source/pgconn.h"
#include "source/types.h"
#include "source/wanted.h"

#include <stdbool.h>
#include <stdint.h>

struct arena;

/* Of the schema cdcd that is read; that of sql/004_outbox.sql. */
#define CATALOG_OUTBOX_VERSION 1

struct catalog_server {
    int version; /* server_version_num */
    const char *wal_level;
    bool in_recovery;
    bool may_replicate;
    int64_t wal_sender_timeout_ms; /* 0: none */
    const char *database_sql;
    const char *role_sql;
};

struct catalog_slot {
    const char *name_sql; /* quoted as a literal */
    bool exists;
    bool here; /* of this database */
    bool two_phase;
    bool lost;
    uint64_t confirmed_lsn;
    const char *plugin;   /* "" with a physical slot */
    const char *database; /* "" with a physical slot */
};

struct catalog_publication {
    const char *name_sql;
    bool exists;
    bool via_root;          /* publish_via_partition_root */
    const char *leaves_out; /* operations, as in "delete, truncate"; NULL: none */
};

enum table_kind { TABLE_MISSING, TABLE_ORDINARY, TABLE_PARTITIONED, TABLE_OTHER };

struct catalog_table {
    enum table_kind kind;
    const char *name_sql;   /* with its schema */
    const char *root_sql;   /* of a partition; NULL otherwise */
    bool logged;            /* its changes are in the WAL */
    bool owned;             /* our role has the owner's rights */
    bool published;         /* or watched, with enabled triggers */
    const char *filter_sql; /* rows that do not fulfil it are not published; NULL: none */
    const char *whole_sql;  /* the statements after which all rows and columns are published */
    bool has_identity;      /* UPDATE and DELETE work once it is published */
    /* Of the outbox alone. */
    bool watched;              /* triggers are there, though they may be disabled */
    const char *unguarded;     /* partitions whose own TRUNCATE is not seen, quoted; NULL: none */
    const char *stamp;         /* differs once somebody has touched the triggers; "" without */
    const char *watch_sql;     /* the call of cdcd.watch that makes the triggers anew as they are */
    const char *watch_all_sql; /* and the one that watches all columns */
    int64_t shape;             /* differs once columns are added, dropped, renamed or altered */
    struct relation relation;  /* as the stream would give it; schema and name are the wanted's.
                                * Only here are labels known, and collations */
};

struct catalog {
    struct arena *arena; /* owns what the rest points to */
    enum source_mode mode;
    int outbox_version; /* of the schema cdcd; 0: there is none, -1: our role may not use it */
    bool outbox_role;   /* there is a role cdcd_reader */
    const char *outbox_grants; /* with -1: the statements after which it may */
    struct catalog_server server;
    struct catalog_slot slot;
    struct catalog_publication publication;
    struct catalog_table *tables; /* in the order in which they were wanted */
    unsigned n_tables;
    struct types *types; /* that the tables' columns have */
    uint64_t xmin;       /* when the tables were looked at, all transactions before it had ended */
    uint64_t xmax;       /* and it had not begun */
};

/* The caller owns the catalog. */
struct catalog *catalog_make(void);
/* Asks the first query; its answer is for catalog_read_server. Options are lent. */
void catalog_ask_server(struct catalog *catalog, struct pgconn *conn,
                        const struct source_opts *opts, pgconn_answer_fn answer, void *ctx);
void catalog_read_server(struct catalog *catalog, const PGresult *result);
/* Asks the second, when the first was answered; its answer is for catalog_read_tables. */
void catalog_ask_tables(const struct catalog *catalog, struct pgconn *conn,
                        const struct wanted_list *wanted, const struct source_opts *opts,
                        pgconn_answer_fn answer, void *ctx);
/* wanted, whose names it borrows, must be the one that was asked with; tables that match its
 * patterns, and were not known, are added to it. */
void catalog_read_tables(struct catalog *catalog, struct wanted_list *wanted,
                         const PGresult *result);
/* True when the schema cdcd is there, of the version that is read, and our role may use it. */
bool catalog_outbox_is_usable(const struct catalog *catalog);
/* NULL is allowed. */
void catalog_free(struct catalog *catalog);

#endif
