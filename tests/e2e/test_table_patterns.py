"""Tables that are wanted by a pattern: those that are there, and those that come."""

import pytest

from daemon import rules_file
from poll import wait_for
from tools import Program

pytestmark = pytest.mark.both_sources

TENANT = "CREATE SCHEMA {0}; CREATE TABLE {0}.post (id int PRIMARY KEY, title text);"


def tenants(*names):
    return "".join(TENANT.format(name) for name in names)


@pytest.fixture
def watch(db, cleanup):
    def make(*tables, create=True):
        words = [db.conninfo(), db.name, db.name, "create" if create else "use", *tables]
        made = Program("watch_tables", *words)
        cleanup.callback(made.process.wait, 30)
        cleanup.callback(made.process.kill)
        return made

    return make


def lines_until(program, last):
    lines = []
    while not lines or lines[-1] != last:
        lines.append(program.line())
    return lines


def published(db):
    return {
        f"{schema}.{table}"
        for schema, table in db.sql(
            "SELECT schemaname, tablename FROM pg_publication_tables WHERE pubname = %s", db.name
        )
    }


def test_tables_that_match_are_published_and_one_that_comes_appears(db, watch):
    db.sql(tenants("tenant_a", "tenant_b", "other") + "CREATE TABLE tenant_a.posts (id int)")
    program = watch("tenant_*.post")
    assert lines_until(program, "streaming") == [
        "table tenant_a.post", "table tenant_b.post", "streaming"
    ]
    assert published(db) == {"tenant_a.post", "tenant_b.post"}
    db.sql("INSERT INTO tenant_b.post VALUES (1)")
    assert program.line() == "change tenant_b.post"
    db.sql(tenants("tenant_c"))
    assert lines_until(program, "appeared tenant_c.post")[-2:] == [
        "table tenant_c.post", "appeared tenant_c.post"
    ]
    db.sql("INSERT INTO tenant_c.post VALUES (1); INSERT INTO other.post VALUES (1)")
    assert lines_until(program, "change tenant_c.post")[-1]
    assert published(db) == {"tenant_a.post", "tenant_b.post", "tenant_c.post"}
    program.end()


def test_a_table_that_is_named_and_matches_is_wanted_once(db, watch):
    db.sql(tenants("tenant_a", "tenant_b"))
    program = watch("tenant_b.post", "tenant_?.p*", "tenant_*.post")
    assert lines_until(program, "streaming") == [
        "table tenant_b.post", "table tenant_a.post", "streaming"
    ]
    program.end()


def test_underscores_and_percents_of_a_pattern_stand_for_themselves(db, watch):
    db.sql(tenants("tenant_a", "tenantxa", '"t%_"', '"txy_"'))
    program = watch("tenant_?.*", "t%*.post")
    assert lines_until(program, "streaming") == [
        "table tenant_a.post", "table t%_.post", "streaming"
    ]
    program.end()


def test_system_schemas_views_and_partitions_match_no_pattern(db, watch):
    db.sql(
        tenants("tenant_a")
        + "CREATE VIEW tenant_a.seen AS SELECT 1; CREATE TABLE tenant_a.part (id int PRIMARY KEY)"
        " PARTITION BY RANGE (id); CREATE TABLE tenant_a.part_1 PARTITION OF tenant_a.part DEFAULT"
    )
    program = watch("*.*")
    assert lines_until(program, "streaming") == [
        "table tenant_a.part", "table tenant_a.post", "streaming"
    ]
    db.sql("INSERT INTO tenant_a.part VALUES (1)")
    assert program.line() == "change tenant_a.part"
    program.end()


def test_a_pattern_that_matches_nothing_is_said_and_stops_nothing(db, watch):
    program = watch("tenant_*.post")
    assert program.line() == "streaming"
    db.sql(tenants("tenant_a"))
    assert lines_until(program, "appeared tenant_a.post")
    said = program.end()
    assert "test.cfg:1: warning: no table matches tenant_*.post" in said


def test_without_create_what_is_not_published_is_named_with_the_sql(db, watch):
    db.sql(tenants("tenant_a", "tenant_b", "tenant_c"))
    db.sql(f"CREATE PUBLICATION {db.name} FOR TABLE tenant_b.post")
    db.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", db.name)
    program = watch("tenant_*.post", create=False)
    lines_until(program, "streaming")
    said = program.end()
    sql = f"ALTER PUBLICATION {db.name} ADD TABLE tenant_a.post, tenant_c.post"
    assert f"2 tables that match tenant_*.post are not in publication {db.name}; {sql}" in said
    db.sql(sql)


def test_a_table_that_does_not_fit_keeps_no_other_from_being_looked_after(db, watch):
    db.sql(
        tenants("tenant_a", "tenant_z")
        + "CREATE SCHEMA tenant_b; CREATE TABLE tenant_b.post (id int);"
        "CREATE SCHEMA tenant_c; CREATE UNLOGGED TABLE tenant_c.post (id int PRIMARY KEY);"
    )
    program = watch("tenant_*.post")
    lines_until(program, "streaming")
    assert published(db) == {"tenant_a.post", "tenant_z.post"}
    said = program.end()
    assert "tenant_b.post has no replica identity" in said
    assert "tenant_c.post is unlogged" in said


def test_a_tenant_that_leaves_and_comes_back_appears(db, watch):
    db.sql(tenants("tenant_a", "tenant_b"))
    program = watch("tenant_*.post")
    lines_until(program, "streaming")
    db.sql("DROP SCHEMA tenant_b CASCADE;" + tenants("tenant_b"))
    assert lines_until(program, "appeared tenant_b.post")
    program.end()


def test_a_table_or_a_schema_that_is_renamed_into_a_pattern_appears(db, watch):
    draft = "CREATE SCHEMA tenant_b; CREATE TABLE tenant_b.draft (id int PRIMARY KEY);"
    db.sql(tenants("tenant_a", "old") + draft)
    program = watch("tenant_*.post")
    assert lines_until(program, "streaming") == ["table tenant_a.post", "streaming"]
    db.sql("ALTER TABLE tenant_b.draft RENAME TO post; ALTER SCHEMA old RENAME TO tenant_c")
    lines = lines_until(program, "appeared tenant_c.post")
    assert "appeared tenant_b.post" in lines
    db.sql("INSERT INTO tenant_b.post VALUES (1); INSERT INTO tenant_c.post VALUES (1)")
    lines_until(program, "change tenant_c.post")
    db.sql("ALTER SCHEMA tenant_a RENAME TO gone; ALTER SCHEMA tenant_c RENAME TO tenant_a")
    assert lines_until(program, "appeared tenant_a.post")[-1]
    db.sql("INSERT INTO tenant_a.post VALUES (2)")
    lines_until(program, "change tenant_a.post")
    program.end()


def test_other_patterns_may_be_wanted_while_it_runs(db, watch):
    db.sql(tenants("tenant_a", "shop_a"))
    program = watch("tenant_*.post")
    lines_until(program, "streaming")
    program.write("*_a.post")
    assert "table shop_a.post" in lines_until(program, "set")
    assert lines_until(program, "appeared shop_a.post").count("appeared tenant_a.post") == 0
    program.end()


def test_two_thousand_tenants_cost_few_lines_and_come_all(db, watch):
    db.sql(
        "DO $$ BEGIN FOR n IN 1..2000 LOOP EXECUTE format('CREATE SCHEMA tenant_%s;"
        " CREATE TABLE tenant_%s.post (id int PRIMARY KEY)', n, n);"
        " IF n % 200 = 0 THEN COMMIT; END IF; END LOOP; END $$"
    )
    program = watch("tenant_*.post")
    lines = lines_until(program, "streaming")
    assert len(lines) == 2001
    db.sql(
        "DO $$ BEGIN FOR n IN 2001..2100 LOOP EXECUTE format('CREATE SCHEMA tenant_%s;"
        " CREATE TABLE tenant_%s.post (id int PRIMARY KEY)', n, n); END LOOP; END $$"
    )
    assert lines_until(program, "appeared tenant_2100.post")
    said = program.end()
    assert len(published(db)) == 2100
    lines = [line for line in said.splitlines() if "sql=" not in line]
    assert len(lines) < 20, said[:2000]
    assert max(map(len, said.splitlines())) < 10000


TENANTS = rules_file(
    'post = { key = "{tenant}:post:{id}"; triggers = { table = "tenant_*.post";'
    ' bind = { tenant = "table_schema()"; }; };'
    ' all = { action = "scan"; match = "tenant_*:post:*"; }; };'
)


@pytest.mark.replication
def test_the_keys_of_a_tenant_that_comes_while_cdcd_runs_leave(db, redis, run_cdcd):
    db.sql(tenants("tenant_a", "tenant_b"))
    cdcd = run_cdcd(db, TENANTS, redis)
    redis.warm("blog:tenant_a:post:1", "blog:tenant_b:post:1", "blog:tenant_b:post:2")
    db.sql("INSERT INTO tenant_b.post VALUES (1)")
    cdcd.caught_up()
    assert redis.left() == {"blog:tenant_a:post:1", "blog:tenant_b:post:2"}
    redis.warm("blog:tenant_c:post:3")
    db.sql(tenants("tenant_c") + "INSERT INTO tenant_c.post VALUES (3)")
    wait_for(lambda: redis.left() == set(), "what may have been missed is cleared")
    redis.warm("blog:tenant_c:post:3", "blog:tenant_a:post:3")
    db.sql("DELETE FROM tenant_c.post")
    cdcd.caught_up()
    assert redis.left() == {"blog:tenant_a:post:3"}


def test_a_reload_takes_a_pattern_in_and_out(db, redis, run_cdcd, mode):
    db.sql(tenants("tenant_a", "other"))
    named = rules_file('post = { key = "post:{id}"; triggers = "other.post"; };')
    cdcd = run_cdcd(db, named, redis)
    cdcd.write_rules(TENANTS)
    cdcd.reload()
    cdcd.wait_for_log("rules loaded|rules reloaded|reloaded")
    if mode == "replication":
        wait_for(lambda: "tenant_a.post" in published(db), "the table is published")
    redis.warm("blog:tenant_a:post:1", "blog:tenant_b:post:1", "blog:post:1")
    db.sql("INSERT INTO tenant_a.post VALUES (1); INSERT INTO other.post VALUES (1)")
    cdcd.caught_up()
    assert not redis.has("blog:tenant_a:post:1") and redis.has("blog:post:1")


@pytest.mark.replication
def test_a_weak_table_that_comes_while_cdcd_runs_clears_all_at_each_change(db, redis, run_cdcd):
    """At the start its rule would have been refused."""
    caches = """
  page = { key = "page:{x}"; triggers = "tenant_*.post";
           all = { action = "scan"; match = "page:*"; }; };
"""
    cdcd = run_cdcd(db, rules_file(caches), redis)
    keys = {"blog:page:1", "blog:page:2", "blog:page:3"}
    redis.warm(*keys, "canary")
    db.sql("CREATE SCHEMA tenant_a; CREATE TABLE tenant_a.post (id int PRIMARY KEY, x int)")
    wait_for(lambda: redis.left() == {"canary"}, "the table's caches are cleared")
    cdcd.wait_for_log("ALTER TABLE tenant_a.post REPLICA IDENTITY FULL")
    redis.warm(*keys)
    db.sql("INSERT INTO tenant_a.post VALUES (1, 1)")
    cdcd.caught_up()
    assert redis.left() == {"canary", "blog:page:2", "blog:page:3"}
    for change in ("UPDATE tenant_a.post SET x = 2", "DELETE FROM tenant_a.post"):
        redis.warm(*keys)
        db.sql(change)
        cdcd.caught_up()
        assert redis.left() == {"canary"}
