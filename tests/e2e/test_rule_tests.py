"""`cdcd test`: rule tests, which need no server."""

import json
import re
import shutil
import subprocess
import xml.dom.minidom

import pytest

from daemon import binary, run_verb

RULES = """cdcd = 1; app = "blog"; prefix = "${BLOG_PREFIX}"; store = "redis";
caches = {
  get_comments = {
    key = "get_comments:{post_id}"; triggers = "blog_comment";
    all = { action = "scan"; match = "get_comments:*"; };
  };
  news = { keys = [ "noticias", "noticia_{id}", "categoria_{category_id}" ]; triggers = "news";
           all = { action = "delete"; key = "noticias"; }; };
  pages = { key = "page:{slug}";
            triggers = ( { table = "author"; limit = 2;
                           lookup = "SELECT slug FROM post WHERE author_id = {id}"; } );
            all = { action = "scan"; match = "page:*"; }; };
  dear = { triggers = ( { table = "article"; when = "price > 5"; },
                        { table = "parcel"; when = "fragile"; } ); };
};
"""
MOVE = """change = { table = "blog_comment"; op = "update";
  old = { id = 7; post_id = 3; }; new = { post_id = 5; }; };"""
AUTHOR = """change = { table = "author"; op = "update"; old = { id = 1; }; new = { id = 2; }; };"""
NEWS = 'change = { table = "news"; op = "insert"; new = { id = 1; category_id = 2; }; };'


@pytest.fixture
def folder(place):
    folder = place("rules")
    folder.mkdir()
    (folder / "blog.cfg").write_text(RULES, "utf-8")
    return folder


@pytest.fixture
def run(folder):
    """Runs tests, each given as its settings and named by its place; the answer."""

    def run(*tests, words=(), head='rules = "blog.cfg"; env = { BLOG_PREFIX = "blog:"; };'):
        named = [f'{{ name = "{i}"; {test} }}' for i, test in enumerate(tests)]
        path = folder / "blog.test.cfg"
        path.write_text(head + "\ntests = (\n" + ",\n".join(named) + ");\n", "utf-8")
        return run_verb("test", path, *words)

    return run


def expect(*ops):
    return "expect = [" + ", ".join(f'"redis delete blog:{key}"' for key in ops) + "];"


@pytest.mark.smoke
def test_a_test_whose_ops_come_passes_in_tap(run):
    answer = run(MOVE + expect("get_comments:5", "get_comments:3"))
    assert answer.returncode == 0, answer.stderr
    assert answer.stdout == "TAP version 13\n1..1\nok 1 - 0\n"


def test_a_missing_op_and_one_too_many_fail_and_say_where_each_is(run):
    answer = run(MOVE + expect("get_comments:3", "get_comments:4"))
    assert answer.returncode == 1
    assert "not ok 1 - 0\n" in answer.stdout
    assert re.search(r"- redis delete blog:get_comments:4  \S*blog.test.cfg:4", answer.stdout)
    assert re.search(r"\+ redis delete blog:get_comments:5  \S*blog.cfg:4 new", answer.stdout)


def test_what_must_be_absent_and_comes_fails(run):
    answer = run(MOVE + 'absent = [ "redis delete blog:get_comments:5" ];')
    assert answer.returncode == 1 and "! redis delete blog:get_comments:5" in answer.stdout
    assert run(MOVE + 'absent = [ "redis delete blog:get_comments:7" ];').returncode == 0


def test_the_order_of_a_caches_keys_matters(run):
    keys = ["noticias", "noticia_1", "categoria_2"]
    assert run(NEWS + expect(*keys)).returncode == 0
    answer = run(NEWS + expect(*reversed(keys)))
    assert answer.returncode == 1
    assert "in the order in which the rule has them" in answer.stdout


def test_only_looks_at_the_caches_named(run):
    assert run(MOVE + 'only = "news"; expect = [];').returncode == 0
    answer = run(MOVE + 'only = "nws"; expect = [];')
    assert answer.returncode == 78
    assert 'unknown cache "nws"; did you mean "news"?' in answer.stderr


def test_a_key_of_two_caches_is_looked_at_in_each_and_expected_once(run, folder):
    (folder / "blog.cfg").write_text("""cdcd = 1; app = "blog"; prefix = "blog:"; store = "redis";
        caches = {
          a = { keys = [ "block", "k" ]; triggers = "blog_comment"; };
          b = { keys = [ "k", "other" ]; triggers = "blog_comment"; };
        };""", "utf-8")
    head = 'rules = "blog.cfg";'
    assert run(MOVE + 'only = [ "b" ];' + expect("k", "other"), head=head).returncode == 0
    assert run(MOVE + expect("block", "k", "other"), head=head).returncode == 0
    answer = run(MOVE + expect("k", "block", "other"), head=head)
    assert "the keys of a are cleared in the order" in answer.stdout + answer.stderr
    answer = run(MOVE + expect("block", "other"), head=head)
    lines = re.findall(r"\+ redis delete blog:k  \S*blog.cfg:(\d+) new", answer.stdout)
    assert lines == ["3", "4"], answer.stdout


def test_an_empty_list_is_null_also_where_the_old_row_has_a_value(run):
    change = """change = { table = "news"; op = "update"; old = { id = 1; category_id = 2; };
                new = { category_id = (); }; };"""
    assert run(change + expect("noticias", "noticia_1", "categoria_2")).returncode == 0


def answers(*rows):
    """What lookups find: for each answer its rows, each the value of slug."""
    each = ("( " + ", ".join(f"{{ slug = {slug}; }}" for slug in one) + " )" for one in rows)
    return "lookups = ( " + ", ".join(f'{{ cache = "pages"; rows = {one}; }}' for one in each) + ");"


def test_one_answer_is_for_every_question_and_several_are_for_one_each(run):
    one = run(AUTHOR + answers(['"a"', "2"]) + expect("page:a", "page:2"))
    assert one.returncode == 0, one.stdout
    both = run(AUTHOR + answers(['"a"'], ['"b"', "()"]) + expect("page:b", "page:a"))
    assert both.returncode == 0, both.stdout
    none = run(AUTHOR + answers([]) + "expect = [];")
    assert none.returncode == 0, none.stdout


def test_a_question_without_an_answer_fails_and_says_what_to_write(run):
    answer = run(AUTHOR + "expect = [];")
    assert answer.returncode == 1
    assert re.search(r"pages asks PostgreSQL \(\S*blog.cfg:\d+\)", answer.stdout)
    assert 'lookups = ( { cache = "pages"; rows = ( ... ); } );' in answer.stdout
    three = run(AUTHOR + answers([], [], []) + "expect = [];")
    assert three.returncode == 1 and "nobody asks for this answer of pages" in three.stdout


@pytest.mark.parametrize("lookups", [
    'lookups = ( { cache = "pages"; failed = "connection lost"; } );',
    answers(['"a"', '"b"', '"c"'])], ids=["failed", "too many rows"])
def test_a_lookup_that_fails_or_finds_too_much_clears_all(run, lookups):
    answer = run(AUTHOR + lookups + 'expect = [ "redis scan blog:page:*" ];')
    assert answer.returncode == 0, answer.stdout


@pytest.mark.parametrize("value, key", [
    ("5", "5"), ("-1", "-1"), ("9007199254740993L", "9007199254740993"), ("2.50", "2.5"),
    ("1.0", "1"), ("1e20", "1e+20"), ("0.00001", "1e-05"), ("100000.5", "100000.5"),
    ("true", "t"), ("false", "f"), ('"a b"', "a b"), (r'"\x1b\n"', r"\\x1b\\x0a")])
def test_a_value_becomes_the_text_that_postgresql_gives_it(run, value, key):
    row = f"{{ post_id = {value}; }}"
    change = f'change = {{ table = "blog_comment"; op = "delete"; old = {row}; }};'
    answer = run(change + expect("get_comments:" + key))
    assert answer.returncode == 0, answer.stdout + answer.stderr


def test_an_answer_that_nobody_asks_for_fails(run):
    answer = run(MOVE + expect("get_comments:3", "get_comments:5")
                 + 'lookups = ( { cache = "news"; rows = (); } );')
    assert answer.returncode == 1 and "nobody asks for this answer of news" in answer.stdout


def test_a_table_of_no_trigger_is_said_since_the_test_proves_nothing(run):
    answer = run('change = { table = "blog_coment"; op = "insert"; }; expect = [];')
    assert answer.returncode == 0
    assert "no trigger names table public.blog_coment; did you mean blog_comment?" in answer.stderr


def test_a_condition_that_fails_or_fits_no_type_is_said_since_it_counts_as_true(run):
    def insert(table, row):
        change = f'change = {{ table = "{table}"; op = "insert"; new = {row}; }};'
        return run(change + expect("dear"))

    assert insert("article", "{ price = 6; }").stderr == ""
    assert "not ok" in insert("article", "{ price = 5; }").stdout
    failed = insert("article", '{ price = "dear"; }')
    assert len(failed.stderr.splitlines()) == 1, failed.stderr
    assert re.search(r"note: \S*blog.cfg:\d+: when failed, and counts as true: ", failed.stderr)
    assert insert("parcel", "{ fragile = true; }").stderr == ""
    unfit = insert("parcel", "{ fragile = 1; }")
    assert re.search(r"note: \S*blog.cfg:\d+: when .*", unfit.stderr), unfit.stderr


def test_an_absent_op_that_no_rule_ever_gives_is_said(run):
    for op in ("delete blog:get_coments:3", "bump blog:get_comments:3", "scan blog:news"):
        answer = run(MOVE + f'absent = [ "redis {op}" ];')
        assert answer.returncode == 0 and f'note: no rule ever gives "redis {op}"' in answer.stderr
    for op in ("delete blog:get_comments:9", "scan blog:get_comments:*", "delete blog:noticias"):
        assert run(MOVE + f'absent = [ "redis {op}" ];').stderr == ""


@pytest.mark.parametrize("test, complaint", [
    (MOVE, "the test proves nothing"),
    (MOVE + "absent = [];", "the test proves nothing"),
    (MOVE + 'expct = [];', 'unknown setting "expct"; did you mean "expect"?'),
    (MOVE + 'expect = [ "redis delet x" ];', 'unknown action "delet"; did you mean "delete"?'),
    (MOVE + 'expect = [ "rdis delete x" ];', 'unknown store "rdis"; did you mean "redis"?'),
    (MOVE + 'expect = [ "redis delete" ];', '"redis delete" is no op'),
    (MOVE + 'expect = [ "redis delete x", "redis delete x" ];', "twice"),
    ("expect = [];", "change is missing"),
    ('change = { table = "news"; op = "insert"; old = { id = 1; }; }; expect = [];',
     "insert has no old row"),
    ('change = { table = "news"; op = "insert"; new = { id = { }; }; }; expect = [];',
     "id takes a number, a string, true or false, or () for NULL"),
    (MOVE + 'expect = []; lookups = ( { cache = "news"; } );', "an answer has rows, or failed"),
    (MOVE + 'expect = []; only = "get_coments";',
     'unknown cache "get_coments"; did you mean "get_comments"?'),
    (MOVE + 'expect = []; lookups = ( { cache = "pagse"; rows = (); } );',
     'unknown cache "pagse"; did you mean "pages"?'),
])
def test_a_wrong_test_file_is_complained_about_with_its_line(run, test, complaint):
    answer = run(test)
    assert answer.returncode == 78 and answer.stdout == ""
    assert re.search(r"blog.test.cfg:\d+: .*" + re.escape(complaint), answer.stderr), answer.stderr


def test_wrong_rules_and_missing_files_are_told_apart(run, folder):
    assert run_verb("test", folder / "none.cfg").returncode == 66
    assert run(MOVE + "expect = [];", head='rules = "none.cfg";').returncode == 66
    missing = run(MOVE + "expect = [];", head='rules = "blog.cfg";')
    assert missing.returncode == 78 and "the environment has no BLOG_PREFIX" in missing.stderr


def test_stores_are_those_of_a_cdcd_cfg_beside_the_file_whatever_else_is_wrong_with_it(run, folder):
    (folder / "cdcd.cfg").write_text("""nonsense = 1;
        stores = { redis = { type = "redis"; prefix = ":1:"; password_file = "${NOWHERE}/x"; }; };
        """, "utf-8")
    test = MOVE + 'only = "get_comments"; absent = [ "redis delete :1:blog:get_comments:3" ];'
    assert "! redis delete :1:blog:get_comments:3" in run(test).stdout
    (folder / "cdcd.cfg").write_text('stores = { mc = { type = "memcached"; }; };', "utf-8")
    answer = run(test)
    assert answer.returncode == 78 and 'unknown store "redis"' in answer.stderr


def test_a_variable_of_env_that_no_file_has_is_complained_about(run, folder):
    head = 'rules = "blog.cfg";\nenv = { BLOG_PREFIX = "blog:";\n%s };'
    answer = run(MOVE + "expect = [];", head=head % ' BLOG_PREFX = "b:";')
    assert answer.returncode == 78
    assert 'blog.test.cfg:3: unknown variable "BLOG_PREFX"; did you mean "BLOG_PREFIX"?' in (
        answer.stderr
    )
    (folder / "cdcd.cfg").write_text(
        'stores = { redis = { type = "redis"; url = "redis://${REDIS:-localhost}"; }; };', "utf-8"
    )
    answer = run(MOVE + 'absent = [ "redis bump x" ];', head=head % ' REDIS = "other";')
    assert answer.returncode == 0, answer.stderr


def test_a_variable_that_stands_where_none_is_replaced_is_complained_about(run, folder):
    (folder / "blog.cfg").write_text("""cdcd = 1; app = "blog"; store = "redis";
        caches = { a = { key = "${BLOG}"; triggers = "blog_comment"; }; };""", "utf-8")
    answer = run(MOVE + "expect = [];", head='rules = "blog.cfg"; env = { BLOG = "x"; };')
    assert answer.returncode == 78


def test_run_chooses_tests_by_their_names(run):
    good, bad = MOVE + expect("get_comments:3", "get_comments:5"), MOVE + "expect = [];"
    answer = run(good, bad, words=("--run", "^0$"))
    assert answer.returncode == 0 and "1..1\nok 1 - 0\n" in answer.stdout
    none = run(good, bad, words=("--run", "nothing"))
    assert none.returncode == 1 and "no test's name matches" in none.stderr
    assert run(good, words=("--run", "(")).returncode == 64


def test_junit_is_well_formed_with_any_bytes(run, folder):
    change = r'''change = { table = "blog_comment"; op = "delete";
                          old = { post_id = "<\x01\xff&]]>"; }; };'''
    answer = run(change + "expect = [];", words=("--json", "--junit", folder / "result.xml"))
    assert answer.returncode == 1
    document = xml.dom.minidom.parse(str(folder / "result.xml"))
    assert document.documentElement.getAttribute("failures") == "1"
    unwritable = run(change + "expect = [];", words=("--junit", folder / "no" / "result.xml"))
    assert unwritable.returncode == 66 and "cannot be written" in unwritable.stderr


NAMES = [r"plain", r"# TO" "DO later", r"# SKIP it", r"back\\slash \\# TO" "DO x", r"ends in \\",
         r"a\nnot ok 9 - b", r"quotes ' \" <b> & \t \x01", r"no text \xff\xfe", "1..3", "..."]


@pytest.mark.skipif(not shutil.which("prove"), reason="perl's prove is not here")
def test_tap_is_read_by_perls_parser_whatever_the_names_are(run, folder):
    """A failing test stays one: no name makes it a directive, and no line is unknown."""
    run(*[f'{MOVE} {expect("get_comments:5")}'] * len(NAMES))
    path = folder / "blog.test.cfg"
    text = path.read_text("utf-8")
    for i, name in enumerate(NAMES):
        text = text.replace(f'name = "{i}"', f'name = "{name}"')
    path.write_text(text, "utf-8")
    said = subprocess.run(["prove", "--parse", "-e", f"{binary()} test", path], capture_output=True,
                          text=True)
    assert f"Failed: {len(NAMES)})" in said.stdout, said.stdout
    assert "Parse errors" not in said.stdout and "TO" "DO" not in said.stdout
    xml_path = folder / "junit.xml"
    run_verb("test", path, "--junit", xml_path)
    suite = xml.dom.minidom.parse(str(xml_path)).getElementsByTagName("testsuite")[0]
    assert suite.getAttribute("tests") == suite.getAttribute("failures") == str(len(NAMES))
    assert len(suite.getElementsByTagName("failure")) == len(NAMES)


@pytest.mark.parametrize("verb, text, complaint", [
    ("test", RULES, ":1: this is a rules file"),
    ("test", 'source = { }; stores = { }; rules = [ "x.cfg" ];', ":1: this is a cdcd.cfg"),
    ("check", 'source = { }; stores = { }; rules = [ "x.cfg" ];', ":1: this is a cdcd.cfg"),
    ("check", 'rules = "blog.cfg"; tests = ( );', ":1: this is a file of rule tests"),
    ("check -c", RULES, ":1: this is a file of rules"),
    ("check -c", 'rules = "blog.cfg"; tests = ( );', ":1: this is a file of rule tests"),
    ("check", "", ":1: app is missing; add it"),
    ("test", "", ":1: tests is missing; add it"),
])
def test_a_file_of_another_kind_is_called_what_it_is(folder, verb, text, complaint):
    path = folder / "other.cfg"
    path.write_text(text, "utf-8")
    answer = run_verb(*verb.split(), path)
    assert answer.returncode == 78 and answer.stdout == ""
    assert str(path) + complaint in answer.stderr
    assert "unknown setting" not in answer.stderr


def test_results_come_in_json_too(run):
    good, bad = MOVE + expect("get_comments:3", "get_comments:5"), MOVE + "expect = [];"
    answer = json.loads(run(good, bad, words=("--json",)).stdout)
    assert (answer["passed"], answer["failed"]) == (1, 1)
    assert {finding["kind"] for finding in answer["tests"][1]["findings"]} == {"unexpected"}


def test_several_files_make_one_stream(run, folder):
    run(MOVE + expect("get_comments:3", "get_comments:5"))
    path = folder / "blog.test.cfg"
    answer = run_verb("test", path, path)
    assert answer.returncode == 0
    assert answer.stdout == "TAP version 13\n1..2\nok 1 - 0\nok 2 - 0\n"


def test_ten_thousand_tests_run_and_names_that_come_again_are_said(run, folder):
    tests = [NEWS.replace("id = 1;", f"id = {n};", 1) + 'only = [ "get_comments" ]; expect = [];'
             for n in range(10000)]
    answer = run(*tests)
    assert answer.returncode == 0 and answer.stdout.count("\nok ") == 10000, answer.stderr
    path = folder / "blog.test.cfg"
    path.write_text(path.read_text("utf-8").replace('name = "77"', 'name = "9000"'), "utf-8")
    answer = run_verb("test", path)
    assert answer.returncode == 78
    assert ":9003: the test of line 80 has this name too; give each its own" in answer.stderr


def test_an_op_that_is_expected_and_absent_is_refused(run):
    answer = run(MOVE + expect("get_comments:5") + 'absent = [ "redis delete blog:get_comments:5" ];')
    assert answer.returncode == 78
    assert "is expected too, on line" in answer.stderr


def test_a_misspelt_column_is_said_since_the_test_proves_nothing(run):
    change = 'change = { table = "blog_comment"; op = "insert"; new = { post_di = 3; other = 1; }; };'
    answer = run(change + "expect = [];")
    assert "no rule reads post_di; did you mean post_id?" in answer.stderr
    assert "other" not in answer.stderr
