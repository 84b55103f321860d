"""Something between cdcd and a server that breaks what goes through it."""

import pathlib
import socket
import struct
import threading


class Proxy:
    """Listens on a unix socket and connects each caller with the server's. Bytes go through as
    they are; swallow() makes requests vanish without an answer, cut() ends what is connected."""

    def __init__(self, path, server):
        self.path = pathlib.Path(path)
        self.path.parent.mkdir(parents=True, exist_ok=True)
        self.server = str(server)
        self.swallowing = False
        self.n_swallowed = 0
        self.sockets = []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(str(self.path))
        self.listener.listen(10)
        start_thread(self._accept)

    def swallow(self, on=True):
        self.swallowing = on

    def cut(self):
        for end in self.sockets:
            hang_up(end)
        self.sockets.clear()

    def close(self):
        hang_up(self.listener)
        self.listener.close()
        self.cut()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.server)
            self.sockets += [client, server]
            start_thread(self._run, self.requests, client, server)
            start_thread(self._run, self.answers, server, client)

    @staticmethod
    def _run(copy, source, target):
        try:
            copy(source, target)
        except OSError:
            pass
        hang_up(source)
        hang_up(target)

    def requests(self, client, server):
        while data := client.recv(65536):
            if self.swallowing:
                self.n_swallowed += 1
            else:
                server.sendall(data)

    def answers(self, server, client):
        while data := server.recv(65536):
            client.sendall(data)


class PostgresProxy(Proxy):
    """Listens in a folder as PostgreSQL does, and may spoil the replication stream."""

    def __init__(self, folder, server_folder):
        super().__init__(folder / ".s.PGSQL.5432", server_folder / ".s.PGSQL.5432")
        self.nonsense = None
        self.n_spoiled = 0
        self.n_requests = 0

    def ask(self, n_requests):
        """After the next commit PostgreSQL asks so often for an answer, as when it shuts down."""
        self.n_requests = n_requests

    def spoil(self, nonsense):
        """The next message that carries a row change carries this instead."""
        self.nonsense = nonsense

    def answers(self, server, client):
        """What PostgreSQL sends is messages: a type, four bytes of length, the rest."""
        stream = server.makefile("rb")
        while len(head := stream.read(5)) == 5:
            body = stream.read(struct.unpack(">I", head[1:])[0] - 4)
            if self.nonsense is not None and is_pgoutput(head, body, b"IUD"):
                body = body[:25] + self.nonsense
                self.nonsense = None
                self.n_spoiled += 1
            client.sendall(message(head[:1], body))
            if is_pgoutput(head, body, b"C"):
                client.sendall(message(b"d", KEEPALIVE) * self.n_requests)
                self.n_requests = 0


# A keepalive that says nothing new, and wants an answer.
KEEPALIVE = b"k" + bytes(16) + b"\x01"


def message(kind, body):
    return kind + struct.pack(">I", len(body) + 4) + body


def is_pgoutput(head, body, kinds):
    """CopyData with XLogData, whose 25 bytes of head precede what pgoutput says."""
    return head[:1] == b"d" and body[:1] == b"w" and body[25:26] != b"" and body[25:26] in kinds


def start_thread(run, *words):
    threading.Thread(target=run, args=words, daemon=True).start()


def hang_up(end):
    try:
        end.shutdown(socket.SHUT_RDWR)
    except OSError:
        pass
