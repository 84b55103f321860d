"""What a stranger may answer to a TLS handshake. `check --live` says the reason."""

import contextlib
import socket
import ssl
import threading

import pytest

from certificates import Authority
from daemon import rules_file, run_verb

POST = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };', store="safe")


@pytest.fixture(scope="module")
def authority(workplace):
    return Authority(workplace / "ca-bad")


@pytest.fixture
def listen(cleanup):
    """A server on loopback that does `answer` to each connection; its port."""

    def listen(answer):
        listener = socket.create_server(("127.0.0.1", 0))
        cleanup.callback(listener.close)
        threading.Thread(target=serve, args=(listener, answer), daemon=True).start()
        return listener.getsockname()[1]

    return listen


def serve(listener, answer):
    with contextlib.suppress(OSError):  # it was closed: the test is over
        while True:
            connection, _ = listener.accept()
            threading.Thread(target=one, args=(connection, answer), daemon=True).start()


def one(connection, answer):
    with connection, contextlib.suppress(OSError):
        connection.settimeout(20)
        answer(connection)


@pytest.fixture
def told(blog, authority, new_cdcd):
    """What `check --live` says of a server at this port."""

    def told(port, host="localhost", **settings):
        store = {
            "type": "redis", "url": f"rediss://{host}:{port}", "ca_file": str(authority.file),
            "timeout": "500ms", **settings,
        }
        cdcd = new_cdcd(blog, POST, {"safe": store})
        said = run_verb("check", "--live", "-c", cdcd.config).stderr
        lines = [line for line in said.splitlines() if "store safe" in line]
        assert len(lines) == 1 and "Sanitizer" not in said, said
        return lines[0]

    return told


def hear(connection):
    return connection.recv(65536)


def hold(connection):
    """Until the other side goes."""
    while connection.recv(65536):
        pass


def after_hello(words):
    def answer(connection):
        hear(connection)
        connection.sendall(words)
        hold(connection)

    return answer


def over_tls(context, words=None):
    def answer(connection):
        with context.wrap_socket(connection, server_side=True) as stream:
            if words is not None:
                hear(stream)
                stream.sendall(words)
                hold(stream)

    return answer


def context_of(files, version=None):
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*files)
    if version:
        context.set_ciphers("ALL:@SECLEVEL=0")
        context.minimum_version = context.maximum_version = version
    return context


@pytest.mark.parametrize(
    "words",
    [
        b"-ERR unknown command\r\n",
        b"HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n",
        b"\x00" * 4000,
        bytes(range(256)) * 100,
    ],
)
def test_what_answers_without_tls_is_told(listen, told, words):
    assert "the server does not speak TLS on this port: name its TLS port" in told(
        listen(after_hello(words))
    )


def test_a_record_that_makes_no_sense_is_told(listen, told):
    line = told(listen(after_hello(b"\x16\x03\x03\x00\x04\x02\x00\x00\x00")))
    assert "TLS" in line and "cannot be reached" in line


def test_what_hangs_up_in_the_handshake_is_told(listen, told):
    line = told(listen(hear))
    assert "the server closed the connection in the TLS handshake" in line


def test_what_hangs_up_at_once_is_told(listen, told):
    line = told(listen(lambda connection: None))
    assert "closed the connection in the TLS handshake" in line or "Connection reset" in line


def test_what_says_nothing_is_told(listen, told):
    line = told(listen(hold))
    assert "no TLS handshake within 500 ms: does the server speak TLS on this port?" in line


@pytest.mark.filterwarnings("ignore::DeprecationWarning")
def test_an_old_tls_is_not_spoken(authority, listen, told):
    context = context_of(authority.sign("old-tls"), ssl.TLSVersion.TLSv1_1)
    assert "the server speaks no TLS 1.2 or later" in told(listen(over_tls(context)))


@pytest.mark.parametrize("version", [ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3])
def test_tls_of_today_is_spoken(authority, listen, told, version):
    """As far as the answer, which no Redis gives."""
    context = context_of(authority.sign("today"), version)
    assert "protocol error: " in told(listen(over_tls(context, b"HTTP/1.1 200 OK\r\n\r\n")))


def test_a_tls_1_2_that_wants_a_certificate_is_told(authority, listen, told):
    context = context_of(authority.sign("wants"), ssl.TLSVersion.TLSv1_2)
    context.verify_mode = ssl.CERT_REQUIRED
    context.load_verify_locations(authority.file)
    assert "the server wants a certificate of ours: set cert_file and key_file" in told(
        listen(over_tls(context))
    )


def test_names_of_a_stranger_cannot_break_the_line(authority, listen, told):
    files = authority.sign("hostile", hosts="DNS:a\x1bb c.org,DNS:" + "x" * 200 + ".org,DNS:*.y.org")
    line = told(listen(over_tls(context_of(files))))
    assert "the server's certificate is for a?b?c.org, *.y.org and not for localhost: " in line


def test_a_certificate_that_names_no_host_is_told(authority, listen, told):
    files = authority.sign("nobody", hosts="email:joe@example.org")
    line = told(listen(over_tls(context_of(files))))
    assert "the server's certificate is for no host and not for localhost: " in line


def test_a_name_is_no_number_and_a_number_no_name(authority, listen, told):
    port = listen(over_tls(context_of(authority.sign("name", hosts="DNS:localhost"))))
    assert "is for localhost and not for 127.0.0.1: " in told(port, "127.0.0.1")
    port = listen(over_tls(context_of(authority.sign("number", hosts="IP:127.0.0.1"))))
    assert "is for 127.0.0.1 and not for localhost: " in told(port, "localhost")


def test_a_server_hears_which_name_is_wanted_but_no_number(authority, listen, told):
    context = context_of(authority.sign("sni"))
    asked = []
    context.sni_callback = lambda stream, name, _: asked.append(name)
    port = listen(over_tls(context, b"?\r\n"))
    assert "protocol error: " in told(port, "localhost")
    assert set(asked) == {"localhost"}
    asked.clear()
    assert "protocol error: " in told(port, "127.0.0.1")
    assert set(asked) == {None}


def test_a_certificate_for_clients_is_not_one_for_servers(authority, listen, told):
    files = authority.sign("usage", usage="clientAuth")
    line = told(listen(over_tls(context_of(files))))
    assert "the certificate of the server is not good: " in line
