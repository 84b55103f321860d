"""Clients that use another server while one is dead leave copies there, and old ones behind."""

import zlib

import memcache
import pytest

from daemon import rules_file
from poll import wait_for
from servers import free_port

POST = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };', store="mc")
N = 9


@pytest.fixture
def servers(make_memcached):
    return [make_memcached(port=free_port()) for _ in range(3)]


def store(servers, **settings):
    return {
        "mc": {
            "type": "memcached",
            "servers": [server.address() for server in servers],
            "selector": "python-memcached",
            "timeout": "1s",
            **settings,
        }
    }


class Application:
    """Reads posts, and keeps what it has read, with python-memcached."""

    def __init__(self, database, servers):
        self.database = database
        self.client = memcache.Client(
            [server.address() for server in servers], dead_retry=3600, socket_timeout=0.5
        )

    def title(self, n):
        key = f"blog:post:{n}".encode()
        cached = self.client.get(key)
        if cached is None:
            cached = self.database.value("SELECT title FROM blog_post WHERE id = %s", n)
            assert self.client.set(key, cached)
        return cached

    def titles(self):
        return [self.title(n) for n in range(1, N + 1)]

    def trusts_all_again(self):
        self.client.forget_dead_hosts()


def retitle(database, title):
    database.sql("UPDATE blog_post SET title = %s || id", title)


def expected(title):
    return [f"{title}{n}" for n in range(1, N + 1)]


def keys_of(server):
    return [n for n in range(1, N + 1) if server.has(f"blog:post:{n}")]


def test_copies_that_moved_are_deleted_and_what_comes_back_is_cleared(blog, servers, run_cdcd):
    cdcd = run_cdcd(blog, POST, store(servers), limits={"retry": "10ms..50ms"})
    application = Application(blog, servers)
    retitle(blog, "a")
    cdcd.caught_up()
    assert application.titles() == expected("a")
    dead = next(server for server in servers if keys_of(server))
    its_keys = keys_of(dead)
    dead.freeze()
    assert application.titles() == expected("a")
    for title in ("b", "c"):
        retitle(blog, title)
        wait_for(lambda: not any(keys_of(s) for s in servers if s is not dead), "copies leave")
        assert application.titles() == expected(title)
    dead.thaw()
    cdcd.wait_for_log("was away, and is cleared before it is used")
    cdcd.caught_up()
    assert keys_of(dead) == []
    # The copies of the dead server's keys are elsewhere still, and are not forgotten.
    assert all(any(s.has(f"blog:post:{n}") for s in servers) for n in its_keys)
    application.trusts_all_again()
    assert application.titles() == expected("c")
    retitle(blog, "d")
    cdcd.caught_up()
    assert not any(keys_of(server) for server in servers)


def test_a_server_that_is_dead_at_the_start_is_no_exception(blog, servers, run_cdcd):
    application = Application(blog, servers)
    before = application.titles()
    dead = next(server for server in servers if keys_of(server))
    dead.freeze()
    cdcd = run_cdcd(blog, POST, store(servers), limits={"retry": "10ms..50ms"})
    assert application.titles() == before
    retitle(blog, "b")
    wait_for(lambda: not any(keys_of(s) for s in servers if s is not dead), "copies leave")
    assert application.titles() == expected("b")
    dead.thaw()
    cdcd.wait_for_log("was away, and is cleared before it is used")
    cdcd.caught_up()
    assert keys_of(dead) == []
    application.trusts_all_again()
    assert application.titles() == expected("b")


def test_a_server_that_may_not_be_cleared_is_used_as_it_is(blog, make_memcached, run_cdcd):
    servers = [make_memcached("-F", port=free_port()) for _ in range(2)]
    servers[0].stop()
    cdcd = run_cdcd(blog, POST, store(servers), limits={"retry": "10ms..50ms"})
    cdcd.wait_for_log(servers[0].address())
    servers[0].start()
    cdcd.wait_for_log("refuses to be cleared")
    for server in servers:
        server.warm("blog:post:1")
    retitle(blog, "b")
    cdcd.caught_up()
    assert not any(keys_of(server) for server in servers)


def test_a_dead_server_delays_no_key_of_another(blog, servers, run_cdcd):
    """Of clients that do not eject: a key is on one server, and waits for that alone."""
    cdcd = run_cdcd(blog, POST, store(servers, selector="gomemcache"))
    keys = {n: f"blog:post:{n}" for n in range(1, N + 1)}
    others = [[n for n in keys if zlib.crc32(keys[n].encode()) % 3 != i] for i in range(3)]
    assert all(len(some) < N for some in others)
    for server in servers:
        server.warm(*keys.values())
    servers[0].freeze()
    retitle(blog, "b")
    for i in (1, 2):
        wait_for(lambda: keys_of(servers[i]) == others[i], "its keys leave, and no others")
    servers[0].thaw()
    cdcd.caught_up()
    assert [keys_of(server) for server in servers] == others
