"""Refilling without going stale: the race, and each cure of rules/recipes, on real servers."""

import threading

import pytest
import redis as redis_client

import race

ROUNDS, SEED = 400, 20
CHANGE = "UPDATE product SET version = version + 1"


@pytest.fixture
def product(db):
    db.sql(race.TABLE)
    db.sql("INSERT INTO product VALUES (7, 1)")
    return db


def server_of(request, kind):
    return request.getfixturevalue("redis" if kind.store == "redis" else "memcached")


# ---- rounds at random ----


@pytest.fixture
def run_race(request, db, run_cdcd):
    def run(kind):
        server = server_of(request, kind)
        db.sql(race.TABLE)
        cdcd = run_cdcd(db, kind.rules_text(), server)
        return race.Race(kind(server), db, cdcd, SEED).run(ROUNDS, size=200)

    return run


@pytest.mark.parametrize("kind", race.NO_CURES)
def test_a_late_write_stays_stale_without_a_cure(run_race, kind):
    assert run_race(kind) > ROUNDS / 50


@pytest.mark.parametrize("kind", race.CURES)
def test_no_late_write_stays_stale_with_a_cure(run_race, kind):
    assert run_race(kind) == 0


# ---- the race, step by step ----


def test_the_race_by_its_commands(product, redis, run_cdcd):
    cdcd = run_cdcd(product, race.Plain.rules_text(), redis)
    assert redis.client.get("shop:product:7") is None
    read = product.value("SELECT version FROM product WHERE id = 7")
    product.sql(CHANGE)
    cdcd.caught_up()
    redis.client.set("shop:product:7", read)
    cdcd.caught_up()
    assert redis.client.get("shop:product:7") == b"1"
    assert product.value("SELECT version FROM product WHERE id = 7") == 2


@pytest.mark.parametrize("rules,answer", [("lease_memcached", "NF"), ("stale_memcached", "EX")])
def test_memcached_refuses_a_late_write_with_its_lease(product, memcached, run_cdcd, rules, answer):
    kind = type("Kind", (race.LeaseMemcached,), {"rules": rules})
    cdcd = run_cdcd(product, kind.rules_text(), memcached)
    client = race.recipe("lease_memcached").Memcached(memcached.socket)
    word, flags, value = client.ask("mg shop:product:7 v c N30")
    assert (word, value) == ("VA", b"") and "W" in flags
    product.sql(CHANGE)
    cdcd.caught_up()
    assert client.ask(f"ms shop:product:7 1 C{flags['c']} T3600", b"1")[0] == answer


def test_memcached_marks_a_late_write_that_says_it_may_be_old(product, memcached, run_cdcd):
    cdcd = run_cdcd(product, race.StaleMemcached.rules_text(), memcached)
    client = race.recipe("lease_memcached").Memcached(memcached.socket)
    _, flags, _ = client.ask("mg shop:product:7 v c N30")
    product.sql(CHANGE)
    cdcd.caught_up()
    assert client.ask(f"ms shop:product:7 1 I C{flags['c']} T3600", b"1")[0] == "HD"
    _, flags, value = client.ask("mg shop:product:7 v")
    assert value == b"1" and {"X", "W"} <= set(flags)


class Full(redis_client.Redis):
    """Has no room for a version."""

    def set(self, name, *words, **more):
        super().set(name, *words, **more)
        if name.endswith(":version"):
            self.delete(name)


def test_where_a_version_goes_at_once_nothing_old_is_served(redis):
    client = Full(unix_socket_path=str(redis.socket))
    cached = race.recipe("versions").cached
    assert cached(client, "shop:product:7", lambda: b"old") == b"old"
    assert cached(client, "shop:product:7", lambda: b"new") == b"new"


class StaleRedis(race.Cure):
    rules = module = "stale_redis"


# ---- PHP ----


def test_of_two_readers_in_php_one_refreshes_and_the_other_gets_the_old(
    product, redis, run_cdcd, cleanup
):
    cdcd = run_cdcd(product, StaleRedis.rules_text(), redis)
    php = race.Php("stale_redis.php", redis.socket)
    cleanup.callback(php.end)
    assert php.cached("shop:product:7", lambda: b"old") == b"old"
    product.sql(CHANGE)
    cdcd.caught_up()
    assert php.ask("begin one shop:product:7") == "load"
    assert php.ask("begin other shop:product:7") == "value old"
    assert php.ask("answer one new") == "value new"
    assert php.ask("begin other shop:product:7") == "value new"


# ---- one refreshes, the others are served the old ----

READERS = 50


def connect(kind, server):
    if kind.store == "redis":
        return redis_client.Redis(unix_socket_path=str(server.socket))
    return race.recipe("lease_memcached").Memcached(server.socket)


class Crowd:
    """Readers who all come at once, each with a connection of its own."""

    def __init__(self, kind, server, key):
        self.kind, self.server, self.key = kind, server, key
        self.cached = race.recipe(kind.module).cached
        self.start = threading.Barrier(READERS)
        self.served, self.n_loads = [], 0
        self.others_served = threading.Event()
        self.lock = threading.Lock()

    def load(self):
        with self.lock:
            self.n_loads += 1
        assert self.others_served.wait(30), "readers wait for the one who refreshes"
        return b"new"

    def read(self):
        client = connect(self.kind, self.server)
        self.start.wait(30)
        value = self.cached(client, self.key, self.load)
        with self.lock:
            self.served.append(value)
            if len(self.served) == READERS - 1:
                self.others_served.set()

    def run(self):
        threads = [threading.Thread(target=self.read) for _ in range(READERS)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(60)


@pytest.mark.parametrize("kind", [StaleRedis, race.StaleMemcached])
def test_of_fifty_readers_one_refreshes_and_the_others_get_the_old(
    request, product, run_cdcd, kind
):
    server = server_of(request, kind)
    cdcd = run_cdcd(product, kind.rules_text(), server)
    client = connect(kind, server)
    cached = race.recipe(kind.module).cached
    for _ in range(2):
        assert cached(client, "shop:product:7", lambda: b"old") == b"old"
    product.sql(CHANGE)
    cdcd.caught_up()
    crowd = Crowd(kind, server, "shop:product:7")
    crowd.run()
    assert crowd.n_loads == 1
    assert sorted(crowd.served) == [b"new"] + [b"old"] * (READERS - 1)
    assert cached(client, "shop:product:7", lambda: b"never") == b"new"
