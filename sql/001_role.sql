-- The role that cdcd connects as, for logical replication. It reads the stream of the tables that
-- the publication names, and needs no right on the tables themselves.
--
-- Run it as a superuser, in the database that cdcd is to watch:
--   psql -v ON_ERROR_STOP=1 -d blog -f sql/001_role.sql
-- It is safe to run twice. 001_role.down.sql takes it back. The role has no password: give it one
-- (\password cdcd), or let pg_hba.conf name how it proves who it is.
--
-- Next is the publication, 002_publication.sql, which whoever owns the tables makes, and then the
-- slot:
--   SELECT pg_create_logical_replication_slot('cdcd', 'pgoutput');

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'cdcd') THEN
        -- Two connections for each daemon, a standby, and those that are just being lost.
        CREATE ROLE cdcd LOGIN REPLICATION CONNECTION LIMIT 8;
    END IF;
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO cdcd',
                              pg_catalog.current_database());
END
$$;
