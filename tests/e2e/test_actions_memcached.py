"""Each action on a real memcached: what is there before a change, and what after it. And the format
of MintCache, on both stores."""

import pickle
import re
import struct
import time

import pytest

from daemon import rules_file, run_verb
from papers import PAPER

TITLE = "UPDATE blog_post SET title = 'new' WHERE id = 1"
MINT = 'action = "stale"; format = "mintcache";'
DAYS = 24 * 3600


def cache(settings):
    triggers = 'triggers = ( { table = "blog_post"; on = "update"; } );'
    return rules_file(f'post = {{ key = "post:{{id}}"; {settings} {triggers} }};', store="mc")


def change(blog, cdcd, text=TITLE):
    blog.sql(text)
    cdcd.caught_up()


def put(memcached, key, value=b"old", flags=""):
    words = b"ms %s %d %s\r\n%s" % (key.encode(), len(value), flags.encode(), value)
    assert memcached.ask([words]) == [b"HD"]


def flags(memcached, key, wanted="t"):
    """What memcached tells of a key, by the flags' letters; None when it is not there."""
    [line] = memcached.ask([b"mg %s %s" % (key.encode(), wanted.encode())])
    return None if line == b"EN" else {word[:1]: word[1:] for word in line.decode().split()[1:]}


def life(memcached, key):
    return int(flags(memcached, key)["t"])


STALE = 'action = "stale"; grace = "60s";'


@pytest.mark.smoke
def test_one_reader_of_a_stale_key_is_told_to_refresh(blog, memcached, run_cdcd):
    cdcd = run_cdcd(blog, cache(STALE), memcached)
    put(memcached, "blog:post:1", flags="T3600")
    put(memcached, "blog:post:2", flags="T3600")
    change(blog, cdcd)
    first, second, third = (flags(memcached, "blog:post:1") for _ in range(3))
    assert set(first) == {"t", "X", "W"} and 0 < int(first["t"]) <= 60
    assert set(second) == set(third) == {"t", "X", "Z"}
    assert memcached.value("blog:post:1") == b"old"
    assert set(flags(memcached, "blog:post:2")) == {"t"} and life(memcached, "blog:post:2") > 60
    put(memcached, "blog:post:1", b"new")
    assert set(flags(memcached, "blog:post:1")) == {"t"}


EXPIRE = 'action = "expire"; ttl = "30s";'


@pytest.mark.parametrize("settings", [STALE, EXPIRE, MINT])
def test_a_key_that_is_not_there_is_not_made(blog, memcached, run_cdcd, settings):
    cdcd = run_cdcd(blog, cache(settings), memcached)
    change(blog, cdcd)
    assert not memcached.has("blog:post:1")


@pytest.mark.parametrize("before,after", [("", 30), ("T3600", 30), ("T20", 20)])
def test_a_key_expires_no_later_than_its_rule_says(blog, memcached, run_cdcd, before, after):
    cdcd = run_cdcd(blog, cache(EXPIRE), memcached)
    put(memcached, "blog:post:1", flags=before)
    change(blog, cdcd)
    assert 0 <= life(memcached, "blog:post:1") <= after
    assert memcached.value("blog:post:1") == b"old"


def test_expiring_leaves_the_right_to_refresh_where_it_was(blog, memcached, run_cdcd):
    cdcd = run_cdcd(blog, cache(EXPIRE), memcached)
    put(memcached, "blog:post:1", flags="T3600")
    assert memcached.ask([b"md blog:post:1 I T600"]) == [b"HD"]
    change(blog, cdcd)
    assert set(flags(memcached, "blog:post:1")) == {"t", "X", "W"}
    assert life(memcached, "blog:post:1") <= 30


@pytest.mark.parametrize(
    "ttl,low,high",
    [
        ("", -1, -1),
        ('ttl = "1ms";', 0, 1),
        ('ttl = "1500ms";', 0, 2),
        ('ttl = "30d";', 29 * DAYS, 30 * DAYS),
        # A date: memcached's own clock ticks once a second, and may be behind.
        ('ttl = "60d";', 59 * DAYS, 60 * DAYS + 2),
    ],
)
def test_a_set_key_lives_as_long_as_its_rule_says(blog, memcached, run_cdcd, ttl, low, high):
    cdcd = run_cdcd(blog, cache(f'action = "set"; value = "{{id}}={{title}}"; {ttl}'), memcached)
    put(memcached, "blog:post:2")
    blog.sql(TITLE)
    blog.sql("UPDATE blog_post SET title = 'two' WHERE id = 2")
    cdcd.caught_up()
    told = flags(memcached, "blog:post:1")
    if told is not None or high != 1:
        assert low <= int(told["t"]) <= high
        assert memcached.value("blog:post:1") == b"1=new"
        assert memcached.value("blog:post:2") == b"2=two"


def test_a_value_that_memcached_does_not_take_leaves_no_older_one(blog, memcached, run_cdcd):
    cdcd = run_cdcd(blog, cache('action = "set"; value = "{title}";'), memcached)
    put(memcached, "blog:post:1")
    put(memcached, "blog:post:2")
    blog.sql("UPDATE blog_post SET title = repeat('x', 2000000) WHERE id = 1")
    blog.sql("UPDATE blog_post SET title = 'two' WHERE id = 2")
    cdcd.caught_up()
    assert not memcached.has("blog:post:1")
    assert memcached.value("blog:post:2") == b"two"
    assert "object too large for cache" in cdcd.said()


def test_a_memcached_that_is_full_loses_the_older_value(blog, make_memcached, run_cdcd):
    memcached = make_memcached("-M", "-m", "4")
    cdcd = run_cdcd(blog, cache('action = "set"; value = "{title}";'), memcached)
    put(memcached, "blog:post:1")
    fill, full = 0, b"SERVER_ERROR out of memory storing object"
    while memcached.ask([b"ms fill:%d 100000\r\n%s" % (fill, b"x" * 100000)]) != [full]:
        fill += 1
    change(blog, cdcd, "UPDATE blog_post SET title = repeat('x', 100000) WHERE id = 1")
    assert not memcached.has("blog:post:1")
    assert "out of memory storing object" in cdcd.said()


# ---- MintCache ----


def packed(protocol, value="the page", when=None):
    return pickle.dumps((when or time.time() + 300, value), protocol)


class MintInMemcached:
    def __init__(self, memcached):
        self.server = memcached

    def put(self, key, value):
        put(self.server, key, value, "T3600 F1")

    def get(self, key):
        with self.server.connect() as connection, connection.makefile("rb") as answers:
            connection.sendall(b"mg %s v f t\r\n" % key.encode())
            words = answers.readline().split()
            if words[0] != b"VA":
                return None
            assert b"f1" in words
            assert 3500 < next(int(word[1:]) for word in words if word[:1] == b"t") <= 3600
            return answers.read(int(words[1]))


class MintInRedis:
    def __init__(self, redis):
        self.client = redis.client

    def put(self, key, value):
        self.client.set(key, value, ex=3600)

    def get(self, key):
        assert self.client.ttl(key) > 3500 or not self.client.exists(key)
        return self.client.get(key)


@pytest.fixture(params=["memcached", "redis"])
def mint(request):
    server = request.getfixturevalue(request.param)
    return server, (MintInMemcached if request.param == "memcached" else MintInRedis)(server)


def mint_rules(server):
    return cache(MINT).replace('store = "mc"', f'store = "{server.store_name}"')


@pytest.mark.smoke
@pytest.mark.parametrize("protocol", [2, 3, 4, 5])
@pytest.mark.parametrize("value", ["the page", {"a": [1, None]}, b"y" * 300000], ids=["text", "group", "large"])
def test_the_time_of_a_mint_value_becomes_zero(blog, mint, run_cdcd, protocol, value):
    server, store = mint
    cdcd = run_cdcd(blog, mint_rules(server), server)
    before = packed(protocol, value)
    store.put("blog:post:1", before)
    store.put("blog:post:2", before)
    change(blog, cdcd)
    after = store.get("blog:post:1")
    assert pickle.loads(after) == (0.0, value)
    at = before.index(b"G") + 1
    assert after == before[:at] + struct.pack(">d", 0) + before[at + 8 :]
    assert store.get("blog:post:2") == before


@pytest.mark.parametrize(
    "value",
    [b"warm", b"", pickle.dumps(1.5, 2), pickle.dumps((1.5, 2, 3), 2), packed(2)[:-1], packed(0)],
    ids=range(6),
)
def test_what_is_no_mint_value_is_deleted(blog, mint, run_cdcd, value):
    server, store = mint
    cdcd = run_cdcd(blog, mint_rules(server), server)
    store.put("blog:post:1", value)
    change(blog, cdcd)
    assert store.get("blog:post:1") is None


def test_a_list_in_the_place_of_a_mint_value_is_deleted(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, mint_rules(redis), redis)
    redis.client.rpush("blog:post:1", "a", "b")
    change(blog, cdcd)
    assert not redis.client.exists("blog:post:1")


def test_a_thousand_mint_values_go_stale_in_one_transaction(blog, mint, run_cdcd):
    server, store = mint
    cdcd = run_cdcd(blog, mint_rules(server), server)
    blog.sql("INSERT INTO blog_post (id, title) SELECT n, 'x' FROM generate_series(1000, 1999) n")
    before = packed(4, "z" * 20000)
    for post in range(1000, 2000):
        store.put(f"blog:post:{post}", before)
    change(blog, cdcd, "UPDATE blog_post SET title = 'y' WHERE id >= 1000")
    left = [pickle.loads(store.get(f"blog:post:{post}"))[0] for post in range(1000, 2000)]
    assert set(left) == {0.0}


def test_the_op_is_a_stale_in_explain(tmp_path):
    rules = tmp_path / "rules.cfg"
    rules.write_text(cache(MINT))
    said = run_verb("explain", rules, "update", "blog_post", "--old", "id=1", "--new", "id=1")
    assert re.match(r"mc stale blog:post:1  ", said.stdout), said.stdout + said.stderr
    said = run_verb(
        "explain", "--json", rules, "update", "blog_post", "--old", "id=1", "--new", "id=1"
    )
    assert '"format":"mintcache"' in said.stdout


def test_a_user_with_the_rights_of_the_paper_makes_mint_values_stale(blog, redis, place, run_cdcd):
    [rights] = re.findall(r"^\| the same with `format.*\| `(\+.*)` \|$", PAPER.read_text(), re.M)
    password = place("password")
    password.write_text("pw", "utf-8")
    redis.client.execute_command(
        "ACL", "SETUSER", "cdcd", "on", ">pw", "resetkeys", "~blog:*", "resetchannels", "-@all",
        *f"+ping +unlink +info {rights}".split(),
    )
    store = redis.store(user="cdcd", password_file=str(password))
    cdcd = run_cdcd(blog, mint_rules(redis), {"redis": store})
    MintInRedis(redis).put("blog:post:1", packed(4))
    change(blog, cdcd)
    assert pickle.loads(redis.client.get("blog:post:1"))[0] == 0.0
    MintInRedis(redis).put("blog:post:1", b"warm")
    change(blog, cdcd)
    assert not redis.client.exists("blog:post:1")
    assert not redis.client.acl_log()
