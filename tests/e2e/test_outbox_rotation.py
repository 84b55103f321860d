"""The parts of the outbox in rotation: they are emptied by TRUNCATE, and nothing is lost by that; and
rows that somebody else takes out leave a sign."""

import psycopg2
import pytest

import outbox

ROTATE = "SELECT cdcd.rotate(0)"


@pytest.fixture
def post(db):
    db.sql("CREATE TABLE post (id int PRIMARY KEY, title text)")
    outbox.install(db)
    db.sql("SELECT cdcd.watch('post')")
    return db


def write(database, first, n=500):
    posts = "SELECT n, repeat('x', 100) FROM generate_series(%s, %s) n"
    database.sql(f"INSERT INTO post {posts}", first, first + n - 1)


def held(database):
    """The ids of the posts that the outbox holds, in no order."""
    return {int(new["id"]) for _, _, _, new in outbox.rows(database)}


def part(database):
    return database.value("SELECT last_value FROM cdcd.outbox_part")


def sizes(database):
    return [database.value("SELECT pg_relation_size(%s)", f"cdcd.outbox_{n}") for n in range(3)]


def test_a_part_that_has_grown_is_left_and_then_emptied(post):
    write(post, 1)
    before = part(post)
    assert post.value(ROTATE)
    assert part(post) != before
    write(post, 1001)
    assert held(post) == set(range(1, 501)) | set(range(1001, 1501))
    post.sql("SET cdcd.reader = 'on'; DELETE FROM cdcd.outbox WHERE part = %s", before)
    assert sizes(post)[before] > 0
    post.sql(ROTATE)
    assert sizes(post)[before] == 0
    assert held(post) == set(range(1001, 1501))


def test_a_part_that_is_small_is_written_on(post):
    write(post, 1, n=10)
    assert not post.value("SELECT cdcd.rotate()")
    assert part(post) == 0


def test_a_part_that_holds_rows_is_never_emptied(post):
    for n in range(6):
        write(post, 1000 * n)
        post.sql(ROTATE)
    assert held(post) == {1000 * n + m for n in range(6) for m in range(500)}


def test_rows_of_a_transaction_that_is_open_are_kept(post):
    """It wrote to a part before the others were sent to the next."""
    with post.session() as session, session.cursor() as cursor:
        cursor.execute("INSERT INTO post VALUES (1)")
        write(post, 10)
        assert post.value(ROTATE)
        outbox.forget(post)
        for _ in range(4):
            post.sql(ROTATE)
        write(post, 1000)
        post.sql(ROTATE)
        cursor.execute("INSERT INTO post VALUES (2)")
    assert held(post) >= {1, 2} | set(range(1000, 1500))


@pytest.mark.parametrize("statement", ["SELECT count(*) FROM cdcd.outbox", "SELECT pg_export_snapshot()"])
def test_an_old_snapshot_loses_nothing_and_holds_up_nothing_but_what_it_reads(post, statement):
    with post.session() as session, session.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ")
        cursor.execute(statement)
        write(post, 1)
        before = part(post)
        assert post.value(ROTATE)
        outbox.forget(post)
        post.sql(ROTATE)
        locked = "outbox" in statement
        assert (sizes(post)[before] > 0) == locked
        write(post, 1000)
        assert held(post) == set(range(1000, 1500))
    outbox.forget(post)
    post.sql(ROTATE)
    assert sizes(post)[before] == 0


def test_rotation_waits_for_nobody(post):
    write(post, 1)
    post.sql(ROTATE)
    outbox.forget(post)
    with post.session() as session, session.cursor() as cursor:
        cursor.execute("LOCK TABLE cdcd.outbox IN ACCESS SHARE MODE")
        post.sql("SET lock_timeout = '50ms'; " + ROTATE)
        assert max(sizes(post)) > 0


def test_a_snapshot_that_is_older_than_the_lock_is_refused(post):
    post.sql(f"ALTER DATABASE {post.name} SET default_transaction_isolation = 'repeatable read'")
    with pytest.raises(psycopg2.Error) as caught:
        post.sql(ROTATE)
    assert "would lose rows in a transaction that is REPEATABLE READ" in str(caught.value)
    assert "READ COMMITTED" in caught.value.diag.message_hint


def test_rotation_leaves_its_mark_of_a_reader_to_nobody(post):
    write(post, 1)
    post.sql("BEGIN; " + ROTATE + "; DELETE FROM cdcd.outbox; COMMIT")
    assert ("G", "delete by postgres") in outbox.ops(post)


@pytest.mark.parametrize(
    "statement, said",
    [
        ("DELETE FROM cdcd.outbox WHERE id = 1", "delete by postgres"),
        ("DELETE FROM cdcd.outbox_0", "delete by postgres"),
        ("TRUNCATE cdcd.outbox", "truncate by postgres"),
        ("TRUNCATE cdcd.outbox_0", "truncate by postgres"),
        ("SET cdcd.reader = ''; DELETE FROM cdcd.outbox", "delete by postgres"),
    ],
)
def test_rows_that_somebody_takes_out_leave_a_sign(post, statement, said):
    write(post, 1, n=3)
    post.sql(statement)
    assert ("G", said) in outbox.ops(post)


def test_what_the_daemon_takes_out_leaves_none(post):
    write(post, 1)
    outbox.forget(post)
    post.sql(ROTATE + "; " + ROTATE)
    assert outbox.ops(post) == []


# Why no watermark.


def test_rows_become_visible_out_of_their_order(post):
    """A reader that goes on from the largest id it saw loses a row; one that reads by snapshots,
    as the daemon does, does not."""
    watermark, seen_by_id, seen_by_snapshot = 0, set(), set()
    mark = post.value("SELECT txid_current_snapshot()::text")

    def read():
        nonlocal watermark, mark
        for id, new in post.sql("SELECT id, new FROM cdcd.outbox WHERE id > %s", watermark):
            watermark = max(watermark, id)
            seen_by_id.add(outbox.fields(new)[0])
        (now,) = post.sql(
            """SELECT txid_current_snapshot()::text, array_agg(new) FROM cdcd.outbox
               WHERE NOT txid_visible_in_snapshot(txid, %s::txid_snapshot)""",
            mark,
        )
        mark = now[0]
        seen_by_snapshot.update(outbox.fields(new)[0] for new in now[1] or [])

    with post.session() as slow, slow.cursor() as cursor:
        cursor.execute("INSERT INTO post VALUES (1)")
        for n in range(2, 20):
            post.sql("INSERT INTO post VALUES (%s)", n)
            read()
    read()
    everything = {str(n) for n in range(1, 20)}
    assert seen_by_snapshot == everything
    assert seen_by_id == everything - {"1"}
