"""Each action on a real Redis: what is there before a change, and what after it."""

import json
import re

import pytest

import papers
from daemon import rules_file
from poll import wait_for
from proxy import Proxy

TITLE = "UPDATE blog_post SET title = 'new' WHERE id = 1"
TRIGGERS = 'triggers = ( { table = "blog_post"; on = "update"; } );'


def cache(settings, name="post"):
    return f'{name} = {{ key = "{name}:{{id}}"; {settings} {TRIGGERS} }};'


def change(blog, cdcd, text=TITLE):
    blog.sql(text)
    cdcd.caught_up()


class Key:
    def __init__(self, redis, name):
        self.client, self.name = redis.client, name

    @property
    def ttl_ms(self):
        """-1: it has none; -2: it is not there."""
        return self.client.pttl(self.name)

    @property
    def value(self):
        return self.client.get(self.name)


STALE = 'action = "stale"; grace = "60s"; ttl = "1h";'
MINUTE, HOUR, DAY = 60_000, 3_600_000, 86_400_000


@pytest.mark.smoke
def test_a_stale_key_is_served_for_its_grace_and_one_reader_is_told(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(cache(STALE)), redis)
    redis.client.set("blog:post:1", "old", px=HOUR)
    redis.client.set("blog:post:2", "old", px=HOUR)
    change(blog, cdcd)
    key = Key(redis, "blog:post:1")
    assert key.value == b"old" and 0 < key.ttl_ms <= MINUTE
    companion = Key(redis, "blog:post:1:stale")
    assert companion.value == b"1" and MINUTE < companion.ttl_ms <= HOUR
    assert Key(redis, "blog:post:2").ttl_ms > MINUTE
    assert redis.left() == {"blog:post:1", "blog:post:2", "blog:post:1:stale"}
    assert [redis.client.delete("blog:post:1:stale") for _ in range(3)] == [1, 0, 0]


def test_a_stale_key_without_a_time_gets_one(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(cache(STALE.replace('ttl = "1h";', ""))), redis)
    redis.warm("blog:post:1")
    change(blog, cdcd)
    assert 0 < Key(redis, "blog:post:1").ttl_ms <= MINUTE
    assert HOUR < Key(redis, "blog:post:1:stale").ttl_ms <= DAY


def test_a_stale_key_that_lives_shorter_keeps_its_time(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(cache(STALE.replace("60s", "1800s"))), redis)
    redis.client.set("blog:post:1", "old", px=MINUTE)
    change(blog, cdcd)
    assert 0 < Key(redis, "blog:post:1").ttl_ms <= MINUTE


def test_a_missing_key_leaves_word_for_a_late_refill(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(cache(STALE)), redis)
    change(blog, cdcd)
    assert redis.left() == {"blog:post:1:stale"}


EXPIRE = 'action = "expire"; ttl = "60s";'


@pytest.mark.parametrize(
    "before, most", [(None, MINUTE), (HOUR, MINUTE), (20_000, 20_000)], ids=["none", "longer", "shorter"]
)
def test_an_expired_key_lives_for_the_time_at_most(blog, redis, run_cdcd, before, most):
    cdcd = run_cdcd(blog, rules_file(cache(EXPIRE)), redis)
    redis.client.set("blog:post:1", "old", px=before)
    change(blog, cdcd)
    key = Key(redis, "blog:post:1")
    assert key.value == b"old" and 0 < key.ttl_ms <= most


def test_a_key_that_is_not_there_does_not_expire(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(cache(EXPIRE)), redis)
    change(blog, cdcd)
    assert redis.left() == set()


SET = 'action = "set"; value = "{row|json}";'


@pytest.mark.smoke
def test_a_set_key_holds_the_new_row(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(cache(SET + ' ttl = "60s";')), redis)
    redis.client.set("blog:post:1", "old", px=HOUR)
    change(blog, cdcd)
    key = Key(redis, "blog:post:1")
    assert json.loads(key.value)["title"] == "new" and 0 < key.ttl_ms <= MINUTE
    assert redis.left() == {"blog:post:1"}


def test_a_key_that_is_set_without_a_time_has_none(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(cache(SET)), redis)
    redis.client.set("blog:post:1", "old", px=HOUR)
    change(blog, cdcd)
    assert Key(redis, "blog:post:1").ttl_ms == -1


@pytest.mark.parametrize("title", ["\r\n$5\r\n", "\u20ac\U0001f600", "", "x" * 1_000_000], ids=range(4))
def test_the_bytes_of_a_value_arrive_as_they_are(blog, redis, run_cdcd, title):
    cdcd = run_cdcd(blog, rules_file(cache('action = "set"; value = "{title}";')), redis)
    blog.sql("UPDATE blog_post SET title = %s WHERE id = 1", title)
    cdcd.caught_up()
    assert Key(redis, "blog:post:1").value == title.encode()


def test_of_many_changes_the_last_is_set(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(cache('action = "set"; value = "{title}";')), redis)
    for n in range(300):
        blog.sql("UPDATE blog_post SET title = %s WHERE id = 1", str(n))
    cdcd.caught_up()
    assert Key(redis, "blog:post:1").value == b"299"


def test_a_set_waits_for_memory_and_deletes_do_not(blog, redis, run_cdcd):
    caches = cache('action = "set"; value = "{title}"; ') + cache("", "page")
    cdcd = run_cdcd(blog, rules_file(caches), redis)
    redis.client.set("blog:post:1", "old")
    redis.warm("blog:page:1")
    redis.client.config_set("maxmemory", 1)
    blog.sql(TITLE)
    cdcd.wait_for_log("reason=\"OOM .*raise maxmemory")
    wait_for(lambda: not redis.has("blog:page:1"), "the delete is done")
    assert Key(redis, "blog:post:1").value == b"old"
    redis.client.config_set("maxmemory", 0)
    cdcd.caught_up()
    assert Key(redis, "blog:post:1").value == b"new"


def test_of_a_value_that_redis_does_not_take_the_key_is_deleted(blog, redis, run_cdcd):
    redis.client.config_set("proto-max-bulk-len", "1mb")
    caches = cache('action = "set"; value = "{title}"; ') + cache("", "page")
    cdcd = run_cdcd(blog, rules_file(caches), redis)
    redis.warm("blog:post:1", "blog:page:1", "blog:post:2")
    blog.sql("UPDATE blog_post SET title = repeat('x', 1500000) WHERE id = 1")
    cdcd.caught_up()
    cdcd.wait_for_log("a value is larger than Redis takes, its key is deleted instead")
    assert redis.left() == {"blog:post:2"}
    blog.sql("UPDATE blog_post SET title = 'short' WHERE id IN (1, 2)")
    cdcd.caught_up()
    assert Key(redis, "blog:post:1").value == Key(redis, "blog:post:2").value == b"short"


PUBLISH = 'flags = { action = "publish"; channel = "flags"; message = "post {id}"; %s };' % TRIGGERS


class Subscriber:
    def __init__(self, redis, channel):
        self.listener = redis.client.pubsub(ignore_subscribe_messages=True)
        self.listener.subscribe(channel)
        wait_for(lambda: redis.client.pubsub_numsub(channel)[0][1] == 1, "it has subscribed")

    def messages(self, n):
        got = []
        wait_for(lambda: len(got) >= n or got.extend(self._next()), f"{n} messages came")
        return got

    def _next(self):
        message = self.listener.get_message()
        return [message["data"].decode()] if message else []


@pytest.mark.smoke
def test_a_message_reaches_those_who_subscribed(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(PUBLISH), redis)
    subscriber = Subscriber(redis, "blog:flags")
    blog.sql("UPDATE blog_post SET title = 'new' WHERE id IN (3, 4)")
    cdcd.caught_up()
    assert subscriber.messages(2) == ["post 3", "post 4"]


def test_deleted_keys_are_announced_after_they_are_gone(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(cache('announce = "gone";')), redis)
    subscriber = Subscriber(redis, "blog:gone")
    redis.warm("blog:post:1")
    change(blog, cdcd)
    assert subscriber.messages(1) == ["blog:post:1"]
    assert redis.left() == set()


MEMBERS = 'tag = { key = "tag:{id}"; action = "delete-members"; %s };' % TRIGGERS


def fill(redis, name, n):
    """A set of keys that are there."""
    for start in range(0, n, 10_000):
        keys = [f"blog:page:{name}:{i}" for i in range(start, min(n, start + 10_000))]
        redis.client.mset(dict.fromkeys(keys, "page"))
        redis.client.sadd(f"blog:tag:{name}", *keys)


@pytest.mark.smoke
@pytest.mark.parametrize("n", [1, 100, 30_000])
def test_the_keys_that_a_set_names_are_deleted_and_the_set(blog, redis, run_cdcd, n):
    cdcd = run_cdcd(blog, rules_file(MEMBERS), redis)
    fill(redis, 1, n)
    fill(redis, 2, 3)
    redis.client.sadd("blog:tag:1", "blog:not there", "blog:tag:1")
    change(blog, cdcd)
    assert redis.left() == {"blog:tag:2", *(f"blog:page:2:{i}" for i in range(3))}


def test_a_set_that_is_not_there_names_no_keys(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(MEMBERS), redis)
    redis.warm("canary")
    change(blog, cdcd)
    assert redis.left() == {"canary"}


def test_what_is_no_set_is_left_alone_and_holds_up_no_other(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(MEMBERS), redis)
    redis.warm("blog:tag:1")
    fill(redis, 2, 3)
    blog.sql("UPDATE blog_post SET title = 'new' WHERE id IN (1, 2)")
    cdcd.wait_for_log("n=1 reason=\"WRONGTYPE .*: delete it, or mend the rule")
    wait_for(lambda: redis.left() == {"blog:tag:1"}, "the other set is done")
    redis.client.delete("blog:tag:1")
    cdcd.caught_up()


def test_what_an_ended_daemon_had_put_aside_is_deleted(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, rules_file(MEMBERS), redis)
    fill(redis, 1, 2000)
    redis.client.rename("blog:tag:1", "blog:tag:1:cdcd-deleting")
    redis.warm("blog:page:new")
    redis.client.sadd("blog:tag:1", "blog:page:new")
    change(blog, cdcd)
    assert redis.left() == set()


def test_a_lost_connection_forgets_no_member(blog, redis, place, cleanup, run_cdcd):
    proxy = Proxy(place("proxy") / "redis.sock", redis.socket)
    cleanup.callback(proxy.close)
    store = {"type": "redis", "url": f"unix://{proxy.path}?db=0"}
    cdcd = run_cdcd(blog, rules_file(MEMBERS), {"redis": store})
    fill(redis, 1, 50_000)
    blog.sql(TITLE)
    for left in (45_000, 30_000, 15_000):
        wait_for(lambda left=left: redis.client.dbsize() < left, "some are deleted", every=0.001)
        proxy.cut()
    cdcd.caught_up()
    assert redis.left() == set()


ACL = {
    "bump": ('action = "bump";', "+eval +exists +time +incr +incrby"),
    "stale": (STALE, "+eval +pttl +pexpire +set"),
    "expire": (EXPIRE, "+eval +pttl +pexpire"),
    "set": (SET, "+exists +set"),
    "publish": ('action = "publish"; channel = "x"; message = "{id}";', "+publish &blog:*"),
    "delete-members": (
        'action = "delete-members";',
        "+eval +exists +scard +rename +persist +sscan",
    ),
    "scan": ('action = "scan"; match = "post:{id}*";', "+scan"),
}


def allow(redis, rights):
    """What the paper gives every user, and these."""
    words = "on >pw resetkeys ~blog:* resetchannels -@all +ping +unlink +info " + rights
    redis.client.execute_command("ACL", "SETUSER", "cdcd", "reset", *words.split())
    redis.client.acl_log_reset()


def make_work(redis, action):
    """So that each of the action's commands has something to do."""
    redis.client.delete("blog:post:1")
    redis.warm("blog:page:1")
    if action == "delete-members":
        redis.client.sadd("blog:post:1", "blog:x")
    elif action in ("stale", "expire"):
        redis.warm("blog:post:1")


@pytest.mark.parametrize("action", ACL)
def test_an_action_needs_the_rights_that_the_paper_names_and_no_others(
    blog, redis, place, run_cdcd, action
):
    settings, rights = ACL[action]
    key = "" if action in ("publish", "scan") else 'key = "post:{id}"; '
    caches = f"post = {{ {key}{settings} {TRIGGERS} }};" + cache("", "page")
    password = place("password")
    password.write_text("pw", "utf-8")
    allow(redis, rights)
    store = redis.store(user="cdcd", password_file=str(password))
    cdcd = run_cdcd(blog, rules_file(caches), {"redis": store})
    make_work(redis, action)
    change(blog, cdcd)
    assert not redis.client.acl_log()
    for right in rights.split():
        allow(redis, " ".join(one for one in rights.split() if one != right))
        make_work(redis, action)
        blog.sql("UPDATE blog_post SET title = title || '!' WHERE id = 1")
        wait_for(redis.client.acl_log, f"{right} is missed")
        wait_for(lambda: not redis.has("blog:page:1"), "what needs no more rights is done")
        allow(redis, rights)
        cdcd.caught_up()


def test_a_user_without_a_right_is_told_which(blog, redis, place, run_cdcd):
    password = place("password")
    password.write_text("pw", "utf-8")
    allow(redis, "+eval +pttl")
    store = redis.store(user="cdcd", password_file=str(password))
    cdcd = run_cdcd(blog, rules_file(cache(STALE)), {"redis": store})
    redis.warm("blog:post:1")
    blog.sql(TITLE)
    cdcd.wait_for_log("allow its ACL user, on these keys: eval pttl pexpire set")
    allow(redis, ACL["stale"][1])
    cdcd.caught_up()


def test_a_member_that_may_not_be_deleted_holds_up_no_other(blog, redis, place, run_cdcd):
    password = place("password")
    password.write_text("pw", "utf-8")
    allow(redis, ACL["delete-members"][1])
    store = redis.store(user="cdcd", password_file=str(password))
    cdcd = run_cdcd(blog, rules_file(MEMBERS), {"redis": store})
    fill(redis, 1, 3000)
    redis.warm("other:1")
    redis.client.sadd("blog:tag:1", "other:1")
    blog.sql(TITLE)
    rest = {"other:1", "blog:tag:1:cdcd-deleting"}
    wait_for(lambda: redis.left() == rest, "all others are deleted")
    allow(redis, ACL["delete-members"][1] + " ~other:*")
    cdcd.caught_up()
    assert redis.left() == set()


def test_the_paper_names_these_rights():
    table = dict(re.findall(r"^\| `([a-z-]+)`.* \| (`\+.*) \|$", papers.PAPER.read_text("utf-8"), re.M))
    for action, (_, rights) in ACL.items():
        assert set(re.findall(r"[+&][^ `]+", table[action])) == set(rights.split()), action


def test_a_scan_goes_on_where_the_connection_was_lost(blog, redis, place, cleanup, run_cdcd):
    proxy = Proxy(place("proxy") / "redis.sock", redis.socket)
    cleanup.callback(proxy.close)
    store = {"type": "redis", "url": f"unix://{proxy.path}?db=0"}
    scan = 'page = { action = "scan"; match = "page:{id}:*"; %s };' % TRIGGERS
    cdcd = run_cdcd(blog, rules_file(scan), {"redis": store})
    fill(redis, 1, 10_000)
    fill(redis, 2, 50_000)
    redis.client.delete("blog:tag:1", "blog:tag:2")
    redis.client.config_resetstat()
    blog.sql(TITLE)
    for left in (59_000, 56_000, 53_000):
        wait_for(lambda left=left: redis.client.dbsize() < left, "some are deleted", every=0.001)
        proxy.cut()
    cdcd.caught_up()
    assert redis.client.dbsize() == 50_000
    # Of 250 keys each; had it begun again each time, it had asked for twice as many.
    assert redis.client.info("commandstats")["cmdstat_scan"]["calls"] < 1.4 * 60_000 / 250
