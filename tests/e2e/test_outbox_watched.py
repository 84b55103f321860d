"""The triggers of an outbox while cdcd runs: those that come, go, or were away for a time."""

import pytest

import outbox
from daemon import rules_file
from poll import wait_for
from tools import Program

POST, COMMENT = "public.blog_post", "public.blog_comment"


@pytest.fixture
def watched(blog):
    """A database whose outbox watches posts and comments."""
    outbox.install(blog)
    blog.sql("SELECT cdcd.watch('blog_post'), cdcd.watch('blog_comment')")
    return blog


class Watcher(Program):
    """The source by itself, with all tables that the outbox may watch."""

    def __init__(self, database, *tables):
        super().__init__("watch_tables", database.conninfo(), "none", "none", "outbox", *tables)
        self.tables = tables

    def until(self, last):
        lines = []
        while not lines or lines[-1] != last:
            lines.append(self.line())
            assert not lines[-1].startswith("failed"), lines[-1]
        return lines

    def appear(self, last):
        """Has it look at the tables now; those that appeared, of which that one is the last."""
        lines = []
        self.write(" ".join(self.tables))
        while "set" not in lines or f"appeared {last}" not in lines:
            lines.append(self.line())
        return [line for line in lines if line.startswith("appeared ")]


@pytest.fixture
def watch(watched, cleanup):
    def make(*tables):
        made = Watcher(watched, *tables)
        cleanup.callback(made.process.wait, 30)
        cleanup.callback(made.process.kill)
        return made

    return make


def test_triggers_that_were_disabled_for_a_time_are_a_gap_of_their_table(watched, watch):
    program = watch(POST, COMMENT)
    program.until("streaming")
    watched.sql("SELECT cdcd.watch('blog_post')")  # is as it should be, and stays as it is
    watched.sql("ALTER TABLE blog_comment DISABLE TRIGGER cdcd_update")
    watched.sql("ALTER TABLE blog_comment ENABLE ALWAYS TRIGGER cdcd_update")
    assert program.appear(COMMENT) == [f"appeared {COMMENT}"]
    watched.sql("SELECT cdcd.unwatch('blog_post')")
    watched.sql("SELECT cdcd.watch('blog_post')")
    assert program.appear(POST) == [f"appeared {POST}"]
    watched.sql("UPDATE blog_comment SET post_id = 2 WHERE id = 1")
    assert program.line() == f"change {COMMENT}"
    program.end()


def test_what_is_not_watched_does_not_start(watched, watch):
    watched.sql("SELECT cdcd.unwatch('blog_post')")
    program = watch(COMMENT, POST)
    lines = []
    while not lines or not lines[-1].startswith("failed"):
        lines.append(program.line())
    assert "a table does not fit its rules" in lines[-1]
    program.end()


@pytest.mark.parametrize(
    "harm, code, said",
    [
        ("DROP SCHEMA cdcd CASCADE", 78, "-f sql/004_outbox.sql"),
        ("REVOKE DELETE ON cdcd.outbox FROM cdcd_reader", 77, "GRANT DELETE ON cdcd.outbox TO"),
        ("SELECT cdcd.unwatch('blog_post')", 78, "SELECT cdcd.watch('public.blog_post')"),
        ("SELECT cdcd.watch('blog_post', ARRAY['title'])", 78, "ARRAY['title'], any_update => true"),
        ("ALTER TABLE blog_post DISABLE TRIGGER ALL", 78, "were disabled or dropped"),
    ],
)
def test_cdcd_does_not_start_while_changes_would_be_missed(watched, redis, refused, harm, code, said):
    watched.sql(harm)
    rules = rules_file('post = { key = "post:{title}"; triggers = "blog_post"; };')
    source = {
        "mode": "outbox",
        "create": False,
        "weak_identity": "clear",
        "conninfo": watched.conninfo(user="cdcd_reader"),
    }
    ended, all_said = refused(watched, rules, redis, source=source)
    assert ended == code and said in all_said


def test_a_table_that_comes_and_is_watched_appears(watched, watch):
    program = watch(POST, "public.late")
    assert program.until("streaming") == [f"table {POST}", "streaming"]
    watched.sql("CREATE TABLE late (id int)")
    watched.sql("SELECT cdcd.watch('late')")
    assert program.appear("public.late") == ["appeared public.late"]
    watched.sql("DROP TABLE late")
    watched.sql("CREATE TABLE late (id int)")
    watched.sql("SELECT cdcd.watch('late')")
    assert program.appear("public.late") == ["appeared public.late"]
    watched.sql("INSERT INTO late VALUES (1)")
    assert program.line() == "change public.late"
    program.end()


def test_a_schema_that_is_renamed_brings_another_table(watched, watch):
    watched.sql("CREATE SCHEMA a; CREATE TABLE a.t (id int)")
    watched.sql("SELECT cdcd.watch('a.t')")
    program = watch("a.t", "b.t")
    program.until("streaming")
    watched.sql("INSERT INTO a.t VALUES (1)")
    assert program.line() == "change a.t"
    watched.sql("ALTER SCHEMA a RENAME TO b")
    assert program.appear("b.t") == ["appeared b.t"]
    watched.sql("INSERT INTO b.t VALUES (1)")
    assert program.line() == "change b.t"
    program.end()


def test_updates_that_are_given_no_more_clear_all_and_are_told(watched, redis, new_cdcd):
    rules = rules_file(
        'post = { key = "post:{id}"; triggers = "blog_post";'
        ' all = { action = "scan"; match = "post:*"; }; };'
    )
    source = {"mode": "outbox", "create": False}
    cdcd = new_cdcd(watched, rules, redis, source=source).launch()
    redis.warm("blog:post:2")
    gone = lambda: watched.sql("UPDATE blog_post SET title = title || 'x'") or not redis.left()
    wait_for(gone, "cdcd reads the outbox")
    redis.warm("blog:post:1", "blog:post:200")
    watched.sql("SELECT cdcd.watch('blog_post', ARRAY['id'])")
    cdcd.wait_for_log("triggers of a table were made anew or disabled for a time")
    cdcd.wait_for_log(r"warning .*cache post counts every UPDATE of public\.blog_post")
    wait_for(lambda: not redis.left(), "all posts are cleared")
