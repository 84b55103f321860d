"""What PostgreSQL hardly ever says on the replication stream."""

import pytest

from daemon import rules_file
from poll import wait_for
from proxy import PostgresProxy

POST = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };')

NONSENSE = {
    "an unknown message": b"?what",
    "nothing": b"",
    "a row of no known table": b"I\x00\x00\x00\x01N\x00\x01n",
    "a row that ends too early": b"I\x00\x00",
    "a begin within a transaction": b"B" + bytes(20),
    "a length beyond the message": b"R\x00\x00\x00\x01public\x00t\x00d\xff\xff",
}


@pytest.fixture
def proxy(blog, place, cleanup):
    proxy = PostgresProxy(place("proxy"), blog.cluster.folder)
    cleanup.callback(proxy.close)
    return proxy


@pytest.mark.parametrize("what", NONSENSE)
def test_the_stream_begins_again_from_what_was_confirmed(blog, proxy, redis, run_cdcd, what):
    source = {"conninfo": blog.conninfo(host=proxy.path.parent)}
    cdcd = run_cdcd(blog, POST, redis, source=source)
    redis.warm("blog:post:1", "blog:post:2", "blog:post:3")
    walsenders = blog.walsenders()
    proxy.spoil(NONSENSE[what])
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id IN (1, 2)")
    wait_for(lambda: blog.walsenders() - walsenders, "cdcd begins the stream again")
    cdcd.caught_up()
    assert proxy.n_spoiled == 1
    assert redis.left() == {"blog:post:3"}


@pytest.mark.parametrize("n_requests, leaves", [(1, False), (3, True)])
def test_who_is_asked_in_a_burst_and_cannot_confirm_leaves(
    blog, proxy, redis, run_cdcd, n_requests, leaves
):
    source = {"conninfo": blog.conninfo(host=proxy.path.parent)}
    cdcd = run_cdcd(blog, POST, redis, source=source)
    redis.warm("blog:post:1", "blog:post:2")
    walsenders = blog.walsenders()
    proxy.ask(n_requests)
    redis.freeze()
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")
    wait_for(lambda: proxy.n_requests == 0, "PostgreSQL has asked")
    if leaves:
        wait_for(lambda: blog.walsenders() - walsenders, "cdcd leaves, and comes again")
    redis.thaw()
    cdcd.caught_up()
    assert redis.left() == {"blog:post:2"}
    assert leaves or blog.walsenders() == walsenders
