"""`cdcd explain --key` and `--where`: from a key to triggers, and to servers."""

import json
import subprocess

import pytest

from daemon import binary, run_verb

RULES = """cdcd = 1; app = "blog"; prefix = "blog:"; store = "redis";
caches = {
  comments = {
    key = "comments:{post_id}";
    triggers = (
      "blog_comment",
      { table = "blog_post"; on = "delete"; bind = { post_id = "id"; }; },
      { table = "blog_settings"; on = "update"; target = "all"; } );
    all = { action = "scan"; match = "comments:*"; };
  };
  posts = { triggers = "blog_post"; };
};
"""
CONFIG = """source = { conninfo = "host=/nowhere"; };
stores = {
  redis = { type = "redis"; url = "redis://[::1]/3"; prefix = "1:"; };
  sock = { type = "redis"; url = "unix:///run/redis.sock?db=2"; };
  mc = { type = "memcached"; servers = [ "10.0.0.1:11211:2", "10.0.0.2" ]; };
};
rules = "blog.cfg";
"""


@pytest.fixture
def explain(place):
    folder = place("rules")
    folder.mkdir()
    (folder / "blog.cfg").write_text(RULES, "utf-8")
    (folder / "cdcd.cfg").write_text(CONFIG, "utf-8")

    def run(*words):
        answer = run_verb("explain", *words, "-c", folder / "cdcd.cfg")
        return answer.returncode, answer.stdout.replace(f"{folder}/", "").splitlines(), answer.stderr

    return run


@pytest.mark.smoke
def test_a_key_leads_to_each_trigger_that_clears_it(explain):
    assert explain("--key", "1:blog:comments:7")[1] == [
        "redis delete 1:blog:comments:{post_id}  blog.cfg:6 insert update delete of "
        "public.blog_comment: post_id = 7",
        "redis delete 1:blog:comments:{post_id}  blog.cfg:7 delete of public.blog_post: post_id = 7",
        "redis scan 1:blog:comments:*  blog.cfg:6 truncate of public.blog_comment",
        "redis scan 1:blog:comments:*  blog.cfg:8 update of public.blog_settings",
    ]
    assert explain("--key", "1:blog:posts")[1] == [
        "redis delete 1:blog:posts  blog.cfg:11 insert update delete truncate of public.blog_post"
    ]


def test_a_key_that_no_trigger_clears_is_said(explain):
    for key in ("blog:comments:7", "1:blog:post", "1:blog:postss", ""):
        code, lines, stderr = explain("--key", key)
        assert (code, lines) == (0, []) and "no trigger clears this key" in stderr


def test_triggers_of_a_key_come_in_json_too(explain):
    (one,) = json.loads(explain("--key", "1:blog:posts", "--json")[1][0])
    assert one["op"]["key"] == "1:blog:posts" and one["op"]["line"] == 11
    assert one["on"] == ["insert", "update", "delete", "truncate"] and one["values"] == []


def test_where_names_the_servers_of_a_store(explain):
    assert explain("--where", "k", "--store", "redis")[1] == ["k [::1]:6379"]
    assert explain("--where", "k", "--store", "sock")[1] == ["k unix:/run/redis.sock"]
    assert explain("--where", "k", "--store", "mc")[1] == ["k 10.0.0.1:11211", "k 10.0.0.2:11211"]
    answer = json.loads(explain("--where", "k", "--store", "sock", "--json")[1][0])
    assert answer == [{"key": "k", "server": "unix:/run/redis.sock"}]
    code, _, stderr = explain("--where", "k", "--store", "rdis")
    assert code == 64 and 'no store "rdis"; did you mean redis?' in stderr


def test_where_takes_keys_from_stdin(place):
    folder = place("rules")
    folder.mkdir()
    (folder / "cdcd.cfg").write_text(CONFIG, "utf-8")
    answer = subprocess.run(
        [binary(), "explain", "-c", folder / "cdcd.cfg", "--where", "-", "--store", "sock"],
        input="a\n\nb c", capture_output=True, text=True, check=True)
    assert answer.stdout == "a unix:/run/redis.sock\nb c unix:/run/redis.sock\n"
