"""A PostgreSQL between cdcd and PostgreSQL that can be told to send nonsense."""

import pathlib
import socket
import struct
import threading


class Proxy:
    """Listens in a folder as PostgreSQL does. Bytes go through as they are, but for those of the
    next row change after spoil()."""

    def __init__(self, folder, server_folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.server = f"{server_folder}/.s.PGSQL.5432"
        self.spoil_with = None
        self.n_spoiled = 0
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.folder}/.s.PGSQL.5432")
        self.listener.listen(10)
        threading.Thread(target=self._accept, daemon=True).start()

    def spoil(self, payload):
        """The next message of the stream that carries a row change carries this instead."""
        self.spoil_with = payload

    def close(self):
        self.listener.close()

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.socket(socket.AF_UNIX)
            server.connect(self.server)
            self._run(self._copy, client, server)
            self._run(self._copy_messages, server, client)

    def _run(self, copy, source, target):
        def run():
            try:
                copy(source, target)
            except OSError:
                pass
            for end in (source, target):
                try:
                    end.shutdown(socket.SHUT_RDWR)
                except OSError:
                    pass

        threading.Thread(target=run, daemon=True).start()

    @staticmethod
    def _copy(source, target):
        while data := source.recv(65536):
            target.sendall(data)

    def _copy_messages(self, server, client):
        """What the server sends is messages: a type, four bytes of length, the rest."""
        stream = server.makefile("rb")
        while len(head := stream.read(5)) == 5:
            body = stream.read(struct.unpack(">I", head[1:])[0] - 4)
            if head[:1] == b"d" and body[:1] == b"w" and body[25:26] in b"IUD" and self.spoil_with:
                body = body[:25] + self.spoil_with
                self.spoil_with = None
                self.n_spoiled += 1
            client.sendall(head[:1] + struct.pack(">I", len(body) + 4) + body)
