"""What a read of the outbox gives: tests/tools/read_outbox.c says what to ask, and decodes the
answer."""

import io
import random

import pytest

import outbox
from tools import Program


class Reader(Program):
    def __init__(self, database):
        super().__init__("read_outbox")
        self.session = database.session(autocommit=True)
        self.cursor = self.session.__enter__().cursor()
        self.cursor.execute(
            "SET search_path = pg_catalog; SET cdcd.reader = 'on';"
            "SET enable_seqscan = off; SET enable_nestloop = off"
        )

    def told(self, line):
        self.write(line)
        return list(iter(self.line, "done"))

    def read(self, n=1000):
        """What one read gives: lists of changes by transaction, in order."""
        (sql,) = self.told(f"read {n}")
        answer = io.BytesIO()
        self.cursor.copy_expert(sql, answer)
        lines = [line for line in self.told(f"answer {answer.getvalue().hex()}") if line != "puzzled"]
        assert lines[0].startswith("head ")
        self.bound = int(lines[0].split()[2])
        self.txids, units = [], []
        for line in lines[1:]:
            if line.startswith("begin "):
                self.txids.append(int(line.split()[1]))
                units.append([])
            else:
                units[-1].append(line)
        return units

    def bounded(self):
        return self.bound < 2**64 - 1

    def delete(self, *txids):
        (sql,) = self.told("delete " + " ".join(map(str, txids)))
        self.cursor.execute(sql)
        return self.cursor.rowcount

    def end(self):
        self.cursor.connection.close()
        super().end()


@pytest.fixture
def db(db):
    db.sql("CREATE TABLE post (id int PRIMARY KEY, title text)")
    outbox.install(db)
    db.sql("SELECT cdcd.watch('post')")
    return db


@pytest.fixture
def reader(db, cleanup):
    made = Reader(db)
    cleanup.callback(made.end)
    return made


@pytest.fixture
def writer(db, cleanup):
    """Makes sessions that commit when they are told."""
    return lambda: cleanup.enter_context(db.session()).cursor()


def insert(cursor, *ids):
    for n in ids:
        cursor.execute("INSERT INTO post VALUES (%s, 'x')", [n])


def added(*ids):
    return [f"insert post  {n},x" for n in ids]


def test_a_lower_id_that_becomes_visible_later_is_read(reader, writer):
    first, second = writer(), writer()
    insert(first, 1)
    insert(second, 2)
    second.connection.commit()
    assert reader.read() == [added(2)]
    first.connection.commit()
    assert reader.read() == [added(1)]
    assert reader.read() == []


def test_nothing_is_given_twice_while_a_transaction_stays_open(db, reader, writer):
    long = writer()
    insert(long, 1)
    for n in range(2, 12):
        db.sql("INSERT INTO post VALUES (%s, 'x')", n)
        assert reader.read() == [added(n)]
    insert(long, 20)
    long.connection.commit()
    assert reader.read() == [added(1, 20)]


def test_a_read_ends_at_a_whole_transaction(db, reader):
    for n in range(1, 6):
        db.sql("INSERT INTO post VALUES (%s, 'x')", n)
    assert reader.read(2) == [added(1), added(2)] and reader.bounded()
    assert reader.read(2) == [added(3), added(4)] and reader.bounded()
    assert reader.read(2) == [added(5)] and not reader.bounded()
    assert reader.read(2) == []


def test_what_runs_at_a_bound_is_read_when_it_ends(db, reader, writer):
    running = [writer() for _ in range(3)]
    for n, cursor in enumerate(running):
        insert(cursor, 100 + n)
        db.sql("INSERT INTO post VALUES (%s, 'x')", n)
    assert reader.read(1) == [added(0)]
    running[1].connection.commit()
    running[0].connection.commit()
    found = reader.read(1) + reader.read(1) + reader.read(1) + reader.read(1)
    assert sorted(found) == sorted([added(100), added(101), added(1), added(2)])
    running[2].connection.commit()
    assert reader.read(1) == [added(102)]


def test_a_transaction_larger_than_a_read_comes_whole(db, reader):
    db.sql("INSERT INTO post SELECT n, 'x' FROM generate_series(1, 100) n")
    db.sql("INSERT INTO post VALUES (101, 'x')")
    assert reader.read(7) == [added(*range(1, 101))]
    assert reader.read(7) == [added(101)]


def test_rows_of_a_transaction_come_together(reader, writer):
    first, second = writer(), writer()
    for n in range(0, 6, 2):
        insert(first, n)
        insert(second, n + 1)
    first.connection.commit()
    second.connection.commit()
    assert reader.read() == [added(0, 2, 4), added(1, 3, 5)]


def test_of_two_changes_of_a_row_the_later_comes_later(db, reader, writer):
    """Even if its transaction began first."""
    db.sql("INSERT INTO post VALUES (1, 'x')")
    reader.read()
    old, new = writer(), writer()
    insert(old, 10)
    new.execute("UPDATE post SET title = 'new' WHERE id = 1")
    new.connection.commit()
    old.execute("UPDATE post SET title = 'newer' WHERE id = 1")
    old.connection.commit()
    assert reader.read() == [["update post 1,x 1,new"], added(10) + ["update post 1,new 1,newer"]]
    assert reader.read() == []


def test_what_was_rolled_back_is_not_read(reader, writer):
    cursor = writer()
    insert(cursor, 1)
    cursor.execute("SAVEPOINT a")
    insert(cursor, 2)
    cursor.execute("ROLLBACK TO a; SAVEPOINT b")
    insert(cursor, 3)
    cursor.execute("RELEASE b")
    assert reader.read() == []
    cursor.connection.commit()
    assert reader.read() == [added(1, 3)]
    insert(cursor, 4)
    cursor.connection.rollback()
    assert reader.read() == []


def test_exactly_what_was_read_is_deleted(db, reader, writer):
    running = writer()
    insert(running, 1, 2)
    db.sql("INSERT INTO post VALUES (3, 'x'), (4, 'x')")
    reader.read()
    db.sql("INSERT INTO post VALUES (5, 'x')")
    running.connection.commit()
    assert reader.delete(*reader.txids) == 2
    assert sorted(reader.read()) == sorted([added(5), added(1, 2)])
    assert reader.delete(*reader.txids) == 3
    assert outbox.rows(db) == []


def test_who_comes_next_reads_what_was_not_deleted(db, reader, cleanup):
    db.sql("INSERT INTO post VALUES (1, 'x')")
    assert reader.read() == [added(1)]
    other = Reader(db)
    cleanup.callback(other.end)
    assert other.read() == [added(1)]


def test_a_changed_table_puzzles_and_a_dropped_one_is_read(db, reader):
    db.sql("INSERT INTO post VALUES (1, 'x')")
    db.sql("ALTER TABLE post ADD COLUMN more int DEFAULT 7")
    db.sql("INSERT INTO post VALUES (2, NULL)")
    assert reader.read() == [["insert post  1,x"], ["insert post  2,\\N,7"]]
    db.sql("DELETE FROM post WHERE id = 1")
    db.sql("DROP TABLE post")
    assert reader.read() == [["delete post 1,x,7 "]]


def test_in_any_order_of_events_each_change_comes_once_and_those_of_a_row_in_order(db, reader, writer):
    seed = random.randrange(1 << 30)
    print("seed", seed)
    chance = random.Random(seed)
    db.sql("INSERT INTO post SELECT n, '0' FROM generate_series(1, 40) n")
    reader.read()
    writers = [writer() for _ in range(8)]
    held = [set() for _ in writers]
    versions, seen = dict.fromkeys(range(1, 41), 0), dict.fromkeys(range(1, 41), 0)

    def take(units):
        for line in sum(units, []):
            n, version = map(int, line.split()[3].split(","))
            assert version == seen[n] + 1, f"seed {seed}"
            seen[n] = version

    for _ in range(600):
        one = chance.randrange(len(writers))
        free = set(versions) - set().union(*held)
        if chance.random() < 0.6 and free:
            n = chance.choice(sorted(free))
            held[one].add(n)
            versions[n] += 1
            writers[one].execute("UPDATE post SET title = title::int + 1 WHERE id = %s", [n])
        else:
            writers[one].connection.commit()
            held[one].clear()
        if chance.random() < 0.1:
            take(reader.read())
            chance.random() < 0.5 and reader.txids and reader.delete(*reader.txids)
    for cursor in writers:
        cursor.connection.commit()
    take(reader.read())
    assert seen == versions
