"""What happens to questions that are out when something else comes: the end, other rules, a break."""

import contextlib

import pytest

from daemon import rules_file
from poll import wait_for

pytestmark = pytest.mark.both_sources

LOCK = 7


def rules(prefix):
    """A lookup that waits while the test holds the lock."""
    return rules_file(
        """
  found = { key = "of:{post}";
    triggers = ( { table = "blog_comment"; lookup =
      "SELECT post_id AS post FROM blog_comment,"
      " (SELECT pg_advisory_xact_lock_shared(%d)) AS l WHERE id = {id}"; } );
    all = { action = "scan"; match = "of:*"; }; };
"""
        % LOCK,
        prefix=prefix,
    )


KEYS = [f"{prefix}:of:{i}" for prefix in ("old", "new") for i in range(10)]


@contextlib.contextmanager
def question_out(blog, redis, number):
    """A comment has changed, and the question about it waits for the end of the block."""
    redis.warm(*KEYS)
    with blog.session(autocommit=True) as session, session.cursor() as cursor:
        cursor.execute("SELECT pg_advisory_lock(%s)", [LOCK])
        blog.sql("UPDATE blog_comment SET text = text || '!' WHERE id = %s", number)
        wait_for(lambda: backends(blog), "the question waits")
        yield
        cursor.execute("SELECT pg_advisory_unlock(%s)", [LOCK])


def backends(blog):
    """Those that wait for the lock."""
    rows = blog.sql(
        "SELECT pid FROM pg_stat_activity WHERE datname = %s AND wait_event = 'advisory'"
        " AND application_name = 'cdcd lookups'",
        blog.name,
    )
    return {pid for (pid,) in rows}


def cleared(redis):
    return set(KEYS) - redis.left()


def test_the_end_waits_for_the_answer(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules("old:"), redis)
    with question_out(blog, redis, 3):
        moment = cdcd.moment()
        cdcd.process.send_signal(15)
        cdcd.wait_for_log("finishing what has been read")
        assert cleared(redis) == set()
    assert cdcd.exit_code() == 0
    assert cleared(redis) == {"old:of:3"}
    assert cdcd.confirmed(moment)


def test_an_answer_after_two_reloads_clears_what_the_rules_that_asked_say(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules("old:"), redis)
    with question_out(blog, redis, 3):
        for n, prefix in enumerate(["other:", "new:"], 1):
            cdcd.write_rules(rules(prefix))
            cdcd.reload()
            wait_for(lambda n=n: cdcd.said().count("rules loaded") == n, "the rules are loaded")
        blog.sql("UPDATE blog_comment SET text = 'x' WHERE id = 5")
        assert cleared(redis) == set()
    cdcd.caught_up()
    assert cleared(redis) == {"old:of:3", "new:of:5"}


def test_what_was_asked_when_the_stream_broke_is_asked_again_at_once(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules("old:"), redis)
    with question_out(blog, redis, 3):
        (first,) = backends(blog)
        blog.sql("SELECT pg_terminate_backend(%s)", *cdcd.reader())
        wait_for(lambda: backends(blog) - {first}, "another connection asks")
        assert cleared(redis) == set()
    cdcd.caught_up()
    assert cleared(redis) == {"old:of:3"}
