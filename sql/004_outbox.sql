-- The outbox: triggers write what changed into tables, from where cdcd reads it (source.mode =
-- "outbox"). It needs no wal_level, no slot and no REPLICATION; PostgreSQL 12 or later.
--
-- Run it in the database that cdcd is to watch, after 003_outbox_role.sql, as the owner of the
-- tables (or as a role that the owner is a member of):
--   psql -v ON_ERROR_STOP=1 -d blog -f sql/004_outbox.sql
-- or paste it into a migration. It is safe to run twice. 004_outbox.down.sql takes it back.
--
-- Then name the tables; `cdcd sql --mode outbox` prints these calls for your rules:
--   SELECT cdcd.watch('public.blog_post');
--   SELECT cdcd.watch('public.blog_comment', ARRAY['id', 'post_id'], any_update => true);
--
--   cdcd.watch(table, columns, notify, any_update)   watches a table, or changes how
--     columns      what cdcd will know of a row; NULL: all of it, also columns that are added later
--     any_update   false: an UPDATE counts if it changes one of these columns; true: if it changes
--                  anything
--     notify       false: never NOTIFY, which forbids PREPARE TRANSACTION; cdcd then finds changes
--                  when it polls. NULL: as it was, at first true
--   cdcd.unwatch(table)                              ends it
--   cdcd.watched                                     what is watched, and how
--   cdcd.outbox                                      what has not been done yet
--
-- The triggers are ENABLE ALWAYS: rows that a subscription applies, or a session with
-- session_replication_role = replica writes, are changes too. After DISABLE TRIGGER write ENABLE
-- ALWAYS TRIGGER, not ENABLE TRIGGER, which leaves those out; or call watch() again. What they do not
-- see: ALTER TABLE, DROP TABLE, DETACH or ATTACH PARTITION; and TRUNCATE of a partition that was made
-- after watch() was last called for its root.

DO $$
BEGIN
    IF pg_catalog.current_setting('server_version_num')::int < 120000 THEN
        RAISE EXCEPTION 'the outbox needs PostgreSQL 12 or later';
    END IF;
    IF pg_catalog.to_regnamespace('cdcd') IS NULL
       AND NOT pg_catalog.has_database_privilege(pg_catalog.current_database(), 'CREATE') THEN
        RAISE EXCEPTION 'role % may not create schema cdcd', current_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = pg_catalog.format('Run this file as the owner of the database, or GRANT CREATE ON DATABASE %I TO %I.',
                                           pg_catalog.current_database(), current_user);
    END IF;
END
$$;

-- That something is there already is no news. At the end of this file it is as it was.
DO $$
BEGIN
    PERFORM pg_catalog.set_config('cdcd.messages', pg_catalog.current_setting('client_min_messages'), false);
    IF pg_catalog.current_setting('client_min_messages') NOT IN ('warning', 'error', 'fatal', 'panic') THEN
        PERFORM pg_catalog.set_config('client_min_messages', 'warning', false);
    END IF;
END
$$;

CREATE SCHEMA IF NOT EXISTS cdcd;
COMMENT ON SCHEMA cdcd IS 'cdcd: changes of rows, on their way to the caches';

-- What cdcd wants to know before it reads. It takes the number from this text, which it can do also
-- where it may not call it, or where there is no such function.
CREATE OR REPLACE FUNCTION cdcd.version() RETURNS int LANGUAGE sql IMMUTABLE AS 'SELECT 1';

-- Three values that triggers read and cdcd writes. Each is a sequence, because a sequence is a table
-- of one row that is written in place, and read as it is now: an ordinary row would leave a dead
-- version at each change, and while some transaction stays open every trigger would walk over them
-- all.
CREATE SEQUENCE IF NOT EXISTS cdcd.outbox_id;
CREATE SEQUENCE IF NOT EXISTS cdcd.outbox_part AS int MINVALUE 0 START 0;
-- Until this second (of the Unix epoch) cdcd sleeps, and wants a NOTIFY. It is renewed, so that nobody
-- pays for NOTIFY for long when there is no cdcd.
CREATE SEQUENCE IF NOT EXISTS cdcd.asleep_until MINVALUE 0 START 0;

-- A row a change. Rows are written to one part until that has grown; the others are emptied by
-- TRUNCATE when all their rows have been read and deleted, which no open snapshot hinders.
CREATE TABLE IF NOT EXISTS cdcd.outbox (
    part     int    NOT NULL,
    txid     bigint NOT NULL DEFAULT txid_current(),
    id       bigint NOT NULL DEFAULT nextval('cdcd.outbox_id'),
    op       "char" NOT NULL,   -- I, U, D, T (TRUNCATE), or G: rows were taken out by someone else
    relation oid,               -- a partition's root
    schema   text,
    name     text,
    columns  text,              -- the names of the values below, as the text of a record; NULL: none
    old      text,              -- the values as the text of a record
    new      text
) PARTITION BY LIST (part);
CREATE TABLE IF NOT EXISTS cdcd.outbox_0 PARTITION OF cdcd.outbox FOR VALUES IN (0);
CREATE TABLE IF NOT EXISTS cdcd.outbox_1 PARTITION OF cdcd.outbox FOR VALUES IN (1);
CREATE TABLE IF NOT EXISTS cdcd.outbox_2 PARTITION OF cdcd.outbox FOR VALUES IN (2);

-- Only once: even where they change nothing these wait for every transaction that wrote a row, and
-- all who write wait behind them. Without the identity nothing could be deleted where there is a
-- publication FOR ALL TABLES.
DO $$
BEGIN
    IF pg_catalog.to_regclass('cdcd.outbox_txid') IS NULL THEN
        CREATE INDEX outbox_txid ON cdcd.outbox (txid);
        ALTER TABLE cdcd.outbox_0 REPLICA IDENTITY FULL;
        ALTER TABLE cdcd.outbox_1 REPLICA IDENTITY FULL;
        ALTER TABLE cdcd.outbox_2 REPLICA IDENTITY FULL;
    END IF;
END
$$;

-- How each trigger function was made: cdcd.capture_<id>. Which table it serves, its triggers say.
CREATE SEQUENCE IF NOT EXISTS cdcd.capture_id;
CREATE TABLE IF NOT EXISTS cdcd.captures (
    id          int     PRIMARY KEY,
    columns     text[]  NOT NULL,
    all_columns boolean NOT NULL,
    any_update  boolean NOT NULL,
    notify      boolean NOT NULL,
    source      text    NOT NULL
);

-- Says in the outbox that rows were taken out of it unread. cdcd clears every cache then.
CREATE OR REPLACE FUNCTION cdcd.outbox_emptied() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    INSERT INTO cdcd.outbox (part, op, name)
    SELECT last_value, 'G', lower(TG_OP) || ' by ' || session_user FROM cdcd.outbox_part;
    RETURN NULL;
END
$$;

DO $$
DECLARE
    part text;
BEGIN
    FOREACH part IN ARRAY ARRAY['outbox', 'outbox_0', 'outbox_1', 'outbox_2'] LOOP
        CONTINUE WHEN EXISTS (SELECT FROM pg_catalog.pg_trigger
                               WHERE tgrelid = format('cdcd.%I', part)::regclass
                                 AND tgname = 'cdcd_delete');
        EXECUTE format('CREATE TRIGGER cdcd_delete AFTER DELETE ON cdcd.%I FOR EACH STATEMENT'
                       ' WHEN (current_setting(''cdcd.reader'', true) IS DISTINCT FROM ''on'')'
                       ' EXECUTE FUNCTION cdcd.outbox_emptied()', part);
        CONTINUE WHEN part = 'outbox'; -- its TRUNCATE is one of its parts
        EXECUTE format('CREATE TRIGGER cdcd_truncate AFTER TRUNCATE ON cdcd.%I FOR EACH STATEMENT'
                       ' WHEN (current_setting(''cdcd.reader'', true) IS DISTINCT FROM ''on'')'
                       ' EXECUTE FUNCTION cdcd.outbox_emptied()', part);
    END LOOP;
END
$$;

-- What cdcd has not read: rows of transactions from `seen` on, and of those that were `running` when
-- it read last; whole transactions, of about n_rows or a little more. First comes a row with the
-- snapshot of this read in `new`, and in `txid` the last transaction that it goes to, or NULL.
-- Transactions come in an order in which each comes after those that changed a row before it did.
--
-- A function, because its plan is kept: making it would take longer than reading does.
CREATE OR REPLACE FUNCTION cdcd.unread(seen bigint, running bigint[], n_rows int)
RETURNS TABLE (last bigint, txid bigint, op text, relation bigint, shape bigint, schema text, name text,
               columns text, old text, new text)
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp SET plan_cache_mode = 'force_generic_plan' AS $$
#variable_conflict use_column
BEGIN
    RETURN QUERY
    WITH bound AS MATERIALIZED (
        SELECT txid FROM cdcd.outbox WHERE txid >= seen ORDER BY txid OFFSET n_rows - 1 LIMIT 1),
    unread AS MATERIALIZED (
        SELECT o.*, max(o.id) OVER (PARTITION BY o.txid) AS last
          FROM (SELECT * FROM cdcd.outbox
                 WHERE txid >= seen AND txid <= coalesce((SELECT txid FROM bound), 9223372036854775807)
                UNION ALL
                SELECT * FROM cdcd.outbox WHERE txid = ANY (running)) o),
    -- What a table's columns look like; as cdcd itself asks the catalog for it.
    shapes AS MATERIALIZED (
        SELECT r.relation,
               (SELECT hashtextextended(string_agg(concat_ws(' ', a.attnum, a.attname, a.atttypid,
                                                             a.atttypmod), ',' ORDER BY a.attnum), 0)
                  FROM pg_attribute a
                 WHERE a.attrelid = r.relation AND a.attnum > 0 AND NOT a.attisdropped) AS shape
          FROM (SELECT DISTINCT relation FROM unread) r)
    SELECT a.last, a.txid, a.op, a.relation, a.shape, a.schema, a.name, a.columns, a.old, a.new
      FROM (SELECT NULL::bigint AS last, 0 AS id, (SELECT txid FROM bound) AS txid, 'S' AS op,
                   NULL::bigint AS relation, NULL::bigint AS shape, NULL AS schema, NULL AS name,
                   NULL AS columns, NULL AS old, txid_current_snapshot()::text AS new
            UNION ALL
            SELECT u.last, u.id, u.txid, u.op::text, u.relation::bigint, s.shape, u.schema, u.name,
                   u.columns, u.old, u.new
              FROM unread u LEFT JOIN shapes s ON s.relation = u.relation) a
     ORDER BY a.last NULLS FIRST, a.id;
END
$$;

-- Empties the parts that are not written any more, and when the one that is has grown, has an empty
-- one written from now on. True when it has. Waits for nobody: a part that someone uses keeps.
CREATE OR REPLACE FUNCTION cdcd.rotate(grown_bytes bigint DEFAULT 1048576) RETURNS boolean
LANGUAGE plpgsql SECURITY DEFINER SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    reader  text := coalesce(current_setting('cdcd.reader', true), '');
    current int;
    next    int;
    used    boolean;
BEGIN
    -- A snapshot that is older than the lock would not see what was written in between.
    IF current_setting('transaction_isolation') <> 'read committed' THEN
        RAISE EXCEPTION 'cdcd.rotate() would lose rows in a transaction that is %',
            upper(current_setting('transaction_isolation'))
            USING ERRCODE = 'active_sql_transaction',
                  HINT = 'Call it in one that is READ COMMITTED.';
    END IF;
    -- Not by SET above, which for a name of one's own only superusers may write there.
    PERFORM set_config('cdcd.reader', 'on', true);
    SELECT last_value INTO current FROM cdcd.outbox_part;
    FOR part IN 0..2 LOOP
        CONTINUE WHEN part = current;
        IF pg_total_relation_size(format('cdcd.outbox_%s', part)::regclass) > 3 * 8192 THEN
            BEGIN
                EXECUTE format('LOCK TABLE cdcd.outbox_%s IN ACCESS EXCLUSIVE MODE NOWAIT', part);
                EXECUTE format('SELECT EXISTS (SELECT FROM cdcd.outbox_%s)', part) INTO used;
                CONTINUE WHEN used;
                EXECUTE format('TRUNCATE cdcd.outbox_%s', part);
            EXCEPTION WHEN lock_not_available THEN
                CONTINUE;
            END;
        END IF;
        next := part;
    END LOOP;
    PERFORM set_config('cdcd.reader', reader, true);
    IF next IS NULL OR pg_total_relation_size(format('cdcd.outbox_%s', current)::regclass) < grown_bytes THEN
        RETURN false;
    END IF;
    PERFORM setval('cdcd.outbox_part', next);
    RETURN true;
END
$$;

-- The names of all columns of a table, as the text of a record; '' for one that triggers see no
-- value of.
CREATE OR REPLACE FUNCTION cdcd.column_names(relation oid) RETURNS text
LANGUAGE sql STABLE SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
    SELECT '(' || string_agg(
               CASE WHEN attgenerated = 'v' THEN '""'
                    ELSE '"' || replace(replace(attname::text, '\', '\\'), '"', '""') || '"' END,
               ',' ORDER BY attnum) || ')'
      FROM pg_attribute WHERE attrelid = relation AND attnum > 0 AND NOT attisdropped
$$;

-- The trigger function of one table. Values are written by their types' output functions, as a
-- record's text has them, under settings that no session can change.
--
-- It must never be why a transaction fails. A column that was renamed, dropped or altered after
-- watch() makes the first attempt fail: then the whole row is written, with the names that columns
-- have now; by format(), because a cast of the row to text could be a function of the table's owner,
-- that would run as the owner of this. A row that is too long for that, or has bytes that are no text,
-- is written without its values. Both attempts are blocks without writes, whose subtransactions need
-- no number.
CREATE OR REPLACE FUNCTION cdcd.capture_source(
    id int, partitioned boolean, columns text[], all_columns boolean, n_attributes int, notify boolean,
    any_update boolean)
RETURNS text LANGUAGE plpgsql STABLE
SET search_path = pg_catalog, pg_temp SET standard_conforming_strings = on AS $$
DECLARE
    olds        text;
    news        text;
    body        text;
    convertible text := '';
BEGIN
    -- cdcd reads UTF-8. A row that cannot be converted would hold up all that come after it.
    IF getdatabaseencoding() NOT IN ('UTF8', 'SQL_ASCII') THEN
        convertible := $convertible$
            PERFORM convert_to(coalesce(old_row, '') || coalesce(new_row, ''), 'UTF8');
$convertible$;
    END IF;
    SELECT string_agg(format('OLD.%I', c), ', ' ORDER BY n), string_agg(format('NEW.%I', c), ', ' ORDER BY n)
      INTO olds, news FROM unnest(columns) WITH ORDINALITY AS u (c, n);
    body := format($body$
DECLARE
    root        oid  := TG_RELID;
    root_schema text := TG_TABLE_SCHEMA;
    root_name   text := TG_TABLE_NAME;
    names       text := %L;
    old_row     text;
    new_row     text;
    part        int;
    asleep      boolean;
    as_watched  boolean := true;
BEGIN
%s    SELECT p.last_value, s.last_value > date_part('epoch', clock_timestamp())%s
      INTO part, asleep%s FROM cdcd.outbox_part p, cdcd.asleep_until s;
    IF TG_OP <> 'TRUNCATE' THEN
        BEGIN
            IF as_watched AND TG_OP <> 'INSERT' THEN
                old_row := ROW(%s)::text;
            END IF;
            IF as_watched AND TG_OP <> 'DELETE' THEN
                new_row := ROW(%s)::text;
            END IF;
%s        EXCEPTION WHEN OTHERS THEN
            as_watched := false;
        END;
%s        IF NOT as_watched THEN
            BEGIN
                names := cdcd.column_names(TG_RELID);
                old_row := CASE WHEN TG_OP <> 'INSERT' THEN format('%%s', OLD) END;
                new_row := CASE WHEN TG_OP <> 'DELETE' THEN format('%%s', NEW) END;
%s            EXCEPTION WHEN OTHERS THEN
                names := NULL;
            END;
        END IF;
        IF names IS NULL
           OR coalesce(octet_length(old_row), 0) + coalesce(octet_length(new_row), 0) > 268435456 THEN
            names := NULL;
            old_row := NULL;
            new_row := NULL;
        END IF;
    END IF;
    INSERT INTO cdcd.outbox (part, op, relation, schema, name, columns, old, new)
    VALUES (part, left(TG_OP, 1)::"char", root, root_schema, root_name,
            CASE WHEN TG_OP <> 'TRUNCATE' THEN names END, old_row, new_row);
%s    RETURN NULL;
END
$body$,
        (SELECT ROW_TEXT.names FROM (SELECT '(' || string_agg(
                 '"' || replace(replace(c, '\', '\\'), '"', '""') || '"', ',' ORDER BY n) || ')' AS names
               FROM unnest(columns) WITH ORDINALITY AS u (c, n)) AS ROW_TEXT),
        CASE WHEN partitioned THEN
$part$    SELECT c.oid, n.nspname, c.relname INTO root, root_schema, root_name
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = coalesce(pg_partition_root(TG_RELID), TG_RELID);
$part$ ELSE '' END,
        CASE WHEN all_columns THEN format(',
           (SELECT c.relnatts = %s FROM pg_class c WHERE c.oid = root)', n_attributes) ELSE '' END,
        CASE WHEN all_columns THEN ', as_watched' ELSE '' END,
        olds, news, convertible,
        CASE WHEN any_update THEN '' ELSE
$update$        IF as_watched AND TG_OP = 'UPDATE' AND old_row = new_row THEN
            RETURN NULL;
        END IF;
$update$ END,
        convertible,
        CASE WHEN notify THEN
$notify$    IF asleep THEN
        PERFORM pg_notify('cdcd', '');
    END IF;
$notify$ ELSE '' END);
    -- %L, because a column's name could end any other quoting.
    RETURN format($source$
CREATE OR REPLACE FUNCTION cdcd.capture_%s() RETURNS trigger
LANGUAGE plpgsql SECURITY DEFINER
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, MDY' SET timezone = 'UTC' SET intervalstyle = 'postgres'
SET extra_float_digits = 1 SET bytea_output = 'hex' AS %L
$source$, id, body);
END
$$;

-- The triggers of a table. That of UPDATE compares images, not values: there are types without
-- equality, and values that are equal and look different. It names no column: one that is named
-- there could not be altered, nor dropped.
CREATE OR REPLACE FUNCTION cdcd.create_triggers(relation regclass, id int) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one regclass;
BEGIN
    EXECUTE format('CREATE TRIGGER cdcd_change AFTER INSERT OR DELETE ON %s FOR EACH ROW'
                   ' EXECUTE FUNCTION cdcd.capture_%s()', relation, id);
    EXECUTE format('CREATE TRIGGER cdcd_update AFTER UPDATE ON %s FOR EACH ROW'
                   ' WHEN (OLD.* *<> NEW.*) EXECUTE FUNCTION cdcd.capture_%s()', relation, id);
    FOR one IN SELECT relation UNION SELECT relid FROM pg_partition_tree(relation) LOOP
        EXECUTE format('CREATE TRIGGER cdcd_truncate AFTER TRUNCATE ON %s FOR EACH STATEMENT'
                       ' EXECUTE FUNCTION cdcd.capture_%s()', one, id);
        EXECUTE format('ALTER TABLE ONLY %s ENABLE ALWAYS TRIGGER cdcd_truncate,'
                       ' ENABLE ALWAYS TRIGGER cdcd_change, ENABLE ALWAYS TRIGGER cdcd_update', one);
    END LOOP;
END
$$;

-- Those of partitions go with their root's, but for TRUNCATE's.
CREATE OR REPLACE FUNCTION cdcd.drop_triggers(relation regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    one record;
BEGIN
    FOR one IN SELECT t.tgrelid::regclass AS on_table, t.tgname AS name
                 FROM (SELECT relation AS relid UNION SELECT relid FROM pg_partition_tree(relation)) r
                 JOIN pg_trigger t ON t.tgrelid = r.relid
                WHERE t.tgname = 'cdcd_truncate'
                   OR (t.tgname IN ('cdcd_change', 'cdcd_update') AND r.relid = relation) LOOP
        EXECUTE format('DROP TRIGGER %I ON %s', one.name, one.on_table);
    END LOOP;
END
$$;

-- What is watched. `enabled` is false when a trigger is missing, disabled, or not ENABLE ALWAYS;
-- `unguarded` are partitions that were made since, whose own TRUNCATE is not seen; `stamp` changes
-- when anybody touches the triggers. cdcd looks at it every few seconds: each table costs some reads of indexes,
-- and none is locked, as pg_partition_tree() would.
CREATE OR REPLACE VIEW cdcd.watched AS
SELECT t.tgrelid::regclass AS "table", c.columns, c.all_columns, c.any_update, c.notify,
       g.enabled, g.unguarded, g.stamp, c.id AS capture
  FROM pg_catalog.pg_trigger t
  JOIN pg_catalog.pg_proc p ON p.oid = t.tgfoid AND p.pronamespace = 'cdcd'::regnamespace
  JOIN cdcd.captures c
       ON c.id = CASE WHEN p.proname ~ '^capture_[0-9]{1,9}$' THEN substr(p.proname, 9)::int END
  JOIN pg_catalog.pg_class r ON r.oid = t.tgrelid AND NOT r.relispartition
 CROSS JOIN LATERAL (
       WITH RECURSIVE members AS (
           SELECT t.tgrelid AS relid, r.relkind
           UNION ALL
           SELECT i.inhrelid, k.relkind
             FROM members m
             JOIN pg_catalog.pg_inherits i ON i.inhparent = m.relid
             JOIN pg_catalog.pg_class k ON k.oid = i.inhrelid
            WHERE m.relkind = 'p')
       SELECT coalesce(bool_and(v.enabled) AND max(v.n) FILTER (WHERE m.relid = t.tgrelid) = 3, false)
                  AS enabled,
              coalesce(array_agg(m.relid::regclass) FILTER (WHERE NOT v.guarded), '{}') AS unguarded,
              max(v.stamp) FILTER (WHERE m.relid = t.tgrelid) AS stamp
         FROM members m
        CROSS JOIN LATERAL (
              SELECT count(*) AS n, bool_and(u.tgenabled = 'A') AS enabled,
                     coalesce(bool_or(u.tgname = 'cdcd_truncate'), false) AS guarded,
                     string_agg(u.tgname || ' ' || u.xmin::text, ', ' ORDER BY u.tgname) AS stamp
                FROM pg_catalog.pg_trigger u WHERE u.tgrelid = m.relid AND u.tgfoid = p.oid) v) g
 WHERE t.tgname = 'cdcd_change';

-- Drops the functions of tables that are gone.
CREATE OR REPLACE FUNCTION cdcd.sweep() RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    gone int;
BEGIN
    FOR gone IN SELECT c.id FROM cdcd.captures c
                 WHERE NOT EXISTS (SELECT FROM pg_proc p
                                     JOIN pg_trigger t ON t.tgfoid = p.oid AND t.tgname = 'cdcd_change'
                                     JOIN pg_class r ON r.oid = t.tgrelid AND NOT r.relispartition
                                    WHERE p.proname = 'capture_' || c.id
                                      AND p.pronamespace = 'cdcd'::regnamespace) LOOP
        EXECUTE format('DROP FUNCTION IF EXISTS cdcd.capture_%s() CASCADE', gone);
        DELETE FROM cdcd.captures WHERE id = gone;
    END LOOP;
END
$$;

CREATE OR REPLACE FUNCTION cdcd.may_watch("table" regclass) RETURNS void
LANGUAGE plpgsql STABLE SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    class pg_class := (SELECT c FROM pg_class c WHERE oid = "table");
    owner oid      := (SELECT nspowner FROM pg_namespace WHERE nspname = 'cdcd');
BEGIN
    IF NOT pg_has_role(owner, 'USAGE') THEN
        RAISE EXCEPTION 'role % may not watch tables', current_user
            USING ERRCODE = 'insufficient_privilege',
                  HINT = format('Schema cdcd belongs to %s: run it as that role, or GRANT %s TO %I.',
                                owner::regrole, owner::regrole, current_user);
    ELSIF class.relispartition THEN
        RAISE EXCEPTION 'table % is a partition', "table"
            USING ERRCODE = 'wrong_object_type',
                  HINT = format('Watch its root: SELECT cdcd.watch(%L)', pg_partition_root("table"));
    ELSIF class.relkind NOT IN ('r', 'p') OR class.relpersistence = 't' THEN
        RAISE EXCEPTION '% is no table that lasts', "table"
            USING ERRCODE = 'wrong_object_type', HINT = 'Watch the tables behind it.';
    ELSIF class.relkind = 'r' AND EXISTS (SELECT FROM pg_inherits WHERE inhparent = "table") THEN
        RAISE WARNING 'tables inherit from %, and their rows are theirs', "table"
            USING HINT = 'Watch each, and name each in the rules.';
    END IF;
END
$$;

-- Watches a table. Called again it changes how, and makes anew what is missing. When all is as it
-- should be it does nothing; otherwise it needs an ACCESS EXCLUSIVE lock on the table for a moment.
CREATE OR REPLACE FUNCTION cdcd.watch(
    "table" regclass, columns text[] DEFAULT NULL, notify boolean DEFAULT NULL, any_update boolean DEFAULT false)
RETURNS void LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
DECLARE
    unknown text;
    old     cdcd.captures;
    new     cdcd.captures;
BEGIN
    PERFORM cdcd.may_watch("table");
    SELECT string_agg(quote_ident(c), ', ') INTO unknown FROM unnest(columns) c
     WHERE NOT EXISTS (SELECT FROM pg_attribute WHERE attrelid = "table" AND attname = c
                       AND attnum > 0 AND NOT attisdropped AND attgenerated <> 'v');
    IF unknown IS NOT NULL OR cardinality(columns) = 0 THEN
        RAISE EXCEPTION 'table % has no stored column %', "table", coalesce(unknown, 'in an empty array')
            USING ERRCODE = 'undefined_column', HINT = 'Without an array all are watched.';
    END IF;
    PERFORM cdcd.sweep();
    SELECT c.* INTO old FROM cdcd.captures c JOIN cdcd.watched w ON w.capture = c.id
     WHERE w."table" = watch."table";
    new.id := coalesce(old.id, nextval('cdcd.capture_id'));
    new.columns := ARRAY(SELECT attname::text FROM pg_attribute
                          WHERE attrelid = "table" AND attnum > 0 AND NOT attisdropped
                            AND attgenerated <> 'v' AND (columns IS NULL OR attname = ANY (columns))
                          ORDER BY attnum);
    new.all_columns := columns IS NULL;
    new.any_update  := columns IS NULL OR any_update;
    new.notify      := coalesce(notify, old.notify, true);
    SELECT cdcd.capture_source(new.id, relkind = 'p', new.columns, new.all_columns, relnatts, new.notify,
                               new.any_update)
      INTO new.source FROM pg_class WHERE oid = "table";
    IF old = new AND EXISTS (SELECT FROM cdcd.watched w JOIN pg_class r ON r.oid = w."table"
                              WHERE w.capture = old.id AND w.enabled AND w.unguarded = '{}'
                                AND (r.relkind <> 'p' OR has_function_privilege(
                                        r.relowner, format('cdcd.capture_%s()', old.id), 'EXECUTE'))) THEN
        RETURN;
    END IF;
    EXECUTE new.source;
    EXECUTE (SELECT format('ALTER FUNCTION cdcd.capture_%s() OWNER TO %s', new.id, nspowner::regrole)
               FROM pg_namespace WHERE nspname = 'cdcd');
    EXECUTE format('REVOKE ALL ON FUNCTION cdcd.capture_%s() FROM PUBLIC', new.id);
    -- Who makes a partition gives it its root's triggers.
    IF (SELECT relkind = 'p' FROM pg_class WHERE oid = "table") THEN
        EXECUTE (SELECT format('GRANT EXECUTE ON FUNCTION cdcd.capture_%s() TO %s', new.id, relowner::regrole)
                   FROM pg_class WHERE oid = "table");
    END IF;
    DELETE FROM cdcd.captures WHERE id = new.id;
    INSERT INTO cdcd.captures SELECT new.*;
    PERFORM cdcd.drop_triggers("table");
    PERFORM cdcd.create_triggers("table", new.id);
END
$$;

CREATE OR REPLACE FUNCTION cdcd.unwatch("table" regclass) RETURNS void
LANGUAGE plpgsql SET search_path = pg_catalog, pg_temp AS $$
BEGIN
    PERFORM cdcd.drop_triggers("table");
    PERFORM cdcd.sweep();
END
$$;

-- Who may do what: nobody but the owner of the schema, and cdcd_reader what it needs.
REVOKE ALL ON ALL FUNCTIONS IN SCHEMA cdcd FROM PUBLIC;
DO $$
BEGIN
    IF NOT EXISTS (SELECT FROM pg_catalog.pg_roles WHERE rolname = 'cdcd_reader') THEN
        RAISE WARNING 'there is no role cdcd_reader, and nobody may read the outbox yet'
            USING HINT = 'Run 003_outbox_role.sql, and then this file again.';
        RETURN;
    END IF;
    GRANT USAGE ON SCHEMA cdcd TO cdcd_reader;
    GRANT SELECT, DELETE ON cdcd.outbox TO cdcd_reader;
    GRANT SELECT ON cdcd.watched TO cdcd_reader;
    GRANT UPDATE ON SEQUENCE cdcd.asleep_until TO cdcd_reader;
    GRANT EXECUTE ON FUNCTION cdcd.version(), cdcd.rotate(bigint), cdcd.unread(bigint, bigint[], int)
        TO cdcd_reader;
END
$$;

DO $$
BEGIN
    PERFORM pg_catalog.set_config('client_min_messages', pg_catalog.current_setting('cdcd.messages'), false);
END
$$;
