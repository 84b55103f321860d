"""Programs of tests/tools, which drive a part of cdcd by itself."""

import pathlib
import queue
import subprocess
import threading

from daemon import REPOSITORY, binary, environment
from servers import LEASH

LIMIT = 30


def tool(name):
    """From the build that is tested, or else from the newest that has the tests' programs."""
    own = pathlib.Path(binary()).parent / "tests" / name
    built = sorted(REPOSITORY.glob(f"build/*/tests/{name}"), key=lambda path: path.stat().st_mtime)
    found = [own] if own.exists() else built[-1:]
    assert found, f"{name} is not built; cmake --build with BUILD_TESTING"
    return str(found[0])


class Program:
    """One of them: lines in, lines out."""

    def __init__(self, name, *words):
        self.process = subprocess.Popen(
            LEASH + [tool(name), *map(str, words)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
            stderr=subprocess.PIPE, text=True, env=environment(),
        )
        self.lines, self.said = queue.Queue(), []
        self.threads = [
            threading.Thread(target=read, daemon=True) for read in (self._read, self._listen)
        ]
        for thread in self.threads:
            thread.start()

    def _read(self):
        for line in self.process.stdout:
            self.lines.put(line.rstrip("\n"))

    def _listen(self):
        self.said.extend(iter(self.process.stderr.readline, ""))

    def write(self, *lines):
        self.process.stdin.write("".join(f"{line}\n" for line in lines))
        self.process.stdin.flush()

    def line(self, limit=LIMIT):
        return self.lines.get(timeout=limit)

    def end(self):
        """It ends with its input, and well; what it said on stderr."""
        self.process.stdin.close()
        code = self.process.wait(LIMIT)
        for thread in self.threads:
            thread.join(LIMIT)
        said = "".join(self.said)
        assert code == 0, said
        return said
