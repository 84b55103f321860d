"""What the README says can be done: its examples are right, what is not built is named, and the
lines that try.sh prints work. (test_reference.py does the same for the rules' README.)"""

import os
import pathlib
import re
import shlex
import signal
import subprocess

import pytest

from daemon import REPOSITORY, binary, environment, rules_file, run_verb
from poll import wait_for
from servers import LEASH

EXAMPLE = REPOSITORY / "rules/first.cfg"
PAPERS = [REPOSITORY / "README.md", REPOSITORY / "rules/README.md"]


def blocks(paper):
    """The indented texts of a paper."""
    blocks = re.findall(r"^\n((?: {4}.*\n|\n(?= {4}))+)", paper.read_text("utf-8"), re.MULTILINE)
    return [re.sub(r"^ {4}", "", block, flags=re.MULTILINE) for block in blocks]


def all_blocks(pattern):
    found = [
        pytest.param(block, id=f"{paper.parent.name}-{number}")
        for paper in PAPERS[:1]
        for number, block in enumerate(blocks(paper))
        if re.search(pattern, block, re.MULTILINE)
    ]
    assert found
    return found


@pytest.fixture
def write(place):
    folder = place("papers")
    folder.mkdir()

    def write(name, text):
        path = folder / name
        path.write_text(text, "utf-8")
        return path

    return write


@pytest.mark.parametrize("block", all_blocks(r"^stores +="))
def test_each_configuration_of_the_papers_is_right(block, write):
    assert "/etc/cdcd/rules.d/*.cfg" in block
    path = write("cdcd.cfg", block.replace("/etc/cdcd/rules.d/*.cfg", str(EXAMPLE)))
    answer = run_verb("check", "--strict", "-c", path)
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("block", all_blocks(r"^ *triggers +="))
def test_each_rule_of_the_papers_is_right(block, write):
    answer = run_verb("check", "--strict", write("blog.cfg", rules_file(block)))
    assert answer.returncode == 0, answer.stderr


def commands():
    text = "".join(block.values[0] for block in all_blocks(r"^cdcd (check|explain)"))
    lines = [line for line in text.splitlines() if re.match("cdcd (check|explain|test) ", line)]
    found = [shlex.split(line, comments=True) for line in lines]
    assert len(found) >= 2
    return found


@pytest.mark.parametrize("words", commands(), ids=" ".join)
def test_each_check_and_explain_of_the_papers_works(words):
    words = [str(EXAMPLE) if word.endswith(("first.cfg", "blog.cfg")) else word for word in words]
    answer = run_verb(*words[1:])
    complaints = [line for line in answer.stderr.splitlines() if not line.startswith("note: ")]
    assert answer.returncode == 0 and not complaints, answer.stderr


def test_the_readme_shows_what_explain_says():
    block = next(block for block in blocks(PAPERS[0]) if "cdcd explain" in block)
    line = next(line for line in block.splitlines() if line.startswith("cdcd explain"))
    said = subprocess.run(
        [binary(), *line.split()[1:]], cwd=REPOSITORY, capture_output=True, text=True, check=True
    ).stdout
    assert said in blocks(PAPERS[0])


def test_what_is_not_built_is_named_in_one_place():
    text = (REPOSITORY / "cdcd/config.c").read_text("utf-8")
    unbuilt = re.findall(r'\{\.name = "(\w+)", \.unbuilt = true', text)
    place = PAPERS[1].read_text("utf-8").split("\n## Not built yet\n")[1].split("\n## ")[0]
    assert unbuilt
    for name in unbuilt:
        assert f"`{name}`" in place, name


@pytest.fixture
def story(place, cleanup):
    """What a story has printed that has been told, and whose servers stay."""
    folder = place("try")
    folder.mkdir()
    output = folder / "story"
    with open(output, "wb") as file:
        process = subprocess.Popen(
            LEASH + ["/usr/bin/python3", str(REPOSITORY / "packaging/try/story.py")],
            stdin=subprocess.DEVNULL,
            stdout=file,
            stderr=file,
            env={**environment(), "CDCD": binary(), "TMPDIR": "/tmp"},
        )

    def leave():
        process.send_signal(signal.SIGTERM)
        process.wait(30)

    cleanup.callback(leave)
    wait_for(lambda: re.search(r"^log +/", output.read_text(), re.MULTILINE), "the story ends", 60)
    return output.read_text()


def test_the_lines_that_the_story_leaves_work(story):
    line = re.search(r"^ +(printf .*)$", story, re.MULTILINE).group(1)
    answer = subprocess.run(["sh", "-c", line], capture_output=True, check=True)
    assert answer.stdout == b"VA 4\r\nwarm\r\n\n"
    rules = pathlib.Path(re.search(r"^rules +([^;]+);", story, re.MULTILINE).group(1))
    assert rules.read_text() == EXAMPLE.read_text() and REPOSITORY not in rules.parents
    rules.write_text(rules.read_text().replace('action   = "bump"', 'action = "delete"'))
    os.kill(int(re.search(r"kill -HUP (\d+)", story).group(1)), signal.SIGHUP)
    log = pathlib.Path(re.search(r"^log +(\S+)", story, re.MULTILINE).group(1))
    wait_for(lambda: "rules loaded" in log.read_text(), "the rules are loaded", 20)
