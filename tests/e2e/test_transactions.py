"""Transactions of every kind, and tables that change while rows do."""

import io

import pytest

from daemon import rules_file

pytestmark = pytest.mark.both_sources

POST = rules_file(
    'post = { key = "post:{id}"; triggers = "blog_post"; }; posts = { triggers = "blog_post"; };'
)


@pytest.fixture
def posts(blog, redis, run_cdcd):
    """A daemon on the blog, and Redis with a key for each post up to 2000."""
    cdcd = run_cdcd(blog, POST, redis)
    redis.warm(*(f"blog:post:{n}" for n in range(1, 2001)))
    return cdcd


def cleared(redis):
    left = redis.left()
    return {n for n in range(1, 2001) if f"blog:post:{n}" not in left}


def test_what_a_savepoint_undid_clears_nothing(blog, redis, posts):
    blog.sql(
        """BEGIN;
           UPDATE blog_post SET title = 'a' WHERE id = 1;
           SAVEPOINT s;
           UPDATE blog_post SET title = 'b' WHERE id = 2;
           ROLLBACK TO s;
           UPDATE blog_post SET title = 'c' WHERE id = 3;
           SAVEPOINT t;
           UPDATE blog_post SET title = 'd' WHERE id = 4;
           RELEASE t;
           COMMIT"""
    )
    posts.caught_up()
    assert cleared(redis) == {1, 3, 4}


@pytest.mark.smoke
def test_a_prepared_transaction_clears_when_it_is_committed(blog, redis, posts, mode):
    if mode == "outbox":
        blog.sql("SELECT cdcd.watch('blog_post', notify => false)")
    blog.sql("BEGIN; UPDATE blog_post SET title = 'a' WHERE id = 1; PREPARE TRANSACTION 'kept'")
    blog.sql("BEGIN; UPDATE blog_post SET title = 'a' WHERE id = 2; PREPARE TRANSACTION 'undone'")
    posts.caught_up()
    assert cleared(redis) == set()
    blog.sql("COMMIT PREPARED 'kept'")
    blog.sql("ROLLBACK PREPARED 'undone'")
    posts.caught_up()
    assert cleared(redis) == {1}


def test_copied_rows_clear_each_its_key(blog, redis, posts):
    rows = "".join(f"{n}\ttitle\tbody\n" for n in range(1001, 2001))
    with blog.session() as session, session.cursor() as cursor:
        cursor.copy_from(io.StringIO(rows), "blog_post")
    posts.caught_up()
    assert cleared(redis) == set(range(1001, 2001))


def test_an_upsert_clears_what_it_inserts_and_what_it_updates(blog, redis, posts):
    blog.sql(
        """INSERT INTO blog_post VALUES (5, 'old'), (50, 'new')
           ON CONFLICT (id) DO UPDATE SET title = excluded.title"""
    )
    posts.caught_up()
    assert cleared(redis) == {5, 50}


def test_many_small_transactions_are_all_done(blog, redis, posts):
    with blog.session(autocommit=True) as session, session.cursor() as cursor:
        for n in range(1001, 2001):
            cursor.execute("INSERT INTO blog_post VALUES (%s, 'x')", (n,))
    posts.caught_up()
    assert cleared(redis) == set(range(1001, 2001))


def test_a_table_may_change_between_rows_of_a_transaction(blog, redis, posts):
    blog.sql(
        """BEGIN;
           INSERT INTO blog_post VALUES (101, 'a');
           ALTER TABLE blog_post ADD COLUMN extra int DEFAULT 7;
           INSERT INTO blog_post VALUES (102, 'b');
           ALTER TABLE blog_post DROP COLUMN title;
           INSERT INTO blog_post VALUES (103, 'c');
           ALTER TABLE blog_post ALTER id TYPE bigint;
           INSERT INTO blog_post VALUES (104, 'd');
           COMMIT"""
    )
    blog.sql("ALTER TABLE blog_post ADD COLUMN again text; INSERT INTO blog_post VALUES (105)")
    posts.caught_up()
    assert {101, 102, 103, 104, 105} <= cleared(redis)


def test_columns_may_change_places(blog, redis, posts):
    blog.sql(
        """ALTER TABLE blog_post RENAME id TO was_id;
           ALTER TABLE blog_post RENAME title TO id;
           ALTER TABLE blog_post RENAME was_id TO title;
           INSERT INTO blog_post (title, id) VALUES (300, '200')"""
    )
    posts.caught_up()
    assert 200 in cleared(redis) and 300 not in cleared(redis)


def test_a_large_value_that_was_not_touched_is_still_part_of_the_key(db, redis, run_cdcd):
    db.sql(
        """CREATE TABLE doc (id int PRIMARY KEY, slug text, views int);
           ALTER TABLE doc ALTER slug SET STORAGE EXTERNAL;
           ALTER TABLE doc REPLICA IDENTITY FULL;
           INSERT INTO doc VALUES (1, repeat('long slug ', 1000), 0)"""
    )
    cdcd = run_cdcd(db, rules_file('doc = { key = "doc:{slug}"; triggers = "doc"; };'), redis)
    redis.warm("blog:doc:" + "long slug " * 1000, "blog:doc:")
    db.sql("UPDATE doc SET views = 1")
    cdcd.caught_up()
    assert redis.left() == {"blog:doc:"}


@pytest.mark.replication
def test_a_large_value_that_was_not_sent_counts_as_changed(db, redis, run_cdcd):
    db.sql(
        """CREATE TABLE doc (id int PRIMARY KEY, body text, views int);
           ALTER TABLE doc ALTER body SET STORAGE EXTERNAL;
           INSERT INTO doc VALUES (1, repeat('b', 10000), 0)"""
    )
    trigger = '{ table = "doc"; on = "update"; columns = [ "body" ]; }'
    rules = rules_file(f'doc = {{ key = "doc:{{id}}"; triggers = ( {trigger} ); }};')
    cdcd = run_cdcd(db, rules, redis)
    redis.warm("blog:doc:1")
    db.sql("UPDATE doc SET views = 1")
    cdcd.caught_up()
    assert redis.left() == set()


PARTITIONS = """
CREATE TABLE event (day int, id int, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (1) TO (10);
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (10) TO (20);
"""
EVENTS = rules_file(
    """
  event = { key = "event:{day}:{id}"; triggers = "event";
            all = { action = "scan"; match = "event:*"; }; };
"""
)


def test_a_partitions_rows_count_as_their_roots(db, redis, run_cdcd):
    db.sql(PARTITIONS)
    cdcd = run_cdcd(db, EVENTS, redis)
    redis.warm("blog:event:1:1", "blog:event:11:1", "blog:event:12:1", "blog:event:2:2")
    db.sql("INSERT INTO event VALUES (1, 1)")
    db.sql("INSERT INTO event_2 VALUES (11, 1)")
    cdcd.caught_up()
    assert redis.left() == {"blog:event:12:1", "blog:event:2:2"}
    db.sql("UPDATE event SET day = 12 WHERE day = 1")
    cdcd.caught_up()
    assert redis.left() == {"blog:event:2:2"}
    db.sql("TRUNCATE event")
    cdcd.caught_up()
    assert redis.left() == set()


def test_a_partition_that_is_made_later_counts_too(db, redis, run_cdcd):
    db.sql(PARTITIONS)
    cdcd = run_cdcd(db, EVENTS, redis)
    redis.warm("blog:event:25:1")
    db.sql("CREATE TABLE event_3 PARTITION OF event FOR VALUES FROM (20) TO (30)")
    db.sql("INSERT INTO event VALUES (25, 1)")
    cdcd.caught_up()
    assert redis.left() == set()


@pytest.mark.replication
def test_messages_that_anybody_may_emit_change_nothing(blog, redis, posts):
    blog.sql(
        """SELECT pg_logical_emit_message(true, 'cdcd', 'flush');
           SELECT pg_logical_emit_message(false, 'cdcd', 'flush');
           UPDATE blog_post SET title = 'x' WHERE id = 1"""
    )
    posts.caught_up()
    assert cleared(redis) == {1}


def test_rows_that_were_replicated_from_elsewhere_count(blog, redis, posts):
    name = f"elsewhere_{blog.name}"
    blog.sql(
        f"""SELECT pg_replication_origin_create('{name}');
            SELECT pg_replication_origin_session_setup('{name}');
            UPDATE blog_post SET title = 'x' WHERE id = 1"""
    )
    posts.caught_up()
    blog.sql(f"SELECT pg_replication_origin_drop('{name}')")
    assert cleared(redis) == {1}
