"""The rules files of rules/, under their own tests: no server takes part."""

import re

import pytest

from daemon import REPOSITORY, run_verb

RULES = REPOSITORY / "rules"
TESTS = sorted(RULES.glob("*.test.cfg"))
TESTED = [RULES / path.name.replace(".test.cfg", ".cfg") for path in TESTS]

# It shows everything that the language has, in the fewest words: it warns, and no test holds each
# of its lines.
MODELS = [path for path in TESTED if path.name != "blog.cfg"]


def name_of(path):
    return path.name


@pytest.mark.smoke
@pytest.mark.parametrize("tests", TESTS, ids=name_of)
def test_a_rules_file_does_what_its_tests_say(tests):
    answer = run_verb("test", tests)
    assert answer.returncode == 0, answer.stdout + answer.stderr
    assert len(re.findall(r"^ok ", answer.stdout, re.MULTILINE)) >= 4
    assert not answer.stderr, "a test that cannot fail is noted there"


@pytest.mark.parametrize("rules", MODELS, ids=name_of)
def test_a_rules_file_has_nothing_to_warn_of(rules):
    answer = run_verb("check", "--strict", rules)
    assert answer.returncode == 0, answer.stdout + answer.stderr


def mutants(rules):
    """The file with one setting of a cache or a trigger left out, or one letter more in a key or a
    pattern."""
    text = rules.read_text("utf-8")
    text = re.sub(r"^#.*\n", "", text, flags=re.MULTILINE)
    settings = r"\b(?:columns|when|on|lookup|target|action|store) += [^;]*;|\bbind += {[^}]*};"
    for match in re.finditer(settings, text):
        yield text[: match.start()] + text[match.end() :]
    for match in re.finditer(r"\b(?:keys?|match|prefix) += (?:\[ )?\"", text):
        yield text[: match.end()] + "x" + text[match.end() :]


@pytest.mark.parametrize("rules", MODELS, ids=name_of)
def test_each_setting_of_a_rules_file_is_held_by_a_test(rules, tmp_path):
    tests = rules.with_suffix(".test.cfg")
    changed = tmp_path / rules.name
    (tmp_path / tests.name).write_text(tests.read_text("utf-8"), "utf-8")
    lines = set(rules.read_text("utf-8").splitlines())
    for mutant in mutants(rules):
        changed.write_text(mutant, "utf-8")
        answer = run_verb("test", tmp_path / tests.name)
        changes = set(mutant.splitlines()) - lines
        assert answer.returncode in (1, 78), (changes, answer.stdout, answer.stderr)


def test_the_example_of_the_whole_language_is_right():
    answer = run_verb("check", RULES / "blog.cfg")
    assert answer.returncode == 0, answer.stdout + answer.stderr
