"""What stands in a column never breaks out of a key."""

import base64

import pytest

from daemon import rules_file

pytestmark = pytest.mark.both_sources

SLUGS = rules_file(
    """
  page = { key = "page:{slug}"; store = [ "redis", "mc" ]; triggers = "page"; };
""",
    prefix="",
)

TABLE = "CREATE TABLE page (slug text PRIMARY KEY)"

HOSTILE = [
    "a\r\nFLUSHALL\r\n",
    "a\r\nflush_all\r\n",
    "a\r\nmd canary\r\nmg b",
    "a b c",
    "a canary",
    "\r\n*1\r\n$8\r\nFLUSHALL\r\n",
    "a q\r\nflush_all",
    "tab\there",
    "\x01\x1f\x7f",
    "*",
    "[a-z]*",
    "{id}",
    "${HOME}",
    "%s%n%d",
    "",
    " ",
    "quote\"back\\slash'",
    "ключ",
    "\U0001f511" * 60,
    "\xa0\u2028\ufeff",
    "x" * 245,
    "y" * 246,
    "z" * 250,
    "é" * 123,
    "w" * 2600,
]


@pytest.mark.smoke
def test_hostile_values_delete_their_own_keys_and_no_other(db, redis, memcached, run_cdcd):
    db.sql(TABLE)
    cdcd = run_cdcd(db, SLUGS, {"redis": redis, "mc": memcached})
    canaries = {"canary", "page", "page:a", "page:", "page:b", "page:plain"}
    redis.warm(*canaries, *(f"page:{slug}" for slug in HOSTILE))
    memcached.warm(*canaries)
    for slug in HOSTILE:
        db.sql("INSERT INTO page VALUES (%s)", slug)
    db.sql("INSERT INTO page VALUES ('plain')")
    cdcd.caught_up()
    left = canaries - {"page:plain", "page:"}
    assert redis.left() == left
    assert memcached.left() == left
    assert "FLUSHALL" not in cdcd.said() and "flush_all" not in cdcd.said()


def test_a_hostile_value_spoils_no_neighbour_in_its_transaction(db, redis, memcached, run_cdcd):
    db.sql(TABLE)
    cdcd = run_cdcd(db, SLUGS, {"redis": redis, "mc": memcached})
    good = [f"page:good-{n}" for n in range(len(HOSTILE))]
    for cache in (redis, memcached):
        cache.warm("canary", *good)
    with db.session() as session, session.cursor() as cursor:
        for n, slug in enumerate(HOSTILE):
            cursor.execute("INSERT INTO page VALUES (%s), (%s)", (slug, f"good-{n}"))
    cdcd.caught_up()
    assert redis.left() == memcached.left() == {"canary"}


def test_keys_that_memcached_takes_in_base64_alone_are_deleted(db, memcached, run_cdcd):
    db.sql(TABLE)
    rules = rules_file('page = { key = "page:{slug}"; triggers = "page"; };', prefix="", store="mc")
    cdcd = run_cdcd(db, rules, memcached)
    slugs = ["a b", "a\r\nc", "\x01", "x" * 180 + " "]
    keys = [base64.b64encode(f"page:{slug}".encode()) for slug in [*slugs, "canary canary"]]
    assert set(memcached.ask([b"ms %s 4 b\r\nwarm" % key for key in keys])) == {b"HD"}
    for slug in slugs:
        db.sql("INSERT INTO page VALUES (%s)", slug)
    cdcd.caught_up()
    there = memcached.ask([b"mg %s b" % key for key in keys])
    assert [answer[:2] for answer in there] == [b"EN"] * len(slugs) + [b"HD"]


def test_the_longest_keys_that_memcached_takes_are_deleted(db, redis, memcached, run_cdcd):
    db.sql(TABLE)
    cdcd = run_cdcd(db, SLUGS, {"redis": redis, "mc": memcached})
    longest = ["x" * 245, "é" * 122]
    memcached.warm(*(f"page:{slug}" for slug in longest))
    for slug in longest:
        db.sql("INSERT INTO page VALUES (%s)", slug)
    cdcd.caught_up()
    assert memcached.left() == set()


def test_stars_in_a_value_match_only_themselves(db, redis, memcached, run_cdcd):
    db.sql(TABLE)
    rules = rules_file(
        """
  pages = { action = "scan"; match = "page:{slug}:*"; store = [ "redis", "mc" ];
            triggers = "page"; };
""",
        prefix="",
    )
    cdcd = run_cdcd(db, rules, {"redis": redis, "mc": memcached})
    hit = {"page:*:1", "page:[a-c]:1", "page:?:1", "page:\\*:1"}
    miss = {"page:a:1", "page:b:1", "page:*", "page:x:1"}
    for cache in (redis, memcached):
        cache.warm(*hit, *miss)
    for slug in ("*", "[a-c]", "?", "\\*"):
        db.sql("INSERT INTO page VALUES (%s)", slug)
    cdcd.caught_up()
    assert redis.left() == memcached.left() == miss


def test_a_value_of_many_megabytes_is_one_key_like_any_other(db, redis, run_cdcd):
    db.sql("CREATE TABLE page (id int PRIMARY KEY, slug text)")
    db.sql("ALTER TABLE page REPLICA IDENTITY FULL")
    cdcd = run_cdcd(db, rules_file('page = { key = "page:{slug}"; triggers = "page"; };'), redis)
    huge = "h" * (20 << 20)
    redis.warm(f"blog:page:{huge}", "blog:page:")
    db.sql("INSERT INTO page VALUES (1, repeat('h', 20 << 20))")
    cdcd.caught_up()
    assert redis.left() == {"blog:page:"}
