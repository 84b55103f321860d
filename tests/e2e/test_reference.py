"""Each block of rules/README.md is run, and its tables are the program's."""

import os
import pathlib
import re
import subprocess
import sys

import pytest

import papers
from daemon import REPOSITORY, binary, environment, run_verb

sys.path.insert(0, str(REPOSITORY / "tests"))
import reference

BLOCKS = papers.read()
STORES = """stores = {
  redis     = { type = "redis"; url = "redis://127.0.0.1:6379/0"; };
  memcached = { type = "memcached"; servers = [ "127.0.0.1:11211" ]; };
};
rules = [ "shop.cfg" ];
"""
CHECKERS = {"python": None, "php": ["php", "-l"], "ruby": ["ruby", "-c"], "js": ["node", "--check"]}
MODULES = {"js": "mjs"}  # which may await


def of_kind(*kinds):
    """The blocks of a kind, as parameters of a test."""
    found = [
        pytest.param(block, id=str(block))
        for block in BLOCKS
        if block.kind in kinds and block.text != papers.frame()
    ]
    assert found, kinds
    return found


@pytest.fixture
def shell(place):
    """Runs a command in a folder that has only the files of a block."""
    folder = place("paper")
    (folder / "bin").mkdir(parents=True)
    (folder / "bin/cdcd").symlink_to(pathlib.Path(binary()).resolve())
    path = f"{folder / 'bin'}:{os.environ['PATH']}"

    def run(command, files):
        for name, text in files.items():
            (folder / name).write_text(text, "utf-8")
        return subprocess.run(
            ["sh", "-c", command],
            cwd=folder,
            env={**environment(), "PATH": path},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )

    return run


def test_each_block_has_a_mark():
    for block in BLOCKS:
        assert block.mark in papers.MARKS, f"rules/README.md:{block.line}: ```{block.mark}"


def test_each_case_of_the_cookbook_has_code_a_rule_and_what_comes_of_it():
    cases = re.findall(r"^### (\d+\. .*)$", reference.PAPER.read_text("utf-8"), re.MULTILINE)
    assert [int(case.split(".")[0]) for case in cases] == list(range(1, len(cases) + 1))
    for case in cases:
        kinds = {block.kind for block in BLOCKS if block.section == case}
        assert {"rules", "console"} <= kinds and kinds & {*CHECKERS, "java"}, case
    for path in papers.PAPERS:
        assert f"{len(cases)} cases" in path.read_text("utf-8"), path


@pytest.mark.parametrize("path", papers.PAPERS, ids=lambda path: path.parent.name)
def test_each_link_of_the_papers_leads_somewhere(path):
    for link in re.findall(r"\]\(([^)\s]+)\)", path.read_text("utf-8")):
        name, _, anchor = link.partition("#")
        there = path.parent / name if name else path
        assert there.exists(), link
        assert not anchor or anchor in papers.anchors(there), link


@pytest.mark.parametrize("block", of_kind("rules", "file"))
def test_each_rule_of_the_paper_is_right(block, shell):
    name, text = papers.file_of(block)
    answer = shell(f"cdcd check --strict {name}", {name: text})
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("block", of_kind("rules"))
def test_each_rule_of_the_paper_fits_the_stores(block, shell):
    name, text = papers.file_of(block)
    answer = shell("cdcd check --strict -c cdcd.cfg", {name: text, "cdcd.cfg": STORES})
    wrong = [line for line in answer.stderr.splitlines() if "not built yet" not in line]
    assert not wrong, answer.stderr


@pytest.mark.parametrize("block", of_kind("configuration"))
def test_each_configuration_of_the_paper_is_right(block, shell):
    text = block.text.replace("/etc/cdcd/rules.d/*.cfg", str(REPOSITORY / "rules/first.cfg"))
    assert text != block.text
    answer = shell("cdcd check --strict -c cdcd.cfg", {"cdcd.cfg": text})
    assert answer.returncode == 0, answer.stderr


@pytest.mark.parametrize("block", of_kind("test"))
def test_each_rule_test_of_the_paper_passes(block, shell):
    answer = shell("cdcd test shop.test.cfg", {**papers.before(block), "shop.test.cfg": block.text})
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert not answer.stderr, "a test that cannot fail is noted there"


@pytest.mark.parametrize("block", of_kind("console"))
def test_each_command_of_the_paper_says_what_is_shown(block, shell):
    files = papers.before(block)
    for command, said in papers.commands(block):
        answer = shell(command, files)
        files = {}
        assert said in (answer.stdout + answer.stderr, answer.stderr + answer.stdout), command


@pytest.mark.parametrize("block", of_kind(*CHECKERS))
def test_the_code_of_applications_can_be_read(block, tmp_path):
    if block.kind == "python":
        compile(block.text, str(block), "exec")
        return
    checker = CHECKERS[block.kind]
    path = tmp_path / f"code.{MODULES.get(block.kind, block.kind)}"
    path.write_text(("<?php\n" if block.kind == "php" else "") + block.text, "utf-8")
    run = subprocess.run([*checker, str(path)], capture_output=True, text=True, check=False)
    assert run.returncode == 0, run.stdout + run.stderr


@pytest.mark.parametrize("block", of_kind("sql"))
def test_the_sql_of_the_paper_works(block, blog):
    blog.sql("ALTER TABLE blog_comment ALTER post_id SET NOT NULL")
    blog.sql(block.text)


@pytest.mark.parametrize("block", of_kind("redis"))
def test_a_redis_takes_the_lines_of_the_paper(block, redis):
    for line in block.text.splitlines():
        answer = redis.client.execute_command(*line.split())
        assert answer in (True, b"OK", "OK"), line


def test_the_tables_of_the_paper_are_those_of_the_program():
    text = reference.PAPER.read_text("utf-8")
    tables = {(found[2], found[3]) for found in reference.MARKS.finditer(text)}
    for path in sorted((REPOSITORY / "cdcd").rglob("*.c")):
        source = path.read_text("utf-8")
        for name in reference.tables_of(source):
            known = (str(path.relative_to(REPOSITORY)), name) in tables
            assert known or path.name == "storelist.c", f"{path}: {name} is not in the paper"
    assert reference.written(text) == text, "sh: python3 tests/reference.py --write"


def test_a_settings_table_is_read_whole():
    rows = list(reference.rows_of("cdcd/rule/load_trigger.c", "trigger_rows"))
    source = (REPOSITORY / "cdcd/rule/load_trigger.c").read_text("utf-8")
    text = reference.array_of(source, "trigger_rows")
    assert len(rows) == text.count(".name = ") and "LOAD_" not in text
    assert len(rows) > source.count(".name = ") > 5
    assert "| `limit` | number | `1000` |" in reference.table(
        "cdcd/rule/load_trigger.c", "trigger_rows"
    )


def test_each_filter_has_an_example():
    source = (REPOSITORY / "cdcd/rule/filter.c").read_text("utf-8")
    names = reference.filters_of(source)
    text = reference.PAPER.read_text("utf-8")
    assert len(names) >= 12
    for name in names:
        assert f"|{name}" in text.replace("\\|", "|"), name


def test_each_function_of_expressions_is_named():
    source = (REPOSITORY / "cdcd/expression/functions.c").read_text("utf-8")
    names = reference.functions_of(source)
    rows = reference.PAPER.read_text("utf-8").split("\n## Expressions\n")[1].split("\n## ")[0]
    told = set(" ".join(rows.replace("`", " ").split()).split())
    assert len(names) > 30 and names <= told, names - told


@pytest.mark.parametrize("verb", ["check", "explain", "test", "diff"])
def test_each_option_of_the_rules_verbs_is_described(verb):
    text = reference.PAPER.read_text("utf-8")
    for word in run_verb("help", verb).stdout.split():
        if word.startswith("--"):
            assert f"`{word}" in text or f" {word}" in text, word
