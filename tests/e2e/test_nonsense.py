"""Bytes that make no sense on the replication stream."""

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


@pytest.mark.parametrize("what", NONSENSE)
def test_the_stream_begins_again_from_what_was_confirmed(
    blog, place, cleanup, redis, run_cdcd, what
):
    proxy = PostgresProxy(place("proxy"), blog.cluster.folder)
    cleanup.callback(proxy.close)
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
