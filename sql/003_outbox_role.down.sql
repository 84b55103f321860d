-- Takes 003_outbox_role.sql back: what the role was granted in this database (lookups need SELECT),
-- and the role, unless it owns something or another database still uses it. Safe to run twice.
-- 004_outbox.down.sql comes first.

DO $$
DECLARE
    here oid := (SELECT oid FROM pg_catalog.pg_database WHERE datname = pg_catalog.current_database());
    left_over text;
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'cdcd_reader') THEN
        RETURN;
    END IF;
    EXECUTE pg_catalog.format('REVOKE ALL ON DATABASE %I FROM cdcd_reader',
                              pg_catalog.current_database());
    -- Only where it owns nothing, for that would be dropped, and no other database knows it, for a
    -- right to connect there would go as well.
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_shdepend
                    WHERE refclassid = 'pg_catalog.pg_authid'::regclass
                      AND refobjid = 'cdcd_reader'::regrole AND (deptype = 'o' OR dbid <> here)) THEN
        BEGIN
            DROP OWNED BY cdcd_reader;
        EXCEPTION WHEN insufficient_privilege OR dependent_objects_still_exist THEN
            NULL; -- what is left, DROP ROLE tells
        END;
    END IF;
    BEGIN
        DROP ROLE cdcd_reader;
    EXCEPTION WHEN dependent_objects_still_exist THEN
        GET STACKED DIAGNOSTICS left_over = PG_EXCEPTION_DETAIL;
        RAISE NOTICE 'role cdcd_reader stays, because something else depends on it'
            USING DETAIL = left_over,
                  HINT = 'What it was granted here, a superuser takes back with DROP OWNED BY cdcd_reader, which'
                         ' drops also what it owns here, and takes its rights on other databases.';
    END;
END
$$;
