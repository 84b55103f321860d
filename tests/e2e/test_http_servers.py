"""Servers of HTTP as they are: they end connections, redirect, are busy, slow, broken, or no HTTP."""

import re
import socket
import socketserver
import subprocess
import threading

import pytest

from certificates import Authority
from daemon import rules_file
from http_caches import Application, Nginx, Varnish
from poll import wait_for
from servers import free_port

PAGES = 'page = { key = "/page/{id}"; triggers = "blog_post"; };'
TOUCH = "UPDATE blog_post SET title = title || '!'"
DONE = b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"


def rules(caches=PAGES):
    return rules_file(caches, prefix="", store="edge")


class Puppet(socketserver.ThreadingTCPServer):
    """A server that does with the n-th connection what the test says, and notes what it was asked.
    The last of `acts` is for all that follow."""

    daemon_threads = True
    allow_reuse_address = True

    def __init__(self, *acts, port=0):
        super().__init__(("127.0.0.1", port), None)
        self.acts = acts
        self.n_connections = 0
        self.asked = []
        self.mended = False  # does as a good server does, from now on
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def finish_request(self, request, client_address):
        act = GOOD if self.mended else self.acts[min(self.n_connections, len(self.acts) - 1)]
        self.n_connections += 1
        with request.makefile("rb") as lines:
            act(self, request, lines)

    def handle_error(self, request, client_address):
        pass  # the other side went away

    def take(self, lines):
        """The first line of the next request; None when the other side has gone."""
        first = line = lines.readline()
        while line not in (b"\r\n", b""):
            line = lines.readline()
        if line:
            self.asked.append(first.decode().rsplit(" ", 1)[0])
        return bool(line)

    def store(self, **settings):
        return {"type": "http", "url": f"http://127.0.0.1:{self.server_address[1]}", **settings}


def answer(*answers, then=None):
    """Gives these answers, one for each request, and closes; `then` is the answer to all others."""

    def act(server, request, lines):
        for one in answers:
            if not server.take(lines):
                return
            request.sendall(one)
        while then and server.take(lines):
            request.sendall(DONE if server.mended else then)

    return act


GOOD = answer(then=DONE)


def hang(server, request, lines):
    """Takes requests and answers nothing."""
    while server.take(lines):
        pass


@pytest.fixture
def puppet(cleanup):
    def make(*acts, **more):
        server = Puppet(*acts, **more)
        cleanup.callback(lambda: (server.shutdown(), server.server_close()))
        return server

    return make


ALL = {f"PURGE /page/{n}" for n in range(1, 10)}

FAULTS = {
    "rubbish": (answer(b"HD\r\n"), "protocol error: the answer is no HTTP/1"),
    "nothing": (hang, "no answer within 300 ms"),
    "half an answer": (answer(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhalf"), "the server closed"),
    "closes": (answer(), "the server closed the connection"),
    "busy": (answer(then=b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"), "503 is the answer"),
    "moved": (
        answer(then=b"HTTP/1.1 301 Moved\r\nLocation: https://h.example/x\r\nContent-Length: 0\r\n\r\n"),
        "301 is the answer to PURGE: it points to h.example; name the cache itself as url",
    ),
    "unknown method": (
        answer(then=b"HTTP/1.1 501 Not Implemented\r\nContent-Length: 0\r\n\r\n"),
        "501 is the answer to PURGE: it does not know this method",
    ),
}  # fmt: skip


@pytest.mark.parametrize("fault", FAULTS)
def test_a_server_at_fault_is_told_of_and_gets_every_op_once_it_is_mended(
    blog, puppet, redis, run_cdcd, fault
):
    act, reason = FAULTS[fault]
    server = puppet(act)
    keys = 'post = { key = "post:{id}"; store = "redis"; triggers = "blog_post"; };'
    stores = {"edge": server.store(timeout="300ms"), "redis": redis}
    cdcd = run_cdcd(blog, rules(PAGES + keys), stores)
    redis.warm("post:1")
    blog.sql(TOUCH)
    cdcd.wait_for_log(re.escape(reason))
    wait_for(lambda: not redis.has("post:1"), "the other store goes on")
    server.asked.clear()
    server.mended = True
    cdcd.caught_up()
    assert set(server.asked) == ALL


def test_a_server_that_has_not_answered_yet_is_asked_one_thing(blog, puppet, run_cdcd):
    may_go_on = threading.Event()

    def wait(server, request, lines):
        while server.take(lines):
            may_go_on.wait(20)
            request.sendall(DONE)

    server = puppet(wait)
    cdcd = run_cdcd(blog, rules(), {"edge": server.store(timeout="20s")})
    blog.sql(TOUCH)
    wait_for(lambda: len(server.asked) == 1, "the first request")
    cdcd.read()
    assert len(server.asked) == 1
    may_go_on.set()
    cdcd.caught_up()
    assert sorted(server.asked) == sorted(ALL)
    assert server.n_connections == 1


CLOSE = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
OLD = b"HTTP/1.0 200 OK\r\n\r\nuntil the end"


@pytest.mark.smoke
@pytest.mark.parametrize("last", [CLOSE, OLD])
def test_a_server_that_closes_after_each_answer_is_not_asked_more_than_that(
    blog, puppet, run_cdcd, last
):
    server = puppet(answer(last))
    cdcd = run_cdcd(blog, rules(), {"edge": server.store()})
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert sorted(server.asked) == sorted(ALL)
    assert "lost" not in cdcd.said()


def test_ten_thousand_requests_leave_in_few_writes(blog, puppet, run_cdcd):
    reads = []

    def count(server, request, lines):
        rest = b""
        while received := request.recv(1 << 20):
            reads.append(len(received))
            *requests, rest = (rest + received).split(b"\r\n\r\n")
            server.asked += [one.split(b" ")[1] for one in requests]
            request.sendall(DONE * len(requests))

    server = puppet(count)
    blog.sql("INSERT INTO blog_post SELECT n, 'x' FROM generate_series(10, 10009) n")
    cdcd = run_cdcd(blog, rules(), {"edge": server.store(timeout="20s")})
    blog.sql(f"{TOUCH} WHERE id >= 10")
    cdcd.caught_up()
    assert len(server.asked) == len(set(server.asked)) == 10000
    assert len(reads) <= 200


def test_bodies_are_skipped_whatever_their_size(blog, puppet, run_cdcd):
    huge = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n" + (
        (b"ffff\r\n" + b"x" * 0xFFFF + b"\r\n") * 15 + b"0\r\n\r\n"
    )

    def endless(server, request, lines):
        server.take(lines)
        request.sendall(b"HTTP/1.1 200 OK\r\n\r\n")
        while True:
            request.sendall(b"x" * 65536)

    server = puppet(endless, answer(huge, then=DONE))
    cdcd = run_cdcd(blog, rules(), {"edge": server.store()})
    before = cdcd.peak_memory()
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert sorted(server.asked) == sorted(ALL)
    assert cdcd.peak_memory() - before < 20 << 20


def test_a_server_that_is_away_is_waited_for(blog, puppet, run_cdcd):
    port = free_port()
    store = {"type": "http", "url": f"http://127.0.0.1:{port}"}
    cdcd = run_cdcd(blog, rules(), {"edge": store}, limits={"retry": "10ms..50ms"})
    blog.sql(TOUCH)
    cdcd.wait_for_log("store cannot be reached")
    server = puppet(GOOD, port=port)
    cdcd.caught_up()
    assert set(server.asked) == ALL


@pytest.fixture
def make_cache(place, cleanup):
    def make(kind, *words, **more):
        backend = Application(lambda path: (f"{path} {backend.asked[path]}", {}))
        cleanup.callback(backend.close)
        cache = kind(place(kind.__name__.lower()), backend.port, *words, **more)
        cleanup.callback(cache.remove)
        return cache.start()

    return make


def test_nginx_may_end_a_connection_after_some_requests(blog, make_cache, run_cdcd):
    cache = make_cache(Nginx, **{"location / {": "keepalive_requests 7; location / {"})
    blog.sql("INSERT INTO blog_post SELECT n, 'x' FROM generate_series(10, 500) n")
    cdcd = run_cdcd(blog, rules(), cache)
    pages = [f"/page/{n}" for n in (1, 2, 250, 500)]
    for page in pages:
        assert cache.get(page) == f"{page} 1"
    blog.sql(TOUCH)
    cdcd.caught_up()
    for page in pages:
        assert cache.get(page) == f"{page} 2"
    assert "lost" not in cdcd.said() and "cannot be reached" not in cdcd.said()


def test_a_cache_may_be_told_over_tls(blog, make_cache, place, run_cdcd):
    authority, port = Authority(place("ca")), free_port()
    certificate, key = authority.sign()
    speaks = (
        f"server {{ listen 127.0.0.1:{port} ssl; ssl_certificate {certificate}; "
        f"ssl_certificate_key {key}; keepalive_requests 3;"
    )
    cache = make_cache(Nginx, **{"server {": speaks})
    store = {"type": "http", "url": f"https://localhost:{port}", "ca_file": str(authority.file)}
    stranger = Authority(place("other")).file
    cdcd = run_cdcd(blog, rules(), {"edge": store, "other": {**store, "ca_file": str(stranger)}})
    for n in range(1, 10):
        cache.get(f"/page/{n}")
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert all(cache.get(f"/page/{n}") == f"/page/{n} 2" for n in range(1, 10))
    about = [line for line in cdcd.said().splitlines() if "store=edge" in line]
    assert len(about) == 1 and "store is up" in about[0]
    cdcd.wait_for_log("store=other .*certificate")


def connections(varnish):
    words = ["varnishstat", "-n", str(varnish.folder / "n"), "-1", "-f", "MAIN.sess_conn"]
    said = subprocess.run(words, capture_output=True, text=True, check=True).stdout
    return int(said.split()[1])


def test_a_connection_that_was_idle_may_be_closed(blog, make_cache, run_cdcd):
    cache = make_cache(Varnish, ["timeout_idle=1"])
    cdcd = run_cdcd(blog, rules(), cache)
    before = connections(cache)
    wait_for(lambda: connections(cache) >= before + 3, "Varnish closes what is idle", every=0.1)
    assert cache.get("/page/1") == "/page/1 1"
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert cache.get("/page/1") == "/page/1 2"
    assert "lost" not in cdcd.said() and cdcd.said().count("store is up") == 1


def test_a_cache_that_is_killed_gets_what_it_missed(blog, make_cache, run_cdcd):
    cache = make_cache(Nginx)
    cdcd = run_cdcd(blog, rules(), cache)
    for n in range(1, 10):
        cache.get(f"/page/{n}")
    cache.kill9()
    blog.sql(TOUCH)
    cdcd.read()
    cache.start()
    cdcd.caught_up()
    assert all(cache.get(f"/page/{n}") == f"/page/{n} 2" for n in range(1, 10))


def test_a_cache_may_be_behind_a_unix_socket(blog, place, run_cdcd, cleanup):
    path = place("socket")
    seen = []

    class Handler(socketserver.StreamRequestHandler):
        def handle(self):
            for line in self.rfile:
                seen.append(line)
                if line == b"\r\n":
                    self.wfile.write(DONE)

    class UnixServer(socketserver.ThreadingMixIn, socketserver.UnixStreamServer):
        daemon_threads = True

    server = UnixServer(str(path), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    cleanup.callback(lambda: (server.shutdown(), server.server_close()))
    cdcd = run_cdcd(blog, rules(), {"edge": {"type": "http", "url": f"unix://{path}", "host": "h"}})
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert {line.decode() for line in seen if line.startswith(b"PURGE")} == {
        f"{purge} HTTP/1.1\r\n" for purge in ALL
    }
    assert b"Host: h\r\n" in seen
