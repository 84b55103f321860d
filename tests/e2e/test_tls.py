"""Encrypted connections: what is verified, and what is said when it does not hold. In each bad case
the other store is served, and the op is done once the server is mended."""

import pytest

from certificates import Authority
from daemon import rules_file, run_verb
from poll import wait_for
from servers import free_port

POST = 'post = { key = "post:{id}"; store = [ "safe", "other" ]; triggers = "blog_post"; };'
RULES = rules_file(POST, store="safe")
TOUCH = "UPDATE blog_post SET title = title || '!' WHERE id = 1"


@pytest.fixture(scope="module")
def authority(workplace):
    return Authority(workplace / "ca")


@pytest.fixture
def make_secure_redis(make_redis):
    """A Redis with a TLS port beside its unix socket."""

    def make(authority, files, clients="no", **options):
        certificate, key = files
        return make_redis(
            **{
                "tls-port": str(free_port()),
                "tls-cert-file": str(certificate),
                "tls-key-file": str(key),
                "tls-ca-cert-file": str(authority.file),
                "tls-auth-clients": clients,
                **options,
            }
        )

    return make


def secure(server, authority, host="localhost", **settings):
    """What cdcd.cfg says of it."""
    url = f"rediss://{host}:{server.options['tls-port']}/0"
    return {"type": "redis", "url": url, "ca_file": str(authority.file), **settings}


class Pair:
    """A daemon with a store that is to be secure, and another beside it."""

    def __init__(self, cdcd, server, other, database):
        self.cdcd, self.server, self.other, self.database = cdcd, server, other, database

    def is_told(self, pattern):
        """The reason is logged; the other store lost its key meanwhile, and the secure one keeps
        it."""
        line = self.cdcd.wait_for_log(
            rf"(?m)^.*store cannot be reached store=safe server=\"[^\"]*\" reason=\"({pattern})"
        )
        self.touch()
        self.other_is_served()
        assert self.server.has("blog:post:1")
        return line.group(1)

    def touch(self):
        for cache in (self.server, self.other):
            cache.warm("blog:post:1", "blog:post:2")
        self.database.sql(TOUCH)

    def other_is_served(self):
        wait_for(lambda: not self.other.has("blog:post:1"), "the other store loses the key")

    def is_mended(self):
        self.cdcd.caught_up()
        assert self.server.left() == self.other.left() == {"blog:post:2"}


@pytest.fixture
def run_pair(blog, memcached, run_cdcd):
    def run(server, store):
        cdcd = run_cdcd(blog, RULES, {"safe": store, "other": memcached})
        return Pair(cdcd, server, memcached, blog)

    return run


@pytest.mark.smoke
@pytest.mark.parametrize("host", ["localhost", "127.0.0.1"])
def test_a_key_leaves_a_redis_with_tls(authority, make_secure_redis, run_pair, host):
    server = make_secure_redis(authority, authority.sign())
    pair = run_pair(server, secure(server, authority, host))
    pair.touch()
    pair.is_mended()


def test_an_expired_certificate_is_told_and_its_successor_needs_no_restart(
    authority, make_secure_redis, run_pair
):
    files = authority.sign("expired", days=-1)
    server = make_secure_redis(authority, files)
    pair = run_pair(server, secure(server, authority))
    pair.is_told(r"the certificate of the server expired on 20\d\d-\d\d-\d\d .* UTC: renew it there")
    authority.sign("expired")
    server.client.config_set("tls-cert-file", str(files[0]))
    pair.is_mended()


def test_a_certificate_of_another_host_is_told_with_the_hosts_it_has(
    authority, make_secure_redis, run_pair
):
    files = authority.sign("elsewhere", hosts="DNS:cache.example.org,DNS:other.example.org")
    server = make_secure_redis(authority, files)
    pair = run_pair(server, secure(server, authority))
    pair.is_told(
        r"the server's certificate is for cache.example.org, other.example.org and not for "
        r"localhost: "
    )
    authority.sign("elsewhere")
    server.client.config_set("tls-cert-file", str(files[0]))
    pair.is_mended()


def test_a_ca_that_did_not_sign_is_told_and_may_be_replaced(
    authority, place, make_secure_redis, run_pair
):
    server = make_secure_redis(authority, authority.sign())
    wrong = Authority(place("wrong"))
    pair = run_pair(server, secure(server, wrong))
    pair.is_told(r"the server's certificate is signed by no CA of ca_file /.*/ca\.crt: ")
    wrong.file.write_bytes(authority.file.read_bytes())
    pair.is_mended()


def test_who_signs_is_told_to_be_unknown_where_there_is_no_ca_file(
    authority, make_secure_redis, run_pair
):
    server = make_secure_redis(authority, authority.sign())
    store = secure(server, authority)
    del store["ca_file"]
    pair = run_pair(server, store)
    pair.is_told(r"the server's certificate is signed by no CA that this system trusts: set ca_file")


def test_a_server_that_wants_our_certificate_gets_it(authority, make_secure_redis, run_pair):
    server = make_secure_redis(authority, authority.sign(), clients="yes")
    certificate, key = authority.sign("client", hosts="DNS:cdcd")
    own = {"cert_file": str(certificate), "key_file": str(key)}
    pair = run_pair(server, secure(server, authority, **own))
    pair.touch()
    pair.is_mended()


def test_a_server_that_wants_a_certificate_and_gets_none_is_told(
    authority, make_secure_redis, run_pair
):
    server = make_secure_redis(authority, authority.sign(), clients="yes")
    pair = run_pair(server, secure(server, authority))
    pair.is_told(r"the server wants a certificate of ours: set cert_file and key_file")
    server.client.config_set("tls-auth-clients", "no")
    pair.is_mended()


def test_a_server_that_does_not_take_our_certificate_is_told(
    authority, place, make_secure_redis, run_pair
):
    server = make_secure_redis(authority, authority.sign(), clients="yes")
    stranger = Authority(place("stranger"))
    certificate, key = stranger.sign("client", hosts="DNS:cdcd")
    own = {"cert_file": str(certificate), "key_file": str(key)}
    pair = run_pair(server, secure(server, authority, **own))
    pair.is_told(r"the server says that our certificate is signed by a CA that it does not know: ")
    good, good_key = authority.sign("client", hosts="DNS:cdcd")
    certificate.write_bytes(good.read_bytes())
    key.write_bytes(good_key.read_bytes())
    pair.is_mended()


def test_a_plain_redis_behind_rediss_is_told(authority, make_redis, run_pair):
    server = make_redis(port=free_port())
    store = {"type": "redis", "url": f"rediss://localhost:{server.port}/0", "timeout": "300ms"}
    pair = run_pair(server, store)
    pair.is_told(r"no TLS handshake within 300 ms: does the server speak TLS on this port\?|"
                 r"the server does not speak TLS on this port: ")


def test_a_redis_with_tls_behind_a_plain_url_is_told(authority, make_secure_redis, run_pair):
    server = make_secure_redis(authority, authority.sign())
    store = {"type": "redis", "url": f"redis://localhost:{server.options['tls-port']}/0"}
    pair = run_pair(server, store)
    pair.is_told(
        r"(Connection reset by peer|the server closed the connection) before it said anything: "
        r"it may want TLS on this port|the server speaks TLS on this port: write rediss://"
    )


def test_a_certificate_is_renewed_while_the_daemon_runs(authority, make_secure_redis, run_pair):
    certificate, key = authority.sign("renewed")
    server = make_secure_redis(authority, (certificate, key))
    pair = run_pair(server, secure(server, authority))
    pair.touch()
    pair.is_mended()
    authority.sign("renewed")
    server.restart()
    pair.touch()
    pair.is_mended()


def test_a_file_that_is_gone_for_a_moment_is_waited_for(authority, place, make_secure_redis, run_pair):
    server = make_secure_redis(authority, authority.sign())
    own = place("own.crt")
    own.write_bytes(authority.file.read_bytes())
    pair = run_pair(server, {**secure(server, authority), "ca_file": str(own)})
    pair.touch()
    pair.is_mended()
    own.unlink()
    server.restart()
    pair.is_told(r"cannot read ca_file /.*own\.crt\d+: No such file or directory; ")
    own.write_bytes(authority.file.read_bytes())
    pair.is_mended()


def test_a_large_batch_goes_through_tls(authority, make_secure_redis, blog, run_cdcd):
    server = make_secure_redis(authority, authority.sign())
    blog.sql("INSERT INTO blog_post SELECT n, 'x' FROM generate_series(10, 20000) n")
    rules = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };', store="safe")
    cdcd = run_cdcd(blog, rules, {"safe": secure(server, authority)})
    server.warm(*(f"blog:post:{n}" for n in range(1, 20001)))
    blog.sql("UPDATE blog_post SET title = title || '!'")
    cdcd.caught_up()
    assert server.left() == set()


# ---- what check says ----


@pytest.fixture
def checked(new_cdcd, blog):
    """The complaints of `check` about a store."""

    def check(**settings):
        store = {"type": "redis", "url": "rediss://localhost:6379", **settings}
        cdcd = new_cdcd(blog, rules_file(POST.replace(', "other"', "")), {"safe": store})
        answer = run_verb("check", "-c", cdcd.config)
        return answer.returncode, answer.stderr

    return check


def test_check_tells_of_files_that_cannot_be_used(authority, place, checked):
    certificate, key = authority.sign("own")
    _, other_key = authority.sign("another")
    old, old_key = authority.sign("old", days=-1)
    nonsense = place("nonsense")
    nonsense.write_text("nonsense\n", "ascii")
    code, said = checked(ca_file="/nonexistent/ca.crt")
    assert code == 66
    assert "store safe: cannot read ca_file /nonexistent/ca.crt: No such file or directory; " in said
    for settings, words in [
        ({"ca_file": nonsense}, "holds no certificate in PEM; name the file of the CA"),
        ({"cert_file": nonsense, "key_file": key}, "holds no certificate in PEM; name the file of our"),
        ({"cert_file": certificate, "key_file": nonsense}, "holds no private key in PEM"),
        ({"cert_file": certificate, "key_file": other_key}, "is not that of cert_file"),
        ({"cert_file": certificate}, "name its file as key_file"),
        ({"cert_file": old, "key_file": old_key}, "expired on 20"),
        ({"key_file": key}, "has a key_file and no cert_file; set both"),
        ({"ca_file": authority.file, "url": "redis://h"}, "write rediss:// in its url"),
        ({"ca_file": authority.file, "url": "unix:///r.sock"}, "a unix socket has none"),
        ({"tls": True, "url": "redis://h"}, "says redis://; write rediss://"),
    ]:
        code, said = checked(**settings)
        assert code == 78 and words in said, (settings, said)
    code, said = checked(ca_file=authority.file, cert_file=certificate, key_file=key)
    assert code == 0, said


def test_a_daemon_does_not_begin_without_its_files(blog, refused):
    store = {"type": "redis", "url": "rediss://localhost:1", "ca_file": "/nonexistent/ca.crt"}
    code, said = refused(blog, rules_file(POST.replace(', "other"', "")), {"safe": store})
    assert code == 66
    assert said.count("cannot read ca_file /nonexistent/ca.crt") == 1
