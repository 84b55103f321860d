-- The publication that cdcd reads, for logical replication, still without tables. It gives changes
-- of partitions as those of their root, from PostgreSQL 13 on; 12 cannot.
--
-- Run it as the owner of the tables, in the database that cdcd is to watch, after 001_role.sql:
--   psql -v ON_ERROR_STOP=1 -d blog -f sql/002_publication.sql
-- It is safe to run twice. 002_publication.down.sql takes it back.
--
-- Then add the tables; `cdcd sql --mode replication` prints what your rules need. The slot is made
-- last, since one that is older than its publication cannot be read:
--   ALTER PUBLICATION cdcd ADD TABLE blog_post, blog_comment;
--   SELECT pg_create_logical_replication_slot('cdcd', 'pgoutput');

DO $$
DECLARE
    version int := pg_catalog.current_setting('server_version_num');
BEGIN
    IF EXISTS (SELECT FROM pg_catalog.pg_publication WHERE pubname = 'cdcd') THEN
        RETURN;
    ELSIF NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') THEN
        RAISE EXCEPTION 'role % may not make a publication in database %',
            current_user, pg_catalog.current_database()
            USING ERRCODE = 'insufficient_privilege',
                  HINT = pg_catalog.format('Run this file as the owner of the database, or GRANT CREATE ON DATABASE %I TO %I.',
                                           pg_catalog.current_database(), current_user);
    ELSIF version < 130000 THEN
        CREATE PUBLICATION cdcd;
    ELSE
        CREATE PUBLICATION cdcd WITH (publish_via_partition_root = true);
    END IF;
END
$$;
