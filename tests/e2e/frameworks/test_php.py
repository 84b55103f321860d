"""Caches of PHP: php-redis and php-memcached with keys of one's own, Laravel's, Symfony's."""

import pytest

SETTINGS = {"redis": "REDIS", "mc": "MEMCACHED"}

NEWS = """
CREATE TABLE categoria (id int PRIMARY KEY, nome text);
CREATE TABLE noticia (id int PRIMARY KEY, categoria_id int, titulo text, texto text, visitas int);
ALTER TABLE noticia REPLICA IDENTITY FULL;
INSERT INTO categoria VALUES (1, 'mundo'), (2, 'esporte'), (3, 'cultura');
INSERT INTO noticia VALUES (1, 1, 'um', '', 0), (2, 2, 'dois', '', 0), (3, 3, 'três', '', 0);
"""

USERS = """
CREATE TABLE users (id int PRIMARY KEY, name text);
CREATE TABLE user_education (id int PRIMARY KEY, user_id int, school text);
CREATE TABLE user_work (id int PRIMARY KEY, user_id int, employer text);
ALTER TABLE user_education REPLICA IDENTITY FULL;
ALTER TABLE user_work REPLICA IDENTITY FULL;
INSERT INTO users VALUES (41, 'ann'), (42, 'bob');
INSERT INTO user_education VALUES (1, 41, 'north'), (2, 42, 'south');
INSERT INTO user_work VALUES (1, 41, 'mill'), (2, 42, 'mine');
"""

PRODUCTS = """
CREATE TABLE products (id int PRIMARY KEY, name text, price numeric);
CREATE TABLE tax_rate (id int PRIMARY KEY, rate numeric);
INSERT INTO products VALUES (5, 'tea', 3.50), (6, 'mug', 8);
"""


@pytest.fixture
def visit(db, run_app, run_rules):
    """Looks at what a program shows; says what it found in no cache."""

    def begin(program, tables, rules, store, **settings):
        db.sql(tables)
        app = run_app("php", f"php/{program}", **{SETTINGS[store.store_name]: store.socket},
                      **settings)
        cdcd = run_rules(rules, redis=store, memcached=store)

        def look(*words):
            cdcd.caught_up()
            return app.ask(*words)

        return look

    return begin


PAGES = [("all",)] + [(what, number) for what in ("item", "category") for number in (1, 2, 3)]


@pytest.fixture(params=["redis", "memcached", "memcached with KETAMA"])
def news(request, visit):
    kind, _, ketama = request.param.partition(" with ")
    store = request.getfixturevalue(kind)
    look = visit("news.php", NEWS, "news.cfg", store, **{ketama or "PLAIN": "1"})
    assert all(look(*page)["made"] for page in PAGES)

    def made():
        return {key for page in PAGES for key in look(*page)["made"]}

    assert not made()
    return made


@pytest.mark.parametrize("change, keys", [
    ("UPDATE noticia SET titulo = 'x' WHERE id = 1",
     {"noticias", "noticia_1", "noticia_categoria_1"}),
    ("UPDATE noticia SET categoria_id = 3 WHERE id = 1",
     {"noticias", "noticia_1", "noticia_categoria_1", "noticia_categoria_3"}),
    ("UPDATE noticia SET visitas = visitas + 1", set()),
    ("UPDATE categoria SET nome = 'x' WHERE id = 2", {"noticia_categoria_2"}),
], ids=["edited", "moved", "visited", "renamed"])
def test_a_news_item_clears_its_own_keys_in_php(db, news, change, keys):
    db.psql(change)
    assert news() == keys


@pytest.mark.parametrize("ketama", ["0", "1"])
def test_a_users_block_and_then_the_semaphore_are_made_anew(db, memcached, visit, ketama):
    look = visit("blocks.php", USERS, "blocks.cfg", memcached, KETAMA=ketama, PREFIX="blocks:")
    assert look(41) == {"text": "north, mill", "made": ["education", "work", "urls"]}
    assert look(42)["made"] == ["education", "work", "urls"]
    assert look(41) == {"text": "not modified", "made": []}
    db.psql("UPDATE user_education SET school = 'east' WHERE user_id = 41")
    assert look(41) == {"text": "east, mill", "made": ["education", "urls"]}
    assert look(42) == {"text": "not modified", "made": []}
    db.psql("UPDATE users SET name = 'al' WHERE id = 42")
    assert look(42)["made"] == ["education", "work", "urls"]


@pytest.fixture
def laravel(store, visit, monkeypatch):
    connection = "laravel_database_" if store.store_name == "redis" else ""
    monkeypatch.setenv("LARAVEL_CACHE_PREFIX", f"{connection}laravel_cache:")
    return visit("laravel.php", PRODUCTS, "laravel.cfg", store)


@pytest.fixture
def symfony(store, visit):
    return visit("symfony.php", PRODUCTS, "symfony.cfg", store, VERSIONING="0")


def is_made_anew(db, look, page):
    assert look(page, 5) == {"text": "tea", "made": [page]}
    assert look(page, 6)["made"] == [page]
    assert look(page, 5)["made"] == []
    db.psql("UPDATE products SET name = 'green tea' WHERE id = 5")
    assert look(page, 5) == {"text": "green tea", "made": [page]}
    assert look(page, 6)["made"] == []


def test_an_entry_of_laravel_is_made_anew_when_its_row_changes(db, laravel):
    is_made_anew(db, laravel, "product")


@pytest.fixture
def tagged(laravel, store):
    if store.store_name == "redis" and laravel("sets", 0)["text"]:
        pytest.skip("from version 10 on, Laravel's tags in Redis are sorted sets")
    return laravel


def test_a_tagged_entry_of_laravel_is_made_anew_when_its_row_changes(db, tagged):
    is_made_anew(db, tagged, "tagged")


def test_a_deleted_product_clears_all_that_laravel_filed_under_products(db, tagged):
    assert tagged("tagged", 6)["made"]
    assert not tagged("tagged", 6)["made"]
    db.psql("DELETE FROM products WHERE id = 5")
    assert tagged("tagged", 6)["made"]


def test_an_item_of_symfony_is_made_anew_when_its_row_changes(db, symfony):
    is_made_anew(db, symfony, "product")


def test_a_tag_of_symfony_in_memcached_is_gone_when_its_row_changes(db, memcached, visit):
    look = visit("symfony.php", PRODUCTS, "symfony.cfg", memcached, VERSIONING="0")
    is_made_anew(db, look, "tagged")


@pytest.mark.parametrize("versioning", ["0", "1"])
def test_a_pool_of_symfony_is_cleared_whole(db, store, visit, versioning):
    look = visit("symfony.php", PRODUCTS, "symfony.cfg", store, VERSIONING=versioning)
    # Symfony's own first version is the second in which it is made, the next one is random.
    look("clear")
    assert look("product", 5)["made"] and look("product", 6)["made"]
    assert not look("product", 5)["made"] and not look("product", 6)["made"]
    db.psql("INSERT INTO tax_rate VALUES (1, 0.19)")
    assert look("product", 5)["made"] and look("product", 6)["made"]


def test_explain_names_the_keys_that_laravel_has_made(db, tagged, store, deleted):
    assert tagged("product", 5)["made"] and tagged("tagged", 5)["made"]
    keys = deleted("laravel.cfg", "delete", "products", "--old", "id=5")
    assert len(keys) == 3 and all(store.has(key) for key in keys)
    db.psql("DELETE FROM products WHERE id = 5")
    tagged("product", 6)
    assert not any(store.has(key) for key in keys)


def test_explain_names_the_keys_that_symfony_has_made(db, memcached, visit, deleted):
    look = visit("symfony.php", PRODUCTS, "symfony.cfg", memcached, VERSIONING="0")
    assert look("product", 5)["made"] and look("tagged", 5)["made"]
    keys = deleted("symfony.cfg", "delete", "products", "--old", "id=5")
    made = {key for key in keys if memcached.has(key)}
    assert "shop:product.5" in made and len(made) == 2  # and the tag, of one version or the other
    db.psql("DELETE FROM products WHERE id = 5")
    look("product", 6)
    assert not any(memcached.has(key) for key in made)
