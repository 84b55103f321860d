"""cdcd itself: its files, its process, its log."""

import os
import pathlib
import re
import signal
import subprocess

from poll import wait_for
from servers import LEASH, Server
from sources import SOURCES

REPOSITORY = pathlib.Path(__file__).resolve().parents[2]


def binary():
    return os.environ.get("CDCD") or str(REPOSITORY / "build/release/cdcd")


def environment():
    """Ours, without what libpq would take from it."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")}


def libconfig(value):
    """A value in libconfig's syntax."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, dict):
        return "{ " + "".join(f"{name} = {libconfig(item)}; " for name, item in value.items()) + "}"
    if isinstance(value, (list, tuple)):
        return "[ " + ", ".join(libconfig(item) for item in value) + " ]"
    if isinstance(value, int):
        return str(value)
    return '"' + str(value).replace("\\", "\\\\").replace('"', '\\"') + '"'


def rules_file(caches, app="blog", prefix="blog:", store="redis"):
    """A rules file around a text of caches."""
    return (
        f'cdcd = 1;\napp = "{app}";\nprefix = "{prefix}";\nstore = "{store}";\n'
        f"caches = {{\n{caches}\n}};\n"
    )


def run_verb(*words, **more):
    """Runs a verb to its end; what has .returncode, .stdout and .stderr."""
    return subprocess.run(
        [binary(), *map(str, words)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**environment(), **more},
    )


class Cdcd(Server):
    """The daemon on one database. `stores` are servers, or settings by a store's name; `rules` one
    text, or texts by a file's name."""

    def __init__(self, folder, database, rules, stores, source=None, limits=None, mode=None):
        super().__init__(folder)
        self.database = database
        self.config = self.folder / "cdcd.cfg"
        self.source = SOURCES[mode or "replication"](database)
        self.slot = database.name
        self.settings = {
            "source": {
                "conninfo": database.conninfo(),
                **self.source.settings(),
                **(source or {}),
            },
            "stores": self._stores(stores),
            "rules": [str(self.folder / "rules.d/*.cfg")],
            "limits": {"retry": "10ms..200ms", **(limits or {})},
        }
        self.write_config()
        self.write_rules(rules)

    @staticmethod
    def _stores(stores):
        if isinstance(stores, Server):
            stores = {stores.store_name: stores}
        return {
            name: store.store() if isinstance(store, Server) else store
            for name, store in stores.items()
        }

    def write_config(self, **changes):
        """Settings at the top are replaced whole."""
        self.settings.update(changes)
        text = "".join(f"{name} = {libconfig(item)};\n" for name, item in self.settings.items())
        self.config.write_text(text, "utf-8")

    def write_rules(self, rules):
        files = rules if isinstance(rules, dict) else {"blog.cfg": rules}
        for name, text in files.items():
            path = self.folder / "rules.d" / name
            path.parent.mkdir(exist_ok=True)
            # At once, as an editor does: a reload may be reading it.
            new = path.with_suffix(".new")
            new.write_text(text, "utf-8")
            new.rename(path)

    def command(self):
        return [binary(), "run", "-c", str(self.config)]

    def answers(self):
        """It reads: what is changed from now on is seen."""
        return self.source.reads()

    def start(self):
        self.launch()
        wait_for(self._answers_or_died, "cdcd reads", limit=30)
        return self

    def launch(self):
        """Starts it, and does not wait for anything."""
        self.source.prepare(run_verb("sql", "-c", self.config).stdout)
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                LEASH + self.command(),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=environment(),
            )
        return self

    def run_to_exit(self):
        """For a start that must fail: the exit code and what was said."""
        self.launch()
        return self.exit_code(), self.said()

    def exit_code(self, limit=20):
        return self.process.wait(limit)

    def terminate(self, limit=20):
        """SIGTERM; returns the exit code."""
        self.process.send_signal(signal.SIGTERM)
        return self.exit_code(limit)

    def end(self):
        """The end of a test: a daemon that runs must stop well, and none may have broken down."""
        try:
            if self.running():
                assert self.terminate() == 0, "the exit code after SIGTERM"
            said = self.said() if self.log.exists() else ""
            assert "Sanitizer" not in said and "runtime error" not in said, said
        finally:
            self.kill9()

    def reload(self):
        self.process.send_signal(signal.SIGHUP)

    def said(self):
        return self.log.read_text("utf-8", "replace")

    def wait_for_log(self, pattern, limit=20):
        """Waits until a line matches the regular expression; returns the match."""
        return wait_for(lambda: re.search(pattern, self.said()), f"the log says {pattern}", limit)

    def caught_up(self, limit=60):
        """Waits until all that is committed now has been done and confirmed."""
        moment = self.moment()
        wait_for(lambda: self._confirmed(moment), f"cdcd confirms {moment}", limit)

    def _confirmed(self, moment):
        assert self.running(), "cdcd ended"
        return self.confirmed(moment)

    def moment(self):
        """All that is committed now."""
        return self.source.moment()

    def confirmed(self, moment):
        return self.source.confirmed(moment)

    def read(self, limit=20):
        """Waits until all that is committed now was sent to cdcd, done or not."""
        moment = self.moment()
        wait_for(lambda: self.source.sent(moment), f"PostgreSQL sends {moment}", limit)

    def reader(self):
        """The backend that serves the daemon which reads, in a set."""
        return self.source.reader()

    def peak_memory(self):
        """Bytes: the most that was ever resident."""
        status = pathlib.Path(f"/proc/{self.process.pid}/status").read_text("ascii")
        return int(re.search(r"VmHWM:\s+(\d+) kB", status).group(1)) * 1024
