"""What Redis acknowledged and lost, when it starts again or another is made the master."""

import pathlib
import subprocess

import pytest

from daemon import rules_file
from poll import wait_for
from servers import Redis, free_port

RULES = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };')
KEYS = [f"blog:post:{n}" for n in range(1, 10)]


class SlowRedis(Redis):
    """A Redis whose disk does nothing while it is told to."""

    def __init__(self, folder, **options):
        super().__init__(folder, appendonly="yes", appendfsync="everysec", **options)
        self.library = self.folder / "slow_sync.so"
        self.slow = self.folder / "slow"
        source = pathlib.Path(__file__).with_name("slow_sync.c")
        subprocess.run(["cc", "-shared", "-fPIC", "-o", self.library, source], check=True)

    def command(self):
        preload = [f"LD_PRELOAD={self.library}", f"SLOW_SYNC_WHILE={self.slow}"]
        return ["env", *preload, *super().command()]

    def written(self):
        return b"".join(path.read_bytes() for path in self.folder.rglob("*.aof"))

    def become_slow(self):
        """From now on, and until it is killed, it acknowledges what it has not written, if that
        is not more than two seconds."""
        self.slow.touch()

        def is_syncing():
            self.client.set("other", "x")
            return self.client.info("persistence")["aof_pending_bio_fsync"] == 1

        wait_for(is_syncing, "Redis syncs")

    def kill9(self):
        super().kill9()
        self.slow.unlink(missing_ok=True)


@pytest.fixture
def slow_redis(place, cleanup):
    server = SlowRedis(place("redis"))
    cleanup.callback(server.remove)
    return server.start()


def test_deletes_that_redis_acknowledged_and_did_not_write_are_done_again(
    blog, slow_redis, run_cdcd
):
    cdcd = run_cdcd(blog, RULES, slow_redis)
    for _ in range(10):
        slow_redis.warm(*KEYS)
        wait_for(lambda: KEYS[-1].encode() in slow_redis.written(), "Redis writes the keys")
        n_unlinks = slow_redis.written().count(b"UNLINK")
        slow_redis.become_slow()
        blog.sql("UPDATE blog_post SET title = title || '.'")
        cdcd.caught_up()
        assert slow_redis.left() == {"other"}
        slow_redis.kill9()
        if slow_redis.written().count(b"UNLINK") == n_unlinks:
            break
        slow_redis.start()
    else:
        pytest.fail("Redis wrote each delete before it was killed")
    slow_redis.start()
    wait_for(lambda: slow_redis.left() <= {"other"}, "the deletes are done again")


def reconnect(redis, cdcd, blog):
    """The connection of the daemon is cut; returns when it works again."""
    redis.client.client_kill_filter(_type="normal", skipme=True)
    redis.warm(KEYS[0])
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")
    cdcd.caught_up()


@pytest.fixture
def make_user(make_redis, place):
    def make(*rights):
        redis = make_redis()
        redis.client.acl_setuser(
            "cdcd",
            enabled=True,
            passwords=["+secret"],
            keys=["blog:*"],
            commands=["+ping", "+unlink", *rights],
        )
        password = place("secrets")
        password.mkdir()
        (password / "redis").write_text("secret\n", "ascii")
        return redis, redis.store(user="cdcd", password_file=str(password / "redis"))

    return make


def test_a_connection_that_broke_makes_nothing_be_done_again(blog, make_user, run_cdcd):
    redis, store = make_user("+info")
    cdcd = run_cdcd(blog, RULES, {"redis": store})
    blog.sql("UPDATE blog_post SET title = 'x'")
    cdcd.caught_up()
    reconnect(redis, cdcd, blog)
    assert "store is lost" in cdcd.said()
    assert "sent again" not in cdcd.said()


def test_a_user_who_may_not_ask_which_server_it_is_makes_all_be_done_again(
    blog, make_user, run_cdcd
):
    redis, store = make_user()
    cdcd = run_cdcd(blog, RULES, {"redis": store})
    assert "allow its ACL user info" in cdcd.said()
    blog.sql("UPDATE blog_post SET title = 'x'")
    cdcd.caught_up()
    reconnect(redis, cdcd, blog)
    cdcd.wait_for_log(r"it is sent again .* n=9")


def test_a_window_of_nothing_keeps_nothing(blog, make_redis, run_cdcd):
    redis = make_redis()
    cdcd = run_cdcd(blog, RULES, {"redis": redis.store(failover_window="0s")})
    blog.sql("UPDATE blog_post SET title = 'x'")
    cdcd.caught_up()
    redis.kill9()
    redis.start()
    reconnect(redis, cdcd, blog)
    assert "sent again" not in cdcd.said()


def test_data_of_another_server_is_cleaned_of_what_was_deleted_lately(blog, make_redis, run_cdcd):
    """The server becomes a replica of one that has missed the deletes, and a master again."""
    redis, other = make_redis(), make_redis(port=free_port())
    other.warm(*KEYS)
    cdcd = run_cdcd(blog, RULES, redis)
    redis.warm(*KEYS)
    blog.sql("UPDATE blog_post SET title = 'x'")
    cdcd.caught_up()
    assert redis.left() == set()
    redis.client.replicaof("127.0.0.1", other.port)
    wait_for(lambda: redis.left() == set(KEYS), "it has the other's data")
    blog.sql("UPDATE blog_post SET title = 'y' WHERE id = 1")
    cdcd.wait_for_log("it is a replica: name the master as url of store redis")
    redis.client.replicaof("NO", "ONE")
    wait_for(lambda: redis.left() == set(), "the deletes are done again")
