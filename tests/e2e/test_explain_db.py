"""`cdcd explain` and rules that ask PostgreSQL for their keys."""

import pytest

from daemon import run_verb

RULES = """cdcd = 1; app = "blog"; prefix = "blog:"; store = "redis";
caches = {
  page = {
    key = "page:{title}";
    triggers = ( { table = "blog_comment"; limit = 2;
                   lookup = "SELECT title FROM blog_post WHERE id = {post_id}"; } );
    all = { action = "scan"; match = "page:*"; };
  };
  broken = {
    key = "broken:{n}";
    triggers = ( { table = "broken"; lookup = "SELECT 1 / {zero}::int AS n"; } );
    all = { action = "scan"; match = "broken:*"; };
  };
};
"""
MOVE = ("update", "blog_comment", "--old", "id=1,post_id=1", "--new", "post_id=2")


@pytest.fixture
def explain(place):
    folder = place("rules")
    folder.mkdir()
    rules = folder / "blog.cfg"
    rules.write_text(RULES, "utf-8")

    def run(conninfo, *words):
        config = folder / "cdcd.cfg"
        config.write_text(f'source = {{ conninfo = "{conninfo}"; }}; rules = "blog.cfg";\n'
                          'stores = { redis = { type = "redis"; url = "redis://127.0.0.1:1"; }; };',
                          "utf-8")
        answer = run_verb("explain", "-c", config, rules, *words)
        return answer.returncode, answer.stdout.replace(f"{folder}/", "").splitlines(), answer.stderr

    return run


def test_without_db_a_question_is_shown_as_the_keys_it_gives(explain):
    code, lines, stderr = explain("host=/nowhere", *MOVE)
    assert (code, lines) == (0, ["redis delete blog:page:{title}  blog.cfg:5 lookup"])
    assert "blog.cfg:5: note: page asks PostgreSQL for its keys; --db does too" in stderr


@pytest.mark.smoke
def test_with_db_a_question_is_asked(blog, explain):
    code, lines, stderr = explain(blog.conninfo(), *MOVE, "--db")
    assert code == 0, stderr
    assert sorted(lines) == ["redis delete blog:page:title 1  blog.cfg:5 old",
                             "redis delete blog:page:title 2  blog.cfg:5 new"]


def test_a_lookup_that_fails_clears_all_and_says_why(blog, explain):
    code, lines, stderr = explain(blog.conninfo(), "insert", "broken", "--new", "zero=0", "--db")
    assert code == 69 and "the lookup of broken failed: " in stderr and "22012" in stderr
    assert lines == ["redis scan blog:broken:*  blog.cfg:11 all"]
    assert " WARN" not in stderr and "rule=" not in stderr, stderr


def test_a_database_that_is_not_there_is_said(explain):
    code, lines, stderr = explain("host=/nowhere", "insert", "blog_comment", "--new",
                                  "post_id=2", "--db")
    assert code == 69 and "the lookup of page failed: " in stderr
    assert lines == ["redis scan blog:page:*  blog.cfg:5 all"]


def test_changes_of_a_partition_are_its_roots(blog, explain):
    blog.sql(
        """CREATE TABLE broken (zero int) PARTITION BY LIST (zero);
           CREATE TABLE broken_most PARTITION OF broken DEFAULT PARTITION BY LIST (zero);
           CREATE TABLE broken_one PARTITION OF broken_most FOR VALUES IN (1)"""
    )
    code, lines, stderr = explain(blog.conninfo(), "truncate", "broken_one", "--db")
    assert (code, lines) == (0, ["redis scan blog:broken:*  blog.cfg:11 all"])
    assert "note: table public.broken_one is a partition, and its changes come as those of public.broken\n" in stderr
    code, lines, stderr = explain(blog.conninfo(), "insert", "broken_one", "--new", "zero=1", "--db")
    assert (code, lines) == (0, ["redis delete blog:broken:1  blog.cfg:11 new"])


def test_a_table_that_neither_rules_nor_the_database_know_is_said(blog, explain):
    code, lines, stderr = explain(blog.conninfo(), "truncate", "nowhere", "--db")
    assert (code, lines) == (0, []) and "no trigger names table public.nowhere" in stderr
