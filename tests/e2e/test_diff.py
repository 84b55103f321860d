"""`cdcd diff`: what two rules files do differently."""

import json
import subprocess

import pytest

from daemon import binary, run_verb

OLD = """cdcd = 1; app = "blog"; prefix = "blog:"; store = "redis";
caches = {
  posts = { triggers = "blog_post"; };
  comments = {
    key = "comments:{post_id}";
    triggers = ( "blog_comment", { table = "blog_post"; on = "save"; bind = { post_id = "id"; }; } );
    all = { action = "scan"; match = "comments:*"; };
  };
};
"""
# The same in other words.
SAME = """# Comments
app = "blog";
cdcd = 1;
caches = {
  comments = {
    all = { match = "comments:*"; action = "scan"; };
    keys = [ "comments:{post_id}" ];
    store = [ "redis" ];
    prefix = "blog:";
    action = "delete";
    triggers = (
      { bind = { post_id = "id"; }; on = [ "update", "insert" ]; target = "key";
        table = "public.blog_post"; },
      { table = "blog_comment"; on = [ "insert", "update", "delete", "truncate" ];
        bind = { post_id = "post_id"; }; } );
  };
  posts = { key = "posts"; triggers = ( { table = "blog_post"; } ); store = "redis";
            prefix = "blog:"; };
};
"""


@pytest.fixture
def diff(place):
    folder = place("rules")
    folder.mkdir()

    def run(old, new, *words):
        (folder / "old.cfg").write_text(old, "utf-8")
        (folder / "new.cfg").write_text(new, "utf-8")
        answer = run_verb("diff", folder / "old.cfg", folder / "new.cfg", *words)
        lines = [line.replace(f"{folder}/", "") for line in answer.stdout.splitlines()]
        return answer.returncode, lines, answer.stderr

    return run


def test_what_means_the_same_is_no_difference(diff):
    assert diff(OLD, OLD)[:2] == (0, [])
    assert diff(OLD, SAME)[:2] == (0, [])
    assert diff(SAME, OLD)[:2] == (0, [])


def test_caches_that_came_and_went_are_named_with_their_lines(diff):
    code, lines, _ = diff(OLD, OLD.replace("posts =", "post_list ="))
    assert code == 2
    assert lines == ["+ cache post_list  new.cfg:3", "- cache posts  old.cfg:3"]


@pytest.mark.parametrize("was, becomes, said", [
    ('key = "comments:{post_id}"', 'key = "comment:{post_id}"',
     ['~ cache comments: key "comments:{post_id}" -> "comment:{post_id}"  new.cfg:5']),
    ('triggers = "blog_post"', 'action = "bump"; triggers = "blog_post"',
     ['~ cache posts: action "delete" -> "bump"  new.cfg:3']),
    ('"blog_comment",', '', ["- cache comments: trigger public.blog_comment  old.cfg:6"]),
    ('on = "save"', 'on = "insert"',
     ['+ cache comments: trigger public.blog_post on insert, bind = { post_id = "id"; }'
      "  new.cfg:6",
      '- cache comments: trigger public.blog_post on insert update, bind = { post_id = "id"; }'
      "  old.cfg:6"]),
    ('all = { action = "scan"; match = "comments:*"; };', '',
     ['- cache comments: all { action = "scan"; match = "comments:*"; }  old.cfg:7']),
    ('prefix = "blog:"', 'prefix = "b:"',
     ['~ cache comments: prefix "blog:" -> "b:"  new.cfg:1',
      '~ cache posts: prefix "blog:" -> "b:"  new.cfg:1']),
    ('store = "redis"', 'store = [ "redis", "mc" ]',
     ['~ cache comments: store "redis" -> "mc", "redis"  new.cfg:1',
      '~ cache posts: store "redis" -> "mc", "redis"  new.cfg:1']),
    ('app = "blog"', 'app = "news"', ["~ file: app blog -> news  new.cfg:1"]),
])
def test_what_a_cache_does_differently_is_said_in_the_words_of_rules(diff, was, becomes, said):
    code, lines, stderr = diff(OLD, OLD.replace(was, becomes, 1))
    assert code == 2, stderr
    assert sorted(lines) == sorted(said)


def test_differences_come_in_json_too(diff):
    code, lines, _ = diff(OLD, OLD.replace('"posts"', '"x"').replace("posts =", "list ="), "--json")
    assert code == 2
    assert {(one["change"], one["cache"]) for one in json.loads(lines[0])} == {
        ("added", "list"), ("removed", "posts")}
    assert diff(OLD, SAME, "--json")[:2] == (0, ["[]"])


def test_a_file_may_come_from_a_pipe(place):
    folder = place("rules")
    folder.mkdir()
    (folder / "old.cfg").write_text(OLD, "utf-8")
    script = """diff() { "$0" diff <(cat old.cfg) "$1"; }; diff old.cfg && ! diff <(echo 'cdcd = 1;')"""
    answer = subprocess.run(["bash", "-c", script, binary()], cwd=folder, capture_output=True, text=True)
    assert answer.returncode == 0, answer.stderr
    assert "app is missing" in answer.stderr and answer.stdout == ""


def test_a_wrong_file_is_complained_about_and_not_compared(diff):
    code, lines, stderr = diff(OLD, OLD.replace("triggers", "trigers", 1))
    assert (code, lines) == (78, [])
    assert 'unknown setting "trigers"; did you mean "triggers"?' in stderr
