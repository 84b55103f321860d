"""Where applications' own clients put their keys is where cdcd looks for them."""

import pathlib
import socket
import subprocess

import pytest

from daemon import binary, libconfig
from servers import Memcached, free_port

CLIENTS = pathlib.Path(__file__).with_name("clients")
N_KEYS = 20000

PYTHON = ["/usr/bin/python3", str(CLIENTS / "store.py")]
PHP = ["php", str(CLIENTS / "store.php")]
RUBY = ["ruby", str(CLIENTS / "store.rb")]

# Each with the selector that chooses as it does, and whether it knows weights.
WAYS = [
    (PYTHON, "pylibmc", "modulo"),
    (PYTHON, "pylibmc-ketama", "ketama-plain"),
    (PYTHON, "pylibmc-ketama-weighted", "ketama"),
    (PYTHON, "python-memcached", "python-memcached"),
    (PYTHON, "pymemcache", "pymemcache"),
    (PHP, "memcached", "modulo"),
    (PHP, "memcached-consistent", "ketama-plain"),
    (PHP, "memcached-ketama", "ketama"),
    (PHP, "memcache", "pecl-memcache"),
    (RUBY, "dalli", "dalli"),
]


def make_keys():
    """Short and long ones, and letters that are no ASCII."""
    keys = [chr(code) for code in range(33, 127)]
    keys += ["é", "я", "€", "😀", "ÿ" * 125, "😀" * 62, "k" * 250, "k" * 249, "abc", "abcd", "abcde"]
    while len(keys) < N_KEYS:
        n = len(keys)
        keys.append([f":1:user:{n}", f"views/products/{n}", f"новость_{n}", f"naïve-{n}-€",
                     f"myapp:2:template.cache.sidebar.{n * 7919:032x}", f"😀{n}"][n % 6])
    return keys


KEYS = make_keys()


class Member(Memcached):
    """One of a fleet, at an address of its own."""

    def __init__(self, folder, host, port):
        super().__init__(folder, "-m", "64", port=port)
        self.host = host

    def command(self):
        return [self.host if word == "127.0.0.1" else word for word in super().command()]

    def address(self):
        return f"{self.host}:{self.port}"

    def connect(self):
        return socket.create_connection((self.host, self.port), 10)

    def holds(self, keys):
        """Those of the keys that are here."""
        here = set()
        for at in range(0, len(keys), 1000):
            some = keys[at : at + 1000]
            answers = self.ask([b"mg " + key.encode() for key in some])
            here.update(key for key, answer in zip(some, answers) if answer == b"HD")
        return here

    def empty(self):
        assert self.ask([b"flush_all"]) == [b"OK"]


def is_free(host, port):
    with socket.socket() as probe:
        try:
            probe.bind((host, port))
        except OSError:
            return False
    return True


@pytest.fixture(scope="module")
def fleet(workplace):
    """Three servers; the second has memcached's own port, which some clients leave out."""
    second = 11211 if is_free("127.0.0.2", 11211) else free_port()
    places = [("127.0.0.1", free_port()), ("127.0.0.2", second), ("127.0.0.3", free_port())]
    members = []
    try:
        for host, port in places:
            members.append(Member(workplace / f"selectors-{host}", host, port))
            members[-1].start()
        yield members
    finally:
        for member in members:
            member.remove()


def put(command, way, fleet, servers, keys):
    """The application stores the keys, where none were."""
    for member in fleet:
        member.empty()
    text = "".join(f"{key}\n" for key in keys)
    done = subprocess.run([*command, way, *servers], input=text.encode(), capture_output=True,
                          timeout=120, check=False)
    assert done.returncode == 0, done.stderr.decode()


def where(folder, servers, keys, **settings):
    """On which servers cdcd looks for each of the keys."""
    folder.mkdir()
    store = {"type": "memcached", "servers": servers, **settings}
    (folder / "cdcd.cfg").write_text(
        f"stores = {libconfig({'mc': store})}; rules = \"*.rules\";\n", "utf-8"
    )
    answer = subprocess.run(
        [binary(), "explain", "-c", folder / "cdcd.cfg", "--where", "-", "--store", "mc"],
        input="".join(f"{key}\n" for key in keys), capture_output=True, text=True, check=True,
        encoding="utf-8",
    )
    found = [line.rsplit(" ", 1) for line in answer.stdout.splitlines()]
    assert [key for key, _ in found] == keys
    return dict(found)


def differences(fleet, chosen):
    """Keys that are not where cdcd looks for them, or are elsewhere."""
    held = {member.address(): member.holds(list(chosen)) for member in fleet}
    assert all(held.values()), "a server without keys shows nothing"
    return [
        (key, server)
        for key, server in chosen.items()
        if {address for address, keys in held.items() if key in keys} != {server}
    ]


def weighted(members, weights):
    return [f"{member.address()}:{weight}" for member, weight in zip(members, weights)]


@pytest.mark.parametrize("weights", [(1, 1, 1), (1, 3, 2)], ids=["equal", "weighted"])
@pytest.mark.parametrize("command, way, selector", WAYS, ids=[way for _, way, _ in WAYS])
def test_a_key_is_where_the_client_puts_it(fleet, place, command, way, selector, weights):
    members = fleet if weights[0] == weights[1] else fleet[::-1]
    servers = weighted(members, weights)
    put(command, way, fleet, servers, KEYS)
    chosen = where(place("cdcd"), servers, KEYS, selector=selector)
    assert differences(members, chosen) == []


def test_a_prefix_that_the_client_does_not_hash_is_not_hashed(fleet, place):
    servers = weighted(fleet, (1, 1, 1))
    keys = [key for key in KEYS if len(key.encode()) < 240]
    put(PHP, "memcached-prefix", fleet, servers, keys)
    chosen = where(place("cdcd"), servers, ["app:" + key for key in keys], selector="modulo",
                   unhashed_prefix="app:")
    assert differences(fleet, chosen) == []


def test_another_clients_selector_looks_elsewhere(fleet, place):
    servers = weighted(fleet, (1, 1, 1))
    put(PYTHON, "pylibmc", fleet, servers, KEYS)
    assert len(differences(fleet, where(place("cdcd"), servers, KEYS, selector="ketama"))) > N_KEYS / 3


def test_every_server_is_named_where_each_may_have_the_key(place):
    servers = ["10.0.0.1", "10.0.0.2:11212:3"]
    for number, settings in enumerate([{}, {"selector": "all"}]):
        folder = place(f"all{number}")
        folder.mkdir()
        store = {"type": "memcached", "servers": servers, **settings}
        (folder / "cdcd.cfg").write_text(
            f"stores = {libconfig({'mc': store})}; rules = \"*.rules\";\n", "utf-8"
        )
        answer = subprocess.run(
            [binary(), "explain", "-c", folder / "cdcd.cfg", "--where", "k", "--store", "mc"],
            capture_output=True, text=True, check=True,
        )
        assert answer.stdout == "k 10.0.0.1:11211\nk 10.0.0.2:11212\n"
