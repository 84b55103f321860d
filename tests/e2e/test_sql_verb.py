"""`cdcd sql`: what it prints gives the rules what they need, twice as well as once."""

import json
import os
import pathlib
import re
import subprocess

import pytest

from daemon import REPOSITORY, rules_file, run_verb
from postgres import binary
from test_keys import COMMENTS

SQL = REPOSITORY / "sql"


def scan(cache):
    return f'all = {{ action = "scan"; match = "{cache}:*"; }};'


# Names as no one should give them: quotes, backslashes, blanks, capitals, a point.
ODD = rules_file(
    'odd = { key = "odd:{v}"; triggers = ( { table = "Odd Shop.it\'s \\"Here\\"\\\\";'
    ' columns = [ "Col\'umn\\\\" ]; bind = { v = "\\"Col\'umn\\\\\\\\\\""; }; } );'
    + scan("odd") + " };"
)
ODD_TABLE = """
CREATE SCHEMA "Odd Shop";
CREATE TABLE "Odd Shop"."it's ""Here""\\" ("Col'umn\\" text NOT NULL, "Col'umn\\\\" text, other text);
"""
TENANTS = rules_file(
    'post = { key = "{t}:post:{id}"; triggers = ( { table = "tenant_*.post";'
    ' bind = { t = "table_schema()"; }; } ); ' + scan("*:post") + " };\n"
    'count = { key = "{t}:count:{n}"; triggers = ( { table = "tenant_*.*"; on = "insert";'
    ' bind = { t = "table_schema()"; n = "table_name()"; }; } ); ' + scan("*:count") + " };\n"
    'named = { key = "named:{slug}"; triggers = "tenant_b.post"; ' + scan("named") + " };"
)
TENANT_TABLES = """
CREATE SCHEMA tenant_a; CREATE SCHEMA tenant_b; CREATE SCHEMA tenantry;
CREATE TABLE tenant_a.post (gone int, id int PRIMARY KEY, body text);
ALTER TABLE tenant_a.post DROP COLUMN gone;
CREATE TABLE tenant_a.page (number int PRIMARY KEY, body text);
CREATE TABLE tenant_b.post (id int PRIMARY KEY, slug text, body text);
CREATE TABLE tenantry.post (id int PRIMARY KEY, body text);
CREATE VIEW tenant_a.view AS SELECT 1 AS id;
"""


@pytest.fixture
def printed(db, new_cdcd):
    """Makes rules' configuration; what `cdcd sql` prints for it."""

    def make(rules, **source):
        config = new_cdcd(db, rules, {"redis": {"type": "redis", "url": "redis://127.0.0.1"}},
                          source={"create": False, **source}).config

        def sql(*words):
            answer = run_verb("sql", "-c", config, *words)
            assert answer.returncode == 0, answer.stderr
            return answer.stdout

        sql.config = config
        return sql

    return make


def psql(database, text, user="postgres", **environment):
    """As a DBA runs it: stops at the first error."""
    return subprocess.run(
        [binary("psql"), "-X", "-q", "-At", "-v", "ON_ERROR_STOP=1", "-f", "-",
         database.conninfo(user=user)],
        input=text, capture_output=True, text=True, timeout=60, check=False,
        env={"PATH": os.environ["PATH"], **environment},
    )


def run_sql(database, text):
    done = psql(database, text)
    assert done.returncode == 0, done.stderr
    return done.stdout


def statements(text):
    """Without comments and empty lines."""
    return [line for line in text.splitlines() if line and not line.startswith("--")]


def outbox(database):
    for name in ("003_outbox_role.sql", "004_outbox.sql"):
        run_sql(database, (SQL / name).read_text("utf-8"))


def watched(database):
    return {
        name: (set(columns), any_update)
        for name, columns, any_update in database.sql(
            'SELECT "table"::text, columns, any_update FROM cdcd.watched WHERE enabled'
        )
    }


def published(database):
    """The columns by table."""
    return {
        f"{schema}.{name}": set(columns)
        for schema, name, columns in database.sql(
            "SELECT schemaname::text, tablename::text, attnames::text[] FROM pg_publication_tables"
        )
    }


def identity(database, table):
    return database.value("SELECT relreplident::text FROM pg_class WHERE oid = %s::regclass", table)


def live_errors(sql):
    """What `check --live` has against the database: not its warnings, and not that there is no
    store and no slot."""
    answer = json.loads(run_verb("check", "-c", sql.config, "--live", "--json").stdout)
    return [
        one["text"]
        for one in answer["complaints"]
        if one["severity"] == "error" and "store redis" not in one["text"]
        and not one["text"].startswith("replication slot")
    ]


def test_a_table_is_watched_with_the_columns_that_rules_read(printed):
    sql = printed(COMMENTS)("--mode", "outbox")
    assert statements(sql) == [
        "SELECT cdcd.watch('public.blog_comment', ARRAY['post_id'], any_update => true);",
        "SELECT cdcd.watch('public.blog_post', ARRAY['id'], any_update => true);",
    ]
    assert "blog.cfg:9 get_comments\nSELECT cdcd.watch('public.blog_comment'" in sql


@pytest.mark.parametrize("trigger, call", [
    ('"t"', "ARRAY['id'], any_update => true"),
    ('{ table = "t"; columns = [ "a" ]; }', "ARRAY['a', 'id']"),
    ('{ table = "t"; on = [ "insert", "delete" ]; }', "ARRAY['id']"),
    ('{ table = "t"; columns = [ "a" ]; }, { table = "t"; on = "insert"; when = "b"; }',
     "ARRAY['a', 'id', 'b']"),
    ('{ table = "t"; columns = [ "a" ]; }, { table = "t"; when = "changed(b)"; }',
     "ARRAY['a', 'id', 'b'], any_update => true"),
])
def test_other_updates_count_unless_every_trigger_names_columns(printed, trigger, call):
    rules = rules_file(f'c = {{ key = "c:{{id}}"; triggers = ( {trigger} ); {scan("c")} }};')
    sql = printed(rules)("--mode", "outbox")
    assert statements(sql) == [f"SELECT cdcd.watch('public.t', {call});"]


@pytest.mark.parametrize("cache", [
    'key = "c:{id}:{row|json|md5}"; triggers = "t";',
    'key = "c:{slug}"; triggers = ( { table = "t"; lookup = "SELECT * FROM p WHERE a = {id}"; } );',
])
def test_what_may_read_every_column_watches_all(printed, cache):
    sql = printed(rules_file(f"c = {{ {cache} {scan('c')} }};"))("--mode", "outbox")
    assert statements(sql) == ["SELECT cdcd.watch('public.t');"]
    assert "-- All columns, because " in sql


def test_the_outbox_calls_do_what_they_say_and_are_taken_back(db, printed):
    rules = ODD + ""
    db.sql(ODD_TABLE + "CREATE TABLE plain (gone int, id int PRIMARY KEY, body text);"
                       "ALTER TABLE plain DROP COLUMN gone;")
    sql = printed({"odd.cfg": rules,
                   "plain.cfg": rules_file('plain = { triggers = "plain"; };', app="plain")})
    outbox(db)
    for _ in range(2):
        run_sql(db, sql("--mode", "outbox"))
        assert watched(db) == {
            '"Odd Shop"."it\'s ""Here""\\"': ({"Col'umn\\", "Col'umn\\\\"}, False),
            "plain": ({"id"}, True),
        }
    for _ in range(2):
        run_sql(db, sql("--mode", "outbox", "--down"))
        assert watched(db) == {}


def test_watching_no_more_is_safe_to_run_when_the_outbox_is_gone(db, printed):
    db.sql(TENANT_TABLES)
    down = printed(TENANTS)("--mode", "outbox", "--down")
    run_sql(db, down)
    outbox(db)
    run_sql(db, (SQL / "004_outbox.down.sql").read_text("utf-8"))
    run_sql(db, down)


@pytest.mark.parametrize("make, said", [
    ("CREATE TABLE a (id int); CREATE TABLE z (id int)", 'relation "public.m" does not exist'),
    ("CREATE TABLE a (id int); CREATE TABLE m (n int); CREATE TABLE z (id int)",
     "table public.m has no stored column id"),
])
def test_what_is_not_there_stops_the_script_and_is_named(db, printed, make, said):
    db.sql(make)
    sql = printed(rules_file(f'c = {{ key = "c:{{id}}"; triggers = ( "a", "m", "z" ); {scan("c")} }};'))
    outbox(db)
    done = psql(db, sql("--mode", "outbox"))
    assert done.returncode == 3 and said in done.stderr
    assert list(watched(db)) == ["a"]


def test_check_live_is_content_with_what_is_watched(db, printed):
    db.sql(TENANT_TABLES + "CREATE TABLE blog_post (id int PRIMARY KEY, title text);"
           "CREATE TABLE blog_comment (id int PRIMARY KEY, post_id int)")
    outbox(db)
    sql = printed({"a.cfg": COMMENTS, "b.cfg": TENANTS.replace('app = "blog"', 'app = "tenants"')},
                  mode="outbox")
    assert live_errors(sql)
    run_sql(db, sql())
    assert live_errors(sql) == []
    answer = run_verb("check", "-c", sql.config, "--live").stderr
    assert "cdcd.watch" not in answer, answer


def test_a_table_that_must_not_notify_is_left_so_when_its_columns_change(db, printed):
    db.sql("CREATE TABLE blog_post (id int PRIMARY KEY);"
           "CREATE TABLE blog_comment (id int PRIMARY KEY, post_id int)")
    outbox(db)
    db.sql("SELECT cdcd.watch('blog_comment', notify => false)")
    run_sql(db, printed(COMMENTS)("--mode", "outbox"))
    assert db.sql('SELECT "table"::text, columns, notify FROM cdcd.watched ORDER BY 1') == [
        ("blog_comment", ["post_id"], False),
        ("blog_post", ["id"], True),
    ]


def test_tables_that_patterns_match_are_watched_each_with_all_that_any_rule_wants(db, printed):
    db.sql(TENANT_TABLES)
    sql = printed(TENANTS)
    outbox(db)
    for _ in range(2):
        run_sql(db, sql("--mode", "outbox"))
        assert watched(db) == {
            "tenant_a.post": ({"id"}, True),
            "tenant_a.page": ({"number"}, False),
            "tenant_b.post": ({"id", "slug"}, True),
        }
    run_sql(db, sql("--mode", "outbox", "--down"))
    assert watched(db) == {}


def test_the_publication_is_what_check_live_wants(db, printed):
    db.sql(
        "CREATE TABLE blog_post (id int PRIMARY KEY, title text);"
        "CREATE TABLE blog_comment (id int PRIMARY KEY, post_id int, text text);"
    )
    sql = printed(COMMENTS)
    assert live_errors(sql)
    for _ in range(2):
        run_sql(db, sql())
        assert live_errors(sql) == []
        assert published(db) == {
            "public.blog_post": {"id"},
            "public.blog_comment": {"id", "post_id", "text"},
        }
    assert identity(db, "blog_post") == "d" and identity(db, "blog_comment") == "f"
    db.sql("INSERT INTO blog_post VALUES (1); UPDATE blog_post SET title = 'x'; DELETE FROM blog_post")


def test_the_smallest_index_that_holds_the_old_values_becomes_the_identity(db, printed):
    db.sql(
        "CREATE TABLE blog_post (id int PRIMARY KEY);"
        "CREATE TABLE blog_comment (id int PRIMARY KEY, post_id int NOT NULL, n int, text text);"
        "CREATE UNIQUE INDEX wide ON blog_comment (id, post_id, n);"
        "CREATE UNIQUE INDEX part ON blog_comment (id, post_id) WHERE n > 1;"
        'CREATE UNIQUE INDEX "It" ON blog_comment (id, post_id);'
    )
    sql = printed(COMMENTS)
    run_sql(db, sql())
    assert identity(db, "blog_comment") == "i"
    assert db.value("SELECT indexrelid::regclass::text FROM pg_index WHERE indisreplident") == '"It"'
    assert published(db)["public.blog_comment"] == {"id", "post_id"}
    assert live_errors(sql) == []
    db.sql("INSERT INTO blog_comment VALUES (1, 1); UPDATE blog_comment SET post_id = 2;"
           "DELETE FROM blog_comment")


def test_old_values_that_only_conditions_want_cost_no_whole_row(db, printed):
    db.sql("CREATE TABLE t (id int PRIMARY KEY, a text, b text)")
    sql = printed(rules_file('c = { key = "c:{id}"; triggers = ( { table = "t";'
                             f' columns = [ "a" ]; }} ); {scan("c")} }};'))
    said = psql(db, sql()).stderr
    assert "REPLICA IDENTITY FULL" in said and identity(db, "t") == "d"
    # Whoever takes that advice must be able to: a list of columns would stand against it.
    db.sql("ALTER TABLE t REPLICA IDENTITY FULL; INSERT INTO t VALUES (1); UPDATE t SET a = 'x'")
    assert live_errors(sql) == []


def test_a_table_without_identity_gets_one(db, printed):
    db.sql("CREATE TABLE t (id int, a text)")
    sql = printed(rules_file('c = { triggers = "t"; };'))
    run_sql(db, sql())
    assert live_errors(sql) == []
    db.sql("INSERT INTO t VALUES (1); UPDATE t SET a = 'x'; DELETE FROM t")


def test_rules_that_read_more_get_more(db, printed, place):
    db.sql("CREATE TABLE t (id int PRIMARY KEY, a int, b int)")
    rules = 'c = {{ key = "c:{{id}}"; triggers = ( {{ table = "t"; on = "save"; when = "{}"; }} ); {} }};'
    sql = printed(rules_file(rules.format("new.a = 1", scan("c"))))
    run_sql(db, sql())
    assert published(db) == {"public.t": {"id", "a"}}
    path = pathlib.Path(sql.config).parent / "rules.d" / "blog.cfg"
    path.write_text(rules_file(rules.format("new.b = 1", scan("c"))), "utf-8")
    run_sql(db, sql())
    assert published(db) == {"public.t": {"id", "b"}}
    path.write_text(rules_file(f'c = {{ key = "c:{{a}}"; triggers = "t"; {scan("c")} }};'), "utf-8")
    run_sql(db, sql())
    assert published(db) == {"public.t": {"id", "a", "b"}} and identity(db, "t") == "f"
    db.sql("INSERT INTO t VALUES (1); UPDATE t SET a = 1; DELETE FROM t")
    assert live_errors(sql) == []


def test_a_table_that_check_live_may_want_whole_has_no_list_that_stands_against_it(db, printed):
    db.sql("CREATE TABLE t (id int PRIMARY KEY, a text, b int); INSERT INTO t VALUES (1)")
    sql = printed(rules_file('c = { key = "c:{id}"; triggers = ( { table = "t"; on = "save";'
                             f""" when = "new.a = 'x'"; }} ); {scan("c")} }};"""))
    run_sql(db, sql())
    assert live_errors(sql) == []
    assert "ALTER TABLE public.t REPLICA IDENTITY FULL" in run_verb("check", "-c", sql.config, "--live").stderr
    db.sql("ALTER TABLE t REPLICA IDENTITY FULL")
    db.sql("UPDATE t SET b = 2")
    run_sql(db, sql())
    assert live_errors(sql) == []


def test_partitions_and_their_root_send_what_keys_need(db, printed):
    db.sql(
        "CREATE TABLE t (id int, a text, day int NOT NULL, PRIMARY KEY (id, day))"
        " PARTITION BY RANGE (day);"
        "CREATE TABLE t_1 PARTITION OF t FOR VALUES FROM (0) TO (10) PARTITION BY RANGE (day);"
        "CREATE TABLE t_1_1 PARTITION OF t_1 FOR VALUES FROM (0) TO (5)"
    )
    sql = printed(rules_file(f'c = {{ key = "c:{{a}}"; triggers = "t"; {scan("c")} }};'))
    for _ in range(2):
        run_sql(db, sql())
    assert {identity(db, name) for name in ("t", "t_1", "t_1_1")} == {"f"}
    assert live_errors(sql) == []
    db.sql("INSERT INTO t VALUES (1, 'a', 1); UPDATE t SET a = 'x'; DELETE FROM t")


def test_odd_names_are_published(db, printed):
    db.sql(ODD_TABLE)
    sql = printed(ODD, publication="it's \"$$\" here")
    for _ in range(2):
        run_sql(db, sql())
        assert set(published(db)) == {'Odd Shop.it\'s "Here"\\'}
        assert live_errors(sql) == []


def test_names_are_read_in_utf_8_whatever_the_client_takes_them_for(db, printed):
    db.sql('CREATE TABLE "Größe" (id int PRIMARY KEY, "Maß" text)')
    sql = printed(rules_file(f'c = {{ key = "c:{{id}}"; triggers = "Größe"; {scan("c")} }};'))
    outbox(db)
    for words in ((), ("--mode", "outbox"), ("--mode", "outbox", "--down")):
        done = psql(db, sql(*words), PGCLIENTENCODING="LATIN1")
        assert done.returncode == 0, done.stderr
    assert published(db) == {"public.Größe": {"id"}}


def test_tables_that_patterns_match_are_published(db, printed):
    db.sql(TENANT_TABLES)
    sql = printed(TENANTS)
    for _ in range(2):
        run_sql(db, sql())
        assert published(db) == {
            "tenant_a.post": {"id"},
            "tenant_a.page": {"number"},
            "tenant_b.post": {"id", "slug", "body"},
        }
        assert live_errors(sql) == []


def test_a_publication_that_leaves_out_changes_is_mended(db, printed):
    db.sql(
        "CREATE TABLE t (id int PRIMARY KEY, a text);"
        f"CREATE PUBLICATION {db.name} FOR TABLE t (id) WHERE (id > 5)"
        " WITH (publish = 'insert, update')"
    )
    sql = printed(rules_file(
        f'c = {{ key = "c:{{id}}"; triggers = ( {{ table = "t"; when = "new.a = \'x\'"; }} ); {scan("c")} }};'
    ))
    assert live_errors(sql)
    run_sql(db, sql())
    assert live_errors(sql) == []


def test_a_publication_of_all_tables_stays(db, printed):
    db.sql(f"CREATE TABLE t (id int PRIMARY KEY, a text); CREATE PUBLICATION {db.name} FOR ALL TABLES")
    sql = printed(rules_file(f'c = {{ key = "c:{{id}}"; triggers = "t"; {scan("c")} }};'))
    for _ in range(2):
        run_sql(db, sql())
    assert published(db) == {"public.t": {"id", "a"}} and live_errors(sql) == []


def test_a_publication_of_a_schema_gets_no_list_of_columns(db, printed):
    db.sql(
        "CREATE SCHEMA s; CREATE TABLE s.t (id int PRIMARY KEY, a text);"
        "CREATE TABLE u (id int PRIMARY KEY, a text);"
        f"CREATE PUBLICATION {db.name} FOR TABLES IN SCHEMA s"
    )
    sql = printed(rules_file(f'c = {{ key = "c:{{id}}"; triggers = ( "s.t", "u" ); {scan("c")} }};'))
    for _ in range(2):
        run_sql(db, sql())
    assert published(db) == {"s.t": {"id", "a"}, "public.u": {"id", "a"}}
    assert live_errors(sql) == []


@pytest.mark.parametrize("make, table, said", [
    ("CREATE TABLE p (id int PRIMARY KEY) PARTITION BY RANGE (id);"
     "CREATE TABLE t PARTITION OF p FOR VALUES FROM (0) TO (9)", "t", "table public.t is a partition"),
    ("CREATE VIEW t AS SELECT 1 AS id", "t", "public.t is no table"),
    ("CREATE UNLOGGED TABLE t (id int PRIMARY KEY)", "t", "table public.t is unlogged"),
    ("", "t", 'relation "public.t" does not exist'),
])
def test_what_cannot_be_published_is_said(db, printed, make, table, said):
    db.sql(make + ";SELECT 1")
    sql = printed(rules_file(f'c = {{ key = "c:{{id}}"; triggers = "{table}"; {scan("c")} }};'))
    done = psql(db, sql())
    assert done.returncode == 3 and said in done.stderr


def test_a_wal_level_that_does_not_do_stops_the_script_before_anything_is_changed(own_blog, new_cdcd):
    blog = own_blog(wal_level="replica")
    blog.sql("ALTER TABLE blog_comment REPLICA IDENTITY DEFAULT")
    config = new_cdcd(blog, COMMENTS, {"redis": {"type": "redis", "url": "redis://127.0.0.1"}}).config
    done = psql(blog, run_verb("sql", "-c", config).stdout)
    assert done.returncode == 3
    assert "wal_level is replica" in done.stderr and "ALTER SYSTEM SET wal_level = logical" in done.stderr
    assert identity(blog, "blog_comment") == "d"
    assert blog.sql("SELECT pubname FROM pg_publication") == []


def test_a_role_that_may_make_no_publication_is_told_what_to_grant(own_blog, new_cdcd):
    blog = own_blog()
    blog.sql("CREATE ROLE owner LOGIN")
    config = new_cdcd(blog, COMMENTS, {"redis": {"type": "redis", "url": "redis://127.0.0.1"}}).config
    text = run_verb("sql", "-c", config).stdout
    done = psql(blog, text, user="owner")
    assert done.returncode == 3
    assert f"GRANT CREATE ON DATABASE {blog.name} TO owner" in done.stderr
    blog.sql(f"GRANT CREATE ON DATABASE {blog.name} TO owner; ALTER TABLE blog_post OWNER TO owner;"
             "ALTER TABLE blog_comment OWNER TO owner")
    done = psql(blog, text, user="owner")
    assert done.returncode == 0, done.stderr


def test_what_is_printed_is_enough_for_the_daemon(own_blog, redis, new_cdcd):
    blog = own_blog()
    blog.sql("ALTER TABLE blog_comment REPLICA IDENTITY DEFAULT")
    source = {"conninfo": blog.conninfo(user="reader"), "create": False}
    cdcd = new_cdcd(blog, COMMENTS, redis, source=source)
    text = run_verb("sql", "-c", cdcd.config).stdout
    (call,) = re.findall(r"^--   (SELECT pg_create_logical_replication_slot.*;)$", text, re.MULTILINE)
    run_sql(blog, text)
    run_sql(blog, call)
    cdcd.start()
    redis.warm(*(f"blog:get_comments:{n}" for n in (1, 2, 3)), "blog:post:1", "blog:post:2")
    blog.sql("UPDATE blog_comment SET post_id = 2 WHERE id = 1; UPDATE blog_post SET body = 'x' WHERE id = 1")
    cdcd.caught_up()
    assert redis.left() == {"blog:get_comments:3", "blog:post:2"}


def test_the_role_is_made_by_who_may_and_asked_for_by_others(own_blog, new_cdcd):
    blog = own_blog()
    blog.sql(f"CREATE ROLE owner LOGIN; GRANT CREATE ON DATABASE {blog.name} TO owner;"
             "ALTER TABLE blog_post OWNER TO owner; ALTER TABLE blog_comment OWNER TO owner;"
             f"REVOKE CONNECT ON DATABASE {blog.name} FROM PUBLIC; GRANT CONNECT ON DATABASE {blog.name} TO owner")
    config = new_cdcd(blog, COMMENTS, {"redis": {"type": "redis", "url": "redis://127.0.0.1"}},
                      source={"conninfo": blog.conninfo(user="Reader")}).config
    text = run_verb("sql", "-c", config).stdout
    done = psql(blog, text, user="owner")
    assert done.returncode == 0 and 'CREATE ROLE "Reader" LOGIN REPLICATION' in done.stderr
    for _ in range(2):
        run_sql(blog, text)
        assert blog.value("SELECT rolreplication AND NOT rolsuper AND has_database_privilege(oid,"
                          " current_database(), 'CONNECT') FROM pg_roles WHERE rolname = 'Reader'")
    blog.sql('ALTER ROLE "Reader" NOREPLICATION')
    assert 'ALTER ROLE "Reader" REPLICATION' in psql(blog, text).stderr


def test_who_takes_weak_identities_is_given_no_whole_rows(db, printed):
    db.sql("CREATE TABLE blog_post (id int PRIMARY KEY);"
           "CREATE TABLE blog_comment (id int PRIMARY KEY, post_id int)")
    sql = printed(COMMENTS, weak_identity="clear")
    assert "old values of" in psql(db, sql()).stderr
    assert identity(db, "blog_comment") == "d"
    assert live_errors(sql) == []
    db.sql("ALTER TABLE blog_comment REPLICA IDENTITY FULL; INSERT INTO blog_comment VALUES (1);"
           "UPDATE blog_comment SET post_id = 1")


def test_down_leaves_no_trace_of_the_publication(db, printed):
    db.sql("CREATE TABLE blog_post (id int PRIMARY KEY);"
           "CREATE TABLE blog_comment (id int PRIMARY KEY, post_id int)")
    sql = printed(COMMENTS)
    run_sql(db, sql())
    for _ in range(2):
        run_sql(db, sql("--down"))
        assert db.sql("SELECT pubname FROM pg_publication") == []
        # A session that ended just now may still be clearing its temporary schema.
        assert db.sql("SELECT proname FROM pg_proc WHERE proname LIKE 'cdcd%'"
                      " AND pronamespace::regnamespace::text NOT LIKE 'pg_temp%'") == []


def test_lookups_are_listed_because_they_need_rights(printed):
    sql = printed(rules_file(
        'c = { key = "c:{slug}"; triggers = ( { table = "t"; lookup = "SELECT slug\n FROM p WHERE a = {id}"; } );'
        f"{scan('c')} }};"
    ))
    for words in ((), ("--mode", "outbox")):
        text = sql(*words)
        assert "--   GRANT SELECT ON ... TO postgres;\n" in text
        assert "c: SELECT slug  FROM p WHERE a = $1\n" in text


def test_the_same_is_said_in_json(printed):
    sql = printed(COMMENTS)
    for words in ((), ("--down",), ("--mode", "outbox")):
        text, answer = sql(*words), json.loads(sql(*words, "--json"))
        assert answer["mode"] == ("outbox" if "outbox" in words else "replication")
        assert answer["down"] == ("--down" in words)
        made = [part["sql"] for part in answer["parts"] if part["sql"]]
        assert all(part in text for part in made) and len(made) > 0


def test_bad_rules_are_complained_of_as_check_does(new_cdcd, db):
    config = new_cdcd(db, COMMENTS.replace("triggers", "trigers"),
                      {"redis": {"type": "redis", "url": "redis://127.0.0.1"}}).config
    check, sql = run_verb("check", "-c", config), run_verb("sql", "-c", config)
    assert (sql.returncode, sql.stdout, sql.stderr) == (check.returncode, "", check.stderr)
    assert sql.returncode == 78


def test_a_wrong_mode_is_a_usage_error(printed):
    sql = printed(COMMENTS)
    answer = run_verb("sql", "-c", sql.config, "--mode", "outbx")
    assert answer.returncode == 64 and 'did you mean "outbox"?' in answer.stderr
