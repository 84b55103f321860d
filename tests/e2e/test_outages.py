"""Databases and stores that are not there, go away, hang and come back."""

import pytest

from daemon import rules_file
from poll import wait_for
from proxy import Proxy

pytestmark = pytest.mark.both_sources

POST = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };')
POST_IN_MC = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };', store="mc")


def touch(database, n=1):
    database.sql("UPDATE blog_post SET title = title || '!' WHERE id = %s", n)


def test_a_database_that_is_down_at_the_start_is_waited_for(own_blog, redis, new_cdcd):
    database = own_blog()
    database.cluster.stop()
    cdcd = new_cdcd(database, POST, redis).launch()
    cdcd.wait_for_log("connect")
    database.cluster.start()
    wait_for(cdcd.answers, "cdcd streams")
    redis.warm("blog:post:1")
    touch(database)
    cdcd.caught_up()
    assert redis.left() == set()


def test_a_store_that_is_down_at_the_start_is_waited_for(blog, make_redis, new_cdcd):
    redis = make_redis(appendonly="yes")
    cdcd = new_cdcd(blog, POST, redis).start()
    assert cdcd.terminate() == 0
    redis.warm("blog:post:1", "blog:post:2")
    redis.stop()
    touch(blog)
    cdcd.launch()
    cdcd.wait_for_log("redis")
    redis.start()
    cdcd.caught_up()
    assert redis.left() == {"blog:post:2"}


def test_a_store_that_stops_and_starts_gets_all_that_it_missed(blog, make_redis, run_cdcd):
    redis = make_redis(appendonly="yes")
    cdcd = run_cdcd(blog, POST, redis)
    redis.warm(*(f"blog:post:{n}" for n in range(1, 10)))
    redis.stop()
    for n in range(1, 9):
        touch(blog, n)
    redis.start()
    cdcd.caught_up()
    assert redis.left() == {"blog:post:9"}


def test_a_store_that_is_away_for_longer_than_detach_after_gets_it_all(
    blog, make_redis, run_cdcd
):
    redis = make_redis(appendonly="yes")
    cdcd = run_cdcd(blog, POST, redis, source={"detach_after": "200ms"})
    redis.warm(*(f"blog:post:{n}" for n in range(1, 10)))
    redis.stop()
    touch(blog, 1)
    wait_for(lambda: not cdcd.answers(), "cdcd has left the stream")
    for n in range(2, 9):
        touch(blog, n)
    redis.start()
    wait_for(cdcd.answers, "cdcd streams again")
    cdcd.caught_up()
    assert redis.left() == {"blog:post:9"}


@pytest.mark.parametrize("store", ["redis", "memcached"])
def test_a_store_that_hangs_loses_nothing(blog, request, run_cdcd, store):
    cache = request.getfixturevalue(store)
    rules = POST if store == "redis" else POST_IN_MC
    stores = {cache.store_name: cache.store(timeout="200ms")}
    cdcd = run_cdcd(blog, rules, stores)
    cache.warm("blog:post:1", "blog:post:2", "blog:post:3")
    cache.freeze()
    touch(blog, 1)
    cdcd.wait_for_log("no answer")
    touch(blog, 2)
    cache.thaw()
    cdcd.caught_up()
    assert cache.left() == {"blog:post:3"}


@pytest.mark.parametrize("store", ["redis", "memcached"])
def test_what_was_sent_and_not_answered_is_sent_again(
    blog, place, cleanup, request, run_cdcd, store
):
    """The requests vanish, and then the connection: nobody knows what was done."""
    cache = request.getfixturevalue(store)
    proxy = Proxy(place("proxy") / "socket", cache.socket)
    cleanup.callback(proxy.close)
    rules = POST if store == "redis" else POST_IN_MC
    settings = cache.store(url=f"unix://{proxy.path}", servers=[f"unix:{proxy.path}"])
    settings.pop("servers" if store == "redis" else "url")
    cdcd = run_cdcd(blog, rules, {cache.store_name: settings})
    cache.warm("blog:post:1", "blog:post:2", "blog:post:3")
    proxy.swallow()
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id IN (1, 2)")
    wait_for(lambda: proxy.n_swallowed, "the ops vanish")
    proxy.swallow(False)
    proxy.cut()
    cdcd.caught_up()
    assert cache.left() == {"blog:post:3"}


def test_a_redis_that_answers_with_errors_is_asked_again(blog, redis, run_cdcd):
    """A replica refuses to delete: READONLY."""
    cdcd = run_cdcd(blog, POST, redis)
    redis.warm("blog:post:1")
    redis.client.replicaof("127.0.0.1", "1")
    touch(blog)
    cdcd.wait_for_log("READONLY")
    assert redis.has("blog:post:1")
    redis.client.replicaof("NO", "ONE")
    cdcd.caught_up()
    assert redis.left() == set()


def test_a_key_that_redis_forbids_does_not_count_as_deleted(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, POST, redis)
    redis.warm("blog:post:1", "blog:post:2")
    redis.client.execute_command("ACL SETUSER default resetkeys ~blog:post:2 ~canary")
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id IN (1, 2)")
    cdcd.wait_for_log("NOPERM|permission")
    wait_for(lambda: not redis.has("blog:post:2"), "the allowed key leaves")
    redis.client.execute_command("ACL SETUSER default allkeys")
    cdcd.caught_up()
    assert redis.left() == set()


def test_a_terminated_reader_is_replaced(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, POST, redis)
    redis.warm("blog:post:1")
    (reader,) = cdcd.reader()
    blog.sql("SELECT pg_terminate_backend(%s)", reader)
    touch(blog)
    wait_for(lambda: cdcd.reader() - {reader}, "cdcd reads again")
    cdcd.caught_up()
    assert redis.left() == set()


def test_a_terminated_side_connection_is_replaced(blog, redis, run_cdcd):
    """The gate asks on a connection of its own."""
    cdcd = run_cdcd(blog, POST, redis)
    redis.warm("blog:post:1", "blog:post:2")
    touch(blog, 1)
    cdcd.caught_up()
    terminated = blog.value(
        """SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity
           WHERE datname = %s AND backend_type = 'client backend' AND pid <> pg_backend_pid()""",
        blog.name,
    )
    assert terminated > 0
    touch(blog, 2)
    cdcd.caught_up()
    assert redis.left() == set()


@pytest.mark.parametrize("how", ["fast", "immediate"])
def test_a_database_that_restarts_goes_on(own_blog, redis, run_cdcd, how):
    database = own_blog()
    cdcd = run_cdcd(database, POST, redis)
    redis.warm("blog:post:1", "blog:post:2")
    touch(database, 1)
    database.cluster.stop(how)
    database.cluster.start()
    touch(database, 2)
    cdcd.caught_up()
    assert redis.left() == set()


def test_a_fast_stop_waits_for_nobody(own_blog, redis, run_cdcd):
    database = own_blog()
    run_cdcd(database, POST, redis)
    redis.warm("blog:post:1")
    touch(database)
    assert database.cluster.stop("fast") < 3
    database.cluster.start()


@pytest.mark.parametrize("trouble", ["down", "hangs"])
def test_a_fast_stop_is_not_held_up_by_a_store_in_trouble(
    own_blog, make_redis, run_cdcd, trouble
):
    redis = make_redis(appendonly="yes")
    database = own_blog()
    cdcd = run_cdcd(database, POST, {"redis": redis.store(timeout="60s")})
    redis.warm("blog:post:1", "blog:post:2")
    redis.stop() if trouble == "down" else redis.freeze()
    touch(database)
    cdcd.read()
    assert database.cluster.stop("fast") < 5
    redis.start() if trouble == "down" else redis.thaw()
    database.cluster.start()
    wait_for(cdcd.answers, "cdcd streams again")
    cdcd.caught_up()
    assert redis.left() == {"blog:post:2"}


@pytest.mark.replication
def test_a_store_that_hangs_does_not_cost_the_stream(own_blog, redis, run_cdcd):
    """PostgreSQL ends connections that say nothing for wal_sender_timeout."""
    database = own_blog(wal_sender_timeout="1s")
    stores = {"redis": redis.store(timeout="60s")}
    cdcd = run_cdcd(database, POST, stores, source={"detach_after": "60s"})
    walsenders = database.walsenders()
    redis.warm("blog:post:1")
    redis.freeze()
    touch(database)
    cdcd.read()
    begin = database.value("SELECT now()")
    replied = "SELECT max(reply_time) > %s + interval '3s' FROM pg_stat_replication"
    wait_for(lambda: database.value(replied, begin), "three times the timeout goes by")
    assert database.walsenders() == walsenders
    redis.thaw()
    cdcd.caught_up()
    assert redis.left() == set()
    assert database.walsenders() == walsenders


def test_much_change_while_a_store_is_down_does_not_fill_the_memory(
    blog, make_redis, run_cdcd, mode
):
    rows = 200000 if mode == "replication" else 60000
    redis = make_redis(appendonly="yes")
    blog.sql("INSERT INTO blog_post SELECT n, 'x' FROM generate_series(10, %s) n", rows)
    settings = {"source": {"detach_after": "60s"}, "limits": {"buffer": "1MB"}}
    cdcd = run_cdcd(blog, POST, redis, **settings)
    redis.warm(*(f"blog:post:{n}" for n in range(1, rows + 1)))
    redis.stop()
    blog.sql("UPDATE blog_post SET title = 'y'")
    blog.sql("UPDATE blog_post SET title = 'z' WHERE id < 100")
    redis.start()
    cdcd.caught_up()
    assert redis.left() == set()
    assert cdcd.peak_memory() < 20 << 20
