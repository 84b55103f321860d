"""Conditions, expressions, elements and lookups of rules, on a real stream."""

import pytest

from daemon import rules_file

pytestmark = pytest.mark.both_sources

TABLES = """
CREATE TABLE author (id int PRIMARY KEY, name text);
CREATE TABLE page (id int PRIMARY KEY, slug text, shown boolean, views int, author_id int);
ALTER TABLE page REPLICA IDENTITY FULL;
INSERT INTO author VALUES (1, 'ann'), (2, 'bob');
INSERT INTO page VALUES (1, 'one', true, 10, 1), (2, 'two words', true, 20, 1),
                        (3, 'three', false, 30, 2);
"""

RULES = rules_file(
    """
  front = {
    triggers = ( { table = "page"; when = "new.shown OR old.shown";
                   columns = [ "slug", "shown" ]; } );
  };
  page = {
    each = { lang = [ "en", "ru" ]; };
    key = "page:{lang}:{slug|urlencode}";
    triggers = ( { table = "page"; when = "shown"; columns = [ "slug", "shown" ]; },
                 { table = "author"; on = "update"; columns = [ "name" ];
                   lookup = "SELECT slug FROM public.page WHERE author_id = {id} AND shown"; } );
    all = { action = "scan"; match = "page:*"; };
  };
  decade = {
    key = "views:{tens}";
    triggers = ( { table = "page"; bind = { tens = "views / 10"; }; } );
    all = { action = "scan"; match = "views:*"; };
  };
"""
)

KEYS = {f"blog:page:{lang}:{slug}" for lang in ("en", "ru") for slug in ("one", "two%20words", "three")}
KEYS |= {"blog:front"} | {f"blog:views:{n}" for n in range(5)}


@pytest.fixture
def cleared(blog, redis, run_cdcd):
    """Which keys leave a warm Redis when statements run."""
    blog.sql(TABLES)
    cdcd = run_cdcd(blog, RULES, redis)

    def run(statements):
        redis.warm(*KEYS)
        blog.sql(statements)
        cdcd.caught_up()
        return KEYS - redis.left()

    return run


def pages(*slugs):
    return {f"blog:page:{lang}:{slug}" for lang in ("en", "ru") for slug in slugs}


def test_a_condition_holds_for_the_image_that_it_is_true_of(cleared):
    assert cleared("UPDATE page SET shown = false WHERE id = 1") == {
        "blog:front",
        "blog:views:1",
    } | pages("one")
    assert cleared("UPDATE page SET slug = 'other' WHERE id = 3") == {"blog:views:3"}


def test_a_key_is_of_an_expression_in_both_images(cleared):
    assert cleared("UPDATE page SET views = 25 WHERE id = 1") == {"blog:views:1", "blog:views:2"}
    assert cleared("UPDATE page SET views = 26 WHERE id = 1") == {"blog:views:2"}


def test_a_lookup_names_the_keys_of_other_tables(cleared):
    assert cleared("UPDATE author SET name = 'Ann' WHERE id = 1") == pages("one", "two%20words")
    assert cleared("UPDATE author SET name = 'Bob' WHERE id = 2") == set()


def test_truncate_clears_whatever_the_condition(cleared):
    assert cleared("TRUNCATE page") == KEYS
