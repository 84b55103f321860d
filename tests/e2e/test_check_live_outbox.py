"""check --live where the source is an outbox: each thing that can be wrong, and nothing changed."""

import re

import pytest

import outbox
from daemon import rules_file, run_verb

ALL = 'all = { action = "scan"; match = "x:*"; };'
POST = rules_file('post = { key = "x:{id}"; triggers = "blog_post"; %s };' % ALL)
COMMENT = rules_file('comment = { key = "x:{id}"; triggers = "blog_comment"; %s };' % ALL)
TITLE = rules_file(
    'post = { key = "x:{id}"; triggers = { table = "blog_post"; columns = [ "title" ]; }; %s };' % ALL
)


def contents(database):
    return [
        database.sql(text)
        for text in (
            "SELECT oid, xmin, relname FROM pg_class ORDER BY oid",
            "SELECT oid, xmin, tgname FROM pg_trigger ORDER BY oid",
            "SELECT oid, xmin, proname FROM pg_proc ORDER BY oid",
        )
    ]


@pytest.fixture
def check(redis, new_cdcd):
    """Runs the verb; the exit code, and what was said on stderr. Nothing in the database is
    another after it."""

    def run(database, rules=POST, words=(), **source):
        settings = {"mode": "outbox", "create": False, **source}
        files = new_cdcd(database, rules, redis, source=settings)
        before = contents(database)
        done = run_verb("check", "--live", *words, "-c", files.config)
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr
        assert contents(database) == before
        return done.returncode, done.stderr

    return run


@pytest.fixture
def watched(blog):
    """A database with an outbox that watches posts."""
    outbox.install(blog)
    blog.sql("SELECT cdcd.watch('blog_post')")
    return blog


def run_remedies(database, said):
    """What the complaints say to run."""
    calls = re.findall(r"SELECT cdcd\.watch\((?:'[^']*'|[^()'])*\)", said)
    assert calls
    for call in calls:
        database.sql(call)


@pytest.mark.smoke
def test_where_all_is_well_nothing_is_said(watched, check):
    assert check(watched, words=["--strict"]) == (0, "")


def test_nothing_of_replication_is_asked_for(own_blog, check):
    blog = outbox.install(own_blog(wal_level="minimal", max_wal_senders="0"))
    blog.sql("SELECT cdcd.watch('blog_comment')")
    blog.sql("ALTER TABLE blog_comment SET UNLOGGED, REPLICA IDENTITY NOTHING")
    assert check(blog, COMMENT, ["--strict"]) == (0, "")


def test_without_the_outbox_its_files_are_named_and_nothing_else(blog, check):
    code, said = check(blog)
    assert code == 78 and said.count("\n") == 1
    assert f"the outbox, schema cdcd, is not in database {blog.name}" in said
    assert "-f sql/004_outbox.sql" in said


def test_that_it_makes_nothing_is_said(watched, check):
    code, said = check(watched, create=True)
    assert code == 0 and "warning: source.create makes nothing" in said


def test_a_role_that_may_not_read_it_may_after_what_is_said(watched, check):
    watched.sql("CREATE ROLE plain_reader LOGIN NOINHERIT")
    try:
        as_plain = {"conninfo": watched.conninfo(user="plain_reader")}
        # From PostgreSQL 16 on it is each membership that is inherited, or not.
        before_16 = watched.value("SELECT current_setting('server_version_num')::int < 160000")
        grant = "GRANT cdcd_reader TO plain_reader"
        inherit = "ALTER ROLE plain_reader INHERIT" if before_16 else f"{grant} WITH INHERIT TRUE"
        for remedy in (grant, inherit):
            code, said = check(watched, **as_plain)
            assert code == 77 and said.rstrip().endswith(f"; {remedy}")
            watched.sql(remedy)
        assert check(watched, **as_plain) == (0, "")
    finally:
        watched.sql("DROP ROLE plain_reader")


@pytest.mark.parametrize(
    "right",
    [
        "SELECT ON cdcd.outbox",
        "DELETE ON cdcd.outbox",
        "SELECT ON cdcd.watched",
        "UPDATE ON cdcd.asleep_until",
        "EXECUTE ON FUNCTION cdcd.rotate(grown_bytes bigint)",
        "EXECUTE ON FUNCTION cdcd.unread(seen bigint, running bigint[], n_rows integer)",
        "USAGE ON SCHEMA cdcd",
    ],
)
def test_a_right_that_lacks_is_there_after_what_is_said(watched, check, right):
    as_reader = {"conninfo": watched.conninfo(user="cdcd_reader")}
    assert check(watched, **as_reader) == (0, "")
    watched.sql(f"REVOKE {right} FROM cdcd_reader")
    code, said = check(watched, **as_reader)
    assert code == 77 and said.count("\n") == 1
    assert said.rstrip().endswith(f"; GRANT {right} TO cdcd_reader")
    watched.sql(said.rpartition("; ")[2])
    assert check(watched, **as_reader) == (0, "")


@pytest.mark.parametrize("version, remedy", [(0, "run again, of this cdcd: psql"), (2, "update cdcd")])
def test_another_version_of_the_schema_is_refused(watched, check, version, remedy):
    watched.sql(
        "CREATE OR REPLACE FUNCTION cdcd.version() RETURNS int LANGUAGE sql IMMUTABLE"
        f" AS 'SELECT {version}'"
    )
    code, said = check(watched)
    assert code == 78 and said.count("\n") == 1
    assert remedy in said if version else "sql/004_outbox.sql" in said


def test_a_table_that_is_not_watched_is_after_what_is_said(watched, check):
    code, said = check(watched, COMMENT)
    assert code == 78 and said.count("\n") == 1
    assert re.search(r"blog\.cfg:6: table public.blog_comment is not watched, and its", said)
    run_remedies(watched, said)
    assert check(watched, COMMENT) == (0, "")


@pytest.mark.parametrize(
    "harm",
    [
        "ALTER TABLE blog_post DISABLE TRIGGER cdcd_update",
        "ALTER TABLE blog_post DISABLE TRIGGER ALL",
        "ALTER TABLE blog_post DISABLE TRIGGER USER; ALTER TABLE blog_post ENABLE TRIGGER USER",
        "ALTER TABLE blog_post ENABLE REPLICA TRIGGER cdcd_change",
        "DROP TRIGGER cdcd_truncate ON blog_post",
    ],
)
def test_triggers_that_are_off_are_on_after_what_is_said(watched, check, harm):
    watched.sql("SELECT cdcd.watch('blog_post', ARRAY['id', 'title'], notify => false)")
    watched.sql(harm)
    code, said = check(watched, TITLE)
    assert code == 78 and said.count("\n") == 1
    assert "triggers of table public.blog_post were disabled or dropped" in said
    run_remedies(watched, said)
    assert check(watched, TITLE) == (0, "")
    assert watched.sql("SELECT columns, notify FROM cdcd.watched") == [(["id", "title"], False)]


def test_columns_that_rules_take_are_watched_after_what_is_said(watched, check):
    watched.sql("SELECT cdcd.watch('blog_post', ARRAY['id'], notify => false)")
    code, said = check(watched, TITLE)
    assert code == 78 and said.count("\n") == 1
    assert "blog.cfg:6: column title of table public.blog_post is not watched; until" in said
    assert "and an UPDATE of it alone is missed; SELECT" in said
    run_remedies(watched, said)
    assert check(watched, TITLE) == (0, "")
    assert watched.value("SELECT notify FROM cdcd.watched") is False


def test_after_a_column_was_renamed_whole_rows_are_given(watched, check):
    watched.sql("SELECT cdcd.watch('blog_post', ARRAY['id', 'title'])")
    assert check(watched)[0] == 78
    watched.sql("ALTER TABLE blog_post RENAME title TO headline")
    assert check(watched) == (0, "")
    watched.sql("UPDATE blog_post SET body = 'new' WHERE id = 1")
    assert outbox.ops(watched) == [("U", "blog_post")]
    assert "headline" in outbox.rows(watched)[0][3]


def test_updates_that_count_are_given_after_what_is_said(watched, check):
    watched.sql("SELECT cdcd.watch('blog_post', ARRAY['id', 'title'])")
    assert check(watched, TITLE) == (0, "")
    for policy in ("refuse", "clear"):
        code, said = check(watched, weak_identity=policy)
        assert code == 78 and said.count("\n") == 1
        assert re.search(r"blog\.cfg:6: cache post counts every UPDATE of public.blog_post, of", said)
    run_remedies(watched, said)
    assert check(watched) == (0, "")
    assert watched.sql("SELECT columns, any_update FROM cdcd.watched") == [(["id", "title"], True)]


def test_all_columns_by_their_names_miss_no_update(watched, check):
    watched.sql(
        "SELECT cdcd.watch('blog_post', (SELECT array_agg(attname::text) FROM pg_attribute"
        " WHERE attrelid = 'blog_post'::regclass AND attnum > 0 AND NOT attisdropped))"
    )
    assert check(watched) == (0, "")
    watched.sql("ALTER TABLE blog_post ADD COLUMN later int")
    assert check(watched)[0] == 78


def test_a_partition_is_its_roots_matter_and_a_late_one_is_a_warning(watched, check):
    watched.sql(
        "CREATE TABLE r (id int) PARTITION BY LIST (id);"
        " CREATE TABLE p PARTITION OF r FOR VALUES IN (1)"
    )
    watched.sql("SELECT cdcd.watch('r')")
    root = rules_file('r = { key = "x:{id}"; triggers = "r"; %s };' % ALL)
    leaf = rules_file('p = { key = "x:{id}"; triggers = "p"; %s };' % ALL)
    assert check(watched, root, ["--strict"]) == (0, "")
    code, said = check(watched, leaf)
    assert code == 78 and "table public.p is a partition" in said and "name public.r in" in said
    watched.sql("CREATE TABLE later PARTITION OF r FOR VALUES IN (2)")
    code, said = check(watched, root, ["--strict"])
    assert code == 3 and "partitions after it was watched (public.later), and a TRUNCATE" in said
    run_remedies(watched, said)
    assert check(watched, root, ["--strict"]) == (0, "")


def test_tables_that_match_a_pattern_are_told_together(watched, check):
    rules = rules_file('a = { key = "x:{id}"; triggers = "blog_*"; %s };' % ALL)
    code, said = check(watched, rules)
    assert code == 0 and said.count("\n") == 1
    assert re.search(r"warning: \d+ tables? that match(es)? public.blog_\* (is|are) not watched", said)
    run_remedies(watched, said)
    assert check(watched, rules, ["--strict"]) == (0, "")


def test_a_name_that_needs_quotes_is_quoted(watched, check):
    watched.sql("""CREATE TABLE "it's A \\ (1)" (id int, "n'" int)""")
    rules = rules_file(
        r"""a = { key = "x:{id}"; triggers = { table = "public.it's A \\ (1)"; columns = ["n'"]; }; %s };"""
        % ALL
    )
    code, said = check(watched, rules)
    assert code == 78
    watched.sql(re.search(r"; (SELECT cdcd.watch\(.*\)) \(or what", said)[1])
    assert check(watched, rules) == (0, "")
    watched.sql(r"""ALTER TABLE "it's A \ (1)" DISABLE TRIGGER ALL""")
    code, said = check(watched, rules)
    assert code == 78
    watched.sql(re.search(r"; (SELECT cdcd.watch\(.*\)) makes", said)[1])
    assert check(watched, rules) == (0, "")


def test_a_generated_column_may_stand_in_a_rule(watched, check):
    watched.sql("ALTER TABLE blog_post ADD COLUMN twice int GENERATED ALWAYS AS (id * 2) STORED")
    rules = rules_file('post = { key = "x:{twice}"; triggers = "blog_post"; %s };' % ALL)
    assert check(watched, rules) == (0, "")


def test_lookups_are_explained(watched, check):
    rules = rules_file(
        'home = { key = "home:{n}"; triggers = ( { table = "blog_post";'
        ' lookup = "SELECT nothing AS n FROM blog_post"; } ); %s };' % ALL
    )
    code, said = check(watched, rules)
    assert code == 78 and 'column "nothing" does not exist' in said
