"""The verbs that answer and end: check, explain, version, help."""

import json
import os
import re

import pytest

from daemon import REPOSITORY, run_verb
from test_keys import COMMENTS


@pytest.fixture
def config(blog, redis, new_cdcd):
    """A configuration with the blog's rules."""
    return new_cdcd(blog, COMMENTS, redis).config


@pytest.mark.smoke
def test_check_is_content_with_good_rules(config):
    answer = run_verb("check", "-c", config)
    assert answer.returncode == 0, answer.stderr


def test_check_takes_a_rules_file_alone(place):
    folder = place("rules")
    folder.mkdir()
    (folder / "blog.cfg").write_text(COMMENTS, "utf-8")
    answer = run_verb("check", folder / "blog.cfg")
    assert answer.returncode == 0, answer.stderr
    missing = run_verb("check", folder / "nothing.cfg")
    assert missing.returncode == 66 and "nothing.cfg" in missing.stderr


@pytest.mark.skipif(os.path.exists("/etc/cdcd/cdcd.cfg"), reason="this machine has a cdcd.cfg")
@pytest.mark.parametrize("verb", ["run", "check"])
def test_without_a_cdcd_cfg_a_verb_asks_for_its_name(verb):
    answer = run_verb(verb)
    assert answer.returncode == 66
    assert answer.stderr.startswith("/etc/cdcd/cdcd.cfg: ") and "with -c FILE" in answer.stderr


def test_check_accepts_the_example():
    assert run_verb("check", REPOSITORY / "rules" / "blog.cfg").returncode == 0


@pytest.fixture
def explain(place):
    """What the blog's rules make of a change."""
    folder = place("rules")
    folder.mkdir()
    rules = folder / "blog.cfg"
    rules.write_text(COMMENTS, "utf-8")

    def run(*words):
        answer = run_verb("explain", rules, *words)
        assert answer.returncode == 0, answer.stderr
        return answer.stdout

    return run


def test_explain_names_both_keys_of_a_move_and_where_each_comes_from(explain):
    said = explain("update", "blog_comment", "--old", "id=7,post_id=3", "--new", "post_id=5")
    assert "redis delete blog:get_comments:3" in said
    assert "redis delete blog:get_comments:5" in said
    assert "blog.cfg:9" in said
    assert "old" in said and "new" in said


def test_explain_of_a_truncate_clears_the_whole_cache(explain):
    assert "redis scan blog:get_comments:*" in explain("truncate", "blog_comment")


def test_explain_of_a_table_of_no_rule_says_nothing(explain):
    assert "redis" not in explain("insert", "other", "--new", "id=1")


def test_explain_answers_in_json(explain):
    ops = json.loads(explain("truncate", "blog_comment", "--json"))
    assert [(op["store"], op["action"], op["key"], op["cache"]) for op in ops] == [
        ("redis", "scan", "blog:get_comments:*", "get_comments")
    ]


def test_the_version_is_said():
    answer = run_verb("version")
    assert answer.returncode == 0 and answer.stdout.startswith("cdcd ")


def test_help_names_every_verb():
    answer = run_verb("help")
    assert answer.returncode == 0
    for verb in ("run", "check", "explain", "version", "help"):
        assert re.search(rf"^ *{verb}\b", answer.stdout, re.MULTILINE)
    assert re.search(r"^usage: .*\bcheck\b", run_verb("help", "check").stdout, re.MULTILINE)


def test_a_mistyped_verb_names_the_nearest():
    answer = run_verb("chekc")
    assert answer.returncode == 64
    assert "check" in answer.stderr


@pytest.mark.parametrize("words", [(), ("explain", "--nonsense"), ("run", "too", "many")])
def test_a_wrong_command_line_is_a_usage_error(words):
    assert run_verb(*words).returncode == 64


def test_messages_go_to_stderr_and_without_colour(config):
    config.write_text("nonsense", "utf-8")
    answer = run_verb("check", "-c", config)
    assert answer.stdout == "" and answer.stderr
    assert "\x1b" not in answer.stderr


@pytest.mark.parametrize("words, said", [
    (["item", "insert"], "the operation stands before the table; write cdcd explain blog.cfg insert item"),
    (["insert"], "write cdcd explain blog.cfg insert TABLE"),
    (["updte", "item"], 'unknown operation "updte"; did you mean "update"?'),
    (["xyzzy", "item"], "write insert, update, delete or truncate"),
    (["insert", "item", "--new", "id"], "write a=1"),
])
def test_explain_says_how_a_change_is_written(place, words, said):
    folder = place("rules")
    folder.mkdir()
    (folder / "blog.cfg").write_text(COMMENTS, "utf-8")
    answer = run_verb("explain", folder / "blog.cfg", *words)
    assert answer.returncode == 64 and answer.stdout == ""
    assert said in answer.stderr.replace(f"{folder}/", "")


def test_check_is_not_content_when_it_cannot_look_at_what_is_live(place):
    folder = place("rules")
    folder.mkdir()
    (folder / "blog.cfg").write_text(COMMENTS, "utf-8")
    answer = run_verb("check", "--live", folder / "blog.cfg")
    assert answer.returncode == 66 and answer.stdout == ""
    assert "name it with -c" in answer.stderr


def test_a_complaint_is_one_line_whatever_it_quotes_and_json_has_their_order(place):
    folder = place("rules")
    folder.mkdir()
    text = """cdcd = 1; app = "x"; store = "redis"; caches = {
      a = { key = "a\\r\\n{id}"; triggers = "t"; all = { action = "scan"; match = "b"; }; };
      c = { triggrs = "t"; key = "{"; };
    };"""
    (folder / "x.cfg").write_text(text, "utf-8")
    answer = run_verb("check", folder / "x.cfg")
    assert answer.returncode == 78
    for line in answer.stderr.splitlines():
        assert re.match(rf"{folder}/x\.cfg:[0-9]+: ", line), line
    found = json.loads(run_verb("check", "--json", folder / "x.cfg").stdout)["complaints"]
    assert [one["line"] for one in found] == sorted(one["line"] for one in found)
    assert len(found) == len(answer.stderr.splitlines())


def test_explain_notes_each_expression_that_fails_at_its_line_and_once(place):
    rules = place("fails.cfg")
    rules.write_text('cdcd = 1; app = "a"; store = "redis"; caches = { c = { key = "c:{id}";\n'
                     'all = { action = "scan"; match = "c:*"; };\n'
                     'triggers = ( { table = "t"; when = "1 / n > 1"; } ); }; };\n', "utf-8")
    said = run_verb("explain", rules, "update", "t", "--old", "id=1,n=0", "--new", "id=2")
    assert said.stderr.splitlines() == [
        f"{rules}:3: note: when failed, and counts as true: division by zero"]
