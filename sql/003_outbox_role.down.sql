-- Takes 003_outbox_role.sql back: the right to connect to this database, and the role, unless
-- another database still uses it. Safe to run twice. 004_outbox.down.sql comes first.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'cdcd_reader') THEN
        RETURN;
    END IF;
    EXECUTE pg_catalog.format('REVOKE CONNECT ON DATABASE %I FROM cdcd_reader',
                              pg_catalog.current_database());
    BEGIN
        DROP ROLE cdcd_reader;
    EXCEPTION WHEN dependent_objects_still_exist THEN
        RAISE NOTICE 'role cdcd_reader stays, because something else depends on it';
    END;
END
$$;
