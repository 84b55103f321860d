-- Takes 004_outbox.sql back: the triggers of every watched table, and schema cdcd with all that is
-- in it. Changes that cdcd has not read yet are gone with it. Safe to run twice.
--
-- It needs, for a moment, an ACCESS EXCLUSIVE lock on each watched table.

DROP SCHEMA IF EXISTS cdcd CASCADE;
