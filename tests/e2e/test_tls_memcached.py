"""memcached that encrypts (-Z), and that asks for a password (-Y)."""

import os
import signal

import pytest

from certificates import Authority
from daemon import rules_file
from poll import wait_for
from servers import Memcached, free_port

POST = 'post = { key = "post:{id}"; store = [ "mc", "other" ]; triggers = "blog_post"; };'
SCAN = 'posts = { action = "scan"; match = "post:*"; triggers = "blog_post"; };'
RULES = rules_file(POST, store="mc")
TOUCH = "UPDATE blog_post SET title = title || '!' WHERE id = 1"
PERMISSION, CONFIG = 77, 78


class SecureMemcached(Memcached):
    """Its port speaks TLS; the test talks to another, plain one."""

    def __init__(self, folder, certificate, key):
        super().__init__(
            folder, "-Z", "-o", f"ssl_chain_cert={certificate},ssl_key={key}", port=free_port()
        )
        self.secure_port = free_port()

    def command(self):
        where = ["-l", f"notls:127.0.0.1:{self.port},127.0.0.1:{self.secure_port}"]
        user = ["-u", "root"] if os.getuid() == 0 else []
        return ["memcached"] + user + where + self.options


class GuardedMemcached(Memcached):
    """Answers nobody who has not said the password."""

    def __init__(self, folder, password="open"):
        super().__init__(folder)
        self.passwords = self.folder / "passwords"
        self.set_password(password)
        self.options = ["-Y", str(self.passwords)]

    def set_password(self, password):
        self.password = password
        self.passwords.write_text(f"someone:else\njoe:{password}\n", "ascii")
        if self.running():
            self.process.send_signal(signal.SIGHUP)  # it reads the file again

    def connect(self):
        connection = super().connect()
        words = b"joe " + self.password.encode("ascii")
        connection.sendall(b"set auth 0 0 %d\r\n%s\r\n" % (len(words), words))
        if connection.recv(100) != b"STORED\r\n":
            raise ConnectionError("memcached does not take the test's password")
        return connection


@pytest.fixture(scope="module")
def authority(workplace):
    return Authority(workplace / "ca-mc")


@pytest.fixture
def start(cleanup):
    def start(server):
        cleanup.callback(server.remove)
        return server.start()

    return start


def secure(server, authority, host="localhost"):
    return {
        "type": "memcached",
        "servers": [f"{host}:{server.secure_port}"],
        "tls": True,
        "ca_file": str(authority.file),
    }


def is_done(blog, cdcd, *caches):
    for cache in caches:
        cache.warm("blog:post:1", "blog:post:2")
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert [cache.left() for cache in caches] == [{"blog:post:2"}] * len(caches)


def test_a_key_leaves_a_memcached_with_tls(authority, blog, redis, place, start, run_cdcd):
    server = start(SecureMemcached(place("mc"), *authority.sign()))
    cdcd = run_cdcd(blog, RULES, {"mc": secure(server, authority), "other": redis})
    is_done(blog, cdcd, server, redis)


def test_a_scan_lists_through_tls(authority, blog, place, start, run_cdcd):
    server = start(SecureMemcached(place("mc"), *authority.sign()))
    cdcd = run_cdcd(blog, rules_file(SCAN, store="mc"), {"mc": secure(server, authority)})
    server.warm(*(f"blog:post:{n}" for n in range(3000)), "blog:page:1")
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert server.left() == {"blog:page:1"}


def test_a_memcached_whose_certificate_is_not_good_holds_up_no_other_store(
    authority, blog, redis, place, start, run_cdcd
):
    server = start(SecureMemcached(place("mc"), *authority.sign("elsewhere", hosts="DNS:x.org")))
    cdcd = run_cdcd(blog, RULES, {"mc": secure(server, authority), "other": redis})
    cdcd.wait_for_log(r"store=mc .*reason=\"the server's certificate is for x\.org and not for")
    for cache in (server, redis):
        cache.warm("blog:post:1", "blog:post:2")
    blog.sql(TOUCH)
    wait_for(lambda: not redis.has("blog:post:1"), "the other store loses the key")
    assert server.has("blog:post:1")
    authority.sign("elsewhere")
    assert server.ask([b"refresh_certs"]) == [b"OK"]
    cdcd.caught_up()
    assert server.left() == redis.left() == {"blog:post:2"}


def test_a_plain_memcached_behind_tls_is_told(authority, blog, redis, make_memcached, run_cdcd):
    server = make_memcached(port=free_port())
    store = server.store(tls=True, ca_file=str(authority.file), timeout="300ms")
    cdcd = run_cdcd(blog, RULES, {"mc": store, "other": redis})
    cdcd.wait_for_log(
        r"store cannot be reached store=mc .*reason=\"(no TLS handshake within 300 ms: does the "
        r"server speak TLS on this port\?|the server does not speak TLS on this port: )"
    )


def test_a_memcached_with_tls_behind_a_plain_store_is_told(
    authority, blog, redis, place, start, run_cdcd
):
    server = start(SecureMemcached(place("mc"), *authority.sign()))
    store = {"type": "memcached", "servers": [f"127.0.0.1:{server.secure_port}"]}
    cdcd = run_cdcd(blog, RULES, {"mc": store, "other": redis})
    cdcd.wait_for_log(
        r"store cannot be reached store=mc .*reason=\"(the server speaks TLS on this port: |.* "
        r"before it said anything: it may want TLS on this port)"
    )


@pytest.fixture
def password(place):
    path = place("password")
    path.write_text("open\n", "ascii")
    return path


@pytest.mark.smoke
def test_a_key_leaves_a_memcached_that_wants_a_password(
    blog, redis, place, password, start, run_cdcd
):
    server = start(GuardedMemcached(place("mc")))
    store = server.store(user="joe", password_file=str(password))
    cdcd = run_cdcd(blog, RULES, {"mc": store, "other": redis})
    is_done(blog, cdcd, server, redis)


def test_a_scan_says_the_password_too(blog, place, password, start, run_cdcd):
    server = start(GuardedMemcached(place("mc")))
    store = server.store(user="joe", password_file=str(password))
    cdcd = run_cdcd(blog, rules_file(SCAN, store="mc"), {"mc": store})
    server.warm("blog:post:1", "blog:page:1")
    blog.sql(TOUCH)
    cdcd.caught_up()
    assert server.left() == {"blog:page:1"}


def test_a_wrong_password_ends_the_start(blog, redis, place, password, start, refused):
    server = start(GuardedMemcached(place("mc"), "shut"))
    store = server.store(user="joe", password_file=str(password))
    code, said = refused(blog, RULES, {"mc": store, "other": redis})
    assert code == PERMISSION
    assert "authentication failure: mend user and password_file of store mc" in said
    assert "open" not in said


def test_a_password_that_is_missing_ends_the_start(blog, redis, place, start, refused):
    server = start(GuardedMemcached(place("mc")))
    code, said = refused(blog, RULES, {"mc": server, "other": redis})
    assert code == PERMISSION
    assert "unauthenticated: set user and password_file of store mc" in said


def test_a_memcached_that_asks_for_no_password_is_not_told_it(
    blog, redis, memcached, password, refused
):
    store = memcached.store(user="joe", password_file=str(password))
    code, said = refused(blog, RULES, {"mc": store, "other": redis})
    assert code == CONFIG
    assert "it asks for no password: remove user and password_file of store mc" in said
    assert memcached.value("auth") is None


def test_a_password_that_changes_while_the_daemon_runs_is_read_anew(
    blog, redis, place, password, start, run_cdcd
):
    server = start(GuardedMemcached(place("mc")))
    store = server.store(user="joe", password_file=str(password))
    cdcd = run_cdcd(blog, RULES, {"mc": store, "other": redis})
    is_done(blog, cdcd, server, redis)
    server.set_password("sesame")
    server.restart()
    cdcd.wait_for_log(r"store=mc .*reason=\"CLIENT_ERROR authentication failure: mend user and")
    for cache in (server, redis):
        cache.warm("blog:post:1", "blog:post:2")
    blog.sql(TOUCH)
    wait_for(lambda: not redis.has("blog:post:1"), "the other store loses the key")
    password.write_text("sesame", "ascii")
    cdcd.caught_up()
    assert server.left() == redis.left() == {"blog:post:2"}
