"""The daemon's own life: how it stops, reloads, stands by and takes over."""

import re
import signal
import subprocess

import pytest

from daemon import rules_file
from poll import wait_for
from postgres import as_postgres, binary
from servers import LEASH

pytestmark = pytest.mark.both_sources

POST = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };')
COMMENT = rules_file('comment = { key = "comment:{id}"; triggers = "blog_comment"; };')
BOTH = rules_file(
    """
  post = { key = "post:{id}"; triggers = "blog_post"; };
  comment = { key = "comment:{id}"; triggers = "blog_comment"; };
"""
)


def touch(database, n=1):
    database.sql("UPDATE blog_post SET title = title || '!' WHERE id = %s", n)


def fill(database, n):
    database.sql("INSERT INTO blog_post SELECT n, 'x' FROM generate_series(10, %s) n", n)


def test_sigterm_finishes_what_it_has_and_confirms_it(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, POST, redis)
    redis.warm("blog:post:1", "blog:post:2")
    redis.client.client_pause(60000, all=False)
    touch(blog)
    moment = cdcd.moment()
    wait_for(lambda: waits_for_answer(redis, "unlink"), "Redis has the op, and does not answer")
    cdcd.process.terminate()
    wait_for(lambda: was_taken(cdcd, signal.SIGTERM), "SIGTERM is taken")
    assert cdcd.running()
    redis.client.client_unpause()
    assert cdcd.exit_code() == 0
    assert redis.left() == {"blog:post:2"}
    wait_for(lambda: cdcd.confirmed(moment), "the change is confirmed")


def waits_for_answer(redis, command):
    return any(
        client["cmd"] == command and "b" in client["flags"]
        for client in redis.client.client_list()
    )


@pytest.mark.replication
def test_what_is_confirmed_at_the_end_has_been_done(blog, redis, run_cdcd):
    """Stopped in the middle of many transactions: those that will not be sent again are done."""
    cdcd = run_cdcd(blog, POST, redis)
    fill(blog, 3000)
    cdcd.caught_up()
    redis.warm(*(f"blog:post:{n}" for n in range(1, 3001)))
    ends = {}
    with blog.session(autocommit=True) as session, session.cursor() as cursor:
        for n in range(1, 3001):
            cursor.execute("UPDATE blog_post SET title = 'z' WHERE id = %s", (n,))
            cursor.execute("SELECT pg_current_wal_lsn()")
            ends[n] = cursor.fetchone()[0]
            if n == 2000:
                cdcd.process.terminate()
    assert cdcd.exit_code() == 0
    left = redis.left()
    confirmed = blog.confirmed_flush(cdcd.slot)
    undone = [n for n in ends if f"blog:post:{n}" in left]
    assert [n for n in undone if lsn_number(ends[n]) <= lsn_number(confirmed)] == []
    cdcd.start()
    cdcd.caught_up()
    assert redis.left() == set()


def lsn_number(lsn):
    high, low = lsn.split("/")
    return (int(high, 16) << 32) + int(low, 16)


def test_a_second_sigterm_ends_it_at_once(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, POST, {"redis": redis.store(timeout="60s")})
    redis.warm("blog:post:1")
    redis.freeze()
    touch(blog)
    cdcd.read()
    moment = cdcd.moment()
    cdcd.process.terminate()
    wait_for(lambda: was_taken(cdcd, signal.SIGTERM), "the first SIGTERM is taken")
    cdcd.process.terminate()
    cdcd.exit_code(limit=3)
    redis.thaw()
    assert not cdcd.confirmed(moment)
    cdcd.start()
    cdcd.caught_up()
    assert redis.left() == set()


def was_taken(cdcd, number):
    """The signal is pending no more; two that come together are one."""
    with open(f"/proc/{cdcd.process.pid}/status", encoding="ascii") as status:
        pending = re.search(r"ShdPnd:\s+(\w+)", status.read()).group(1)
    return int(pending, 16) & (1 << (number - 1)) == 0


def test_sigterm_ends_a_daemon_that_waits_for_its_database(own_blog, redis, new_cdcd):
    database = own_blog()
    database.cluster.stop()
    cdcd = new_cdcd(database, POST, redis).launch()
    cdcd.wait_for_log("connect")
    assert cdcd.terminate() == 0


def test_a_reload_brings_new_rules_and_their_tables(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, POST, redis)
    pid = cdcd.process.pid
    redis.warm("blog:post:1", "blog:comment:1", "blog:comment:2")
    cdcd.write_rules(BOTH)
    cdcd.reload()
    cdcd.wait_for_log("rules loaded")
    wait_for(lambda: cleared_by_change(blog, redis), "the new rule is at work")
    touch(blog)
    cdcd.caught_up()
    assert redis.left() == {"blog:comment:2"}
    assert cdcd.process.pid == pid and cdcd.running()


def cleared_by_change(blog, redis):
    """Rules count from the moment they are loaded, which nobody but the daemon knows."""
    blog.sql("UPDATE blog_comment SET text = 'x' WHERE id = 1")
    return not redis.has("blog:comment:1")


def test_a_reload_drops_the_old_rules(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, BOTH, redis)
    redis.warm("blog:post:1", "blog:comment:1")
    cdcd.write_rules(COMMENT)
    cdcd.reload()
    cdcd.wait_for_log("rules loaded")
    wait_for(lambda: cleared_by_change(blog, redis), "the daemon works")
    redis.warm("blog:post:2")
    touch(blog, 2)
    cdcd.caught_up()
    assert redis.has("blog:post:2")


def test_a_reload_of_broken_rules_keeps_the_old_ones_whole(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, {"a.cfg": POST}, redis)
    redis.warm("blog:post:1", "blog:comment:1")
    cdcd.write_rules({"a.cfg": COMMENT, "b.cfg": 'cdcd = 1;\napp = "b";\ncaches = { oops\n'})
    cdcd.reload()
    cdcd.wait_for_log("rules not loaded")
    assert f"{cdcd.folder}/rules.d/b.cfg:" in cdcd.said()
    blog.sql("UPDATE blog_comment SET text = 'x' WHERE id = 1")
    touch(blog)
    cdcd.caught_up()
    assert redis.left() == {"blog:comment:1"}


@pytest.mark.replication
def test_a_reload_with_a_weak_identity_keeps_the_old_rules(blog, redis, run_cdcd):
    blog.sql("CREATE TABLE weak (id int PRIMARY KEY, a int)")
    cdcd = run_cdcd(blog, POST, redis)
    redis.warm("blog:post:1", "blog:post:2")
    weak = rules_file('weak = { key = "{a}"; triggers = "weak"; };', app="weak")
    cdcd.write_rules({"weak.cfg": weak})
    cdcd.reload()
    cdcd.wait_for_log("REPLICA IDENTITY")
    touch(blog)
    cdcd.caught_up()
    assert redis.left() == {"blog:post:2"}


def test_a_reload_while_the_database_is_down_counts_when_it_is_back(own_blog, redis, new_cdcd):
    database = own_blog()
    database.cluster.stop()
    cdcd = new_cdcd(database, POST, redis).launch()
    cdcd.wait_for_log("trying again")
    cdcd.write_rules(COMMENT)
    cdcd.reload()
    database.cluster.start()
    cdcd.wait_for_log("rules loaded")
    wait_for(cdcd.answers, "cdcd streams")
    redis.warm("blog:post:1", "blog:comment:1")
    touch(database)
    wait_for(lambda: cleared_by_change(database, redis), "the new rule is at work")
    cdcd.caught_up()
    assert redis.left() == {"blog:post:1"}


@pytest.mark.replication
def test_a_reload_before_the_start_that_is_refused_keeps_the_old_rules(own_blog, redis, new_cdcd):
    database = own_blog()
    database.cluster.stop()
    cdcd = new_cdcd(database, POST, redis).launch()
    cdcd.wait_for_log("trying again")
    cdcd.write_rules(rules_file('weak = { key = "{title}"; triggers = "blog_post"; };'))
    cdcd.reload()
    wait_for(lambda: was_taken(cdcd, signal.SIGHUP), "SIGHUP is taken")
    database.cluster.start()
    cdcd.wait_for_log("rules not loaded")
    assert "REPLICA IDENTITY" in cdcd.said()
    wait_for(cdcd.answers, "cdcd streams")
    redis.warm("blog:post:1", "blog:post:2")
    touch(database)
    cdcd.caught_up()
    assert redis.left() == {"blog:post:2"}


def test_of_several_reloads_before_the_start_the_last_counts(own_blog, redis, new_cdcd):
    database = own_blog()
    database.cluster.stop()
    cdcd = new_cdcd(database, POST, redis).launch()
    cdcd.wait_for_log("trying again")
    for rules in (BOTH, COMMENT):
        cdcd.write_rules(rules)
        cdcd.reload()
        wait_for(lambda: was_taken(cdcd, signal.SIGHUP), "SIGHUP is taken")
    database.cluster.start()
    wait_for(lambda: cdcd.said().count("rules loaded") >= 2, "both are loaded")
    wait_for(cdcd.answers, "cdcd streams")
    redis.warm("blog:post:1", "blog:comment:1")
    touch(database)
    wait_for(lambda: cleared_by_change(database, redis), "the last rules are at work")
    cdcd.caught_up()
    assert redis.left() == {"blog:post:1"}


def test_a_reload_under_load_loses_nothing(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, POST, redis)
    fill(blog, 2000)
    redis.warm(*(f"blog:post:{n}" for n in range(1, 2001)))
    with blog.session(autocommit=True) as session, session.cursor() as cursor:
        for n in range(1, 2001):
            cursor.execute("UPDATE blog_post SET title = 'z' WHERE id = %s", (n,))
            if n % 200 == 0:
                cdcd.write_rules(BOTH if n % 400 else POST)
                cdcd.reload()
    cdcd.caught_up()
    assert redis.left() == set()


def test_a_standby_takes_over_within_seconds(blog, redis, run_cdcd, new_cdcd):
    first = run_cdcd(blog, POST, redis)
    standby = new_cdcd(blog, POST, redis).launch()
    standby.wait_for_log("(?i)standby")
    redis.warm("blog:post:1", "blog:post:2")
    touch(blog, 1)
    first.caught_up()
    assert redis.left() == {"blog:post:2"}
    first.kill9()
    touch(blog, 2)
    standby.caught_up(limit=5)
    assert redis.left() == set()


@pytest.mark.replication
def test_a_standby_waits_for_as_long_as_the_slot_is_busy(blog, redis, new_cdcd):
    cdcd = new_cdcd(blog, POST, redis).start()
    assert cdcd.terminate() == 0
    other = subprocess.Popen(
        LEASH
        + as_postgres()
        + [binary("pg_recvlogical"), "-d", blog.conninfo(), "-S", cdcd.slot, "--start", "-f", "-"]
        + ["-o", "proto_version=1", "-o", f"publication_names={cdcd.slot}"],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        holder = wait_for(blog.walsenders, "pg_recvlogical holds the slot")
        cdcd.launch()
        cdcd.wait_for_log("(?i)standby")
        assert blog.walsenders() == holder
    finally:
        other.kill()
        other.wait()
    redis.warm("blog:post:1")
    wait_for(cdcd.answers, "cdcd has the slot")
    touch(blog)
    cdcd.caught_up()
    assert redis.left() == set()
