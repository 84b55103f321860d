"""memcached gives a lease to the first who misses, or who finds a value that is marked stale (rules:
lease_memcached.cfg deletes, stale_memcached.cfg marks).

The lease is the item's CAS number. A change deletes the item or gives it another number, so a late
write of what was read before is refused. With the rules that mark, all readers but one are served
the old value meanwhile."""

import socket


class Memcached:
    """The meta commands, which few client libraries have."""

    def __init__(self, address, timeout=5):
        """address: a host and a port, or the path of a unix socket."""
        if isinstance(address, tuple):
            self.socket = socket.create_connection(address, timeout)
        else:
            self.socket = socket.socket(socket.AF_UNIX)
            self.socket.settimeout(timeout)
            self.socket.connect(str(address))
        self.answers = self.socket.makefile("rb")

    def ask(self, command, value=None):
        """The first word, the flags by their letters, and the value of the answer."""
        data = b"" if value is None else value + b"\r\n"
        self.socket.sendall(command.encode() + b"\r\n" + data)
        words = self.answers.readline().decode().split()
        if not words or words[0] in ("ERROR", "CLIENT_ERROR", "SERVER_ERROR"):
            raise OSError(f"memcached: {' '.join(words) or 'the connection is lost'}")
        value = None
        if words[0] == "VA":
            value = self.answers.read(int(words[1]) + 2)[:-2]
            words = words[1:]
        return words[0] if value is None else "VA", {w[0]: w[1:] for w in words[1:]}, value


def cached(memcached, key, load, ttl=3600, lease=30):
    """key has no blanks and at most 250 bytes."""
    _, flags, value = memcached.ask(f"mg {key} v c N{lease}")
    if "W" not in flags:
        # Fresh, or the old one while another reader is at it; empty: there is none yet.
        return value or load()
    value = load()
    memcached.ask(f"ms {key} {len(value)} C{flags['c']} T{ttl}", value)  # HD, or refused: EX or NF
    return value
