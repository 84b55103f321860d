"""What bad files get: FILE:LINE, a sentence with the remedy, and an exit code of its own."""

import pytest

from daemon import rules_file, run_verb

NOT_FOUND, CONFIG = 66, 78

POST = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };')


@pytest.mark.parametrize("verb", ["run", "check"])
def test_a_configuration_that_is_not_there(place, verb):
    missing = place("missing") / "cdcd.cfg"
    answer = run_verb(verb, "-c", missing)
    assert answer.returncode == NOT_FOUND
    assert str(missing) in answer.stderr


def test_a_syntax_error_in_the_configuration(blog, redis, new_cdcd):
    cdcd = new_cdcd(blog, POST, redis)
    cdcd.config.write_text('source = {\n  conninfo = "x"\n  slot == "y";\n};\n', "utf-8")
    code, said = cdcd.run_to_exit()
    assert code == CONFIG
    assert f"{cdcd.config}:3: " in said


@pytest.mark.parametrize("verb", ["run", "check"])
def test_a_syntax_error_in_a_rules_file(blog, redis, new_cdcd, verb):
    cdcd = new_cdcd(blog, 'cdcd = 1;\napp = "a";\ncaches = { post = {\n', redis)
    answer = run_verb(verb, "-c", cdcd.config)
    assert answer.returncode == CONFIG
    assert f"{cdcd.folder}/rules.d/blog.cfg:" in answer.stderr


def test_all_that_is_wrong_is_said_at_once_with_the_nearest_name(blog, redis, new_cdcd):
    files = {
        "a.cfg": 'cdcd = 1;\napp = "a";\nstore = "redsi";\ncaches = {\n'
        '  post = { trigers = "blog_post"; };\n};\n',
        "b.cfg": 'cdcd = 1;\napp = "b";\nstore = "redis";\ncaches = {\n'
        '  post = { key = "post:{id"; triggers = "blog_post"; };\n};\n',
    }
    cdcd = new_cdcd(blog, files, redis, source={"visibilty": "none"})
    answer = run_verb("check", "-c", cdcd.config)
    said = answer.stderr
    assert answer.returncode == CONFIG
    assert 'unknown setting "visibilty"; did you mean "visibility"?' in said
    assert "a.cfg:3: " in said and "redis" in said
    assert "a.cfg:5: " in said and "trigers" in said and "triggers" in said
    assert "b.cfg:5: " in said


def test_all_that_is_wrong_with_the_configuration_is_said_at_once(blog, redis, new_cdcd):
    source = {"visibilty": "none", "create": "yes"}
    cdcd = new_cdcd(blog, POST, redis, source=source, limits={"btach": 1})
    said = run_verb("check", "-c", cdcd.config).stderr
    assert 'unknown setting "visibilty"; did you mean "visibility"?' in said
    assert 'unknown setting "btach"; did you mean "batch"?' in said
    assert "create" in said


@pytest.mark.parametrize(
    "setting",
    [
        'when = "new.title IS NOT"',
        'lookup = "DELETE FROM blog_post"',
        'rows = "newest"',
    ],
)
def test_a_trigger_that_cannot_be_is_refused_not_ignored(blog, redis, refused, setting):
    trigger = f'{{ table = "blog_post"; {setting}; }}'
    caches = f'post = {{ key = "post:{{id}}"; triggers = ( {trigger} ); }};'
    code, said = refused(blog, rules_file(caches), redis)
    assert code == CONFIG
    assert setting.split()[0] in said and "blog.cfg:6: " in said


@pytest.mark.parametrize(
    "setting",
    [
        'http = { listen = "127.0.0.1:1"; };',
        'source = { conninfo = "x"; mode = "inbox"; };',
        'source = { conninfo = "x"; mode = "outbox"; poll = "0s"; };',
        'stores = { redis = { type = "http"; url = "127.0.0.1:1"; }; };',
        'stores = { redis = { type = "http"; url = "http://127.0.0.1:1/path"; }; };',
        'limits = { batch = 5000000000; };',
        'limits = { batch = 0; };',
        'limits = { buffer = "64 parsecs"; };',
        'limits = { retry = "30s..100ms"; };',
        'source = { conninfo = "x"; slot = "Not A Slot"; };',
        'stores = { redis = { type = "redis"; }; };',
        'stores = { redis = { type = "redis"; url = "127.0.0.1:6379"; }; };',
        'stores = { mc = { type = "memcached"; servers = [ ]; }; };',
        'stores = { mc = { type = "memcached"; servers = [ "a:1", "b:1" ]; selector = "one"; }; };',
        'rules = [ "${E2E_IS_NOT_SET}/*.cfg" ];',
    ],
)
def test_settings_that_make_no_sense_are_refused(blog, redis, new_cdcd, setting):
    cdcd = new_cdcd(blog, POST, redis)
    name = setting.split()[0]
    cdcd.settings.pop(name, None)
    cdcd.write_config()
    lines = cdcd.config.read_text("utf-8")
    cdcd.config.write_text(f"{lines}{setting}\n", "utf-8")
    answer = run_verb("check", "-c", cdcd.config)
    assert answer.returncode == CONFIG
    assert f"{cdcd.config}:{lines.count(chr(10)) + 1}: " in answer.stderr


@pytest.mark.parametrize(
    "text, word",
    [
        ('app = "a"; store = "redis"; caches = { a = { triggers = "t"; }; };', "cdcd"),
        ('cdcd = 2; app = "a"; store = "redis"; caches = { a = { triggers = "t"; }; };', "cdcd"),
        ('cdcd = 1; store = "redis"; caches = { a = { triggers = "t"; }; };', "app"),
        ('cdcd = 1; app = "a"; caches = { a = { triggers = "t"; }; };', "store"),
        ('cdcd = 1; app = "a"; store = "redis"; caches = { a = { key = "x"; }; };', "triggers"),
        (rules_file('a = { key = ""; triggers = "t"; };'), "key"),
        (rules_file('a = { key = "a:{id}}"; triggers = "t"; };'), "}"),
        (rules_file('a = { key = "a:{}"; triggers = "t"; };'), "column"),
        (rules_file('a = { triggers = ( { table = "t"; on = "upsert"; } ); };'), "upsert"),
        (rules_file('a = { triggers = ( { table = "t"; on = "updat"; } ); };'), "update"),
        (rules_file('a = { triggers = ( { table = "t"; target = "everything"; } ); };'), "target"),
        (rules_file('a = { key = "{b}"; triggers = ({ table = "t"; target = "all"; }); };'), "all"),
        (rules_file('a = { action = "explode"; triggers = "t"; };'), "explode"),
        (rules_file('a = { action = "scan"; triggers = "t"; };'), "match"),
        (rules_file('a = { triggers = "t"; }; a = { triggers = "u"; };'), "duplicate"),
    ],
)
def test_rules_that_make_no_sense_are_refused(blog, redis, new_cdcd, text, word):
    cdcd = new_cdcd(blog, text, redis)
    answer = run_verb("check", "-c", cdcd.config)
    assert answer.returncode == CONFIG
    assert "blog.cfg:" in answer.stderr and word in answer.stderr


def test_two_files_of_one_app_are_refused(blog, redis, refused):
    code, said = refused(blog, {"a.cfg": POST, "b.cfg": POST}, redis)
    assert code == CONFIG
    assert "b.cfg:" in said and '"blog"' in said
