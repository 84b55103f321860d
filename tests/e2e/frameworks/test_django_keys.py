"""The keys that cdcd makes, beside those that Django's own function makes, and beside recorded ones
of the versions that are not installed here."""

import json

import pytest
from django.core.cache.utils import make_template_fragment_key

from daemon import REPOSITORY, rules_file, run_verb

NAMES = ["ervilis", "ann@example.com", "José", "a b", "x:y", "100%", "it's", "😀", "a,b", "", "7"]


@pytest.fixture
def key(tmp_path):
    """The one key that explain says for a new row."""

    def explain(rules, cache, table, row):
        values = [f"{name}='" + value.replace("'", "''") + "'" for name, value in row.items()]
        answer = run_verb("explain", "--json", rules, "insert", table, "--new", ",".join(values))
        assert answer.returncode == 0, answer.stderr
        keys = [op["key"] for op in json.loads(answer.stdout) if op["cache"] == cache]
        assert len(keys) == 1, keys
        return keys[0]

    return explain


@pytest.fixture
def sidebar(key):
    def explain(cache, name):
        return key(REPOSITORY / "rules/django.cfg", cache, "auth_user", {"id": "7", "username": name})

    return explain


@pytest.mark.parametrize("name", NAMES)
def test_a_fragments_key_is_the_one_that_django_makes(sidebar, name):
    assert sidebar("sidebar", name) == ":1:" + make_template_fragment_key("sidebar", [name, 7])


# Each age of Django: what a fragment's key is the MD5 of.
RECORDED = {
    "sidebar": "3e3394dc05e022950ea697fe31df8107",
    "sidebar_3_0": "57324cace77e006c3942e820d85533c1",
    "sidebar_6_1": "957812494e70c83a25cb644c96178016",
}


@pytest.mark.parametrize("cache", RECORDED)
def test_a_fragments_key_is_the_one_that_was_recorded(sidebar, cache):
    assert sidebar(cache, "ervilis") == f":1:template.cache.sidebar.{RECORDED[cache]}"


RECORDED_KEYS = {
    "template.cache.sidebar.d41d8cd98f00b204e9800998ecf8427e":
        'let = { vary = ""; }; key = "template.cache.sidebar.{vary|md5}";',
    "views.decorators.cache.cache_header..3cb35933a0d4541ebf160b8a5c5d0595.en-us.UTC":
        'let = { url = "http://example.com/blog/"; };'
        ' key = "views.decorators.cache.cache_header..{url|md5}.en-us.UTC";',
}


@pytest.mark.parametrize("recorded", RECORDED_KEYS)
def test_a_key_of_no_columns_is_the_one_that_was_recorded(key, tmp_path, recorded):
    rules = tmp_path / "rules.cfg"
    cache = f'c = {{ {RECORDED_KEYS[recorded]} triggers = "t"; }};'
    rules.write_text(rules_file(cache, prefix=":1:"), "utf-8")
    assert key(rules, "c", "t", {"id": "1"}) == f":1:{recorded}"
