-- Takes 001_role.sql back: what the role was granted in this database (lookups need SELECT), and the
-- role, unless it owns something or another database still uses it. Safe to run twice. A slot is not
-- the role's: drop it first, or it keeps PostgreSQL's WAL for ever:
--   SELECT pg_drop_replication_slot('cdcd');

DO $$
DECLARE
    here oid := (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database());
    left_over text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'cdcd') THEN
        RETURN;
    END IF;
    EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM cdcd',
                              pg_catalog.current_database());
    -- Only where it owns nothing, for that would be dropped, and no other database knows it, for a
    -- right to connect there would go as well.
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend
                    WHERE refclassid = 'pg_catalog.pg_authid'::regclass
                      AND refobjid = 'cdcd'::regrole AND (deptype = 'o' OR dbid <> here)) THEN
        BEGIN
            DROP OWNED BY cdcd;
        EXCEPTION WHEN insufficient_privilege OR dependent_objects_still_exist THEN
            NULL; -- what is left, DROP ROLE tells
        END;
    END IF;
    BEGIN
        DROP ROLE cdcd;
    EXCEPTION WHEN dependent_objects_still_exist THEN
        GET STACKED DIAGNOSTICS left_over = PG_EXCEPTION_DETAIL;
        RAISE NOTICE 'role cdcd stays, because something else depends on it'
            USING DETAIL = left_over,
                  HINT = 'What it was granted here, a superuser takes back with DROP OWNED BY cdcd, which'
                         ' drops also what it owns here, and takes its rights on other databases.';
    END;
END
$$;
