"""Rails' own caches, of the shop in shop/, under rules/rails.cfg."""

import pytest

TABLES = """
CREATE TABLE categories (id int PRIMARY KEY, name text, updated_at timestamp DEFAULT now());
CREATE TABLE products (id int PRIMARY KEY, category_id int, name text, price numeric, stock int,
                       updated_at timestamp DEFAULT now());
ALTER TABLE products REPLICA IDENTITY FULL;
INSERT INTO categories VALUES (1, 'drinks'), (2, 'dishes');
INSERT INTO products VALUES (5, 1, 'tea', 3.50, 9), (6, 2, 'mug', 8, 9);
"""

SETTINGS = {"redis": "REDIS", "mc": "MEMCACHED"}


@pytest.fixture
def shop(db, store, run_app):
    db.sql(TABLES)
    return run_app("ruby", "shop/shop.rb", **{SETTINGS[store.store_name]: store.socket})


@pytest.fixture
def visit(shop, store, run_rules, monkeypatch):
    """Looks at what the shop shows; says what Rails found in no cache."""
    monkeypatch.setenv("PRODUCTS_SHOW_DIGEST", shop.ask("digest")["text"])
    cdcd = run_rules("rails.cfg", redis=store)

    def look(*words):
        cdcd.caught_up()
        return shop.ask(*words)

    return look


OF_A_PRODUCT = {"fetch": "product", "plain": "fragment", "show": "fragment"}


def test_what_shows_a_product_is_made_anew_when_its_row_changes(db, visit):
    for page, made in OF_A_PRODUCT.items():
        assert visit(page, 5) == {"text": "tea", "made": [made]}
        assert visit(page, 6)["made"] == [made]
        assert visit(page, 5)["made"] == []
    db.psql("UPDATE products SET name = 'green tea' WHERE id = 5")
    for page, made in OF_A_PRODUCT.items():
        assert visit(page, 5) == {"text": "green tea", "made": [made]}
        assert visit(page, 6)["made"] == []


def test_an_order_that_takes_from_the_stock_clears_nothing(db, visit):
    pages = [(page, 5) for page in OF_A_PRODUCT] + [("list",), ("category", 1)]
    assert all(visit(*page)["made"] for page in pages)
    db.psql("UPDATE products SET stock = stock - 1")
    assert not any(visit(*page)["made"] for page in pages)


def test_a_product_that_moves_clears_the_lists_of_both_categories(db, visit):
    assert [visit("category", number)["text"] for number in (1, 2)] == ["tea", "mug"]
    db.psql("UPDATE products SET category_id = 2 WHERE id = 5")
    assert [visit("category", number)["text"] for number in (1, 2)] == ["", "tea, mug"]


def test_a_bumped_version_puts_every_list_out_of_reach(db, visit):
    assert visit("list") == {"text": "tea, mug", "made": ["list"]}
    assert visit("list")["made"] == []
    for name in ("green tea", "black tea"):
        db.sql("UPDATE products SET name = %s WHERE id = 5", name)
        assert visit("list") == {"text": f"{name}, mug", "made": ["list"]}
        assert visit("list")["made"] == []


def test_truncate_clears_every_entry_of_a_product(db, visit):
    pages = [(page, number) for page in OF_A_PRODUCT for number in (5, 6)]
    assert all(visit(*page)["made"] for page in pages)
    db.psql("BEGIN; CREATE TABLE kept AS SELECT * FROM products; TRUNCATE products;"
           " INSERT INTO products SELECT * FROM kept; COMMIT")
    assert all(visit(*page)["made"] for page in pages)


def test_explain_names_the_keys_that_rails_has_made(db, visit, store, deleted):
    for page in [*OF_A_PRODUCT, "category"]:
        visit(page, 5 if page in OF_A_PRODUCT else 1)
    keys = deleted("rails.cfg", "update", "products", "--old", "id=5,name=tea,category_id=1",
                   "--new", "name=x")
    assert len(keys) == 4 and all(store.has(key) for key in keys)
    db.psql("UPDATE products SET name = 'x' WHERE id = 5")
    visit("list")
    assert not any(store.has(key) for key in keys)
