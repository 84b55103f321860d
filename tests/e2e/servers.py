"""The servers that the tests run against: real ones, private, in folders of their own.

Each is a child of the test run, listens on a unix socket (TCP only where a test asks for it) and
dies with the test run, however that ends."""

import os
import pathlib
import shutil
import signal
import socket
import subprocess

import redis as redis_client

from poll import seconds, wait_for

# Debian has setpriv in util-linux: the kernel kills the server when the test run is gone.
LEASH = ["setpriv", "--pdeathsig", "KILL"]


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


class Server:
    """A process with a folder and a log."""

    quickest = signal.SIGKILL

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.log = self.folder / "log"
        self.process = None

    def command(self):
        raise NotImplementedError

    def answers(self):
        raise NotImplementedError

    def start(self):
        with open(self.log, "ab") as log:
            self.process = subprocess.Popen(
                LEASH + self.command(), stdin=subprocess.DEVNULL, stdout=log, stderr=log
            )
        wait_for(self._answers_or_died, f"{self.folder.name} answers", limit=30)
        return self

    def _answers_or_died(self):
        assert self.running(), f"{self.command()[0]} ended:\n{self.log.read_text()[-2000:]}"
        return self.answers()

    def running(self):
        return self.process is not None and self.process.poll() is None

    def stop(self, how=signal.SIGTERM, limit=30):
        """Ends the server and returns how many seconds that took."""
        if not self.running():
            return 0
        self.process.send_signal(how)
        return seconds(lambda: self.process.wait(limit))

    def kill9(self):
        self.stop(signal.SIGKILL)

    def restart(self):
        self.stop()
        self.start()

    def freeze(self):
        """The server is there, and does nothing."""
        self.process.send_signal(signal.SIGSTOP)

    def thaw(self):
        self.process.send_signal(signal.SIGCONT)

    def remove(self):
        if self.running():
            self.thaw()
            self.stop(self.quickest)
        shutil.rmtree(self.folder, ignore_errors=True)


class Redis(Server):
    """Options are redis-server's own: Redis(folder, appendonly="yes"); port for TCP as well."""

    store_name = "redis"

    def __init__(self, folder, port=0, **options):
        super().__init__(folder)
        self.socket = self.folder / "redis.sock"
        self.port = port
        self.options = {"save": "", "appendonly": "no", "dir": str(self.folder), **options}
        self.client = redis_client.Redis(
            unix_socket_path=str(self.socket), password=options.get("requirepass")
        )

    def command(self):
        where = {"port": str(self.port), "unixsocket": str(self.socket)}
        options = [(f"--{name}", value) for name, value in {**where, **self.options}.items()]
        return ["redis-server", *(word for option in options for word in option)]

    def answers(self):
        try:
            return self.client.ping()
        except (redis_client.ConnectionError, redis_client.BusyLoadingError):
            return False

    def store(self, **settings):
        """What cdcd.cfg says of it."""
        return {"type": "redis", "url": f"unix://{self.socket}?db=0", **settings}

    def warm(self, *keys):
        """Puts keys into the cache, as an application would that has read the rows."""
        self.client.mset({key: "warm" for key in keys})

    def left(self):
        return {key.decode("utf-8", "surrogateescape") for key in self.client.keys()}

    def has(self, key):
        return self.client.exists(key) == 1


class Memcached(Server):
    """Options are words of memcached's command line; port for TCP instead of the socket."""

    store_name = "mc"

    def __init__(self, folder, *options, port=0):
        super().__init__(folder)
        self.socket = self.folder / "memcached.sock"
        self.port = port
        self.options = list(options)
        self.warmed = set()

    def command(self):
        user = ["-u", "root"] if os.getuid() == 0 else []
        where = ["-l", "127.0.0.1", "-p", str(self.port)] if self.port else ["-s", str(self.socket)]
        return ["memcached"] + user + where + self.options

    def answers(self):
        try:
            return self.ask([b"mn"]) == [b"MN"]
        except OSError:
            return False

    def address(self):
        return f"127.0.0.1:{self.port}" if self.port else f"unix:{self.socket}"

    def store(self, **settings):
        return {"type": "memcached", "servers": [self.address()], **settings}

    def connect(self):
        if self.port:
            return socket.create_connection(("127.0.0.1", self.port), 10)
        connection = socket.socket(socket.AF_UNIX)
        connection.settimeout(10)
        connection.connect(str(self.socket))
        return connection

    def ask(self, requests):
        """Sends requests, each of which has one line for an answer, and returns the lines."""
        with self.connect() as connection, connection.makefile("rb") as answers:
            connection.sendall(b"".join(request + b"\r\n" for request in requests))
            lines = [answers.readline() for _ in requests]
        if not all(line.endswith(b"\r\n") for line in lines):
            raise ConnectionError("memcached left in the middle of its answers")
        return [line.rstrip(b"\r\n") for line in lines]

    def warm(self, *keys):
        self.warmed.update(keys)
        answers = self.ask([b"ms %s 4\r\nwarm" % key.encode() for key in keys])
        assert set(answers) == {b"HD"}, answers

    def left(self):
        """Which of the keys that were ever warmed are there."""
        keys = sorted(self.warmed)
        answers = self.ask([b"mg %s" % key.encode() for key in keys]) if keys else []
        return {key for key, answer in zip(keys, answers) if answer == b"HD"}

    def has(self, key):
        return self.ask([b"mg %s" % key.encode()]) == [b"HD"]

    def value(self, key):
        with self.connect() as connection, connection.makefile("rb") as answers:
            connection.sendall(b"mg %s v\r\n" % key.encode())
            head = answers.readline()
            return answers.readline().strip() if head.startswith(b"VA") else None
