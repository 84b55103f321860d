"""`cdcd diff`: what two rules files do differently."""

import json
import re
import subprocess

import pytest

from daemon import REPOSITORY, binary, run_verb

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


EVERYTHING = """cdcd = 1; app = "blog"; prefix = "blog:"; schema = "public"; store = "redis";
caches = {
  a = { keys = [ "a:{id}:{lang}", "b:{id}:{lang}" ]; each = { lang = [ "en", "ru" ]; };
        redelete = "2s"; announce = "gone";
        all = { action = "scan"; match = "a:*"; };
        triggers = ( { table = "t"; on = "save"; columns = [ "x" ]; when = "x > 1";
                       bind = { id = "y"; }; rows = "new"; }, "u",
                     { table = "v"; target = "all"; },
                     { table = "w"; lookup = "SELECT id FROM w WHERE z = {z}"; limit = 7; } ); };
  b = { key = "b:{v}"; let = { v = "{id}:{x}"; }; action = "stale"; grace = "3s"; ttl = "1h";
        all = { action = "bump"; key = "b"; }; triggers = "t"; };
  c = { key = "c:{id}"; action = "set"; value = "1{x}"; ttl = "5s"; triggers = "t";
        all = { action = "delete"; key = "c"; }; prefix = "own:"; };
  d = { action = "publish"; channel = "ch"; message = "m"; triggers = "t"; };
  e = { action = "scan"; match = "e:*"; triggers = "t"; store = "other"; };
  f = { key = "f:{id}"; triggers = { table = "t"; action = "expire"; ttl = "9s"; };
        all = { action = "scan"; match = "f:*"; }; };
  g = { key = "g:{id}"; triggers = "t"; all = { action = "scan"; match = "g:*"; }; };
};
"""
# One of each setting of the grammar.
CHANGES = [
    ('app = "blog"', 'app = "news"'), ('prefix = "blog:"', 'prefix = ""'),
    ('schema = "public"', 'schema = "own"'), ('store = "redis"', 'store = "mc"'),
    ('"a:{id}:{lang}", "b', '"x:{id}:{lang}", "b'),
    ('[ "a:{id}:{lang}", "b:{id}:{lang}" ]', '[ "b:{id}:{lang}", "a:{id}:{lang}" ]'),
    ('"en", "ru"', '"en"'), ('redelete = "2s"', 'redelete = "3s"'), ('redelete = "2s";', ''),
    ('announce = "gone"', 'announce = "left"'), ('announce = "gone";', ''),
    ('match = "a:*"', 'match = "b:*"'), ('action = "bump"; key = "b"', 'action = "delete"; key = "b"'),
    ('key = "c"; }', 'key = "d"; }'), ('table = "t"; on', 'table = "s"; on'),
    ('on = "save"', 'on = "insert"'), ('on = "save";', ''), ('columns = [ "x" ]', 'columns = [ "x", "y" ]'),
    ('columns = [ "x" ];', ''), ('when = "x > 1"', 'when = "x > 2"'), ('when = "x > 1";', ''),
    ('id = "y"', 'id = "z"'), ('bind = { id = "y"; };', ''), ('rows = "new"', 'rows = "old"'),
    ('rows = "new";', ''), ('target = "all";', ''), ('WHERE z =', 'WHERE x ='),
    ('limit = 7;', 'limit = 8;'), ('limit = 7;', ''), ('"{id}:{x}"', '"{x}:{id}"'),
    ('action = "stale"; grace = "3s"; ttl = "1h";', ''), ('grace = "3s"', 'grace = "4s"'),
    ('ttl = "1h"', 'ttl = "2h"'), ('ttl = "1h";', ''), ('value = "1{x}"', 'value = "2{x}"'),
    ('ttl = "5s"', 'ttl = "6s"'), ('prefix = "own:"', 'prefix = "mine:"'), ('prefix = "own:";', ''),
    ('channel = "ch"', 'channel = "hc"'), ('message = "m"', 'message = "n"'),
    ('match = "e:*"', 'match = "f:*"'), ('store = "other"', 'store = [ "other", "redis" ]'),
    ('store = "other";', ''), ('action = "expire"; ttl = "9s"; }', '}'), ('ttl = "9s"', 'ttl = "8s"'),
    ('"u",', ''), ('key = "f:{id}"', 'key = "f:{id|md5}"'),
    ('"g:{id}"; triggers = "t"; all = { action = "scan"; match = "g:*"; };', '"g"; triggers = "t";'),
    ('key = "g:{id}"', 'key = "G:{id}"'),
]


def mirrored(lines):
    """What the comparison the other way round must say, without files and lines."""
    turned = []
    for line in lines:
        line = line.rsplit("  ", 1)[0]
        if line[0] == "~" and " -> " in line:
            head, values = line.split(": ", 1)
            name, values = values.split(" ", 1)
            old, new = values.split(" -> ")
            line = f"{head}: {name} {new} -> {old}"
        else:
            line = {"+": "-", "-": "+"}[line[0]] + line[1:]
        turned.append(line)
    return sorted(turned)


@pytest.mark.parametrize("was, becomes", CHANGES)
def test_each_setting_makes_a_difference_and_the_same_one_backwards(diff, was, becomes):
    changed = EVERYTHING.replace(was, becomes, 1)
    assert changed != EVERYTHING
    code, there, stderr = diff(EVERYTHING, changed)
    assert code == 2 and there, stderr
    code, back, _ = diff(changed, EVERYTHING)
    assert code == 2
    assert mirrored(there) == sorted(line.rsplit("  ", 1)[0] for line in back)


def test_any_file_is_like_itself_and_like_itself_in_another_order(diff):
    assert diff(EVERYTHING, EVERYTHING)[:2] == (0, [])
    caches = EVERYTHING[EVERYTHING.index("  a = "):EVERYTHING.rindex("};")]
    parts = [part for part in re.split(r"(?m)^(?=  [a-g] = )", caches) if part]
    assert len(parts) == 7
    assert diff(EVERYTHING, EVERYTHING.replace(caches, "".join(reversed(parts))))[:2] == (0, [])
    for path in sorted((REPOSITORY / "rules").glob("*.cfg")):
        if not path.name.endswith(".test.cfg") and path.name != "cdcd.cfg":
            answer = run_verb("diff", path, path)
            assert (answer.returncode, answer.stdout) == (0, ""), answer.stderr


@pytest.mark.parametrize("was, becomes", [
    ('ttl = "1h"', 'ttl = "3600s"'), ('"t"; on = "save"', '"public.t"; on = [ "update", "insert" ]'),
    ('rows = "new" }, "u"', 'rows = "new" }, { table = "u"; rows = "both"; limit = 1000; }'),
    ('table = "v"', 'table = "public.v"'), ('grace = "3s"', 'grace = "3000ms"'),
    ('[ "en", "ru" ]', '[ "ru", "en" ]'), ('store = "other"', 'store = [ "other" ]'),
    ('when = "x > 1"', 'when = " x > 1 "'), ('key = "g:{id}";', 'key = "g:{id}"; action = "delete";'),
    ('triggers = { table = "t"; action', 'triggers = ( { bind = { id = "id"; }; table = "t"; action'),
])
def test_other_words_for_the_same_make_none(diff, was, becomes):
    changed = EVERYTHING.replace(was, becomes, 1)
    if "( { bind" in becomes:
        changed = changed.replace('ttl = "9s"; }', 'ttl = "9s"; } )')
    assert diff(EVERYTHING, changed)[:2] == (0, [])
