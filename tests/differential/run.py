#!/usr/bin/python3
"""Compares cdcd's expressions with PostgreSQL's: value, type and NULL.

    run.py [--count N] [--seconds S] [--seed SEED] [--jobs N] [--evaluate PROGRAM]

The exit code is 1 when they disagree; a disagreement is printed as small as it could be made.
"""

import argparse
import collections
import concurrent.futures
import multiprocessing
import os
import pathlib
import random
import re
import shutil
import sys
import tempfile
import time

import psycopg2

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "e2e"))

import postgres as pg  # noqa: E402
from generate import Generator  # noqa: E402
from shrink import shrink  # noqa: E402
from sides import Case, Cdcd, Postgres, make_table  # noqa: E402
from values import row  # noqa: E402
from verdict import verdict  # noqa: E402

CHUNK = 1000
N_ROWS = 200
SHRUNK = 3  # of a kind and a chunk; the others are only counted


def cases_of(seed, chunk):
    generator = Generator(f"{seed}:{chunk}")
    rng = random.Random(f"{seed}:{chunk}:rows")
    for _ in range(CHUNK):
        condition, text = generator.expression()
        op = rng.choice(("update", "update", "update", "insert", "delete"))
        old = 0 if op == "insert" else rng.randint(1, N_ROWS)
        new = 0 if op == "delete" else rng.randint(1, N_ROWS)
        image = {"insert": "new", "delete": "old"}.get(op) or rng.choice(("old", "new"))
        doubt = rng.getrandbits(60) + 1 if rng.random() < 0.3 else 0
        yield Case(condition, op, image, old, new, doubt, text)


class Worker:
    """One process; it has a connection and an evaluate of its own."""

    one = None

    def __init__(self, conninfo, program, oids, rows):
        connection = psycopg2.connect(conninfo)
        connection.autocommit = True
        self.postgres = Postgres(connection)
        self.cdcd = Cdcd(program, oids, rows)
        self.known = collections.Counter()

    def chunk(self, seed, number):
        cases = list(cases_of(seed, number))
        counts, refusals, doubts = (collections.Counter() for _ in range(3))
        found = []
        for case, theirs, ours in zip(cases, self.postgres.answers(cases), self.cdcd.answers(cases)):
            agreed, what = verdict(theirs, ours)
            counts["agreed" if agreed else "disagreed", what] += 1
            doubts[ours[0].split(":")[0]] += 1
            if ours[1] == "refused" and theirs[0] != "state":
                refusals[brief(ours[2])] += 1
            if ours[0].startswith("without a table"):
                found.append(("without a table", f"{case.text}\n  {ours[0]}"))
            if not agreed:
                self.known[what] += 1
                if self.known[what] <= SHRUNK:
                    found.append(self.describe(case, what))
        return counts, refusals, doubts, found

    def describe(self, case, what):
        small = shrink(self.postgres, self.cdcd, case, what)
        (theirs,), (ours,) = self.postgres.answers([small]), self.cdcd.answers([small])
        return what, (
            f"{what}\n  {small.text}\n  was: {case.text}\n  {'condition' if small.condition else 'value'},"
            f" {small.op}, {small.image} image, rows {small.old} and {small.new}, doubt {small.seed}\n"
            f"  PostgreSQL: {theirs}\n  cdcd:       {ours}"
        )


def brief(refusal):
    """Without what is of this expression alone: messages begin with it."""
    return re.sub(r"at position \d+: ", "", refusal.split('": ', 1)[-1]).split("; ")[0][-90:]


def begin(*words):
    Worker.one = Worker(*words)


def work(seed, number):
    return Worker.one.chunk(seed, number)


def default_program():
    for build in ("release", "debug", "asan", "land"):
        program = HERE.parents[1] / "build" / build / "tests" / "evaluate"
        if program.exists():
            return program
    return HERE.parents[1] / "build/debug/tests/evaluate"


def options():
    parser = argparse.ArgumentParser()
    parser.add_argument("--count", type=int, default=20000)
    parser.add_argument("--seconds", type=float, default=0, help="end after so long")
    parser.add_argument("--seed", default=None)
    parser.add_argument("--jobs", type=int, default=os.cpu_count())
    parser.add_argument("--evaluate", default=os.environ.get("EVALUATE", default_program()))
    parser.add_argument("--most", type=int, default=20, help="print so many disagreements")
    parser.add_argument("--refusals", type=int, default=0, help="print the most frequent ones")
    return parser.parse_args()


class Report:
    def __init__(self):
        self.counts = collections.Counter()
        self.refusals = collections.Counter()
        self.doubts = collections.Counter()
        self.found = {}

    def add(self, counts, refusals, doubts, found):
        self.counts.update(counts)
        self.refusals.update(refusals)
        self.doubts.update(doubts)
        for what, text in found:
            self.found.setdefault(what, []).append(text)

    def total(self, key=""):
        return sum(n for (agreed, what), n in self.counts.items() if f"{agreed}, {what}".startswith(key))

    def print(self, opt, seconds):
        n = max(1, self.total())
        accepted = n - self.total("agreed, refused")
        for (agreed, what), count in sorted(self.counts.items()):
            print(f"{count:9} {agreed}: {what}")
        print("doubt:", ", ".join(f"{what} {count}" for what, count in sorted(self.doubts.items())))
        for refusal, count in self.refusals.most_common(opt.refusals):
            print(f"{count:9} needlessly? refused: {refusal}")
        for texts in sorted(self.found.values(), key=len):
            for text in sorted(texts, key=len)[:SHRUNK]:
                print("\n" + text)
        print(f"\nseed {opt.seed}: {n} expressions, {accepted} accepted ({100 * accepted / n:.1f} %),"
              f" {self.total('disagreed')} disagreements, {seconds:.0f} s")  # fmt: skip


def compare(opt, words):
    report, began = Report(), time.monotonic()
    chunks = iter(range(-(-opt.count // CHUNK)))
    with concurrent.futures.ProcessPoolExecutor(
        opt.jobs, multiprocessing.get_context("fork"), begin, words
    ) as pool:
        waiting = {pool.submit(work, opt.seed, n) for _, n in zip(range(2 * opt.jobs), chunks)}
        while waiting:
            done, waiting = concurrent.futures.wait(waiting, return_when="FIRST_COMPLETED")
            for future in done:
                report.add(*future.result())
            late = opt.seconds and time.monotonic() - began > opt.seconds
            fresh = [] if late else [n for _, n in zip(done, chunks)]
            waiting |= {pool.submit(work, opt.seed, n) for n in fresh}
    report.print(opt, time.monotonic() - began)
    # Where no type is known, to be lenient is a matter of degree.
    strict = report.doubts["without a table"] > report.total() / 1000
    return 1 if report.total("disagreed") or strict else 0


def main():
    opt = options()
    opt.seed = opt.seed or str(random.SystemRandom().randrange(10**9))
    print(f"seed {opt.seed}", flush=True)
    folder = pathlib.Path(tempfile.mkdtemp(prefix="cdcd-diff-", dir="/tmp"))
    folder.chmod(0o755)
    server = None
    try:
        server = pg.Postgres(folder / "pg", pg.make_template(folder / "template" / "data")).start()
        database = server.new_database()
        rng = random.Random(f"{opt.seed}:rows")
        with database.session() as connection, connection.cursor() as cursor:
            oids, rows = make_table(cursor, [row(rng) for _ in range(N_ROWS)])
        return compare(opt, (database.conninfo(), str(opt.evaluate), oids, rows))
    finally:
        if server:
            server.remove()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    sys.exit(main())
