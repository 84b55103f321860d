"""Rules that are changed while rows are: each change belongs to one set of rules."""

import itertools

import pytest

from daemon import rules_file
from poll import wait_for

pytestmark = pytest.mark.both_sources

UNITS = 600
UNITS_OF_RULES = 50  # are changed while rules are loaded
ROWS = 3  # of a unit
BROKEN = 'cdcd = 1;\napp = "blog";\ncaches = { oops\n'


def rules(prefix):
    """One key from the row itself, and one that PostgreSQL is asked for, which takes a while."""
    return rules_file(
        """
  post = { key = "post:{id}"; triggers = "blog_post"; };
  found = {
    key = "found:{found}";
    triggers = ( { table = "blog_post";
      lookup = "SELECT id AS found, pg_sleep(0.001) FROM blog_post WHERE id = {id}"; } );
    all = { action = "scan"; match = "found:*"; };
  };
""",
        prefix=prefix,
    )


def change_rows(cursor, unit):
    first = 1 + unit * ROWS
    cursor.execute(
        "UPDATE blog_post SET title = 'z' WHERE id BETWEEN %s AND %s", (first, first + ROWS - 1)
    )


def who_cleared(left, kind, n):
    return {prefix for prefix in ("old", "new") if f"{prefix}:{kind}:{n}" not in left}


def n_answers(cdcd):
    said = cdcd.said()
    return said.count("rules loaded") + said.count("rules not loaded")


def test_every_change_is_matched_by_one_set_of_rules(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules("old:"), redis)
    blog.sql("DELETE FROM blog_comment; DELETE FROM blog_post")
    blog.sql("INSERT INTO blog_post SELECT n, 'x' FROM generate_series(1, %s) n", UNITS * ROWS)
    cdcd.caught_up()
    numbers = range(1, UNITS * ROWS + 1)
    redis.warm(*(f"{p}:{k}:{n}" for p in ("old", "new") for k in ("post", "found") for n in numbers))
    texts = itertools.cycle([BROKEN, rules("new:"), BROKEN, rules("old:")])
    with blog.session(autocommit=True) as session, session.cursor() as cursor:
        for unit in range(UNITS):
            change_rows(cursor, unit)
            if unit % UNITS_OF_RULES == 0:
                reloads = unit // UNITS_OF_RULES
                wait_for(lambda n=reloads: n_answers(cdcd) == n, "the rules are loaded, or not")
                cdcd.write_rules(next(texts))
                cdcd.reload()
    cdcd.caught_up()
    left = redis.left()
    by_unit = []
    for unit in range(UNITS):
        rows = range(1 + unit * ROWS, 1 + (unit + 1) * ROWS)
        cleared = [who_cleared(left, kind, n) for kind in ("post", "found") for n in rows]
        assert all(prefixes == cleared[0] for prefixes in cleared), f"unit {unit}: {cleared}"
        assert len(cleared[0]) == 1, f"unit {unit} was cleared by {cleared[0]}"
        by_unit.append(cleared[0].pop())
    assert set(by_unit) == {"old", "new"}
