"""What `cdcd check` says to write is content with itself: each `all` and `match` that it offers is
put into the file that it was offered for."""

import json
import re
from pathlib import Path

from daemon import run_verb

ROOT = Path(__file__).resolve().parents[2]
GOLDEN = sorted((ROOT / "tests/golden/rules/bad").glob("*.cfg"))
EXAMPLES = sorted(path for path in (ROOT / "rules").glob("*.cfg")
                  if path.name != "cdcd.cfg" and not path.name.endswith(".test.cfg"))
ALL = re.compile(r'^(\S+) has no all: .*; add (all = \{ action = "scan"; match = "(.*)"; \};)$')
MATCH = re.compile(r'; write (match = ".*")$')
NO_ALL = re.compile(r"all\s*=\s*\{[^}]*\};")


def warnings(path):
    said = json.loads(run_verb("check", "--json", path).stdout)
    return [(one["line"], one["text"]) for one in said["complaints"]
            if one["file"] == str(path) and one["line"]]


def apply(text, line, said):
    """The text with the remedy in it; None when the complaint offers none."""
    lines = text.split("\n")
    added, better = ALL.match(said), MATCH.search(said)
    if added and "..." not in added[3]:
        begin = re.compile(rf"(\b{re.escape(added[1])}\s*=\s*\{{)")
        lines[line - 1] = begin.sub(lambda found: f"{found[1]} {added[2]}", lines[line - 1])
    elif better:
        lines[line - 1] = re.sub(r'match\s*=\s*"(?:[^"\\]|\\.)*"', lambda _: better[1],
                                 lines[line - 1])
    else:
        return None
    mended = "\n".join(lines)
    assert mended != text, f"{said}: not applied to line {line}"
    return mended


def mend(path, source):
    """Applies every remedy for the file's text; gives how many there were."""
    n = 0
    path.write_bytes(source)
    for line, said in warnings(path):
        mended = apply(source.decode("utf-8"), line, said)
        if mended is None:
            continue
        path.write_text(mended, "utf-8")
        cache = said.split(" ")[0]
        left = [text for at, text in warnings(path) if at == line and
                (text == said or "does not find the keys" in text or
                 text.startswith(f"{cache} has no all") or "stands for every key" in text)]
        assert not left, f"{path.name}:{line}: {said}\nbut then: {left}"
        n += 1
    return n


def test_every_remedy_of_a_broken_file_is_accepted(place):
    path = place("broken.cfg")
    n = 0
    for broken in GOLDEN:
        source = broken.read_bytes()
        try:
            source.decode("utf-8")
        except UnicodeDecodeError:
            continue
        n += mend(path, source)
    assert n >= 5


def test_every_remedy_for_an_example_without_all_is_accepted(place):
    path = place("example.cfg")
    assert sum(mend(path, NO_ALL.sub("", example.read_text("utf-8")).encode("utf-8"))
               for example in EXAMPLES) >= 10
