#!/usr/bin/python3
"""Holds the tree to its rules.

Each check is a function of the tree's root that yields complaints, `FILE:LINE: what`. Each has a
small bad tree in samples.py, and must complain there of what is bad, and of nothing else: a check
that cannot fail is itself a failure.
"""

import re
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

from samples import SAMPLES

ROOT = Path(__file__).resolve().parents[2]
MAX_FUNCTION_LINES = 80
MAX_FILE_LINES = 600

# The folders of cdcd/ whose headers each folder may include besides its own; "" stands for the
# files directly in cdcd/ and verb/, which wire everything together.
REACH = {
    "base": [],
    "model": ["base"],
    "source": ["base", "model"],
    "expression": ["base", "model"],
    "rule": ["base", "model", "expression"],
    "store": ["base", "model"],
    "flow": ["base", "model", "source", "rule", "store"],
    "report": ["base", "model", "flow"],
    "": ["base", "model", "source", "rule", "store", "flow", "report", "verb", ""],
    "verb": ["base", "model", "source", "rule", "store", "flow", "report", ""],
}

# Folders that are entered from outside through one header alone.
FACES = {"source": "source/source.h", "expression": "expression/expression.h",
         "rule": "rule/rule.h", "store": "store/store.h"}

# A library's headers, and the files that may include them.
LIBRARIES = [
    ("libpq", r"libpq|postgres_ext\.h|pg_config", r"source/"),
    ("libevent", r"event2?/|event\.h|ev(http|dns|util|rpc)\.h",
     r"base/timer\.c|source/(pgconn|lookup_once|inspect)\.c|verb/live\.c|store/(link|tls)\.c|report/|daemon\.c"),
    ("libconfig", r"libconfig", r"base/confread\.c"),
    ("hiredis", r"hiredis/|hiredis\.h|read\.h|sds\.h|alloc\.h", r"store/redis[^/]*\.c"),
    ("http_parser", r"http_parser\.h", r"store/http[^/]*\.c"),
    ("openssl", r"openssl/", r"base/digest\.c|store/(memcached_text|tls[^/]*)\.c"),
]


def sources(root, *suffixes, under="cdcd"):
    return sorted(p for p in (root / under).rglob("*") if p.suffix in suffixes and p.is_file())


def lines_of(path):
    return enumerate(path.read_text(errors="replace").splitlines(), 1)


def includes(root):
    """Every #include below cdcd/, as (path below cdcd/, line, name, whether quoted)."""
    for path in sources(root, ".c", ".h"):
        for number, line in lines_of(path):
            match = re.match(r'\s*#\s*include\s*([<"])([^>"]+)[>"]', line)
            if match:
                yield path.relative_to(root / "cdcd"), number, match[2], match[1] == '"'


def folder_of(name):
    return name.split("/")[0] if "/" in name else ""


def walls(root):
    """Who may include whom, among our own folders."""
    for path, number, name, quoted in includes(root):
        if not quoted:
            continue
        here, there = folder_of(str(path)), folder_of(name)
        if not (root / "cdcd" / name).is_file():
            yield f'cdcd/{path}:{number}: "{name}" is no header of ours, written from cdcd/ on'
        elif there != here and there not in REACH.get(here, []):
            yield f'cdcd/{path}:{number}: {here or "cdcd"}/ may not include "{name}"'
        elif there != here and FACES.get(there, name) != name:
            yield f'cdcd/{path}:{number}: {there}/ is entered through "{FACES[there]}"'


def libraries(root):
    """Which files may include a library."""
    for path, number, name, _ in includes(root):
        for library, headers, allowed in LIBRARIES:
            if re.match(headers, name) and not re.match(allowed, str(path)):
                yield f"cdcd/{path}:{number}: {library} is not for this file"


def functions(root):
    """No function is over 80 lines. A body begins and ends with a brace in the first column:
    clang-format sees to that."""
    for path in sources(root, ".c", ".h") + sources(root, ".c", ".h", under="tests"):
        begin = None
        for number, line in lines_of(path):
            if line == "{":
                begin = number
            elif line == "}" and begin:
                length = number - begin + 1
                if length > MAX_FUNCTION_LINES:
                    yield f"{path.relative_to(root)}:{begin}: a function of {length} lines"
                begin = None


def files(root):
    """No file is over 600 lines."""
    for path in sources(root, ".c", ".h") + sources(root, ".c", ".h", ".py", ".sh", under="tests"):
        n = sum(1 for _ in lines_of(path))
        if n > MAX_FILE_LINES:
            yield f"{path.relative_to(root)}:{n}: a file of {n} lines"


def externs(root):
    """No header declares a variable; const tables of functions, `..._ops`, may be."""
    for path in sources(root, ".h"):
        for number, line in lines_of(path):
            if not re.match(r"\s*extern\b", line) or "(" in line:
                continue
            if not re.match(r"extern const struct \w+_ops \w+;", line):
                yield f"{path.relative_to(root)}:{number}: a variable in a header"


def promises(root):
    """Nothing is left for later in a comment."""
    word = re.compile(r"\b(TO" "DO|FIX" "ME|XX" r"X)\b")  # in pieces, or it would find itself
    for folder in ("cdcd", "rules", "sql", "packaging", "tests"):
        for path in sorted((root / folder).rglob("*")):
            if not path.is_file() or path.suffix == ".pyc":
                continue
            for number, line in lines_of(path):
                if word.search(line):
                    yield f"{path.relative_to(root)}:{number}: a promise in a comment"


def papers(root):
    """What a stranger reads first is there, and says something."""
    for name in ("README.md", "CHANGELOG.md", "LICENSE", "rules/README.md", "tests/README.md"):
        path = root / name
        if not path.is_file() or len(path.read_text().split()) < 10:
            yield f"{name}:1: is missing, or says nothing"


def white_space(root):
    """clang-format has nothing to change."""
    tool = shutil.which("clang-format")
    if not tool:
        yield "clang-format:1: is not installed"
        return
    paths = sources(root, ".c", ".h") + sources(root, ".c", ".h", under="tests")
    style = f"--style=file:{ROOT / '.clang-format'}"
    run = subprocess.run([tool, style, "--dry-run", *paths], capture_output=True, text=True)
    for line in run.stderr.splitlines():
        match = re.match(r"(.+?):(\d+):\d+: (?:warning|error): (.*)", line)
        if match:
            yield f"{Path(match[1]).relative_to(root)}:{match[2]}: {match[3]}"
    if run.returncode:
        yield f"clang-format:1: ended with {run.returncode}: {run.stderr.strip()}"


CHECKS = [walls, libraries, functions, files, externs, promises, papers, white_space]


def misses(check):
    """What a check gets wrong in its sample, as sentences."""
    tree, bad = SAMPLES[check.__name__]
    with tempfile.TemporaryDirectory() as folder:
        for name, text in tree.items():
            path = Path(folder, name)
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text)
        found = {":".join(c.split(":")[:2]) for c in check(Path(folder))}
    yield from (f"{place} of its sample is bad, and not complained about" for place in bad - found)
    yield from (f"{place} of its sample is good, and complained about" for place in found - bad)


def report(name, complaints):
    complaints = list(complaints)
    print(f"{'not ok' if complaints else 'ok'} - {name}")
    for complaint in complaints:
        print(f"    {complaint}")
    return not complaints


def main():
    results = []
    for check in CHECKS:
        name = check.__name__.replace("_", " ")
        results.append(report(f"{name}: catches its sample", misses(check)))
        results.append(report(name, check(ROOT)))
    print(f"{results.count(True)} passed, {results.count(False)} failed")
    return 0 if all(results) else 1


if __name__ == "__main__":
    sys.exit(main())
