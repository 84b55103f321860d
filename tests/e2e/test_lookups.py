"""Keys that PostgreSQL is asked for, on their whole way; and ops that are done again."""

import pytest

from daemon import rules_file
from poll import wait_for

pytestmark = pytest.mark.both_sources

FOUND = rules_file(
    """
  found = {
    key = "of_post:{post}";
    triggers = ( { table = "blog_comment"; limit = 50;
      lookup = "SELECT post_id AS post FROM blog_comment WHERE id = {id} AND post_id < 100"
               " UNION ALL SELECT post_id FROM blog_comment WHERE {id} = 9"; } );
    all = { action = "scan"; match = "of_post:*"; };
  };
"""
)


def warm(redis, n=9):
    redis.warm("blog:of_post:0", *(f"blog:of_post:{i}" for i in range(1, n + 1)))


def cleared(redis, n=9):
    left = redis.left()
    return {i for i in range(n + 1) if f"blog:of_post:{i}" not in left}


def touch(database, n):
    database.sql("UPDATE blog_comment SET text = text || '!' WHERE id = %s", n)


@pytest.mark.smoke
@pytest.mark.parametrize("visibility", ["primary", "none"])
def test_a_lookup_names_the_keys(blog, redis, run_cdcd, visibility):
    cdcd = run_cdcd(blog, FOUND, redis, source={"visibility": visibility})
    warm(redis)
    touch(blog, 3)
    cdcd.caught_up()
    assert cleared(redis) == {3}


def test_a_lookup_sees_what_its_transaction_wrote(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, FOUND, redis)
    warm(redis)
    blog.sql(
        """BEGIN;
           INSERT INTO blog_comment (id, post_id, text) VALUES (1000, 1, 'x');
           UPDATE blog_comment SET post_id = 7 WHERE id = 1000;
           COMMIT"""
    )
    cdcd.caught_up()
    assert cleared(redis) == {7}


def test_a_lookup_that_fails_clears_all_and_the_next_is_asked(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, FOUND, redis)
    touch(blog, 1)
    cdcd.caught_up()
    warm(redis)
    blog.sql("ALTER TABLE blog_comment RENAME post_id TO other; UPDATE blog_comment SET text = 'x'")
    cdcd.caught_up()
    assert cleared(redis) == set(range(10))
    assert "lookup failed" in cdcd.said()
    blog.sql("ALTER TABLE blog_comment RENAME other TO post_id")
    warm(redis)
    touch(blog, 2)
    cdcd.caught_up()
    assert cleared(redis) == {2}


def test_more_rows_than_the_limit_clear_all(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, FOUND, redis)
    warm(redis)
    blog.sql("INSERT INTO blog_comment SELECT n, 1, 'x' FROM generate_series(100, 200) n")
    cdcd.caught_up()
    assert cleared(redis) == {1}
    touch(blog, 9)
    cdcd.caught_up()
    assert cleared(redis) == set(range(10))


def test_a_lookup_that_waits_for_a_lock_clears_all(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, FOUND, redis)
    warm(redis)
    touch(blog, 3)
    wait_for(lambda: cleared(redis) == {3}, "the lookup is answered")
    with blog.session(autocommit=False) as session, session.cursor() as cursor:
        touch(blog, 4)
        cursor.execute("LOCK TABLE blog_comment IN ACCESS EXCLUSIVE MODE")
        wait_for(lambda: 0 in cleared(redis) or 4 in cleared(redis), "it is cleared", limit=30)
        session.rollback()
    cdcd.caught_up()
    assert 4 in cleared(redis)


def test_each_row_of_a_large_transaction_is_asked_for(blog, redis, run_cdcd):
    rows = 30000
    rules = rules_file(
        """
  found = { key = "of_post:{post}";
    triggers = ( { table = "blog_post"; on = "insert"; lookup = "SELECT {id}::int AS post"; } ); };
"""
    )
    cdcd = run_cdcd(blog, rules, redis, limits={"buffer": "1MB"})
    warm(redis, rows)
    blog.sql("DELETE FROM blog_comment; DELETE FROM blog_post")
    blog.sql("INSERT INTO blog_post SELECT n, 'x' FROM generate_series(1, %s) n", rows)
    cdcd.caught_up(limit=120)
    assert redis.left() == {"blog:of_post:0"}


def test_what_was_asked_when_cdcd_was_killed_is_asked_again(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, FOUND, redis)
    warm(redis)
    with blog.session(autocommit=False) as session, session.cursor() as cursor:
        cursor.execute("LOCK TABLE blog_comment IN SHARE ROW EXCLUSIVE MODE")
        cursor.execute("UPDATE blog_comment SET text = 'y' WHERE id = 4")
        cdcd.kill9()
        session.commit()
    cdcd.start()
    cdcd.caught_up()
    assert cleared(redis) == {4}


def test_a_key_is_deleted_again_before_the_change_counts_as_done(blog, redis, run_cdcd):
    rules = rules_file(
        'post = { key = "post:{id}"; triggers = "blog_post"; redelete = "500ms"; };'
    )
    cdcd = run_cdcd(blog, rules, redis)
    redis.warm("blog:post:1", "blog:post:2")
    blog.sql("UPDATE blog_post SET title = 'z' WHERE id = 1")
    moment = cdcd.moment()
    wait_for(lambda: not redis.has("blog:post:1"), "it is deleted")
    redis.warm("blog:post:1")
    cdcd.caught_up()
    assert cdcd.confirmed(moment)
    assert redis.left() == {"blog:post:2"}
