"""Django's own caches, of the project in news_site/, under rules/django.cfg."""

import pytest

from servers import Redis

TABLES = """
ALTER TABLE news_article REPLICA IDENTITY FULL;
ALTER TABLE auth_user REPLICA IDENTITY FULL;
INSERT INTO news_category VALUES (1, 'world'), (2, 'sport');
INSERT INTO news_article (id, category_id, title, text, views)
    VALUES (1, 1, 'one', 'text', 0), (2, 2, 'two', 'text', 0);
INSERT INTO auth_user (id, username, first_name, last_name, password, email, is_superuser, is_staff,
                       is_active, date_joined)
    VALUES (7, 'ann', 'Ann', '', '', '', false, false, true, now()),
           (8, 'bob', 'Bob', '', '', '', false, false, true, now());
"""

BACKENDS = {
    "redis": "django_redis.cache.RedisCache",
    "mc": "django.core.cache.backends.memcached.PyMemcacheCache",
}


@pytest.fixture
def site(db, store, run_app):
    where = f"unix://{store.socket}?db=0" if isinstance(store, Redis) else f"unix:{store.socket}"
    backend = BACKENDS[store.store_name]
    app = run_app(
        "/usr/bin/python3", "news_site/serve.py", CACHE_BACKEND=backend, CACHE_LOCATION=where
    )
    app.ask("migrate")
    db.sql(TABLES)
    return app


@pytest.fixture
def visit(site, store, run_rules):
    """Looks at pages; says what Django found in no cache."""
    cdcd = run_rules("django.cfg", redis=store)

    def look(path, language="en"):
        cdcd.caught_up()
        return site.ask(path, language)

    return look


# Fragments first: a page that is made anew makes its fragment anew as well.
PAGES = [(f"/{what}/{number}/", "en") for what in ("title", "fragment") for number in (1, 2)]
PAGES += [("/sidebar/ann/", "en"), ("/sidebar/bob/", "en")]
PAGES += [(path, language) for path in ("/", "/article/1/", "/article/2/")
          for language in ("en", "pt-br")]

OF_ARTICLE_1 = {page for page in PAGES if "/1/" in page[0]}
FRONT = {page for page in PAGES if page[0] == "/"}


@pytest.fixture
def made(visit):
    """Which of the pages Django finds in no cache; at the beginning all are there."""

    def look():
        return {page for page in PAGES if visit(*page)["made"]}

    assert look() == set(PAGES)
    assert not look()
    return look


CHANGES = [
    ("UPDATE news_article SET text = 'new' WHERE id = 1", OF_ARTICLE_1),
    ("UPDATE news_article SET title = 'new' WHERE id = 1", OF_ARTICLE_1 | FRONT),
    ("UPDATE news_article SET views = views + 1", set()),
    ("UPDATE auth_user SET last_login = now()", set()),
    ("UPDATE auth_user SET first_name = 'Anna' WHERE id = 7", {("/sidebar/ann/", "en")}),
]


def test_what_django_cached_is_made_anew_when_its_row_changes(db, made, visit):
    for change, cleared in CHANGES:
        db.psql(change)
        assert made() == cleared, change
    assert {visit(*page)["text"] for page in OF_ARTICLE_1} == {"new"}


def test_a_user_of_another_name_leaves_no_sidebar_under_the_old_one(db, visit):
    visit("/sidebar/ann/")
    db.psql("UPDATE auth_user SET username = 'eve' WHERE id = 7")
    visit("/sidebar/eve/")
    db.psql("UPDATE auth_user SET username = 'ann', first_name = 'Anne' WHERE id = 7")
    assert visit("/sidebar/ann/")["text"] == "Hello Anne"


def test_emptied_tables_leave_nothing_in_djangos_cache(db, made):
    db.psql("BEGIN; CREATE TABLE kept AS SELECT * FROM news_article; TRUNCATE news_article;"
           " INSERT INTO news_article SELECT * FROM kept; COMMIT")
    assert made() >= {page for page in PAGES if "sidebar" not in page[0]}


def test_explain_names_the_keys_that_django_has_made(db, made, visit, store, deleted):
    articles = deleted("django.cfg", "update", "news_article", "--old", "id=1,title=one",
                       "--new", "title=new")
    users = deleted("django.cfg", "update", "auth_user", "--old", "id=7,username=ann,email=a",
                    "--new", "email=b")
    assert len(articles) == 6 and len(users) == 3
    assert all(store.has(key) for key in articles)
    assert [store.has(key) for key in users].count(True) == 1  # of the three ages of Django
    db.psql("UPDATE news_article SET title = 'new' WHERE id = 1;"
           " UPDATE auth_user SET email = 'b' WHERE id = 7")
    visit("/title/2/")
    assert not any(store.has(key) for key in articles | users)
