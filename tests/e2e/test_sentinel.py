"""A Redis with sentinels: which server is the master, and what an old one acknowledged."""

import pytest

from daemon import rules_file
from poll import wait_for
from sentinels import NAME, Group, Sentinel

RULES = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };')
KEYS = {f"blog:post:{n}" for n in range(1, 10)}


@pytest.fixture
def group(place, cleanup):
    return Group(place, cleanup)


@pytest.fixture
def one(place, cleanup):
    """No replicas: nobody takes over."""
    return Group(place, cleanup, n_replicas=0)


@pytest.fixture
def two(place, cleanup):
    """Only one can take over."""
    return Group(place, cleanup, n_replicas=1)


def change_all(blog):
    blog.sql("UPDATE blog_post SET title = title || '.'")


def test_deletes_that_no_replica_had_when_the_master_died_are_done_again(blog, group, run_cdcd):
    cdcd = run_cdcd(blog, RULES, {"redis": group.store()})
    master = group.master
    master.warm(*KEYS)
    wait_for(lambda: all(replica.left() == KEYS for replica in group.replicas), "all have the keys")
    for replica in group.replicas:
        replica.freeze()
    # What is in the sockets of a frozen replica would reach it yet.
    master.client.execute_command("CLIENT", "KILL", "TYPE", "replica")
    change_all(blog)
    cdcd.caught_up()
    assert master.left() == set()
    cdcd.freeze()
    master.kill9()
    for replica in group.replicas:
        replica.thaw()
    new = group.wait_for_switch()
    assert new.left() == KEYS
    cdcd.thaw()
    wait_for(lambda: new.left() == set(), "the new master lacks the keys", 60)
    cdcd.wait_for_log(f"it is sent again .*:{new.port}. n=9")
    assert "every cache in it is cleared" not in cdcd.said()


def test_an_old_master_that_comes_back_is_not_believed(blog, two, run_cdcd):
    cdcd = run_cdcd(blog, RULES, {"redis": two.store()})
    old = two.master
    old.kill9()
    new = two.wait_for_switch()
    change_all(blog)
    cdcd.caught_up()
    old.start_as_master()
    for n in range(20):
        new.warm(*KEYS)
        new.client.client_kill_filter(_type="normal", skipme=True)
        change_all(blog)
        cdcd.caught_up()
        assert new.left() == set(), f"round {n}"
    ups = [line for line in cdcd.said().splitlines() if "store is up" in line]
    assert f"127.0.0.1:{new.port}" in ups[-1]
    assert len([line for line in ups if f"127.0.0.1:{old.port}\"" in line]) == 1


def test_a_switch_that_was_asked_for_is_followed(blog, two, run_cdcd):
    cdcd = run_cdcd(blog, RULES, {"redis": two.store()})
    change_all(blog)
    cdcd.caught_up()
    two.sentinels[0].client.sentinel_failover(NAME)
    new = two.wait_for_switch()
    cdcd.wait_for_log(f"store is up .*:{new.port}")
    new.warm(*KEYS)
    change_all(blog)
    cdcd.caught_up()
    assert new.left() == set()


def test_a_sentinel_that_names_another_master_is_outvoted(blog, one, place, cleanup, run_cdcd):
    liar = Sentinel(place("sentinel"), 1, quorum=3)
    cleanup.callback(liar.remove)
    liar.start()
    addresses = [f"127.0.0.1:{sentinel.port}" for sentinel in (liar, *one.sentinels[:2])]
    cdcd = run_cdcd(blog, RULES, {"redis": one.store(sentinels=addresses)})
    one.master.warm(*KEYS)
    change_all(blog)
    cdcd.caught_up()
    assert one.master.left() == set()
    one.master.client.client_kill_filter(_type="normal", skipme=True)
    cdcd.wait_for_log("a sentinel names another master than most, it is not believed")


def test_the_connection_outlives_the_sentinels(blog, one, run_cdcd):
    cdcd = run_cdcd(blog, RULES, {"redis": one.store()})
    for sentinel in one.sentinels:
        sentinel.kill9()
    cdcd.wait_for_log("sentinel is lost")
    one.master.warm(*KEYS)
    change_all(blog)
    cdcd.caught_up()
    assert one.master.left() == set()
    assert "store is lost" not in cdcd.said()


def test_a_master_is_not_believed_without_a_majority(blog, one, run_cdcd):
    cdcd = run_cdcd(blog, RULES, {"redis": one.store()})
    one.master.warm(*KEYS)
    for sentinel in one.sentinels[:2]:
        sentinel.kill9()
    one.master.client.client_kill_filter(_type="normal", skipme=True)
    cdcd.wait_for_log("2 of 3 sentinels do not answer, so no majority names a master")
    change_all(blog)
    cdcd.read()
    assert one.master.left() == KEYS
    one.sentinels[0].start()
    cdcd.caught_up()
    assert one.master.left() == set()


def test_an_unknown_name_is_said_with_the_remedy(blog, one, new_cdcd):
    cdcd = new_cdcd(blog, RULES, {"redis": one.store(master="nobody")}).launch()
    cdcd.wait_for_log('3 of 3 sentinels know no master "nobody": mend master, or sentinels')
    assert cdcd.running()


def test_a_redis_that_is_no_sentinel_is_named(blog, redis, one, new_cdcd):
    store = one.store(sentinels=[f"127.0.0.1:{one.master.port}"])
    cdcd = new_cdcd(blog, RULES, {"redis": store}).launch()
    cdcd.wait_for_log("sentinel 127.0.0.1:.* does not say who the master is: ERR unknown command")


def test_a_master_that_is_started_again_in_its_place_is_cleaned(blog, one, run_cdcd):
    """Its data is of before the deletes."""
    cdcd = run_cdcd(blog, RULES, {"redis": one.store()})
    one.master.warm(*KEYS)
    one.master.client.save()
    change_all(blog)
    cdcd.caught_up()
    assert one.master.left() == set()
    one.master.kill9()
    one.master.start()
    wait_for(lambda: one.master.left() == set(), "the deletes are done again", 60)


def test_with_wait_replicas_what_no_replica_has_is_not_confirmed(blog, two, run_cdcd):
    cdcd = run_cdcd(blog, RULES, {"redis": two.store(wait_replicas=1)})
    replica = two.replicas[0]
    change_all(blog)
    cdcd.caught_up()
    two.master.warm(*KEYS)
    wait_for(lambda: replica.left() == KEYS, "the replica has the keys")
    replica.freeze()
    change_all(blog)
    moment = cdcd.moment()
    cdcd.wait_for_log("0 of 1 replicas have it: look at them, or lower wait_replicas of store redis")
    assert two.master.left() == set()
    assert not cdcd.confirmed(moment)
    replica.thaw()
    cdcd.caught_up()
    assert replica.left() == set()


@pytest.mark.parametrize(
    "settings, complaint",
    [
        ({"master": None}, "has sentinels and no master; set master"),
        ({"sentinels": None}, "has a master and no sentinels; set sentinels"),
        ({"url": "redis://127.0.0.1"}, "has sentinels, which name its server; remove url"),
        ({"sentinels": ["127.0.0.1:x"]}, "in sentinels: the port is no number"),
        ({"sentinels": ["a", "a"]}, "stands twice in sentinels"),
    ],
)
def test_settings_that_make_no_sense_are_refused(blog, refused, settings, complaint):
    store = {"type": "redis", "sentinels": ["127.0.0.1:26379"], "master": NAME, **settings}
    code, said = refused(blog, RULES, {"redis": {k: v for k, v in store.items() if v is not None}})
    assert code == 78
    assert complaint in said
