-- The role that cdcd connects as when changes come through the outbox (source.mode = "outbox"). It
-- may read the outbox and take from it what has been done, and no more: 004_outbox.sql grants that.
--
-- Run it before 004_outbox.sql, as a role that may create roles:
--   psql -v ON_ERROR_STOP=1 -d blog -f sql/003_outbox_role.sql
-- It is safe to run twice. 003_outbox_role.down.sql takes it back. The role has no password: give it
-- one (\password cdcd_reader), or let pg_hba.conf name how it proves who it is. A role that you
-- have already does as well: GRANT cdcd_reader TO it. Rules with a lookup run it as this role, and
-- it needs SELECT on the tables that the lookup names.

DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'cdcd_reader') THEN
        IF NOT (SELECT rolsuper OR rolcreaterole FROM pg_catalog.pg_roles WHERE rolname = current_user) THEN
            RAISE EXCEPTION 'role % may not create roles', current_user
                USING ERRCODE = 'insufficient_privilege',
                      HINT = pg_catalog.format('Run this file as a superuser, or ALTER ROLE %I CREATEROLE.', current_user);
        END IF;
        -- Three connections for each daemon, a standby, and those that are just being lost.
        CREATE ROLE cdcd_reader LOGIN CONNECTION LIMIT 10;
    END IF;
    EXECUTE pg_catalog.format('GRANT CONNECT ON DATABASE %I TO cdcd_reader',
                              pg_catalog.current_database());
END
$$;
