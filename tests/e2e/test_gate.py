"""A key leaves only when its change can be seen.

PostgreSQL sends a commit to the replication connection when it is written, and shows it to others
when the synchronous standbys have it too. A standby that never answers holds that moment open."""

import threading

import pytest

from daemon import rules_file
from poll import wait_for

POST = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };')


class SlowCommit(threading.Thread):
    """A transaction whose commit waits for a standby that is not there."""

    def __init__(self, database):
        super().__init__(daemon=True)
        self.database = database

    def run(self):
        self.database.sql(
            """SET synchronous_commit = on;
               BEGIN; UPDATE blog_post SET title = 'new' WHERE id = 1; COMMIT"""
        )

    def wait(self):
        waiting = "SELECT count(*) FROM pg_stat_activity WHERE wait_event = 'SyncRep'"
        wait_for(lambda: self.database.value(waiting) == 1, "the commit waits for the standby")


@pytest.fixture
def synchronous(own_blog):
    """A blog whose synchronous standby is away; only who asks for it waits."""
    return own_blog(synchronous_standby_names="nobody", synchronous_commit="local")


def release(database):
    database.cluster.set(synchronous_standby_names="")


def reader_sees(database):
    return database.value("SELECT title FROM blog_post WHERE id = 1")


def asked_again(database, times):
    """Waits until the gate has asked so many times what can be seen."""
    question = """SELECT query_start FROM pg_stat_activity
                  WHERE datname = %s AND query LIKE '%%pg_current_snapshot%%'
                    AND pid <> pg_backend_pid()"""
    seen = set()

    def enough():
        seen.update(database.sql(question, database.name))
        return len(seen) > times

    wait_for(enough, "the gate asks again")


def test_without_the_gate_a_key_leaves_before_its_change_can_be_seen(
    synchronous, redis, run_cdcd
):
    run_cdcd(synchronous, POST, redis, source={"visibility": "none"})
    redis.warm("blog:post:1")
    commit = SlowCommit(synchronous)
    commit.start()
    commit.wait()
    wait_for(lambda: not redis.has("blog:post:1"), "the key leaves")
    assert reader_sees(synchronous) == "title 1"
    release(synchronous)
    commit.join()


def test_with_the_gate_a_key_leaves_when_its_change_can_be_seen(synchronous, redis, run_cdcd):
    cdcd = run_cdcd(synchronous, POST, redis)
    redis.warm("blog:post:1")
    commit = SlowCommit(synchronous)
    commit.start()
    commit.wait()
    cdcd.read()
    asked_again(synchronous, 3)
    assert redis.has("blog:post:1")
    assert reader_sees(synchronous) == "title 1"
    release(synchronous)
    commit.join()
    cdcd.caught_up()
    assert redis.left() == set()
    assert reader_sees(synchronous) == "new"


def test_a_change_that_waits_is_not_confirmed(synchronous, redis, run_cdcd):
    cdcd = run_cdcd(synchronous, POST, redis)
    before = synchronous.flushed()
    cdcd.caught_up()
    commit = SlowCommit(synchronous)
    commit.start()
    commit.wait()
    cdcd.read()
    asked_again(synchronous, 3)
    lsn = synchronous.flushed()
    assert synchronous.confirmed(cdcd.slot, before)
    assert not synchronous.confirmed(cdcd.slot, lsn)
    cdcd.kill9()
    redis.warm("blog:post:1")
    cdcd.start()
    release(synchronous)
    commit.join()
    cdcd.caught_up()
    assert redis.left() == set()
