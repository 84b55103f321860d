#!/usr/bin/python3
"""Records what a real PostgreSQL says in pgoutput: golden/pgoutput/NAME.bin, each message behind its
length in four bytes, and NAME.txt, what cdcd has to make of it.

The text is made by the decoder below, which shares nothing with cdcd's: where the two differ, one
of them is wrong. Usage: record.py [PG_BINDIR]; run it again when a scenario is added.
"""
import os
import shutil
import struct
import subprocess
import sys
import tempfile
from pathlib import Path

import psycopg2

BINDIR = Path(sys.argv[1] if len(sys.argv) > 1 else "/usr/lib/postgresql/15/bin")
OUT = Path(__file__).parent / "pgoutput"
BIG = "(SELECT string_agg(md5(g::text), '') FROM generate_series(1, 300) g)"

# Each: what is there before the slot, and the transactions that are recorded.
SCENARIOS = {
    "identity_default": (
        ["CREATE TABLE t (id int PRIMARY KEY, name text, n int)"],
        ["INSERT INTO t VALUES (1, 'one', NULL), (2, '', 2)", "UPDATE t SET name = 'uno' WHERE id = 1",
         "UPDATE t SET id = 10 WHERE id = 1", "DELETE FROM t WHERE id = 2"]),
    "identity_full": (
        ["CREATE TABLE t (id int PRIMARY KEY, name text, n int)", "ALTER TABLE t REPLICA IDENTITY FULL"],
        ["INSERT INTO t VALUES (1, 'one', NULL)", "UPDATE t SET name = NULL", "UPDATE t SET id = 2",
         "DELETE FROM t"]),
    "identity_index": (
        ["CREATE TABLE t (id int PRIMARY KEY, a int NOT NULL, b text NOT NULL, c int)",
         "CREATE UNIQUE INDEX i ON t (a, b)", "ALTER TABLE t REPLICA IDENTITY USING INDEX i"],
        ["INSERT INTO t VALUES (1, 1, 'b', 1)", "UPDATE t SET c = 2", "UPDATE t SET id = 2",
         "UPDATE t SET b = 'bb'", "DELETE FROM t"]),
    "identity_nothing": (
        ["CREATE TABLE t (id int PRIMARY KEY, n int)", "ALTER TABLE t REPLICA IDENTITY NOTHING"],
        ["INSERT INTO t VALUES (1, NULL)"]),
    "toast": (
        ["CREATE TABLE t (id int PRIMARY KEY, big text, n int)",
         "CREATE TABLE f (id int PRIMARY KEY, big text, n int)", "ALTER TABLE f REPLICA IDENTITY FULL",
         "CREATE TABLE k (big text PRIMARY KEY, n int)",
         "ALTER TABLE t ALTER big SET STORAGE EXTERNAL", "ALTER TABLE f ALTER big SET STORAGE EXTERNAL",
         "ALTER TABLE k ALTER big SET STORAGE EXTENDED"],
        [f"INSERT INTO t VALUES (1, {BIG}, 1)", "UPDATE t SET n = 2", "UPDATE t SET id = 2",
         "UPDATE t SET big = 'small'", f"INSERT INTO f VALUES (1, {BIG}, 1)", "UPDATE f SET n = 2",
         "INSERT INTO k VALUES ((SELECT string_agg(chr(65 + g % 26) || g, '') "
         "FROM generate_series(1, 600) g), 1)", "UPDATE k SET n = 2"]),
    "truncate": (
        ["CREATE TABLE t (id int PRIMARY KEY)", "CREATE TABLE u (id int REFERENCES t)",
         "CREATE TABLE v (id int PRIMARY KEY)"],
        ["TRUNCATE t CASCADE", "TRUNCATE v RESTART IDENTITY",
         "BEGIN; INSERT INTO v VALUES (1); TRUNCATE t, u, v; INSERT INTO v VALUES (1); COMMIT"]),
    "ddl": (
        ["CREATE TABLE t (id int PRIMARY KEY, a text)"],
        ["INSERT INTO t VALUES (1, 'a')",
         "BEGIN; INSERT INTO t VALUES (2, 'b'); ALTER TABLE t ADD b varchar(7) DEFAULT 'x'; "
         "INSERT INTO t VALUES (3, 'c', 'y'); ALTER TABLE t RENAME a TO aa; UPDATE t SET aa = 'z' "
         "WHERE id = 3; ALTER TABLE t DROP aa; DELETE FROM t WHERE id = 2; COMMIT",
         "ALTER TABLE t RENAME TO t2", "UPDATE t2 SET b = NULL WHERE id = 3"]),
    "types": (
        ["CREATE TYPE color AS ENUM ('red', 'light green')", "CREATE DOMAIN small AS int CHECK (VALUE < 9)",
         "CREATE TABLE t (id small PRIMARY KEY, c color, at timestamptz, d interval, f float8, "
         "b bytea, a int[], j jsonb, g int GENERATED ALWAYS AS (id * 2) STORED)"],
        ["INSERT INTO t VALUES (1, 'light green', '2024-02-29 12:00:00+02', '1 day 2 hours', 0.1, "
         "'\\x00ff', '{1,NULL,3}', '{\"k\": \"ü\"}')"]),
    "origin": (
        ["CREATE TABLE t (id int PRIMARY KEY)",
         "SELECT pg_replication_origin_create('elsewhere')"],
        ["SELECT pg_replication_origin_session_setup('elsewhere')",
         "BEGIN; SELECT pg_replication_origin_xact_setup('0/AA', '2024-01-01'); "
         "INSERT INTO t VALUES (1); COMMIT", "SELECT pg_replication_origin_session_reset()"]),
    "partition": (
        ["CREATE TABLE t (id int, v text, PRIMARY KEY (id)) PARTITION BY RANGE (id)",
         "CREATE TABLE t1 PARTITION OF t FOR VALUES FROM (0) TO (10)",
         "CREATE TABLE t2 (v text, id int NOT NULL)", "ALTER TABLE t ATTACH PARTITION t2 FOR VALUES FROM (10) TO (20)",
         "ALTER TABLE t2 REPLICA IDENTITY FULL"],
        ["INSERT INTO t VALUES (1, 'a'), (11, 'b')", "UPDATE t SET v = 'c'", "UPDATE t SET id = 12 WHERE id = 1",
         "DELETE FROM t", "TRUNCATE t"]),
    "message": (
        ["CREATE TABLE t (id int PRIMARY KEY)"],
        ["BEGIN; SELECT pg_logical_emit_message(true, 'inside', 'text'); INSERT INTO t VALUES (1); COMMIT",
         "SELECT pg_logical_emit_message(false, 'outside', '')"]),
    "column_list": (
        ["CREATE TABLE t (id int PRIMARY KEY, secret text, v text)"],
        ["INSERT INTO t VALUES (1, 'hidden', 'shown')", "UPDATE t SET id = 2", "DELETE FROM t"]),
    "subtransactions": (
        ["CREATE TABLE t (id int PRIMARY KEY)"],
        ["BEGIN; INSERT INTO t VALUES (1); SAVEPOINT s; INSERT INTO t VALUES (2); ROLLBACK TO s; "
         "INSERT INTO t VALUES (3); COMMIT"]),
}
PUBLICATIONS = {"column_list": "FOR TABLE t (id, v)"}


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, layout):
        got = struct.unpack_from(">" + layout, self.data, self.at)
        self.at += struct.calcsize(">" + layout)
        return got if len(got) > 1 else got[0]

    def string(self):
        end = self.data.index(b"\0", self.at)
        got = self.data[self.at:end].decode()
        self.at = end + 1
        return got

    def row(self):
        values = []
        for _ in range(self.take("H")):
            kind = chr(self.take("B"))
            text = None
            if kind == "t":
                n = self.take("I")
                text = self.data[self.at:self.at + n]
                self.at += n
            values.append((kind, text))
        return values


def shown(value):
    kind, text = value
    if kind != "t":
        return {"n": "null", "u": "unchanged", "a": "absent"}[kind]
    if len(text) > 60:
        return f"'{text[:20].decode()}...' of {len(text)}"
    return "'" + text.decode() + "'"


def row_text(columns, values):
    return "(" + ", ".join(f"{name}={shown(v)}" for (_, name, _, _), v in zip(columns, values)) + ")"


def old_row(kind, columns, values):
    """In a row of the key, a NULL outside the identity only means that it was not sent."""
    if kind == "O":
        return values
    return [("a", None) if v[0] == "n" and not c[0] else v for c, v in zip(columns, values)]


def describe(messages):
    """The lines that cdcd's decoder has to give."""
    relations = {}
    for message in messages:
        r = Reader(message)
        tag = chr(r.take("B"))
        if tag == "B":
            yield f"begin {r.take('QQI')[2]}"
        elif tag == "C":
            _, _, end, _ = r.take("BQQQ")
            yield f"commit {end >> 32:X}/{end & 0xFFFFFFFF:X}"
        elif tag == "R":
            oid, schema, name, identity = r.take("I"), r.string(), r.string(), chr(r.take("B"))
            columns = []
            for _ in range(r.take("H")):
                flag = r.take("B") & 1
                columns.append((flag or identity == "f", r.string(), *r.take("Ii")))
            relations[oid] = (f"{schema}.{name}", columns)
        elif tag == "T":
            n, _ = r.take("IB")
            for _ in range(n):
                yield f"truncate {relations[r.take('I')][0]}"
        elif tag in "IUD":
            name, columns = relations[r.take("I")]
            line = {"I": "insert", "U": "update", "D": "delete"}[tag] + " " + name
            kind, old = chr(r.take("B")), None
            if kind in "KO":
                old = old_row(kind, columns, r.row())
                line += " old " + row_text(columns, old)
            if tag != "D":
                if kind != "N":
                    r.take("B")
                new = r.row()
                if old:
                    new = [o if v[0] == "u" and o[0] != "a" else v for v, o in zip(new, old)]
                line += " new " + row_text(columns, new)
            yield line


def record(connect, name, before, steps):
    admin = connect("postgres")
    admin.cursor().execute(f"CREATE DATABASE {name}")
    connection = connect(name)
    cursor = connection.cursor()
    for statement in before:
        cursor.execute(statement)
    cursor.execute(f"CREATE PUBLICATION p {PUBLICATIONS.get(name, 'FOR ALL TABLES')} "
                   "WITH (publish_via_partition_root = true)")
    cursor.execute("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", (name,))
    for statement in steps:
        cursor.execute(statement)
    cursor.execute("SELECT data FROM pg_logical_slot_get_binary_changes(%s, NULL, NULL, 'proto_version', "
                   "'1', 'publication_names', 'p', 'messages', 'true')", (name,))
    messages = [bytes(row[0]) for row in cursor.fetchall()]
    cursor.execute("SELECT pg_drop_replication_slot(%s)", (name,))
    (OUT / f"{name}.bin").write_bytes(b"".join(struct.pack(">I", len(m)) + m for m in messages))
    (OUT / f"{name}.txt").write_text("".join(line + "\n" for line in describe(messages)))
    print(name, len(messages), "messages")


def as_postgres(command):
    """PostgreSQL does not run as root."""
    if os.getuid() == 0:
        command = ["setpriv", "--reuid=postgres", "--regid=postgres", "--clear-groups", *command]
    subprocess.run([str(word) for word in command], check=True, stdout=subprocess.DEVNULL)


def main():
    OUT.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        if os.getuid() == 0:
            shutil.chown(folder, "postgres", "postgres")
        data = Path(folder) / "data"
        as_postgres([BINDIR / "initdb", "-D", data, "-A", "trust", "-N", "-U", "postgres"])
        options = f"-c wal_level=logical -c listen_addresses= -c unix_socket_directories={folder} " \
                  "-c fsync=off -c timezone=UTC"
        as_postgres([BINDIR / "pg_ctl", "-D", data, "-w", "-l", f"{folder}/log", "-o", options, "start"])

        def connect(database):
            connection = psycopg2.connect(host=folder, user="postgres", dbname=database)
            connection.autocommit = True
            return connection
        try:
            for name, (before, steps) in SCENARIOS.items():
                record(connect, name, before, steps)
        finally:
            as_postgres([BINDIR / "pg_ctl", "-D", data, "-m", "immediate", "stop"])


if __name__ == "__main__":
    main()
