"""What rules can say: each setting of a cache and a trigger, on a real stream."""

import pytest

from daemon import rules_file

pytestmark = pytest.mark.both_sources

SETTINGS = """
CREATE TABLE blog_settings (id int PRIMARY KEY, comment_order text, theme text);
INSERT INTO blog_settings VALUES (1, 'newest', 'dark');
ALTER TABLE blog_settings REPLICA IDENTITY FULL;
"""


@pytest.fixture
def cleared(redis, run_cdcd):
    """Which keys leave a warm Redis when statements run under rules."""

    def run(database, rules, keys, statements, **settings):
        cdcd = run_cdcd(database, rules, redis, **settings)
        redis.warm(*keys)
        database.sql(statements)
        cdcd.caught_up()
        return set(keys) - redis.left()

    return run


TARGET_ALL = rules_file(
    """
  get_comments = {
    key = "get_comments:{post_id}";
    triggers = ( "blog_comment",
                 { table = "blog_settings"; on = "update"; columns = [ "comment_order" ];
                   target = "all"; } );
    all = { action = "scan"; match = "get_comments:*"; };
  };
"""
)


def test_target_all_clears_every_key_of_the_cache(blog, cleared):
    blog.sql(SETTINGS)
    comments = {"blog:get_comments:1", "blog:get_comments:99"}
    keys = comments | {"blog:other:1", "get_comments:1"}
    change = "UPDATE blog_settings SET comment_order = 'oldest'"
    assert cleared(blog, TARGET_ALL, keys, change) == comments


def test_an_update_of_other_columns_does_not_count(blog, cleared):
    blog.sql(SETTINGS)
    change = "UPDATE blog_settings SET theme = 'light'"
    assert cleared(blog, TARGET_ALL, {"blog:get_comments:1"}, change) == set()


def test_on_names_the_only_operations_that_count(blog, cleared):
    rules = rules_file(
        """
  gone = { key = "gone:{id}"; triggers = ( { table = "blog_post"; on = "delete"; } ); };
  made = { key = "made:{id}"; triggers = ( { table = "blog_post"; on = "insert"; } ); };
  saved = { key = "saved:{id}"; triggers = ( { table = "blog_post"; on = "save"; } ); };
  both = { key = "both:{id}";
           triggers = ( { table = "blog_post"; on = [ "insert", "delete" ]; } ); };
"""
    )
    names = ("gone", "made", "saved", "both")
    keys = {f"blog:{name}:{n}" for name in names for n in (1, 2, 20)}
    change = """
      DELETE FROM blog_post WHERE id = 1;
      UPDATE blog_post SET title = 'x' WHERE id = 2;
      INSERT INTO blog_post VALUES (20, 'y')"""
    assert cleared(blog, rules, keys, change) == {
        "blog:gone:1",
        "blog:both:1",
        "blog:saved:2",
        "blog:made:20",
        "blog:saved:20",
        "blog:both:20",
    }


def test_bind_takes_a_parameter_from_a_column_of_another_name(blog, cleared):
    rules = rules_file(
        """
  page = { key = "page:{number}:{post_id}";
           triggers = ( { table = "blog_comment"; bind = { number = "id"; }; } ); };
"""
    )
    keys = {"blog:page:20:3", "blog:page:3:20"}
    change = "INSERT INTO blog_comment VALUES (20, 3, 'x')"
    assert cleared(blog, rules, keys, change) == {"blog:page:20:3"}


def test_several_keys_of_a_cache_leave_in_the_order_written(blog, redis, run_cdcd):
    rules = rules_file(
        """
  block = { keys = [ "{id}_block", "{id}_semaphore" ]; triggers = "blog_post"; };
"""
    )
    cdcd = run_cdcd(blog, rules, redis)
    redis.warm("blog:3_block", "blog:3_semaphore")
    with redis.client.monitor() as monitor:
        blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 3")
        cdcd.caught_up()
        redis.client.ping()
        said = ""
        while "PING" not in said.upper():
            said += monitor.next_command()["command"] + "\n"
    assert 0 <= said.find("blog:3_block") < said.find("blog:3_semaphore")
    assert redis.left() == set()


def test_doubled_braces_stand_for_braces(blog, cleared):
    rules = rules_file(
        """
  cart = { keys = [ "{{post:{id}}}:cart", "{{post:{id}}}:total" ]; triggers = "blog_post"; };
"""
    )
    keys = {"blog:{post:3}:cart", "blog:{post:3}:total", "blog:{post:4}:cart"}
    change = "UPDATE blog_post SET title = 'x' WHERE id = 3"
    assert cleared(blog, rules, keys, change) == {"blog:{post:3}:cart", "blog:{post:3}:total"}


def test_several_files_have_each_its_own_prefix(blog, cleared):
    post = 'post = { key = "post:{id}"; triggers = "blog_post"; };'
    rules = {
        "a.cfg": rules_file(post, app="a", prefix="a:"),
        "b.cfg": rules_file(post, app="b", prefix="b:"),
        "c.txt": "not a rules file",
    }
    keys = {"a:post:1", "b:post:1", "blog:post:1", "post:1"}
    change = "UPDATE blog_post SET title = 'x' WHERE id = 1"
    assert cleared(blog, rules, keys, change) == {"a:post:1", "b:post:1"}


def test_a_caches_prefix_replaces_the_files(blog, cleared):
    rules = rules_file('post = { key = "post:{id}"; prefix = "old:"; triggers = "blog_post"; };')
    change = "UPDATE blog_post SET title = 'x' WHERE id = 1"
    assert cleared(blog, rules, {"old:post:1", "blog:post:1"}, change) == {"old:post:1"}


def test_the_environment_stands_in_a_prefix(blog, cleared, monkeypatch):
    monkeypatch.setenv("E2E_PREFIX", "env:")
    post = 'post = { key = "post:{id}"; triggers = "blog_post"; };'
    rules = rules_file(post, prefix="${E2E_PREFIX}${E2E_UNSET:-default:}")
    change = "UPDATE blog_post SET title = 'x' WHERE id = 1"
    assert cleared(blog, rules, {"env:default:post:1"}, change) == {"env:default:post:1"}


def test_a_table_of_another_schema_is_named_with_it(blog, cleared):
    blog.sql("CREATE SCHEMA shop; CREATE TABLE shop.blog_post (id int PRIMARY KEY)")
    rules = rules_file('item = { key = "item:{id}"; triggers = "shop.blog_post"; };')
    change = "INSERT INTO shop.blog_post VALUES (1); INSERT INTO blog_post VALUES (21, 'x')"
    assert cleared(blog, rules, {"blog:item:1", "blog:item:21"}, change) == {"blog:item:1"}


def test_names_in_capitals_are_taken_as_they_are(blog, cleared):
    blog.sql('CREATE TABLE "Blog Post" ("Id" int PRIMARY KEY, "a ""b" int)')
    rules = rules_file('item = { key = "item:{Id}"; triggers = "Blog Post"; };')
    assert cleared(blog, rules, {"blog:item:1"}, 'INSERT INTO "Blog Post" VALUES (1)') == {
        "blog:item:1"
    }


def test_values_stand_in_keys_as_postgresql_writes_them(db, cleared):
    db.sql(
        """CREATE TABLE things (id int PRIMARY KEY, d date, f float8, b bool, t timestamptz,
                                i interval, y bytea, u uuid, n numeric);
           ALTER TABLE things REPLICA IDENTITY FULL"""
    )
    db.sql(f"ALTER DATABASE {db.name} SET DateStyle = 'German'")
    db.sql(f"ALTER DATABASE {db.name} SET TimeZone = 'Asia/Tokyo'")
    db.sql(f"ALTER DATABASE {db.name} SET IntervalStyle = 'iso_8601'")
    db.sql(f"ALTER DATABASE {db.name} SET bytea_output = 'escape'")
    db.sql(f"ALTER DATABASE {db.name} SET extra_float_digits = -5")
    columns = ("d", "f", "b", "t", "i", "y", "u", "n")
    rules = rules_file(
        "\n".join(f'k{c} = {{ key = "{c}={{{c}}}"; triggers = "things"; }};' for c in columns)
    )
    keys = {
        "blog:d=2024-02-29",
        "blog:f=0.1",
        "blog:b=t",
        "blog:t=2024-02-29 12:00:00+00",
        "blog:i=1 day 02:00:00",
        "blog:y=\\x00ff",
        "blog:u=a0eebc99-9c0b-4ef8-bb6d-6bb9bd380a11",
        "blog:n=1.50",
    }
    change = """INSERT INTO things VALUES (1, '2024-02-29', 0.1, true, '2024-02-29 21:00:00+09',
        '26 hours'::interval - '24 hours'::interval + '1 day', '\\x00ff',
        'A0EEBC99-9C0B-4EF8-BB6D-6BB9BD380A11', 1.50)"""
    assert cleared(db, rules, keys, change) == keys


@pytest.mark.replication
def test_a_weak_identity_that_is_accepted_clears_the_whole_cache(blog, cleared):
    blog.sql("ALTER TABLE blog_comment REPLICA IDENTITY DEFAULT")
    rules = rules_file(
        """
  get_comments = { key = "get_comments:{post_id}"; triggers = "blog_comment";
                   all = { action = "scan"; match = "get_comments:*"; }; };
"""
    )
    keys = {"blog:get_comments:3", "blog:get_comments:4", "canary"}
    change = "DELETE FROM blog_comment WHERE id = 3"
    assert cleared(blog, rules, keys, change, source={"weak_identity": "clear"}) == {
        "blog:get_comments:3",
        "blog:get_comments:4",
    }


@pytest.mark.replication
def test_an_index_that_holds_the_keys_columns_is_identity_enough(blog, cleared):
    blog.sql(
        """ALTER TABLE blog_comment ALTER post_id SET NOT NULL;
           CREATE UNIQUE INDEX by_post ON blog_comment (post_id, id);
           ALTER TABLE blog_comment REPLICA IDENTITY USING INDEX by_post"""
    )
    rules = rules_file('comments = { key = "comments:{post_id}"; triggers = "blog_comment"; };')
    keys = {f"blog:comments:{n}" for n in (1, 2, 3, 4)}
    change = """UPDATE blog_comment SET post_id = 2 WHERE id = 1;
                DELETE FROM blog_comment WHERE id = 3"""
    assert cleared(blog, rules, keys, change) == keys - {"blog:comments:4"}
