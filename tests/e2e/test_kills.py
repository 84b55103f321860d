"""Each of the four parts is killed in the middle of a stream of changes, again and again: no key
of a changed row is left."""

import random

import pytest

from daemon import rules_file
from poll import wait_for
from stream import POSTS, Stream

pytestmark = pytest.mark.both_sources

RULES = 'post = { key = "post:{id}"; triggers = "blog_post"; };'
ROUNDS = 20
FEWER = 8
TRANSACTIONS = 250


@pytest.fixture
def database(own_blog):
    blog = own_blog()
    blog.sql("INSERT INTO blog_post SELECT n, 'x' FROM generate_series(10, %s) n", POSTS)
    return blog


def survive(database, cache, cdcd, kill, start, rounds=ROUNDS):
    """Kills and starts again somewhere in a stream; at its end, all keys are gone."""
    moment = random.Random(4)
    for n in range(rounds):
        stream = Stream(database, cache, TRANSACTIONS, seed=n)
        stream.start()
        reached = moment.randrange(20, TRANSACTIONS - 20)
        wait_for(lambda: stream.done >= reached, "the stream flows", every=0.001)
        kill()
        start()
        stream.join(60)
        assert not stream.is_alive(), f"the stream of round {n} does not end"
        cdcd.caught_up()
        assert cache.left() == set(), f"round {n}"
    assert "may have been missed" not in cdcd.said(), "a crash is no gap"


def test_killing_cdcd_loses_nothing(database, redis, run_cdcd):
    cdcd = run_cdcd(database, rules_file(RULES), redis)
    survive(database, redis, cdcd, cdcd.kill9, cdcd.start)


def test_killing_redis_loses_nothing(database, make_redis, run_cdcd):
    redis = make_redis(appendonly="yes", appendfsync="everysec")
    cdcd = run_cdcd(database, rules_file(RULES), redis)
    survive(database, redis, cdcd, redis.kill9, redis.start)


def test_killing_memcached_loses_nothing(database, memcached, run_cdcd):
    cdcd = run_cdcd(database, rules_file(RULES, store="mc"), memcached)
    survive(database, memcached, cdcd, memcached.kill9, memcached.start)


def test_stopping_postgresql_at_once_loses_nothing(database, redis, run_cdcd):
    cdcd = run_cdcd(database, rules_file(RULES), redis)
    cluster = database.cluster
    survive(database, redis, cdcd, lambda: cluster.stop("immediate"), cluster.start)


def test_restarting_postgresql_loses_nothing(database, redis, run_cdcd):
    cdcd = run_cdcd(database, rules_file(RULES), redis)
    cluster = database.cluster
    survive(database, redis, cdcd, lambda: cluster.stop("fast"), cluster.start, FEWER)


def test_connections_that_are_terminated_lose_nothing(database, redis, run_cdcd):
    """One of them at a time, whatever it is for."""
    cdcd = run_cdcd(database, rules_file(RULES), redis)
    connections = "application_name LIKE 'cdcd%%' AND datname = %s ORDER BY random() LIMIT 1"

    def terminate():
        database.sql(
            f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE {connections}", database.name
        )

    survive(database, redis, cdcd, terminate, lambda: None, FEWER)


def test_daemons_that_take_over_from_each_other_lose_nothing(database, redis, run_cdcd, new_cdcd):
    """The one that reads is killed, and becomes the other's standby."""
    cdcd = run_cdcd(database, rules_file(RULES), redis)
    daemons = [cdcd, new_cdcd(database, rules_file(RULES), redis).launch()]

    def kill():
        daemons[0].kill9()

    def start():
        daemons.append(daemons.pop(0).launch())

    survive(database, redis, cdcd, kill, start, FEWER)
