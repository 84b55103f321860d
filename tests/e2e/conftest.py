"""Fixtures: a shared PostgreSQL with a database for each test; stores and daemons of its own."""

import contextlib
import itertools
import pathlib
import shutil
import tempfile

import pytest

import postgres as pg
from daemon import Cdcd
from servers import Memcached, Redis
from sources import SOURCES

BLOG = """
CREATE TABLE blog_post (id int PRIMARY KEY, title text, body text);
CREATE TABLE blog_comment (id int PRIMARY KEY,
                           post_id int REFERENCES blog_post ON DELETE CASCADE, text text);
ALTER TABLE blog_comment REPLICA IDENTITY FULL;
INSERT INTO blog_post SELECT n, 'title ' || n FROM generate_series(1, 9) n;
INSERT INTO blog_comment SELECT n, n, 'text ' || n FROM generate_series(1, 9) n;
"""


def pytest_configure(config):
    config.addinivalue_line(
        "markers", "smoke: quick, and worth running against a build with sanitizers"
    )
    config.addinivalue_line("markers", "both_sources: the daemon reads by replication, and the outbox")
    config.addinivalue_line("markers", "replication: only a slot has it, whatever the module says")
    config.addinivalue_line("markers", "outbox: only the outbox has it")


def pytest_generate_tests(metafunc):
    """Which sources the daemons of a test read."""
    if "mode" not in metafunc.fixturenames:
        return
    has = lambda name: any(metafunc.definition.iter_markers(name))
    if has("outbox"):
        metafunc.parametrize("mode", ["outbox"])
    elif has("both_sources") and not has("replication"):
        metafunc.parametrize("mode", ["replication", "outbox"])


@pytest.fixture
def mode():
    return "replication"


@pytest.hookimpl(hookwrapper=True)
def pytest_runtest_makereport(item):
    """What the daemons said belongs to the report of a failed test."""
    report = (yield).get_result()
    if report.failed:
        for daemon in getattr(item, "daemons", []):
            said = daemon.said()[-5000:] if daemon.log.exists() else ""
            report.sections.append((f"log of {daemon.folder.name}", said))


@pytest.fixture(scope="session")
def workplace():
    """Near the root of the file system: the path of a unix socket has 107 bytes at most."""
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cdcd-e2e-", dir="/tmp"))
    folder.chmod(0o755)
    yield folder
    shutil.rmtree(folder, ignore_errors=True)


@pytest.fixture(scope="session")
def template(workplace):
    return pg.make_template(workplace / "template" / "data")


@pytest.fixture(scope="session")
def cluster(workplace, template):
    server = pg.Postgres(workplace / "pg", template).start()
    yield server
    server.remove()


@pytest.fixture
def place(workplace):
    """Names folders for the test's servers."""
    folder = pathlib.Path(tempfile.mkdtemp(dir=workplace))
    folder.chmod(0o755)
    numbers = itertools.count()
    return lambda kind: folder / f"{kind}{next(numbers)}"


@pytest.fixture
def cleanup():
    """Undoes what a test made, the last thing first: a daemon ends before what it talks to."""
    with contextlib.ExitStack() as stack:
        yield stack


@pytest.fixture
def db(cluster, cleanup):
    """An empty database of the shared cluster."""
    database = cluster.new_database()
    cleanup.callback(cluster.drop_database, database)
    return database


@pytest.fixture
def blog(db):
    """A database with posts 1 to 9, each with one comment of the same number."""
    db.sql(BLOG)
    return db


@pytest.fixture
def own_postgres(place, cleanup, template):
    """Makes clusters that the test may stop and configure."""

    def make(**settings):
        server = pg.Postgres(place("pg"), template, **settings)
        cleanup.callback(server.remove)
        return server.start()

    return make


@pytest.fixture
def own_blog(own_postgres, mode):
    """The blog in a cluster that the test may stop and configure."""

    def make(**settings):
        if mode == "outbox":
            settings = {"wal_level": "replica", **settings}
        database = own_postgres(**settings).new_database()
        database.sql(BLOG)
        SOURCES[mode](database).prepare()
        return database

    return make


@pytest.fixture
def make_redis(place, cleanup):
    def make(**options):
        server = Redis(place("redis"), **options)
        cleanup.callback(server.remove)
        return server.start()

    return make


@pytest.fixture
def redis(make_redis):
    return make_redis()


@pytest.fixture
def make_memcached(place, cleanup):
    def make(*options, **more):
        server = Memcached(place("mc"), *options, **more)
        cleanup.callback(server.remove)
        return server.start()

    return make


@pytest.fixture
def memcached(make_memcached):
    return make_memcached()


@pytest.fixture
def new_cdcd(request, place, cleanup, mode):
    """Makes daemons that are not started yet. One that still runs when the test has ended must
    stop when it is told to, with the exit code 0."""
    request.node.daemons = []

    def make(database, rules, stores, **settings):
        daemon = Cdcd(place("cdcd"), database, rules, stores, mode=mode, **settings)
        request.node.daemons.append(daemon)
        cleanup.callback(daemon.end)
        return daemon

    return make


@pytest.fixture
def run_cdcd(new_cdcd):
    """Makes daemons, and starts them: what is changed after that is seen."""
    return lambda *words, **settings: new_cdcd(*words, **settings).start()


@pytest.fixture
def refused(new_cdcd):
    """Starts a daemon that must not come up: its exit code, and what it said."""
    return lambda *words, **settings: new_cdcd(*words, **settings).run_to_exit()
