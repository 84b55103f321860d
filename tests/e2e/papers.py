"""The blocks of rules/README.md, as a reader meets them.

A fenced block has a mark: `cfg` is libconfig, `console` what a shell shows, and the rest is the
application's code. Caches without a file around them stand in shop.cfg, whose frame the paper shows
first; a block with `tests =` is shop.test.cfg. A console block finds the files that came before it
under the same heading."""

import re

from daemon import REPOSITORY

PAPERS = [REPOSITORY / "README.md", REPOSITORY / "rules/README.md"]
PAPER = PAPERS[1]
MARKS = {"cfg", "console", "sql", "redis", "python", "php", "ruby", "js", "java"}


class Block:
    def __init__(self, mark, text, section, line):
        self.mark, self.text, self.section, self.line = mark, text, section, line

    def __str__(self):
        """Of the test that runs it."""
        return f"{self.line}-{self.mark}-{re.sub('[^a-z]+', '-', self.section.lower())[:30]}"

    def has(self, setting):
        return re.search(rf"^ *{setting} +=", self.text, re.MULTILINE) is not None

    @property
    def kind(self):
        if self.mark != "cfg":
            return self.mark
        for setting, kind in (("tests", "test"), ("stores", "configuration"), ("app", "file")):
            if self.has(setting):
                return kind
        return "rules"


def read():
    """All blocks of the paper, in order."""
    blocks, section, opened, lines = [], "", None, []
    for number, line in enumerate(PAPER.read_text("utf-8").splitlines(), 1):
        fence = re.fullmatch(r"```(\w*)", line)
        if fence and opened is None:
            opened, lines = (fence[1], number), []
        elif fence:
            blocks.append(Block(opened[0], "".join(lines), section, opened[1]))
            opened = None
        elif opened:
            lines.append(line + "\n")
        elif line.startswith("#"):
            section = line.lstrip("# ")
    assert opened is None, "a block is not closed"
    return blocks


def frame():
    """The file around a block of caches, `  ...` in the place of these."""
    return next(block.text for block in read() if block.kind == "file" and "\n  ...\n" in block.text)


def file_of(block):
    """Name and text of the file that a block of libconfig is; caches are put into the frame."""
    if block.kind == "rules":
        return "shop.cfg", frame().replace("  ...\n", block.text)
    return {"test": "shop.test.cfg", "configuration": "cdcd.cfg", "file": "shop.cfg"}[
        block.kind
    ], block.text


def before(block):
    """The files that a console block finds, by their names."""
    files = {}
    for one in read():
        if one.line >= block.line:
            break
        if one.section == block.section and one.mark == "cfg" and one.kind != "configuration":
            name, text = file_of(one)
            files[name] = text
    return files


def commands(block):
    """Each command of a console block, and what it says."""
    parts = re.split(r"^\$ (.*)\n", block.text, flags=re.MULTILINE)
    assert not parts[0], "a console block begins with a command"
    return list(zip(parts[1::2], parts[2::2]))


def anchors(path):
    """What a link may name of a paper: its headings, as a page makes anchors of them."""
    headings = re.findall(r"^#+ (.*)$", path.read_text("utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-") for heading in headings}
