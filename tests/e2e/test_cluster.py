"""Redis Cluster: real nodes on loopback, broken in the ways that clusters break."""

import pytest

from daemon import rules_file
from redis_cluster import RedisCluster, slot_of

POST = 'post = { key = "post:{id}"; triggers = "blog_post"; };'


@pytest.fixture(scope="module")
def shared(workplace):
    """Three masters that no test harms."""
    cluster = RedisCluster(lambda name: workplace / f"shared-{name}")
    try:
        yield cluster.start()
    finally:
        cluster.remove()


@pytest.fixture
def nodes(shared):
    shared.forget()
    return shared


def test_keys_leave_every_master(blog, nodes, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(POST), {"redis": nodes.store()})
    keys = [f"blog:post:{n}" for n in range(1, 10)]
    assert len({nodes.owner(key) for key in keys}) == 3
    nodes.warm(*keys, "blog:post:10")
    blog.sql("UPDATE blog_post SET title = 'x'")
    cdcd.caught_up()
    assert nodes.left() == {"blog:post:10"}
