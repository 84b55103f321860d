-- Takes 001_role.sql back: the right to connect to this database, and the role, unless another
-- database still uses it. Safe to run twice. A slot is not the role's: drop it first, or it keeps
-- PostgreSQL's WAL for ever:
--   SELECT pg_drop_replication_slot('cdcd');

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'cdcd') THEN
        RETURN;
    END IF;
    EXECUTE pg_catalog.format('REVOKE CONNECT ON DATABASE %I FROM cdcd',
                              pg_catalog.current_database());
    BEGIN
        DROP ROLE cdcd;
    EXCEPTION WHEN dependent_objects_still_exist THEN
        RAISE NOTICE 'role cdcd stays, because something else depends on it';
    END;
END
$$;
