"""What stores are told: both kinds, several servers, bump and scan, passwords and databases."""

import pytest
import redis as redis_client

from daemon import rules_file
from poll import wait_for
from servers import free_port

pytestmark = pytest.mark.both_sources

POST = 'post = { key = "post:{id}"; triggers = "blog_post"; };'
TOUCH = "UPDATE blog_post SET title = title || '!' WHERE id = 1"


@pytest.mark.smoke
def test_a_key_leaves_memcached(blog, memcached, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(POST, store="mc"), memcached)
    memcached.warm("blog:post:1", "blog:post:2", "post:1")
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert memcached.left() == {"blog:post:2", "post:1"}


@pytest.mark.smoke
def test_a_cache_with_two_stores_leaves_both(blog, redis, memcached, run_cdcd):
    rules = rules_file(POST.replace("triggers", 'store = [ "redis", "mc" ]; triggers'))
    cdcd = run_cdcd(blog, rules, {"redis": redis, "mc": memcached})
    for cache in (redis, memcached):
        cache.warm("blog:post:1", "blog:post:2")
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert redis.left() == memcached.left() == {"blog:post:2"}


def test_each_cache_goes_to_its_own_store(blog, redis, memcached, run_cdcd):
    comments = 'comments = { key = "post:{id}"; store = "mc"; triggers = "blog_comment"; };'
    cdcd = run_cdcd(blog, rules_file(POST + comments), {"redis": redis, "mc": memcached})
    for cache in (redis, memcached):
        cache.warm("blog:post:1", "blog:post:2")
    blog.sql(TOUCH)
    blog.sql("UPDATE blog_comment SET text = 'x' WHERE id = 2")
    cdcd.caught_up()
    assert redis.left() == {"blog:post:2"}
    assert memcached.left() == {"blog:post:1"}


@pytest.mark.parametrize("selector", [{}, {"selector": "all"}])
def test_every_memcached_server_loses_the_key(blog, make_memcached, run_cdcd, selector):
    caches = [make_memcached() for _ in range(3)]
    store = {"type": "memcached", "servers": [cache.address() for cache in caches], **selector}
    cdcd = run_cdcd(blog, rules_file(POST, store="mc"), {"mc": store})
    for cache in caches:
        cache.warm("blog:post:1", "blog:post:2")
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert [cache.left() for cache in caches] == [{"blog:post:2"}] * 3


def test_memcached_answers_over_tcp_too(blog, make_memcached, run_cdcd):
    cache = make_memcached(port=free_port())
    cdcd = run_cdcd(blog, rules_file(POST, store="mc"), {"mc": cache.store(selector="one")})
    cache.warm("blog:post:1")
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert cache.left() == set()


def test_a_stores_prefix_stands_before_the_files(blog, redis, memcached, run_cdcd):
    rules = rules_file(POST.replace("triggers", 'store = [ "redis", "mc" ]; triggers'))
    stores = {"redis": redis.store(prefix=":1:"), "mc": memcached.store(prefix=":2:")}
    cdcd = run_cdcd(blog, rules, stores)
    redis.warm(":1:blog:post:1", "blog:post:1")
    memcached.warm(":2:blog:post:1", "blog:post:1")
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert redis.left() == memcached.left() == {"blog:post:1"}


def test_redis_with_a_password_and_another_database(blog, place, make_redis, run_cdcd):
    port = free_port()
    cache = make_redis(port=port, requirepass="open sesame")
    password = place("password")
    password.write_text("open sesame\n", "utf-8")
    store = {"type": "redis", "url": f"redis://127.0.0.1:{port}/3", "password_file": str(password)}
    cdcd = run_cdcd(blog, rules_file(POST), {"redis": store})
    third = redis_client.Redis(unix_socket_path=str(cache.socket), db=3, password="open sesame")
    third.mset({"blog:post:1": 1, "blog:post:2": 1})
    cache.warm("blog:post:1")
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert third.keys() == [b"blog:post:2"]
    assert cache.left() == {"blog:post:1"}
    assert "sesame" not in cdcd.said()


@pytest.mark.parametrize(
    "rule, rights, left",
    [
        (POST, "+ping +unlink", {"blog:post:2", "blog:page:1"}),
        (
            'version = { key = "post:1"; action = "bump"; triggers = "blog_post"; };',
            "+ping +eval +exists +time +incr +incrby",
            {"blog:post:1", "blog:post:2", "blog:page:1"},
        ),
        (
            'posts = { action = "scan"; match = "post:*"; triggers = "blog_post"; };',
            "+ping +unlink +scan",
            {"blog:page:1"},
        ),
    ],
)
def test_redis_with_a_user_of_few_rights(blog, place, redis, run_cdcd, rule, rights, left):
    redis.client.execute_command(
        f"ACL SETUSER few on >secret resetkeys ~blog:* resetchannels -@all {rights}"
    )
    password = place("password")
    password.write_text("secret", "utf-8")
    store = redis.store(user="few", password_file=str(password))
    cdcd = run_cdcd(blog, rules_file(rule), {"redis": store})
    redis.client.mset({"blog:post:1": 1, "blog:post:2": 1, "blog:page:1": 1})
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert redis.left() == left
    if "eval" in rights:
        assert int(redis.client.get("blog:post:1")) > 1


BUMP = 'version = { key = "version"; action = "bump"; triggers = "blog_post"; };'


def versions_after_changes(blog, cdcd, read, forget):
    """The version after each of three changes; before the last one it is evicted."""
    seen = []
    for evicted in (False, False, True):
        if evicted:
            forget()
        blog.sql(TOUCH)
        cdcd.caught_up()
        seen.append(int(read()))
    return seen


def test_a_bump_in_redis_never_repeats_not_even_after_an_eviction(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(BUMP), redis)
    get = lambda: redis.client.get("blog:version")
    first, second, third = versions_after_changes(blog, cdcd, get, redis.client.flushall)
    assert 0 < first < second < third


def test_a_bump_in_redis_is_never_below_the_clock_nor_the_old_value(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(BUMP), redis)
    seconds, microseconds = redis.client.time()
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert int(redis.client.get("blog:version")) >= seconds * 1000000 + microseconds
    redis.client.set("blog:version", 2**60)
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert int(redis.client.get("blog:version")) > 2**60


def test_a_bump_in_memcached_never_repeats_not_even_after_an_eviction(blog, memcached, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(BUMP, store="mc"), memcached)
    get = lambda: memcached.value("blog:version")
    forget = lambda: memcached.ask([b"md blog:version"])
    first, second, third = versions_after_changes(blog, cdcd, get, forget)
    assert 0 < first < second < third


def test_a_bump_waits_while_redis_is_out_of_memory(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(BUMP), redis)
    redis.client.config_set("maxmemory", "1")
    blog.sql(TOUCH)
    cdcd.read()
    cdcd.wait_for_log("OOM|memory")
    assert not redis.has("blog:version")
    redis.client.config_set("maxmemory", "0")
    cdcd.caught_up()
    assert redis.has("blog:version")


SCAN = """
  pages = { action = "scan"; match = "page:*:end"; triggers = "blog_post"; };
"""
PAGES = [f"blog:page:{n}:end" for n in range(3000)]
OTHERS = {"blog:page:1:more", "page:1:end", "blog:pages"}


def test_a_scan_of_redis_clears_what_matches_and_nothing_else(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(SCAN), redis)
    redis.warm(*PAGES, *OTHERS)
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert redis.left() == OTHERS


def test_a_scan_of_memcached_clears_what_matches_and_nothing_else(
    blog, make_memcached, run_cdcd
):
    caches = [make_memcached() for _ in range(2)]
    store = {"type": "memcached", "servers": [cache.address() for cache in caches]}
    cdcd = run_cdcd(blog, rules_file(SCAN, store="mc"), {"mc": store})
    for cache in caches:
        cache.warm(*PAGES, *OTHERS)
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert [cache.left() for cache in caches] == [OTHERS] * 2


def test_many_changes_of_one_row_bump_at_most_once_each(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(BUMP), redis)
    redis.client.set("blog:version", 2**60)
    blog.sql("; ".join([TOUCH] * 50))
    cdcd.caught_up()
    assert int(redis.client.get("blog:version")) == 2**60 + 1


def test_a_later_key_waits_until_every_server_has_lost_the_earlier(
    blog, make_memcached, run_cdcd
):
    caches = [make_memcached(), make_memcached()]
    store = {"type": "memcached", "servers": [cache.address() for cache in caches]}
    ordered = 'ordered = { keys = [ "block", "semaphore" ]; triggers = "blog_comment"; };'
    cdcd = run_cdcd(blog, rules_file(ordered + POST, store="mc"), {"mc": store})
    for cache in caches:
        cache.warm("blog:block", "blog:semaphore", "blog:post:1")
    quick, slow = caches
    slow.freeze()
    blog.sql("UPDATE blog_comment SET text = 'x' WHERE id = 1")
    blog.sql(TOUCH)
    wait_for(lambda: not quick.has("blog:post:1"), "the change that came later is done")
    assert quick.left() == {"blog:semaphore"}
    slow.thaw()
    cdcd.caught_up()
    assert quick.left() == slow.left() == set()


def test_one_store_that_hangs_delays_no_other(blog, redis, memcached, run_cdcd):
    rules = rules_file(POST.replace("triggers", 'store = [ "redis", "mc" ]; triggers'))
    cdcd = run_cdcd(blog, rules, {"redis": redis, "mc": memcached})
    for cache in (redis, memcached):
        cache.warm(*(f"blog:post:{n}" for n in range(1, 10)))
    memcached.freeze()
    blog.sql("UPDATE blog_post SET title = 'a'")
    wait_for(lambda: redis.left() == set(), "the keys leave Redis")
    memcached.thaw()
    cdcd.caught_up()
    assert memcached.left() == set()
