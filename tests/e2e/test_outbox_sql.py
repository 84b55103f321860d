"""The migrations of the outbox: who may run them, what they leave, and how they are pasted."""

import re
import subprocess

import django
import psycopg2
import pytest
from django.conf import settings as django_settings

import outbox
from postgres import binary

TABLES = """
CREATE TABLE post (id int PRIMARY KEY, title text);
CREATE TABLE comment (id int PRIMARY KEY, post_id int REFERENCES post ON DELETE CASCADE, text text);
CREATE TABLE event (day int, id int, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (1) TO (10);
"""
WATCH = """
SELECT cdcd.watch('post');
SELECT cdcd.watch('comment', ARRAY['id', 'post_id'], notify => false, any_update => true);
SELECT cdcd.watch('event', ARRAY['day']);
"""
WATCHED = """SELECT "table"::text, columns, all_columns, any_update, notify, enabled, unguarded
             FROM cdcd.watched ORDER BY 1"""
UP = ("003_outbox_role.sql", "004_outbox.sql")
DOWN = ("004_outbox.down.sql", "003_outbox_role.down.sql")


@pytest.fixture
def tables(db):
    db.sql(TABLES)
    return db


@pytest.fixture
def watching(tables):
    outbox.install(tables)
    tables.sql(WATCH)
    return tables


@pytest.fixture
def role(db, cleanup):
    """Makes roles that go with the database."""

    def make(name, options="", database=db):
        name = f"{name}_{database.name}"
        database.sql(f"CREATE ROLE {name} LOGIN {options}")
        cleanup.callback(database.sql, f"DROP OWNED BY {name} CASCADE; DROP ROLE {name}")
        return name

    return make


def as_role(name, text):
    return f"SET ROLE {name}; {text}; RESET ROLE"


def complaint(database, text):
    """The error of statements that must fail: its message and its hint."""
    with pytest.raises(psycopg2.Error) as caught:
        database.sql(text)
    return caught.value.diag.message_primary, caught.value.diag.message_hint


def catalogs(database):
    """All that stands in the system's tables, but for what any work at all changes there."""
    names = database.sql(
        """SELECT relname FROM pg_class WHERE relnamespace = 'pg_catalog'::regnamespace AND relkind = 'r'
           AND relname NOT IN ('pg_class', 'pg_database', 'pg_statistic', 'pg_attribute')"""
    )
    found = {name: database.sql(f"SELECT t::text FROM {name} t ORDER BY 1") for (name,) in names}
    found["pg_class"] = database.sql(
        """SELECT oid, relname, relnamespace, relowner, relkind, relacl, reloptions, relnatts
           FROM pg_class ORDER BY oid"""
    )
    found["pg_attribute"] = database.sql(
        "SELECT attrelid, attname, atttypid, attacl FROM pg_attribute ORDER BY attrelid, attnum"
    )
    found["pg_database"] = database.sql("SELECT datname, datacl FROM pg_database ORDER BY 1")
    return found


def test_the_migrations_taken_back_leave_no_trace(own_postgres):
    database = own_postgres().new_database()
    database.sql(TABLES)
    database.sql(f"GRANT CONNECT ON DATABASE {database.name} TO postgres")  # a list, not NULL
    before = catalogs(database)
    outbox.migrate(database, *UP)
    database.sql(WATCH)
    database.sql("INSERT INTO post VALUES (1, 'x'); INSERT INTO event VALUES (1, 1)")
    assert catalogs(database) != before
    outbox.migrate(database, *DOWN)
    after = catalogs(database)
    assert [name for name in before if after[name] != before[name]] == []
    outbox.migrate(database, *DOWN)


def roles(database):
    return database.sql("SELECT rolname::text FROM pg_roles WHERE rolname LIKE 'cdcd%'")


def test_the_role_goes_with_what_it_was_granted_for_lookups(own_postgres):
    database = own_postgres().new_database()
    database.sql(TABLES)
    outbox.migrate(database, *UP)
    database.sql("GRANT SELECT ON post TO cdcd_reader;"
                 "ALTER DEFAULT PRIVILEGES IN SCHEMA public GRANT SELECT ON TABLES TO cdcd_reader")
    assert "stays" not in outbox.migrate(database, *DOWN)
    assert roles(database) == []
    assert database.value("SELECT count(*) FROM post") == 0


def test_a_role_that_owns_something_stays_and_so_does_that(own_postgres):
    database = own_postgres().new_database()
    database.sql(TABLES)
    outbox.migrate(database, *UP)
    database.sql("ALTER TABLE post OWNER TO cdcd_reader")
    said = outbox.migrate(database, *DOWN)
    assert "role cdcd_reader stays" in said and "owner of table post" in said
    assert roles(database) == [("cdcd_reader",)]
    assert database.value("SELECT count(*) FROM post") == 0


def test_a_role_that_another_database_uses_keeps_its_rights_there(own_postgres):
    cluster = own_postgres()
    one, other = cluster.new_database(), cluster.new_database()
    for database in (one, other):
        database.sql(TABLES)
        outbox.migrate(database, *UP)
        database.sql("GRANT SELECT ON post TO cdcd_reader")
        database.sql(f"REVOKE CONNECT ON DATABASE {database.name} FROM PUBLIC")
    said = outbox.migrate(one, *DOWN)
    assert "role cdcd_reader stays" in said and "DROP OWNED BY cdcd_reader" in said
    assert other.value("SELECT has_database_privilege('cdcd_reader', current_database(), 'CONNECT')")
    assert other.value("SELECT has_table_privilege('cdcd_reader', 'post', 'SELECT')")
    assert "stays" in outbox.migrate(one, *DOWN)
    assert one.sql("SELECT has_database_privilege('cdcd_reader', current_database(), 'CONNECT')") == [(False,)]


def test_a_role_that_may_not_take_the_grants_back_is_told_who_may(own_postgres):
    database = own_postgres().new_database()
    database.sql(TABLES + "CREATE ROLE maker CREATEROLE")
    text = (outbox.SQL / DOWN[1]).read_text("utf-8")
    database.sql(f"GRANT CREATE ON DATABASE {database.name} TO maker; SET ROLE maker;"
                 + (outbox.SQL / UP[0]).read_text("utf-8"))
    database.sql("GRANT SELECT ON post TO cdcd_reader")
    with database.session(autocommit=True) as session, session.cursor() as cursor:
        cursor.execute("SET ROLE maker;" + text)
        assert "a superuser takes back with DROP OWNED BY cdcd_reader" in "".join(session.notices)
    outbox.migrate(database, DOWN[1])
    assert roles(database) == []


def test_unwatched_tables_are_as_they_were(tables):
    outbox.install(tables)
    before = catalogs(tables)
    tables.sql(WATCH)
    for table in ("post", "comment", "event"):
        tables.sql("SELECT cdcd.unwatch(%s)", table)
    after = catalogs(tables)
    assert [name for name in before if after[name] != before[name]] == []
    assert tables.sql(WATCHED) == []


def test_a_migration_run_twice_changes_nothing(watching):
    watching.sql("INSERT INTO post VALUES (1, 'x')")
    before, held = watching.sql(WATCHED), outbox.rows(watching)
    assert outbox.migrate(watching, *UP) == ""
    assert watching.sql(WATCHED) == before
    assert outbox.rows(watching) == held
    watching.sql("DELETE FROM post")
    assert outbox.ops(watching) == [("I", "post"), ("D", "post")]


@pytest.mark.parametrize("level", ["debug1", "notice", "error"])
def test_a_migration_leaves_a_session_its_messages(db, level):
    with db.session(autocommit=True) as session, session.cursor() as cursor:
        cursor.execute("SET client_min_messages = " + level)
        for name in UP + UP:
            cursor.execute((outbox.SQL / name).read_text("utf-8"))
        cursor.execute("SHOW client_min_messages")
        assert cursor.fetchall() == [(level,)]


def test_the_outbox_before_its_role_warns_and_goes_on(own_postgres):
    database = own_postgres().new_database()
    said = outbox.migrate(database, "004_outbox.sql")
    assert "there is no role cdcd_reader" in said and "Run 003_outbox_role.sql" in said
    outbox.migrate(database, *UP)
    assert database.value("SELECT has_table_privilege('cdcd_reader', 'cdcd.outbox', 'SELECT, DELETE')")


def test_a_role_that_may_not_make_the_schema_is_told_what_to_do(tables, role):
    name = role("nobody")
    text = (outbox.SQL / "004_outbox.sql").read_text("utf-8")
    said, hint = complaint(tables, f"SET ROLE {name}; {text}")
    assert said == f"role {name} may not create schema cdcd"
    assert f"GRANT CREATE ON DATABASE {tables.name} TO {name}" in hint


def test_a_role_that_may_not_make_roles_is_told_what_to_do(own_postgres, role):
    database = own_postgres().new_database()
    database.sql("CREATE ROLE nobody")
    text = (outbox.SQL / "003_outbox_role.sql").read_text("utf-8")
    said, hint = complaint(database, f"SET ROLE nobody; {text}")
    assert "role nobody may not create roles" in said
    assert "CREATEROLE" in hint


def test_an_owner_of_tables_who_is_no_superuser_can_do_it_all(db, role):
    owner = role("owner")
    db.sql(f"GRANT CREATE ON DATABASE {db.name} TO {owner}; GRANT CREATE ON SCHEMA public TO {owner}")
    outbox.migrate(db, "003_outbox_role.sql")
    text = (outbox.SQL / "004_outbox.sql").read_text("utf-8")
    for statements in (text, text, TABLES, WATCH, "INSERT INTO post VALUES (1, 'x')"):
        db.sql(f"SET ROLE {owner}; {statements}")
    assert outbox.ops(db) == [("I", "post")]
    assert db.value("SELECT count(*) FROM cdcd.watched WHERE enabled") == 3
    db.sql(f"SET ROLE {owner};" + (outbox.SQL / "004_outbox.down.sql").read_text("utf-8"))
    assert db.value("SELECT to_regnamespace('cdcd')") is None


def test_a_writer_needs_no_right_in_the_schema(watching, role):
    writer = role("writer")
    watching.sql(f"GRANT ALL ON post, event TO {writer}")
    changes = "INSERT INTO post VALUES (1, 'x'); UPDATE post SET title = 'y'; DELETE FROM post; TRUNCATE event"
    watching.sql(as_role(writer, changes))
    changed = [("I", "post"), ("U", "post"), ("D", "post")]
    assert outbox.ops(watching) == changed + [("T", "event")] * 2  # of the root, and of its partition
    assert not watching.value("SELECT has_schema_privilege(%s, 'cdcd', 'USAGE, CREATE')", writer)


@pytest.mark.parametrize(
    "statement",
    [
        "SELECT FROM cdcd.outbox",
        "INSERT INTO cdcd.outbox (part, op) VALUES (0, 'G')",
        "SELECT nextval('cdcd.outbox_id')",
        "SELECT cdcd.rotate()",
        "SELECT cdcd.watch('post')",
        "SELECT cdcd.capture_1()",
    ],
)
def test_others_may_do_nothing_with_the_outbox(watching, role, statement):
    name = role("nobody")
    assert "permission denied" in complaint(watching, as_role(name, statement))[0]
    watching.sql(f"GRANT USAGE ON SCHEMA cdcd TO {name}")
    assert "permission denied" in complaint(watching, as_role(name, statement))[0]


def test_a_role_that_may_call_it_but_is_no_owner_is_told_what_to_do(watching, role):
    name = role("nobody")
    watching.sql(f"GRANT USAGE ON SCHEMA cdcd TO {name}; GRANT EXECUTE ON ALL FUNCTIONS IN SCHEMA cdcd TO {name}")
    said, hint = complaint(watching, as_role(name, "SELECT cdcd.watch('post')"))
    assert said == f"role {name} may not watch tables"
    assert f"GRANT postgres TO {name}" in hint


def test_a_table_of_somebody_else_is_not_watched(db, role):
    owner = role("owner")
    db.sql(TABLES + f"GRANT CREATE ON DATABASE {db.name} TO {owner}")
    outbox.migrate(db, "003_outbox_role.sql")
    db.sql(f"SET ROLE {owner};" + (outbox.SQL / "004_outbox.sql").read_text("utf-8"))
    assert "post" in complaint(db, as_role(owner, "SELECT cdcd.watch('post')"))[0]
    assert db.sql("SELECT * FROM cdcd.watched") == []


def test_the_reader_may_do_its_work_and_no_more(watching):
    def may(statement):
        watching.sql(f"BEGIN; SET ROLE cdcd_reader; {statement}; ROLLBACK")

    may("SELECT cdcd.version()")
    may("SELECT * FROM cdcd.watched")
    may("SELECT setval('cdcd.asleep_until', 0)")
    may("SELECT cdcd.rotate()")
    may("SET cdcd.reader = 'on'; DELETE FROM cdcd.outbox")
    for statement in (
        "SELECT * FROM post",
        "INSERT INTO cdcd.outbox (part, op) VALUES (0, 'G')",
        "TRUNCATE cdcd.outbox",
        "SELECT cdcd.watch('post')",
        "SELECT setval('cdcd.outbox_part', 1)",
        "CREATE TABLE cdcd.t ()",
    ):
        assert "permission denied" in complaint(watching, f"SET ROLE cdcd_reader; {statement}")[0]


def test_functions_that_run_as_their_owner_have_a_fixed_search_path(watching):
    found = watching.sql(
        """SELECT proname::text, proconfig FROM pg_proc
           WHERE pronamespace = 'cdcd'::regnamespace AND prosecdef"""
    )
    assert len(found) == 5
    assert [name for name, config in found if "search_path=pg_catalog, pg_temp" not in config] == []


def test_a_cast_of_a_tables_owner_is_never_run_as_the_outboxes(tables, role):
    """The owner of a table can make a cast from its rows to text."""
    owner = role("owner")
    tables.sql(
        f"""CREATE SCHEMA mine AUTHORIZATION {owner}; SET ROLE {owner};
            CREATE TABLE mine.t (a int, b int);
            CREATE FUNCTION mine.evil(mine.t) RETURNS text LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'runs as %', current_user; END $$;
            CREATE CAST (mine.t AS text) WITH FUNCTION mine.evil(mine.t)"""
    )
    outbox.install(tables)
    tables.sql("SELECT cdcd.watch('mine.t')")
    tables.sql(as_role(owner, "INSERT INTO mine.t VALUES (1, 2)"))
    tables.sql(as_role(owner, "ALTER TABLE mine.t DROP b; INSERT INTO mine.t VALUES (3)"))
    assert [new for _, _, _, new in outbox.rows(tables)] == [{"a": "1", "b": "2"}, {"a": "3"}]


def test_names_in_a_writers_search_path_mislead_nobody(watching, role):
    writer = role("writer")
    watching.sql(f"GRANT ALL ON post TO {writer}; CREATE SCHEMA trap AUTHORIZATION {writer}")
    watching.sql(
        f"""SET ROLE {writer};
            CREATE TABLE trap.pg_class (oid oid, relnatts int);
            CREATE FUNCTION trap.left(text, int) RETURNS text LANGUAGE plpgsql AS
            $$ BEGIN RAISE EXCEPTION 'trapped'; END $$;
            CREATE TEMP TABLE pg_namespace (oid oid);
            SET search_path = trap, pg_temp, pg_catalog, public;
            INSERT INTO public.post VALUES (1, 'x')"""
    )
    assert outbox.ops(watching) == [("I", "post")]


@pytest.mark.parametrize("tag", ["capture", "body", "source", ""])
def test_a_columns_name_is_never_run(db, tag):
    """Whoever owns a table names its columns, and another role watches it."""
    name = f"${tag}$;SELECT 1/0;--'\\"
    quoted = name.replace('"', '""')
    outbox.install(db)
    db.sql(f"""CREATE TABLE post (id int, "{quoted}" int)""")
    db.sql("SELECT cdcd.watch('post'); INSERT INTO post VALUES (1, 2)")
    assert outbox.rows(db) == [("I", "post", None, {"id": "1", name: "2"})]


def test_a_tables_owner_can_make_partitions_of_what_another_role_watches(db, role):
    owner = role("owner")
    outbox.install(db)
    db.sql(f"CREATE SCHEMA mine AUTHORIZATION {owner}")
    db.sql(as_role(owner, "CREATE TABLE mine.t (id int) PARTITION BY RANGE (id)"))
    db.sql("SELECT cdcd.watch('mine.t')")
    db.sql(
        f"""SET ROLE {owner};
            CREATE TABLE mine.t1 PARTITION OF mine.t FOR VALUES FROM (1) TO (10);
            CREATE TABLE mine.t2 (id int);
            ALTER TABLE mine.t ATTACH PARTITION mine.t2 FOR VALUES FROM (10) TO (20);
            INSERT INTO mine.t VALUES (1), (11)"""
    )
    assert outbox.ops(db) == [("I", "t")] * 2
    heir = role("heir")
    db.sql(f"GRANT ALL ON SCHEMA mine TO {heir}; ALTER TABLE mine.t OWNER TO {heir}")
    db.sql("SELECT cdcd.watch('mine.t')")
    db.sql(as_role(heir, "CREATE TABLE mine.t3 PARTITION OF mine.t FOR VALUES FROM (20) TO (30)"))


def test_a_migration_run_again_waits_for_no_writer(watching):
    with watching.session() as writer, writer.cursor() as cursor:
        cursor.execute("INSERT INTO post VALUES (1, 'x')")
        text = (outbox.SQL / "004_outbox.sql").read_text("utf-8")
        watching.sql("SET lock_timeout = '50ms';" + text)


def test_a_publication_of_all_tables_does_not_keep_rows_in_the_outbox(watching):
    watching.sql("CREATE PUBLICATION everything FOR ALL TABLES; INSERT INTO post VALUES (1, 'x')")
    outbox.forget(watching)
    assert outbox.rows(watching) == []


def test_a_session_with_strings_of_old_is_understood(watching):
    watching.sql(
        """SET standard_conforming_strings = off; SELECT cdcd.watch('post');
           ALTER TABLE post ADD note text; INSERT INTO post VALUES (1, 'x', 'y')"""
    )
    assert outbox.rows(watching) == [("I", "post", None, {"id": "1", "title": "x", "note": "y"})]


@pytest.mark.parametrize("name", sorted(path.name for path in outbox.SQL.glob("*.sql")))
def test_a_migration_pastes_into_other_tools(name):
    """No command of psql, no parameter of SQLAlchemy's text(), no placeholder of Flyway's."""
    text = (outbox.SQL / name).read_text("utf-8")
    assert re.findall(r"^\s*\\.*", text, re.MULTILINE) == []
    assert re.findall(r"(?<![:\w\\]):\w+(?!:)", text) == []
    assert "${" not in text
    assert "\0" not in text and text.isascii()


def django_connection(database):
    django_settings.configure(
        DATABASES={
            "default": {
                "ENGINE": "django.db.backends.postgresql",
                **{"NAME": database.name, "USER": "postgres", "HOST": str(database.cluster.folder)},
            }
        }
    )
    django.setup()
    return django.db.connection


def test_djangos_migrations_run_them(db):
    from django.db import migrations
    from django.db.migrations.state import ProjectState

    db.sql(TABLES)

    class Migration(migrations.Migration):
        operations = [
            migrations.RunSQL(
                (outbox.SQL / name).read_text("utf-8"),
                (outbox.SQL / name.replace(".sql", ".down.sql")).read_text("utf-8"),
            )
            for name in UP
        ] + [migrations.RunSQL(WATCH, migrations.RunSQL.noop)]

    migration = Migration("cdcd", "blog")
    state = ProjectState()
    connection = django_connection(db)
    with connection.schema_editor(atomic=True) as editor:
        migration.apply(state, editor)
    db.sql("INSERT INTO post VALUES (1, 'x')")
    assert outbox.ops(db) == [("I", "post")]
    with connection.schema_editor(atomic=True) as editor:
        migration.unapply(state, editor)
    connection.close()
    assert db.value("SELECT to_regnamespace('cdcd')") is None


def test_a_dump_restores_what_is_watched(own_postgres):
    cluster = own_postgres()
    one, other = cluster.new_database(), cluster.new_database()
    one.sql(TABLES + "ALTER TABLE post ADD gone int; ALTER TABLE post DROP gone;")
    outbox.install(one)
    one.sql(WATCH + "INSERT INTO post VALUES (1, 'x'); INSERT INTO event VALUES (1, 1)")
    dump = subprocess.run(
        [binary("pg_dump"), one.conninfo()], check=True, capture_output=True, text=True
    ).stdout
    restored = subprocess.run(
        [binary("psql"), "-v", "ON_ERROR_STOP=1", "-q", "-o", "/dev/null", other.conninfo()],
        input=dump,
        text=True,
        check=False,
        capture_output=True,
    )
    assert (restored.returncode, restored.stderr) == (0, "")
    assert other.sql(WATCHED) == one.sql(WATCHED)
    assert outbox.rows(other) == outbox.rows(one)
    outbox.forget(other)
    other.sql("UPDATE post SET title = 'y'; DELETE FROM event; INSERT INTO comment VALUES (1, 1)")
    assert outbox.ops(other) == [("U", "post"), ("D", "event"), ("I", "comment")]
    assert other.sql("SELECT cdcd.watch('post')") == [("",)]
    other.sql(WATCH + "INSERT INTO post VALUES (2, 'z')")
    assert outbox.ops(other)[3:] == [("I", "post")]
