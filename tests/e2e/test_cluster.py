"""Redis Cluster: real nodes on loopback, broken in the ways that clusters break."""

import signal
from concurrent.futures import ThreadPoolExecutor

import pytest

from certificates import Authority
from daemon import rules_file
from poll import wait_for
from redis_cluster import RedisCluster
from servers import free_port

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


ACTIONS = """
post = { key = "post:{id}"; triggers = "blog_post"; };
version = { key = "version:{id}"; action = "bump"; triggers = "blog_post"; };
page = { key = "page:{id}"; action = "stale"; grace = "30s"; ttl = "1h"; triggers = "blog_post"; };
side = { key = "side:{id}"; action = "expire"; ttl = "20s"; triggers = "blog_post"; };
title = { key = "title:{id}"; action = "set"; value = "{title}"; ttl = "1h"; triggers = "blog_post"; };
tagged = { key = "tagged:{id}"; action = "delete-members"; triggers = "blog_post"; };
feed = { action = "publish"; channel = "feed"; message = "{id}"; triggers = "blog_post"; };
list = { action = "scan"; match = "list:{id}:*"; triggers = "blog_post"; };
"""


def test_every_action_is_done_on_the_node_of_its_key(blog, nodes, run_cdcd):
    """Of posts 1 to 9: each action has keys on all three masters."""
    cdcd = run_cdcd(blog, rules_file(ACTIONS), {"redis": nodes.store()})
    ids = range(1, 10)
    of = lambda kind: [f"blog:{kind}:{n}" for n in ids]
    lists = [f"blog:list:{n}:{i}" for n in ids for i in range(5)]
    members = [f"member:{n}:{i}" for n in ids for i in range(50)]
    nodes.warm(*of("post"), *of("page"), *of("side"), *of("title"), *lists, *members, "blog:other")
    for n in ids:
        names = [f"member:{n}:{i}" for i in range(60)]
        nodes.owner(f"blog:tagged:{n}").client.sadd(f"blog:tagged:{n}", *names)
    with nodes.nodes[2].client.pubsub(ignore_subscribe_messages=True) as heard:
        heard.subscribe("blog:feed")
        wait_for(lambda: nodes.nodes[2].client.pubsub_numsub("blog:feed")[0][1], "it listens")
        blog.sql("UPDATE blog_post SET title = 'new ' || id")
        cdcd.caught_up()
        messages = {wait_for(lambda: heard.get_message(), "a message")["data"] for _ in ids}
    get = lambda name, key: getattr(nodes.owner(key).client, name)(key)
    assert messages == {str(n).encode() for n in ids}
    companions = {f"{{blog:page:{n}}}:stale" for n in ids}
    assert nodes.left() == companions | {
        *of("version"), *of("page"), *of("side"), *of("title"), "blog:other"
    }
    assert [get("get", key) for key in of("title")] == [f"new {n}".encode() for n in ids]
    assert all(int(get("get", key)) > 1 for key in of("version"))
    assert all(0 < get("pttl", key) <= 30000 for key in of("page"))
    assert all(0 < get("pttl", key) <= 20000 for key in of("side"))


@pytest.fixture
def own_cluster(place, cleanup):
    """Makes clusters that the test may break."""

    def make(**options):
        cluster = RedisCluster(place, **options)
        cleanup.callback(cluster.remove)
        return cluster.start()

    return make


N_ITEMS = 200_000
ITEM = 'item = { key = "item:{id}"; triggers = "item"; };'
ITEMS = """
CREATE TABLE item (id int PRIMARY KEY, n int DEFAULT 0);
INSERT INTO item SELECT n FROM generate_series(1, %d) n;
"""


def test_resharding_and_a_failover_under_load_leave_no_key(db, own_cluster, run_cdcd):
    """2,000 slots move from one master to another, and the third is killed, during 200,000
    deletes."""
    nodes = own_cluster(n_replicas=3)
    db.sql(ITEMS % N_ITEMS)
    cdcd = run_cdcd(db, rules_file(ITEM), {"redis": nodes.store()})
    nodes.warm(*(f"blog:item:{n}" for n in range(1, N_ITEMS + 1)), "blog:other")
    first, second, third = nodes.masters
    n_slots = nodes.owners().count(second)
    for master in nodes.masters:
        master.ask("WAIT", 1, 10000)
    with ThreadPoolExecutor() as pool:
        changes = pool.submit(change_items, db, 400)
        moves = pool.submit(nodes.move_all, range(2000), first, second)
        wait_for(lambda: first.ask("CLUSTER COUNTKEYSINSLOT", 500) == 0, "500 slots moved", 60)
        third.stop(signal.SIGKILL)
        moves.result()
        changes.result()
    cdcd.caught_up()
    wait_for(lambda: nodes.replicas[2] in nodes.alive(), "the replica has taken over")
    assert nodes.left() == {"blog:other"}
    assert nodes.owners().count(second) == n_slots + 2000


def change_items(db, n_transactions):
    share = N_ITEMS // n_transactions
    for i in range(n_transactions):
        db.sql(f"UPDATE item SET n = n + 1 WHERE id > {i * share} AND id <= {(i + 1) * share}")


def test_what_a_dead_master_acknowledged_alone_is_deleted_on_the_new_one(
    blog, own_cluster, run_cdcd
):
    """A replica that takes over has the keys that were deleted while it did not listen."""
    nodes = own_cluster(n_replicas=3)
    master, replica = nodes.masters[2], nodes.replicas[2]
    cdcd = run_cdcd(blog, rules_file(POST), {"redis": nodes.store()})
    keys = [f"blog:post:{n}" for n in range(1, 10)]
    nodes.warm(*keys, "blog:post:10")
    master.ask("WAIT", 1, 10000)
    replica.freeze()
    blog.sql("UPDATE blog_post SET title = 'x'")
    cdcd.caught_up()
    assert nodes.left() == {"blog:post:10"}
    master.stop(signal.SIGKILL)
    replica.thaw()
    cdcd.wait_for_log("a replica, or a new node, took over", limit=30)
    wait_for(lambda: nodes.left() == {"blog:post:10"}, "its keys are deleted again")


def test_a_shard_that_is_down_holds_back_its_keys_alone(blog, nodes, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(POST), {"redis": nodes.store(timeout="300ms")})
    keys = {f"blog:post:{n}" for n in range(1, 10)}
    nodes.warm(*keys)
    down = nodes.masters[1]
    held = {key for key in keys if nodes.owner(key) is down}
    up = [node for node in nodes.masters if node is not down]
    down.freeze()
    try:
        blog.sql("UPDATE blog_post SET title = 'x'")
        left = lambda: {key for node in up for key in node.left()}
        wait_for(lambda: not left(), "the keys of the other shards are deleted")
        cdcd.wait_for_log("a part of the store cannot do it now")
    finally:
        down.thaw()
    cdcd.caught_up()
    assert held and nodes.left() == set()


def test_a_user_of_few_rights_is_enough(blog, nodes, place, run_cdcd):
    for node in nodes.nodes:
        node.ask(
            "ACL SETUSER few on >secret resetkeys ~blog:* resetchannels -@all "
            "+ping +info +unlink +asking +cluster|slots"
        )
    password = place("password")
    password.write_text("secret", "utf-8")
    store = nodes.store(user="few", password_file=str(password))
    cdcd = run_cdcd(blog, rules_file(POST), {"redis": store})
    nodes.warm("blog:post:1", "blog:post:2", "blog:post:3")
    blog.sql("UPDATE blog_post SET title = 'x'")
    cdcd.caught_up()
    assert nodes.left() == set()
    assert "NOPERM" not in cdcd.said()


def test_a_redis_that_is_no_cluster_is_refused_as_one(blog, redis, refused):
    port = free_port()
    redis.client.config_set("port", port)
    store = {"type": "redis", "cluster": [f"127.0.0.1:{port}"]}
    code, said = refused(blog, rules_file(POST), {"redis": store})
    assert code == 78
    assert "it is no cluster: set url instead of cluster" in said


def test_a_cluster_that_speaks_tls_alone(blog, place, own_cluster, run_cdcd):
    authority = Authority(place("ca"))
    certificate, key = authority.sign()
    nodes = own_cluster(
        **{
            "tls": True,
            "tls-cert-file": str(certificate),
            "tls-key-file": str(key),
            "tls-ca-cert-file": str(authority.file),
        }
    )
    store = nodes.store(tls=True, ca_file=str(authority.file))
    cdcd = run_cdcd(blog, rules_file(POST), {"redis": store})
    nodes.warm(*(f"blog:post:{n}" for n in range(1, 11)))
    blog.sql("UPDATE blog_post SET title = 'x'")
    cdcd.caught_up()
    assert nodes.left() == {"blog:post:10"}


def test_a_scan_finds_keys_that_move_meanwhile(blog, nodes, run_cdcd):
    """They move to a node that was scanned, from one that is yet to be, and back."""
    rule = 'list = { action = "scan"; match = "list:*"; triggers = "blog_post"; };'
    cdcd = run_cdcd(blog, rules_file(rule), {"redis": nodes.store()})
    first, second, _ = nodes.masters
    with ThreadPoolExecutor() as pool:
        for _ in range(5):
            nodes.warm(*(f"blog:list:{n}" for n in range(20000)), "blog:other")
            there = pool.submit(nodes.move_all, range(100), first, second)
            blog.sql("UPDATE blog_post SET title = title || 'x'")
            there.result()
            back = pool.submit(nodes.move_all, range(100), second, first)
            cdcd.caught_up()
            back.result()
            assert nodes.left() == {"blog:other"}
