"""Files of rules/ that need more than a row: PostgreSQL's answer, or tables of many schemas."""

import pytest

from daemon import REPOSITORY


@pytest.fixture
def run_rules(run_cdcd, redis):
    def run(database, name):
        return run_cdcd(database, (REPOSITORY / "rules" / name).read_text("utf-8"), redis)

    return run


HOME = """
CREATE TABLE blog_post (id int PRIMARY KEY, title text, summary text, published bool, date date);
CREATE TABLE blog_comment (id int PRIMARY KEY, post_id int, author text, text text, approved bool,
                           votes int);
ALTER TABLE blog_post REPLICA IDENTITY FULL;
ALTER TABLE blog_comment REPLICA IDENTITY FULL;
INSERT INTO blog_post
    SELECT n, 'title', '', n <> 9, date '2026-01-01' + n FROM generate_series(1, 9) n;
INSERT INTO blog_comment SELECT n, n, 'ann', 'text', n <> 6, 0 FROM generate_series(1, 9) n;
"""

# The five newest that are published are 4 to 8; comment 6 waits for approval.
AT_HOME = {
    "UPDATE blog_comment SET text = 'new' WHERE id = 8": True,
    "UPDATE blog_comment SET text = 'new' WHERE id = 3": False,
    "UPDATE blog_comment SET text = 'new' WHERE id = 6": False,
    "UPDATE blog_comment SET votes = 1 WHERE id = 8": False,
    "UPDATE blog_comment SET approved = true WHERE id = 6": True,
    "UPDATE blog_comment SET approved = false WHERE id = 7": True,
    "UPDATE blog_comment SET post_id = 1 WHERE id = 5": True,
    "DELETE FROM blog_comment WHERE id = 1": False,
    "UPDATE blog_post SET title = 'new' WHERE id = 9": False,
    "UPDATE blog_post SET published = true WHERE id = 9": True,
    "UPDATE blog_comment SET text = 'late' WHERE id = 4": False,
    "TRUNCATE blog_comment": True,
}


def test_the_home_page_is_made_anew_only_for_what_it_shows(db, redis, run_rules):
    db.sql(HOME)
    cdcd = run_rules(db, "home.cfg")
    for change, cleared in AT_HOME.items():
        redis.warm("latest_comment_add_date", "canary")
        db.sql(change)
        cdcd.caught_up()
        assert redis.has("latest_comment_add_date") is not cleared, change
    assert redis.has("canary")


TENANT = """
CREATE SCHEMA {0};
CREATE TABLE {0}.post (id int PRIMARY KEY, title text);
CREATE TABLE {0}.page (id int PRIMARY KEY, title text, position int);
INSERT INTO {0}.post VALUES (7, 'title');
INSERT INTO {0}.page VALUES (1, 'title', 1);
"""

TENANTS = ["tenant_acme", "tenant_blue", "archive"]
OF_TENANTS = {f"site:{schema}:{key}" for schema in TENANTS
              for key in ("post:7", "menu", "count:post", "count:page")}

OF_THE_SCHEMA = {
    "UPDATE tenant_acme.post SET title = 'new'": {"site:tenant_acme:post:7"},
    "UPDATE tenant_blue.page SET position = 2": {"site:tenant_blue:menu"},
    "INSERT INTO tenant_blue.post VALUES (8)": {"site:tenant_blue:count:post"},
    "DELETE FROM archive.post": set(),
    "UPDATE public.plan SET id = 2": {"site:plans"},
}


def test_a_customers_rows_clear_the_keys_of_that_customer(db, redis, run_rules):
    db.sql("CREATE TABLE plan (id int PRIMARY KEY); INSERT INTO plan VALUES (1);"
           + "".join(TENANT.format(schema) for schema in TENANTS))
    cdcd = run_rules(db, "tenants.cfg")
    for change, cleared in OF_THE_SCHEMA.items():
        redis.warm(*OF_TENANTS, "site:plans")
        db.sql(change)
        cdcd.caught_up()
        assert (OF_TENANTS | {"site:plans"}) - redis.left() == cleared, change
