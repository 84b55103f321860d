"""Columns of types that a database has made itself, in conditions: none of them is called false
where PostgreSQL says true."""

import pytest

from daemon import rules_file, run_verb
from poll import wait_for

pytestmark = pytest.mark.both_sources

TABLES = """
CREATE EXTENSION IF NOT EXISTS citext;
CREATE DOMAIN amount AS numeric;
CREATE DOMAIN price AS amount CHECK (VALUE >= 0);
CREATE DOMAIN code AS char(5);
CREATE TYPE mood AS ENUM ('sad', 'happy');
CREATE DOMAIN feeling AS mood;
CREATE TYPE place AS (x int, y int);
CREATE TYPE span AS RANGE (subtype = int);
CREATE COLLATION ci (provider = icu, locale = 'und-u-ks-level2', deterministic = false);
CREATE TABLE page (id int PRIMARY KEY, cost price, code code, mood mood, feeling feeling,
                   moods mood[], email citext, place place, span span, years int4range, folded text COLLATE ci);
ALTER TABLE page REPLICA IDENTITY FULL;
"""


def rules(when):
    return rules_file(
        'page = {{ key = "page:{{id}}"; all = {{ action = "scan"; match = "page:*"; }};\n'
        'triggers = ( {{ table = "page"; on = "insert";\nwhen = "{}"; }} ); }};'.format(
            when.replace('"', '\\"')
        )
    )


@pytest.fixture
def table(blog):
    blog.sql(TABLES)
    return blog


@pytest.fixture
def cleared(table, redis, run_cdcd):
    """Which of the rows that are inserted as (id, value of the column) fulfil the condition."""

    def run(when, column, values):
        cdcd = run_cdcd(table, rules(when), redis)
        redis.warm(*(f"blog:page:{id}" for id in range(len(values))))
        for id, value in enumerate(values):
            table.sql(f"INSERT INTO page (id, {column}) VALUES (%s, %s)", id, value)
        cdcd.caught_up()
        return [id for id in range(len(values)) if not redis.has(f"blog:page:{id}")]

    return run


@pytest.mark.smoke
def test_a_domain_is_compared_as_what_it_is_made_of(cleared):
    costs = ["1.5", "1.50", "1.500000", "1.51", None]
    assert cleared("cost = 1.5", "cost", costs) == [0, 1, 2]


def test_a_domain_of_characters_ignores_the_blanks_that_pad_it(cleared):
    assert cleared("code = 'ab'", "code", ["ab", "ab  ", "abc"]) == [0, 1]


def test_an_enum_is_equal_by_its_text(cleared):
    assert cleared("mood = 'happy'", "mood", ["sad", "happy"]) == [1]


def test_of_a_domain_of_an_enum_the_text_is_compared(cleared):
    """PostgreSQL has no = for it."""
    assert cleared("feeling::text = 'happy'", "feeling", ["sad", "happy"]) == [1]


def test_an_array_of_an_enum_is_equal_by_its_text(cleared):
    assert cleared("moods = '{sad,happy}'", "moods", ["{sad}", "{ sad, happy }"]) == [1]


def test_a_cast_to_text_takes_the_text_of_any_type(cleared):
    emails = ["Ann@example.org", "ann@example.org"]
    assert cleared("email::text = 'ann@example.org'", "email", emails) == [1]


REFUSED = [
    ("email = 'ann@example.org'", "the texts of type public.citext do not tell which of its values are "
                                  "equal; write email::text to compare the texts themselves"),
    ("place = '(1,2)'", "write place::text to compare the texts"),
    ("place IS NULL", "IS [NOT] DISTINCT FROM NULL is about the value"),
    ("span = '[1,2)'", "write span::text to compare the texts"),
    ("years = '[1,2)'", "the texts of type int4range do not tell which"),
    ("feeling = 'happy'", "write feeling::text to compare the texts"),
    ("mood = 'hapy'", "'hapy' is no label of public.mood; did you mean 'happy'?"),
    ("moods = '{hapy}'", "'{hapy}' is no label of public.mood[]"),
    ("folded = 'a'", "the texts of type text COLLATE ci do not tell which of its values are equal"),
]  # fmt: skip


@pytest.mark.parametrize("when, why", REFUSED)
def test_what_cannot_be_told_is_refused_with_its_remedy(table, redis, new_cdcd, when, why):
    files = new_cdcd(table, rules(when), redis)
    checked = run_verb("check", "--live", "-c", files.config)
    assert checked.returncode == 78 and why in checked.stderr
    assert files.run_to_exit()[0] == 78
    assert why in files.said()


@pytest.mark.replication
def test_a_type_that_the_catalog_has_no_more_is_in_doubt(table, redis, run_cdcd):
    cdcd = run_cdcd(table, rules("cost = 1.5"), redis)
    redis.warm("blog:page:1", "blog:page:2")
    cdcd.freeze()
    try:
        table.sql("CREATE DOMAIN brief AS numeric; ALTER TABLE page ALTER cost TYPE brief")
        table.sql("INSERT INTO page (id, cost) VALUES (1, 1.50), (2, 7)")
        table.sql("ALTER TABLE page ALTER cost TYPE price; DROP DOMAIN brief")
    finally:
        cdcd.thaw()
    cdcd.caught_up()
    assert redis.left() == set()
    cdcd.wait_for_log("which values of type with oid .* are equal is not known yet")


def test_a_type_that_came_meanwhile_becomes_known(table, redis, run_cdcd):
    cdcd = run_cdcd(table, rules("cost = 1.5"), redis)
    table.sql("CREATE DOMAIN cheap AS numeric; ALTER TABLE page ALTER cost TYPE cheap")
    cdcd.reload()
    ids = iter(range(1, 1000))

    def is_known():
        id = next(ids)
        redis.warm(f"blog:page:{id}")
        table.sql("INSERT INTO page (id, cost) VALUES (%s, 7)", id)
        cdcd.caught_up()
        return redis.has(f"blog:page:{id}")

    wait_for(is_known, "the domain is known", limit=30, every=0.1)
    id = next(ids)
    redis.warm(f"blog:page:{id}")
    table.sql("INSERT INTO page (id, cost) VALUES (%s, 1.50)", id)
    cdcd.caught_up()
    assert not redis.has(f"blog:page:{id}")
