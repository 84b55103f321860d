"""What the figures of the outbox are taken with: a private cluster with fsync, a database with the
outbox in it, pgbench, and a daemon that reads."""

import contextlib
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "e2e"))

import postgres as pg  # noqa: E402
from daemon import Cdcd, environment, rules_file  # noqa: E402
from outbox import install  # noqa: E402
from poll import wait_for  # noqa: E402
from servers import LEASH, Redis  # noqa: E402

RULES = rules_file('item = { key = "item:{id}"; triggers = "item"; };', prefix="")
TABLE = (
    "CREATE TABLE item (id bigserial PRIMARY KEY, owner int NOT NULL DEFAULT 0,"
    " title text NOT NULL DEFAULT 'a title of some forty characters, or so')"
)
# As a server is that keeps what it was told.
SERVER = {
    "fsync": "on",
    "synchronous_commit": "on",
    "autovacuum": "on",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "max_wal_size": "8GB",
}
TICKS = os.sysconf("SC_CLK_TCK")
LIMIT_S = 900


class Workbench:
    """A folder, and servers that go with it."""

    def __init__(self, stack):
        place = tempfile.TemporaryDirectory(prefix="cdcd-bench-")
        self.stack = stack
        self.folder = pathlib.Path(stack.enter_context(place))
        self.folder.chmod(0o755)
        self.template = pg.make_template(self.folder / "template" / "data")

    def postgres(self, name, **settings):
        return self._started(
            pg.Postgres(self.folder / name, self.template, **{**SERVER, **settings})
        )

    def redis(self, name="redis", **options):
        return self._started(Redis(self.folder / name, **options))

    def _started(self, server):
        self.stack.callback(server.remove)
        return server.start()


class Reader(Cdcd):
    """cdcd on an outbox: it is there when it holds the lock."""

    def __init__(self, folder, database, redis, **source):
        super().__init__(folder, database, RULES, redis, {"mode": "outbox", **source})

    def answers(self):
        return self.database.value(
            "SELECT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory' AND granted"
            " AND database = (SELECT oid FROM pg_database WHERE datname = current_database()))"
        )

    def caught_up(self, limit=LIMIT_S):
        wait_for(lambda: outbox_is_empty(self.database), "the outbox is empty", limit, 0.02)


def outbox_is_empty(database):
    return not database.value("SELECT EXISTS (SELECT FROM cdcd.outbox)")


def outboxed(database, **watch):
    """The outbox, and the table watched."""
    database.sql(TABLE)
    install(database)
    named = ", ".join(f"{name} => {value}" for name, value in watch.items())
    database.sql(f"SELECT cdcd.watch('item'{', ' + named if named else ''})")
    return database


def empty_outbox(database):
    parts = ", ".join(f"cdcd.outbox_{n}" for n in range(3))
    database.sql(f"SET cdcd.reader = 'on'; TRUNCATE {parts}")


@contextlib.contextmanager
def reading(daemon):
    """While it reads; it must stop well."""
    daemon.start()
    try:
        yield daemon
        assert daemon.terminate(LIMIT_S) == 0, daemon.said()
    finally:
        daemon.kill9()


def pgbench(database, script, clients, seconds, *options):
    """Transactions a second, connections not counted."""
    command = [pg.binary("pgbench"), "-n", "-M", "prepared", "-f", str(script)]
    command += ["-c", str(clients), "-j", str(min(clients, 2)), "-T", str(seconds), *options]
    ran = subprocess.run(
        LEASH + command + [database.conninfo()],
        capture_output=True,
        text=True,
        check=False,
        env=environment(),
    )
    assert ran.returncode == 0, ran.stderr
    failed = re.search(r"number of failed transactions: (\d+)", ran.stdout)
    assert failed is None or failed[1] == "0", ran.stdout
    return float(re.search(r"tps = ([0-9.]+) \(without", ran.stdout)[1])


def cpu_seconds(pid):
    words = pathlib.Path(f"/proc/{pid}/stat").read_text("ascii").rpartition(")")[2].split()
    return (int(words[11]) + int(words[12])) / TICKS


def percentile(figures, share):
    """The smallest that `share` of all do not exceed."""
    ordered = sorted(figures)
    return ordered[max(0, -(-int(share * 1000 * len(ordered)) // 1000) - 1)]


def machine(database):
    """What was running while the figures were taken."""
    version = database.value("SHOW server_version").split()[0]
    load = ", ".join(f"{n:.1f}" for n in os.getloadavg())
    return f"PostgreSQL {version}, {os.cpu_count()} cores, load {load} at the start"


median = statistics.median
