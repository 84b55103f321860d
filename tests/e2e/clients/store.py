"""Stores keys as a Python application would: store.py CLIENT HOST:PORT:WEIGHT..., keys on stdin."""

import sys


def apart(server):
    host, port, weight = server.rsplit(":", 2)
    return host, int(port), int(weight)


def pylibmc(servers, **behaviors):
    import pylibmc

    return pylibmc.Client(servers, behaviors=behaviors).set


def python_memcached(servers):
    import memcache

    client = memcache.Client([(f"{host}:{port}", weight) for host, port, weight in map(apart, servers)])
    return lambda key, value: client.set(key.encode(), value)


def pymemcache(servers):
    from pymemcache.client.hash import HashClient

    client = HashClient(
        [apart(server)[:2] for server in servers],
        allow_unicode_keys=True,
        encoding="utf-8",
        default_noreply=False,
    )
    return client.set


CLIENTS = {
    "pylibmc": pylibmc,
    "pylibmc-ketama": lambda servers: pylibmc(servers, ketama=True),
    "pylibmc-ketama-weighted": lambda servers: pylibmc(servers, ketama=True, ketama_weighted=True),
    "python-memcached": python_memcached,
    "pymemcache": pymemcache,
}

put = CLIENTS[sys.argv[1]](sys.argv[2:])
for line in sys.stdin.buffer:
    key = line.rstrip(b"\n").decode()
    assert put(key, "1"), f"{key} was not stored"
