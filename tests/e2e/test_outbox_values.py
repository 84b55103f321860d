"""Values in the outbox: each as logical replication would print it, whatever the session has set."""

import pytest

import outbox
import pgoutput

ODD_SETTINGS = """
SET datestyle = 'German'; SET timezone = 'Asia/Kathmandu'; SET intervalstyle = 'iso_8601';
SET bytea_output = 'escape'; SET extra_float_digits = -3; SET xmloption = 'document';
SET lc_monetary = 'C'; SET standard_conforming_strings = on; SET search_path = public;
"""

TYPES = """
CREATE TYPE mood AS ENUM ('sad', 'so "so"', 'a,b');
CREATE DOMAIN price AS numeric(9, 2) CHECK (VALUE >= 0);
CREATE TYPE place AS (name text, x float8, at timestamptz);
CREATE TYPE span AS RANGE (subtype = timestamptz);
"""

LONG = "9" * 3000 + "." + "1" * 1000

# type: values, as literals
VALUES = {
    "bool": ["true", "false"],
    '"char"': ["'x'", "''"],
    "smallint": ["-32768"],
    "int": ["2147483647"],
    "bigint": ["-9223372036854775808"],
    "oid": ["4294967295"],
    "numeric": ["'NaN'", "'Infinity'", "-0.000", "1e-100", LONG],
    "price": ["1.50"],
    "float4": ["0.1", "'NaN'", "'-Infinity'", "3.4028235e38", "1e-45", "'-0'"],
    "float8": ["0.1", "0.30000000000000004", "5e-324", "1.7976931348623157e308", "'-0'"],
    "money": ["1234567.89"],
    "text": [
        "''", "' '", "'NULL'", "'\"'", r"'\'", r"'a\\b'", "'it''s'", "E'a\\nb\\r\\tc'", "'(a,b)'", "','",
        "'🐘 é 日本'", "E'\\x01\\x7f'", "repeat('long ', 100000)",
    ],
    "varchar(5)": ["'ab '"],
    "char(5)": ["'ab'", "''"],
    "name": ["'n'"],
    "bytea": ["''", r"'\x00ff5c27'", r"decode(repeat('00', 10000), 'hex')"],
    "date": ["'2024-02-29'", "'infinity'", "'0044-03-15 BC'", "'5874897-12-31'"],
    "time": ["'24:00:00'", "'12:34:56.789012'"],
    "timetz": ["'12:34:56.7+05:45'"],
    "timestamp": ["'2024-02-29 23:59:59.999999'", "'-infinity'", "'0001-01-01 BC'"],
    "timestamptz": ["'2024-02-29 23:59:59.5+09'", "'infinity'", "'0001-01-01 00:00:00+00 BC'"],
    "interval": ["'1 year -2 months 3 days -04:05:06.7'", "'0'"],
    "uuid": ["'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11'"],
    "json": ["""'{"b" :  1, "a": "\\u00e9", "b": 2}'""", "'null'"],
    "jsonb": ["""'{"b" :  1, "a": "\\u00e9", "b": 2}'""", "'1.0'"],
    "xml": ["'<a>1</a>'"],
    "inet": ["'10.0.0.1/8'"],
    "bit(3)": ["B'101'"],
    "tsvector": ["'a:1 b''c:2'"],
    "point": ["'(0.1,2)'"],
    "int[]": ["'{}'", "'{1,NULL,3}'", "'[2:3]={1,2}'", "'{{1,2},{3,4}}'"],
    "text[]": ["""'{"a,b","\\"",NULL,"NULL",""}'"""],
    "timestamptz[]": ["'{2024-02-29 23:59:59+09}'"],
    "bytea[]": [r"""'{"\\x00ff"}'"""],
    "mood": ["'so \"so\"'"],
    "mood[]": ["'{sad,\"a,b\"}'"],
    "place": ["ROW('a \"b\" (c), \\', 0.1, '2024-02-29 12:00+09')", "ROW(NULL, NULL, NULL)", "ROW('', NULL, NULL)"],
    "place[]": ["ARRAY[ROW('a', 0.1, '2024-02-29 12:00+09')::place, NULL]"],
    "int4range": ["'[1,5)'", "'empty'", "'(,)'"],
    "span": ["'[2024-02-29 12:00+09,)'"],
    "int4multirange": ["'{[1,2),[5,8)}'"],
    "pg_lsn": ["'16/B374D848'"],
    "regclass": ["'pg_catalog.pg_class'"],
    "xid": ["'7'"],
}  # fmt: skip

# Without an operator class, in which an image can be compared, DISTINCT fails.
COLUMNS = [f"c{n} {kind}" for n, kind in enumerate(VALUES)]


@pytest.fixture
def things(db):
    """A table with a column of every type, published and watched."""
    db.sql(TYPES)
    db.sql(f"CREATE TABLE things (id int PRIMARY KEY, {', '.join(COLUMNS)})")
    db.sql(f"CREATE PUBLICATION {db.name} FOR TABLE things")
    db.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", db.name)
    outbox.install(db)
    db.sql("SELECT cdcd.watch('things')")
    return db


def insert_all(database, table="things"):
    """A row for each value, the other columns NULL."""
    statements, n = [ODD_SETTINGS], 0
    for column, values in enumerate(VALUES.values()):
        for value in values:
            n += 1
            statements.append(f"INSERT INTO {table} (id, c{column}) VALUES ({n}, {value});")
    database.sql("".join(statements))
    return n


def test_every_value_is_written_as_logical_replication_prints_it(things):
    n = insert_all(things)
    replicated = pgoutput.inserted(things, things.name, things.name)
    written = [new for _, _, _, new in outbox.rows(things)]
    assert len(replicated) == n
    assert written == replicated


def test_a_row_that_leaves_is_written_as_it_came(things):
    insert_all(things)
    came = [new for _, _, _, new in outbox.rows(things)]
    outbox.forget(things)
    things.sql(ODD_SETTINGS + "DELETE FROM things")
    assert [old for _, _, old, _ in outbox.rows(things)] == came


def test_every_type_may_be_updated(things):
    """Types without equality too; a value that is equal and looks different is another."""
    insert_all(things)
    outbox.forget(things)
    things.sql("UPDATE things SET id = -id")
    assert [(int(old["id"]), int(new["id"])) for _, _, old, new in outbox.rows(things)] == [
        (n, -n) for n in range(1, things.value("SELECT count(*) FROM things") + 1)
    ]


@pytest.mark.parametrize(
    "kind, before, after",
    [
        ("numeric", "1.5", "1.50"),
        ("json", "'{\"a\": 1}'", "'{\"a\":1}'"),
        ("float8", "'0'", "'-0'"),
        ("interval", "'1 day'", "'24 hours'"),
        ("text", "NULL", "''"),
        ("char(3)", "NULL", "''"),
        ("place", "NULL", "ROW(NULL, NULL, NULL)"),
    ],
)
def test_a_value_that_looks_different_has_changed(db, kind, before, after):
    """Also where only that column is watched."""
    db.sql(TYPES)
    db.sql(f"CREATE TABLE one (id int PRIMARY KEY, v {kind}); INSERT INTO one VALUES (1, {before})")
    outbox.install(db)
    db.sql("SELECT cdcd.watch('one', ARRAY['v'])")
    db.sql(f"UPDATE one SET v = {after}")
    (row,) = outbox.rows(db)
    assert row[0] == "U" and row[2] != row[3]


def test_a_generated_column_has_its_value(db):
    db.sql("CREATE TABLE line (n int, price numeric, total numeric GENERATED ALWAYS AS (n * price) STORED)")
    outbox.install(db)
    db.sql("SELECT cdcd.watch('line')")
    db.sql("INSERT INTO line VALUES (2, 1.50); UPDATE line SET n = 3")
    assert [new["total"] for _, _, _, new in outbox.rows(db)] == ["3.00", "4.50"]


def test_names_of_any_kind_are_written(db):
    db.sql(r"""CREATE TABLE "T ""x"" \ (é" ("a ""b" int, "c,d" int, "e\f" int, "(" int, "%s $1 é" int)""")
    outbox.install(db)
    db.sql(r"""SELECT cdcd.watch('"T ""x"" \ (é"')""")
    db.sql(r"""INSERT INTO "T ""x"" \ (é" VALUES (1, 2, 3, 4, 5)""")
    values = {'a "b': "1", "c,d": "2", "e\\f": "3", "(": "4", "%s $1 é": "5"}
    assert outbox.rows(db) == [("I", 'T "x" \\ (é', None, values)]


# A quote in it is 16 bytes of the row's text.
QUOTES = "ARRAY[ROW(ARRAY[repeat('\"', {})])::shelf]"


def test_a_row_that_is_too_long_is_written_without_its_values(db):
    db.sql("CREATE TYPE shelf AS (books text[]); CREATE TABLE doc (id int, shelves shelf[])")
    outbox.install(db)
    db.sql("SELECT cdcd.watch('doc')")
    db.sql(f"INSERT INTO doc VALUES (1, {QUOTES.format(17 * 1000000)})")
    assert outbox.rows(db) == [("I", "doc", None, None)]


def test_a_value_that_cannot_be_printed_fails_no_transaction(db):
    """As one that makes the row's text longer than 1 GB; here it is a label that is gone."""
    db.sql("CREATE TYPE mood AS ENUM ('sad', 'glad'); CREATE TABLE person (id int, mood mood)")
    outbox.install(db)
    db.sql("SELECT cdcd.watch('person'); INSERT INTO person VALUES (1, 'glad')")
    db.sql("DELETE FROM pg_enum WHERE enumlabel = 'glad'; UPDATE person SET id = 2")
    assert outbox.rows(db)[1:] == [("U", "person", None, None)]
