"""An application in its own framework: a program that answers a line with a line of JSON."""

import json
import pathlib
import subprocess

from daemon import environment
from servers import LEASH

HERE = pathlib.Path(__file__).resolve().parent


class App:
    """What it says besides goes to the test's own stderr."""

    def __init__(self, program, **settings):
        self.process = subprocess.Popen(
            LEASH + [program[0], str(HERE / program[1])],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            env={**environment(), **{name: str(value) for name, value in settings.items()}},
        )

    def ask(self, *words):
        print(*words, file=self.process.stdin, flush=True)
        answer = self.process.stdout.readline()
        assert answer, f"the application ended: {self.process.wait(10)}"
        return json.loads(answer)

    def end(self):
        self.process.stdin.close()
        assert self.process.wait(10) == 0, "the application's exit code"
        self.process.stdout.close()
