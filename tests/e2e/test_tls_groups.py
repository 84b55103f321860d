"""Encrypted connections to a Redis Cluster, and to sentinels and the master that they name."""

import pytest

from certificates import Authority
from daemon import rules_file
from redis_cluster import RedisCluster, slot_of
from sentinels import NAME, Sentinel
from servers import Redis, free_port

RULES = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };')
KEYS = [f"blog:post:{n}" for n in range(1, 10)]


@pytest.fixture(scope="module")
def authority(workplace):
    return Authority(workplace / "ca-groups")


@pytest.fixture
def options(authority):
    """Of a Redis that speaks TLS with clients and its like."""
    certificate, key = authority.sign()
    return {
        "tls-cert-file": str(certificate),
        "tls-key-file": str(key),
        "tls-ca-cert-file": str(authority.file),
        "tls-auth-clients": "no",
        "tls-replication": "yes",
    }


def secure(authority):
    return {"tls": True, "ca_file": str(authority.file)}


def test_keys_leave_every_master_of_a_cluster_with_tls(
    authority, options, blog, place, cleanup, run_cdcd
):
    cluster = RedisCluster(place, n_masters=2, **options, **{"tls-cluster": "yes"})
    cleanup.callback(cluster.remove)
    for node in cluster.nodes:
        node.options["tls-port"] = str(free_port())
    cluster.start()
    first = f"127.0.0.1:{cluster.nodes[0].options['tls-port']}"
    store = {"type": "redis", "cluster": [first], **secure(authority)}
    cdcd = run_cdcd(blog, RULES, {"redis": store})
    for key in KEYS:
        cluster.masters[slot_of(key) * 2 // 16384].warm(key)
    assert all(master.left() for master in cluster.masters)
    blog.sql("UPDATE blog_post SET title = title || '!'")
    cdcd.caught_up()
    assert [master.left() for master in cluster.masters] == [set(), set()]


class SecureSentinel(Sentinel):
    """Has no plain port but the test's."""

    def __init__(self, folder, master_port, options):
        super().__init__(folder, master_port, quorum=1)
        self.secure_port = free_port()
        lines = "".join(f"{name} {value}\n" for name, value in options.items())
        with open(self.file, "a", encoding="ascii") as file:
            file.write(f"tls-port {self.secure_port}\n{lines}")


def test_keys_leave_the_master_that_sentinels_with_tls_name(
    authority, options, blog, place, cleanup, run_cdcd
):
    port = free_port()
    master = Redis(place("redis"), **{"tls-port": str(port), **options})
    cleanup.callback(master.remove)
    master.start()
    sentinel = SecureSentinel(place("sentinel"), port, options)
    cleanup.callback(sentinel.remove)
    sentinel.start()
    store = {
        "type": "redis", "sentinels": [f"localhost:{sentinel.secure_port}"], "master": NAME,
        **secure(authority),
    }
    cdcd = run_cdcd(blog, RULES, {"redis": store})
    master.warm(*KEYS)
    blog.sql("UPDATE blog_post SET title = title || '!'")
    cdcd.caught_up()
    assert master.left() == set()
