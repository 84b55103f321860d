"""Varnish and nginx, as rules/ tells people to set them up, and the application behind them."""

import http.client
import http.server
import os
import signal
import threading

from daemon import REPOSITORY
from servers import Server, free_port

RULES = REPOSITORY / "rules"


def changed(text, **words):
    """The text with each word replaced; each must be there."""
    for old, new in words.items():
        assert old in text, old
        text = text.replace(old, str(new))
    return text


class Application:
    """Renders what its pages say: functions of a path that return HTML, or HTML and headers. Counts
    how often each path was asked for."""

    def __init__(self, render):
        self.asked = {}
        application = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                application.asked[self.path] = application.asked.get(self.path, 0) + 1
                body, headers = render(self.path)
                self.send_response(200)
                for name, value in {"Content-Type": "text/html", **headers}.items():
                    self.send_header(name, value)
                self.send_header("Content-Length", str(len(body.encode())))
                self.end_headers()
                self.wfile.write(body.encode())

            def log_message(self, *_):
                pass

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.server.daemon_threads = True
        self.port = self.server.server_address[1]
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self):
        self.server.shutdown()
        self.server.server_close()


class HttpCache(Server):
    """A cache that answers on a port of the loopback interface."""

    store_name = "edge"
    host = "www.example.org"

    def __init__(self, folder):
        super().__init__(folder)
        self.port = free_port()

    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def store(self, **settings):
        return {"type": "http", "url": self.url(), "host": self.host, **settings}

    def ask(self, path, method="GET", **headers):
        """The status and the body of an answer."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        try:
            named = {name.replace("_", "-"): value for name, value in headers.items()}
            connection.request(method, path, headers={"Host": self.host, **named})
            answer = connection.getresponse()
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    def get(self, path):
        status, body = self.ask(path)
        assert status == 200, (path, status, body)
        return body

    def answers(self):
        try:
            self.ask("/is-it-there", method="HEAD")
            return True
        except OSError:
            return False


class Varnish(HttpCache):
    """With the VCL of rules/, changed where the test says so."""

    quickest = signal.SIGTERM  # its manager ends the child

    def __init__(self, folder, backend, parameters=(), **words):
        super().__init__(folder)
        self.vcl = self.folder / "test.vcl"
        text = (RULES / "varnish.vcl").read_text("utf-8")
        self.vcl.write_text(changed(text, **{'"8000"': f'"{backend}"'}, **words), "utf-8")
        self.parameters = [word for name in parameters for word in ("-p", name)]

    def command(self):
        return [
            "varnishd", "-F", "-j", "none", "-n", str(self.folder / "n"), "-s", "malloc,16m",
            "-a", f"127.0.0.1:{self.port}", "-f", str(self.vcl), *self.parameters,
        ]  # fmt: skip


MAIN = """
load_module /usr/lib/nginx/modules/ngx_http_cache_purge_module.so;
daemon off;
master_process off;
{user}
pid {folder}/pid;
error_log {folder}/error.log info;
events {{ }}
http {{
    access_log off;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    include {folder}/cdcd.conf;
}}
"""


class Nginx(HttpCache):
    """With the nginx.conf of rules/; memcached is where its blocks are."""

    host = "127.0.0.1"

    def __init__(self, folder, backend, memcached=None, **words):
        super().__init__(folder)
        snippet = (RULES / "nginx.conf").read_text("utf-8")
        where = f"unix:{memcached.socket}" if memcached else "127.0.0.1:1"
        places = {
            "server 127.0.0.1:8000;": f"server 127.0.0.1:{backend};",
            "server 127.0.0.1:11211;": f"server {where};",
            "listen 127.0.0.1:8080;": f"listen 127.0.0.1:{self.port};",
            "/var/cache/nginx/pages": self.folder / "pages",
        }
        (self.folder / "cdcd.conf").write_text(changed(snippet, **places, **words), "utf-8")
        user = "user root;" if os.getuid() == 0 else ""
        (self.folder / "main.conf").write_text(MAIN.format(folder=self.folder, user=user), "utf-8")

    def command(self):
        where = ["-p", str(self.folder), "-c", str(self.folder / "main.conf")]
        return ["nginx", *where, "-e", str(self.folder / "error.log")]
