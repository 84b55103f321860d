"""A certificate authority in a folder, made by openssl."""

import pathlib
import subprocess

KEY = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def openssl(*words):
    done = subprocess.run(
        ["openssl", *map(str, words)], capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr


class Authority:
    """Signs certificates; `file` is what clients and servers trust."""

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True)
        self.file = self.folder / "ca.crt"
        openssl("req", "-x509", *KEY, "-days", 30, "-subj", "/CN=A CA of the tests",
                "-keyout", self.folder / "ca.key", "-out", self.file)
        self.folder.chmod(0o755)

    def sign(self, name="server", hosts="DNS:localhost,IP:127.0.0.1", days=30, usage=None):
        """Certificate and key of a server or a client; days = -1: it expired yesterday. Both files
        are replaced when there are such."""
        certificate, key = self.folder / f"{name}.crt", self.folder / f"{name}.key"
        request = self.folder / f"{name}.csr"
        uses = ["-addext", f"extendedKeyUsage={usage}"] if usage else []
        openssl("req", *KEY, "-subj", f"/CN={name}", "-addext", f"subjectAltName={hosts}", *uses,
                "-keyout", key, "-out", request)
        openssl("x509", "-req", "-in", request, "-CA", self.file, "-CAkey", self.folder / "ca.key",
                "-CAcreateserial", "-copy_extensions", "copy", "-days", days, "-out", certificate)
        key.chmod(0o644)  # memcached gives up root before it reads it
        return certificate, key
