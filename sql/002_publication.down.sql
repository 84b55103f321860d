-- Takes 002_publication.sql back: the publication, and with it which tables it held. Safe to run
-- twice. The slot goes first, or it keeps PostgreSQL's WAL for ever:
--   SELECT pg_drop_replication_slot('cdcd');
--
-- What the tables' replica identities were before, nobody knows: they stay as they are.

DROP PUBLICATION IF EXISTS cdcd;
