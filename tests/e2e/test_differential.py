"""Expressions, made at random, have the value that PostgreSQL gives them. tests/differential/ has
more of it."""

import re
import subprocess
import sys

from daemon import REPOSITORY
from tools import tool

RUN = REPOSITORY / "tests/differential/run.py"


def compare(*words, program=None):
    program = program or tool("evaluate")
    return subprocess.run(
        [sys.executable, str(RUN), "--evaluate", str(program), *words],
        capture_output=True,
        text=True,
        check=False,
    )


def test_expressions_have_postgresql_s_values_and_most_are_taken():
    """The same ones each time: to look for what nobody has seen is the long run's business."""
    answer = compare("--count", "20000", "--seconds", "15", "--seed", "1")
    assert answer.returncode == 0, answer.stdout[-8000:] + answer.stderr[-4000:]
    n, share = re.search(r"(\d+) expressions, \d+ accepted \(([\d.]+) %\)", answer.stdout).groups()
    assert int(n) >= 2000 and float(share) >= 50


def test_a_wrong_answer_is_found_and_shown_small(tmp_path):
    """Of a program that subtracts instead of adding, a sum is what is shown."""
    wrong = tmp_path / "evaluate"
    sed = "sed -u -E '/^(test|value)\t/s/ [+] / - /'"
    wrong.write_text(f"#!/bin/sh\n{sed} | {tool('evaluate')}\n", "ascii")
    wrong.chmod(0o755)
    answer = compare("--count", "3000", "--seed", "1", program=wrong)
    assert answer.returncode == 1, answer.stdout[-8000:] + answer.stderr[-4000:]
    assert re.search(r"another value of type \d+\n  .{1,30} [+] .{1,30}\n", answer.stdout)
