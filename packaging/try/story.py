#!/usr/bin/python3
"""The story that packaging/try.sh tells: a small blog, its caches, and what each change of a row
does to them. `--once` tells it, says whether all came as expected, and ends; otherwise the servers
stay until Ctrl-C. Nothing is left behind either way.

Each step has keys that must go and versions that must grow. Whatever else goes, grows or stays is
a failure of the step."""

import contextlib
import dataclasses
import grp
import os
import pathlib
import signal
import sys
import tempfile
import time

import redis as redis_client

HERE = pathlib.Path(__file__).resolve().parent
REPOSITORY = HERE.parents[1]
sys.path.insert(0, str(REPOSITORY / "tests/e2e"))

import postgres as pg  # noqa: E402
from daemon import Cdcd  # noqa: E402
from poll import wait_for  # noqa: E402
from servers import Memcached, Redis  # noqa: E402
from telling import Telling, duration, say  # noqa: E402

RULES = REPOSITORY / "rules/first.cfg"

VERSION_KEY = "blog:home:version"
REDIS_KEYS = [
    "blog:comment_count",
    "blog:get_latest_posts",
    *(f"blog:page:{slug}" for slug in ("hello", "tea", "rain")),
    *(f"blog:get_comments:{post}" for post in (1, 2, 3)),
]
MEMCACHED_KEYS = [f"author:{author}:{what}" for author in (1, 2) for what in ("posts", "blocks")]
BUMPED = {("redis", VERSION_KEY)}
LIMIT_S = 20

# What a shell pipes through a unix socket: not every Debian has a nc that can.
TO_SOCKET = (
    "python3 -c 'import socket, sys; s = socket.socket(socket.AF_UNIX);"
    ' s.connect("{}"); s.sendall(sys.stdin.buffer.read()); print(s.recv(9999).decode())\''
)


def in_redis(*names):
    return {("redis", f"blog:{name}") for name in names}


def blocks_of(author):
    return {("memcached", key) for key in MEMCACHED_KEYS if key.startswith(f"author:{author}:")}


@dataclasses.dataclass(frozen=True)
class Step:
    title: str
    sql: str
    gone: set = dataclasses.field(default_factory=set)
    bumped: set = dataclasses.field(default_factory=set)


COMMENTS = in_redis("get_comments:1", "get_comments:2", "get_comments:3")

STEPS = [
    Step(
        "Write a comment",
        "INSERT INTO blog_comment (post_id, text) VALUES (1, 'well said')",
        in_redis("comment_count", "get_comments:1"),
        BUMPED,
    ),
    Step(
        "Move a comment to another post: the comments of both are out of date",
        "UPDATE blog_comment SET post_id = 2 WHERE id = 1",
        in_redis("comment_count", "get_comments:1", "get_comments:2"),
        BUMPED,
    ),
    Step(
        "Edit a post: its author's blocks are in memcached",
        "UPDATE blog_post SET title = 'Hello, world' WHERE slug = 'hello'",
        in_redis("get_latest_posts", "page:hello") | blocks_of(1),
        BUMPED,
    ),
    Step(
        "Count a view: no cache shows that column",
        "UPDATE blog_post SET views = views + 1 WHERE slug = 'hello'",
    ),
    Step(
        "Delete a post, and its comments by cascade",
        "DELETE FROM blog_post WHERE slug = 'rain'",
        in_redis("comment_count", "get_latest_posts", "page:rain", "get_comments:3")
        | blocks_of(2),
        BUMPED,
    ),
    Step(
        "Change a setting that the comments of every post depend on",
        "UPDATE blog_settings SET comment_order = 'newest first'",
        COMMENTS,
    ),
    Step(
        "Empty the comments",
        "TRUNCATE blog_comment",
        COMMENTS | in_redis("comment_count"),
        BUMPED,
    ),
]

OUTAGE = Step(
    "Stop Redis and edit a post: memcached does not wait for Redis",
    "UPDATE blog_post SET title = 'On green tea' WHERE slug = 'tea'",
    blocks_of(1),
)
RECOVERY = Step(
    "Start Redis again: the post's keys go, and again what it may have lost of the last minute",
    "",
    {("redis", key) for key in REDIS_KEYS},
    BUMPED,
)


class Blog:
    """The servers, the blog in them, and what an application would have cached of it."""

    def __init__(self, folder, stack):
        self.folder = folder
        template = pg.make_template(folder / "template" / "data")
        self.postgres = pg.Postgres(folder / "pg", template, track_commit_timestamp="on")
        self.redis = Redis(folder / "redis", appendonly="yes")
        self.memcached = Memcached(folder / "memcached")
        for server in (self.postgres, self.redis, self.memcached):
            stack.callback(server.remove)
            server.start()
        self.postgres.database("postgres").sql("CREATE DATABASE blog")
        self.database = self.postgres.database("blog")
        self.database.sql((HERE / "blog.sql").read_text())
        self.cdcd = self._cdcd()
        stack.callback(self.cdcd.kill9)
        try:
            self.cdcd.start()
        except AssertionError as failure:
            sys.exit(f"{failure}; what cdcd said:\n{self.cdcd.said()}")

    def _cdcd(self):
        """With a copy of the rules, which may be edited, and a checkout may not."""
        stores = {"redis": self.redis, "memcached": self.memcached}
        cdcd = Cdcd(self.folder / "cdcd", self.database, RULES.read_text("utf-8"), stores)
        cdcd.write_config(limits={})
        return cdcd

    def warm(self):
        """As readers do: what is not cached is cached again."""
        if self.redis.running():
            self.redis.warm(*REDIS_KEYS)
            self.redis.client.set(VERSION_KEY, 1, nx=True)
        self.memcached.warm(*MEMCACHED_KEYS)

    def cached(self):
        """What is cached now: values by store and key."""
        found = {("memcached", key): b"" for key in self.memcached.left()}
        if self.redis.running():
            keys = [*REDIS_KEYS, VERSION_KEY]
            values = zip(keys, self.redis.client.mget(keys))
            found.update({("redis", key): value for key, value in values if value is not None})
        return found

    def committed_at(self):
        stamp = "SELECT extract(epoch FROM timestamp) FROM pg_last_committed_xact()"
        return float(self.database.value(stamp))


@dataclasses.dataclass(frozen=True)
class Outcome:
    gone: set
    bumped: set
    n_stay: int
    seconds: float


def difference(before, after):
    gone = before.keys() - after.keys()
    bumped = {key for key in before.keys() & after.keys() if before[key] != after[key]}
    return gone, bumped


def watch(blog, step, before, began):
    """Waits until all that the step expects has happened, then until nothing more can: the seconds
    are from began() to the first of the two."""
    with contextlib.suppress(AssertionError):  # the telling says what is missing
        wait_for(
            lambda: difference(before, blog.cached()) == (step.gone, step.bumped),
            "the caches are as expected",
            LIMIT_S,
            every=0.0005,
        )
    seen = time.time()
    if blog.redis.running():
        blog.cdcd.caught_up(LIMIT_S)
    gone, bumped = difference(before, blog.cached())
    return Outcome(gone, bumped, len(before) - len(gone | bumped), seen - began())


def tell_step(blog, telling, step):
    blog.warm()
    telling.begin(step)
    before = blog.cached()
    blog.database.sql(step.sql)
    outcome = watch(blog, step, before, blog.committed_at)
    telling.end(step, outcome, "after the commit")


def tell_outage(blog, telling):
    blog.warm()
    before = blog.cached()
    blog.redis.stop()
    tell_step(blog, telling, OUTAGE)
    telling.begin(RECOVERY)
    blog.redis.start()
    answered = time.time()
    before = {key: value for key, value in before.items() if key not in OUTAGE.gone}
    outcome = watch(blog, RECOVERY, before, lambda: answered)
    telling.end(RECOVERY, outcome, "after Redis answered")


def tell(blog):
    telling = Telling()
    for step in STEPS:
        tell_step(blog, telling, step)
    tell_outage(blog, telling)
    telling.verdict()
    return telling.n_wrong == 0


def stay(blog):
    """Until Ctrl-C; what Redis is told meanwhile is printed."""
    blog.warm()
    say()
    say("The caches are warm again, and all of it runs until Ctrl-C. In other terminals:")
    say()
    say(f"    psql -h {blog.postgres.folder} -U postgres blog")
    say(f"    redis-cli -s {blog.redis.socket}")
    say(f"    printf 'mg author:1:posts v\\r\\n' | {TO_SOCKET.format(blog.memcached.socket)}")
    say()
    say("In psql, for example, INSERT INTO blog_comment (post_id, text) VALUES (1, 'mine');")
    say("in redis-cli KEYS * and, to cache something again, SET blog:get_comments:1 x")
    say("The third asks memcached for a key: VA and its value, or EN. To cache it again, put")
    say("'ms author:1:posts 1\\r\\nx\\r\\n' there.")
    say()
    say(f"configuration  {blog.cdcd.config}")
    say(f"rules          {blog.cdcd.folder / 'rules.d/blog.cfg'}; a copy, to be edited")
    say(f"               after an edit: kill -HUP {blog.cdcd.process.pid}")
    say(f"log            {blog.cdcd.log}")
    say()
    while True:
        with contextlib.suppress(redis_client.ConnectionError):
            show_commands(blog.redis)
        say("    Redis has ended; it is started again, with what it held")
        blog.redis.start()


def show_commands(redis):
    """Those that only cdcd gives; to bump is a script, whose own commands are shown as well."""
    with redis.client.monitor() as monitor:
        for command in monitor.listen():
            name, _, words = command["command"].partition(" ")
            if name == "UNLINK":
                say(f"    Redis is told to delete {words}")
            elif name == "INCR":
                say(f"    Redis is told to bump {words}")


def servers_said(blog):
    version = blog.database.value("SHOW server_version").split()[0]
    redis = blog.redis.client.info("server")["redis_version"]
    memcached = blog.memcached.ask([b"version"])[0].decode().split()[1]
    return f"PostgreSQL {version}, Redis {redis} and memcached {memcached}"


def make_folder(stack):
    """Where nobody but us, and PostgreSQL's user when we are root, can look in: the servers in it
    ask nobody for a password."""
    folder = pathlib.Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="cdcd-try-")))
    if os.getuid() == 0:
        os.chown(folder, 0, grp.getgrnam("postgres").gr_gid)
        folder.chmod(0o750)
    return folder


def leave(*_):
    raise KeyboardInterrupt


def main(once):
    for number in (signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, leave)
    begin = time.monotonic()
    with contextlib.ExitStack() as stack:
        blog = Blog(make_folder(stack), stack)
        took = duration(time.monotonic() - begin)
        say(f"{servers_said(blog)} run in {blog.folder}, ready in {took}.")
        say("A time is that from the commit, as PostgreSQL stamped it, to the last key seen gone.")
        as_expected = tell(blog)
        if not as_expected:
            say(f"what cdcd said:\n{blog.cdcd.said()}")
        if not once:
            stay(blog)
    return 0 if as_expected else 1


if __name__ == "__main__":
    try:
        sys.exit(main("--once" in sys.argv[1:]))
    except KeyboardInterrupt:
        say("\nstopped; nothing is left behind")
        sys.exit(130)
