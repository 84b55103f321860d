"""check --live on real servers: each thing that can be wrong with them, and nothing changed."""

import json
import re

import pytest

from daemon import rules_file, run_verb
from poll import wait_for
from servers import free_port

ALL = 'all = { action = "scan"; match = "x:*"; };'
POST = rules_file('post = { key = "x:{id}"; triggers = "blog_post"; %s };' % ALL)
LOOKUP = """home = {{ key = "home:{{n}}"; triggers = (
    {{ table = "blog_post"; lookup = "{}"; }} ); all = {{ action = "scan"; match = "home:*"; }}; }};"""


@pytest.fixture
def check(redis, new_cdcd):
    """Runs the verb; the exit code, and what was said on stderr. Nothing in the database is
    another after it."""

    def run(database, rules=POST, stores=None, words=(), unchanged=True, **settings):
        files = new_cdcd(database, rules, stores or redis, **settings)
        before = contents(database) if unchanged else None
        done = run_verb("check", "--live", *words, "-c", files.config)
        assert "Sanitizer" not in done.stderr and "runtime error" not in done.stderr
        assert not unchanged or contents(database) == before
        return done.returncode, done.stderr, done.stdout

    return run


def contents(database):
    return [
        database.sql(text)
        for text in (
            "SELECT slot_name, active, confirmed_flush_lsn FROM pg_replication_slots ORDER BY 1",
            "SELECT pubname, puballtables FROM pg_publication ORDER BY 1",
            "SELECT * FROM pg_publication_tables ORDER BY 1, 2, 3",
            "SELECT oid, relreplident FROM pg_class ORDER BY oid",
        )
    ]


@pytest.fixture
def ready(own_blog):
    """A database that has all that is needed, with a bound on what the slot may keep."""

    def make(tables="blog_post, blog_comment", **settings):
        blog = own_blog(**{"max_slot_wal_keep_size": "1GB", **settings})
        blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE {tables}")
        blog.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", blog.name)
        return blog

    return make


BY_HAND = {"source": {"create": False}}


@pytest.mark.smoke
def test_where_all_is_well_nothing_is_said(ready, check):
    blog = ready()
    code, said, out = check(blog, **BY_HAND)
    assert (code, said) == (0, "")
    assert out.rstrip().endswith("1 file, 1 cache, 1 trigger: ok")


def test_what_can_be_made_may_be_missing(own_blog, check):
    code, said, _ = check(own_blog(max_slot_wal_keep_size="1GB"))
    assert (code, said) == (0, "")


def test_a_database_that_is_down_is_69(own_blog, check):
    blog = own_blog()
    blog.cluster.stop()
    code, said, _ = check(blog, unchanged=False)
    assert code == 69
    assert re.search(r"cdcd\.cfg: PostgreSQL cannot be reached: .*; start it, or mend", said)


def test_a_server_that_hangs_is_given_up(own_blog, check):
    blog = own_blog()
    blog.cluster.freeze()
    try:
        code, said, _ = check(blog, unchanged=False)
    finally:
        blog.cluster.thaw()
    assert code == 69 and "no connection within 10 s" in said


def test_a_wrong_database_is_the_operators_to_mend(own_blog, check):
    blog = own_blog()
    code, said, _ = check(blog, source={"conninfo": blog.conninfo(dbname="nowhere")})
    assert code == 78 and "mend dbname in source.conninfo" in said


def test_all_that_is_wrong_with_the_server_is_said_at_once(own_blog, check):
    blog = own_blog(wal_level="replica", max_slot_wal_keep_size="1GB")
    blog.sql("CREATE ROLE plain LOGIN")
    code, said, _ = check(
        blog, source={"create": False, "conninfo": blog.conninfo(user="plain")}
    )
    assert code == 78
    for part in (
        "wal_level is replica, and logical replication needs logical; ALTER SYSTEM SET wal_level",
        "role plain has no REPLICATION privilege; ALTER ROLE plain REPLICATION",
        f"publication {blog.name} and replication slot '{blog.name}' do not exist; CREATE PUBL",
    ):
        assert part in said


def test_wal_that_is_kept_without_a_bound_is_a_warning(ready, check):
    blog = ready(max_slot_wal_keep_size="-1")
    code, said, _ = check(blog, **BY_HAND)
    assert code == 0 and said.count("\n") == 1
    assert "warning: max_slot_wal_keep_size is unlimited: while cdcd is away" in said
    assert check(blog, words=["--strict"], **BY_HAND)[0] == 3


def test_slots_that_are_all_in_use_are_told(own_blog, check):
    blog = own_blog(max_replication_slots="1", max_slot_wal_keep_size="1GB")
    blog.sql("SELECT pg_create_physical_replication_slot('other')")
    code, said, _ = check(blog)
    assert code == 78 and "all replication slots are in use" in said


def test_walsenders_that_are_all_in_use_are_told(own_blog, check):
    blog = own_blog(max_wal_senders="0", max_slot_wal_keep_size="1GB")
    code, said, _ = check(blog)
    assert code == 78 and "all walsenders are in use" in said


def test_a_slot_of_another_plugin_is_told(own_blog, check):
    blog = own_blog(max_slot_wal_keep_size="1GB")
    blog.sql("SELECT pg_create_physical_replication_slot(%s)", blog.name)
    code, said, _ = check(blog)
    assert code == 78 and "is a physical one, not one of pgoutput" in said


def test_a_table_that_is_missing_and_one_that_is_not_published(ready, check):
    blog = ready("blog_comment")
    rules = rules_file(
        'post = { key = "post:{id}"; triggers = "blog_post"; };\n'
        'gone = { key = "gone:{id}"; triggers = "blog_gone"; };'
    )
    code, said, _ = check(blog, rules, **BY_HAND)
    assert code == 78
    assert f"ALTER PUBLICATION {blog.name} ADD TABLE public.blog_post" in said
    assert re.search(r"blog\.cfg:7: warning: table public.blog_gone does not exist", said)


def test_a_publication_that_leaves_things_out_is_told(ready, check):
    blog = ready("blog_post (id), blog_comment WHERE (id > 3)")
    blog.sql(f"ALTER PUBLICATION {blog.name} SET (publish = 'insert, update')")
    rules = rules_file(
        'post = { key = "post:{title}"; triggers = { table = "blog_post"; on = "insert"; }; };\n'
        'comment = { key = "comment:{id}"; triggers = "blog_comment"; };'
    )
    code, said, _ = check(blog, rules, **BY_HAND)
    assert code == 78
    assert f"publication {blog.name} leaves out delete, truncate" in said
    assert "only the rows WHERE (id > 3)" in said
    assert f"column title of table public.blog_post is not in publication {blog.name};" in said
    assert "no column title" not in said


def test_a_column_that_is_missing_and_an_identity_that_is_weak(ready, check):
    blog = ready()
    blog.sql("ALTER TABLE blog_comment REPLICA IDENTITY DEFAULT")
    rules = rules_file(
        'post = { key = "post:{idd}"; triggers = "blog_post"; };\n'
        'comments = { key = "comments:{post_id}"; triggers = "blog_comment"; };'
    )
    code, said, _ = check(blog, rules, **BY_HAND)
    assert code == 78
    assert re.search(r"blog\.cfg:6: warning: .*no column idd \(did you mean id\?\)", said)
    assert re.search(r"blog\.cfg:7: .*post_id.*ALTER TABLE public.blog_comment REPLICA", said)


def test_rights_that_making_the_publication_needs_are_told(own_blog, check):
    blog = own_blog(max_slot_wal_keep_size="1GB")
    blog.sql("CREATE ROLE plain LOGIN REPLICATION")
    as_plain = {"source": {"conninfo": blog.conninfo(user="plain")}}
    code, said, _ = check(blog, **as_plain)
    assert code == 77 and f"GRANT CREATE ON DATABASE {blog.name} TO plain" in said
    blog.sql(f"GRANT CREATE ON DATABASE {blog.name} TO plain")
    code, said, _ = check(blog, **as_plain)
    assert code == 77 and "role plain, which does not own the table, may not add it" in said
    blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE blog_comment")
    code, said, _ = check(blog, **as_plain)
    assert code == 77 and "role plain does not own it; have its owner run: ALTER PUBL" in said


@pytest.mark.parametrize(
    "query, reason",
    [
        ("SELECT nothing AS n FROM blog_post", 'column "nothing" does not exist'),
        ("SELECT n FROM nowhere WHERE id = {id}", 'relation "nowhere" does not exist'),
        ("SELECT secret AS n FROM secrets", "permission denied for table secrets; GRANT SELECT"),
        ("SELECT 1 AS n WHERE {id} >= (SELECT min(secret) FROM secrets)", "table secrets; GRANT"),
        ("SELECT secret AS n FROM secrets WHERE secret = {id}", "table secrets; GRANT"),
        ("SELECT id AS n FROM blog_post WHERE title = {id} + 1", "operator does not exist"),
    ],
)
def test_a_lookup_that_postgresql_refuses_is_told_with_its_line(ready, check, query, reason):
    blog = ready()
    blog.sql(
        "CREATE TABLE secrets (secret int); CREATE ROLE plain LOGIN REPLICATION;"
        "GRANT SELECT ON blog_post TO plain"
    )
    conninfo = blog.conninfo(user="plain")
    settings = {"source": {"create": False, "conninfo": conninfo}}
    code, said, _ = check(blog, rules_file(LOOKUP.format(query)), **settings)
    assert code == 78, said
    assert re.search(r"blog\.cfg:\d+: PostgreSQL refuses the lookup of home: ", said)
    assert reason in said


def test_lookups_that_postgresql_takes_are_not_spoken_of(ready, check):
    blog = ready()
    text = "".join(
        LOOKUP.format("SELECT id AS n FROM blog_post WHERE id > {id} -- x").replace(
            "home", f"home{n}"
        )
        for n in range(50)
    )
    assert check(blog, rules_file(text), **BY_HAND)[:2] == (0, "")


def test_a_store_that_is_down_is_69_and_named_with_its_line(ready, check, place):
    blog = ready()
    stores = {
        "redis": {"type": "redis", "url": f"unix://{place('none')}/redis.sock"},
        "mc": {"type": "memcached", "servers": [f"127.0.0.1:{free_port()}"]},
    }
    code, said, _ = check(blog, stores=stores, **BY_HAND)
    assert code == 69
    assert re.search(r"cdcd\.cfg:\d+: store redis \(.*\) cannot be reached: .*; start it", said)
    assert re.search(r"cdcd\.cfg:\d+: store mc \(.*\) cannot be reached: ", said)


def test_a_store_that_is_up_beside_one_that_is_down_is_not_named(ready, check, redis, memcached):
    blog = ready()
    assert check(blog, stores={"redis": redis, "mc": memcached}, **BY_HAND)[:2] == (0, "")
    memcached.stop()
    code, said, _ = check(blog, stores={"redis": redis, "mc": memcached}, **BY_HAND)
    assert code == 69 and "store mc" in said and "store redis" not in said


def test_a_store_that_refuses_us_is_told(ready, check, make_redis):
    blog = ready()
    redis = make_redis(requirepass="x")
    code, said, _ = check(blog, stores=redis, **BY_HAND)
    assert code == 77 and "store redis" in said


def test_the_answer_is_json_too(ready, check):
    blog = ready(max_slot_wal_keep_size="-1")
    code, said, out = check(blog, words=["--json"], **BY_HAND)
    answer = json.loads(out)
    assert (code, said) == (0, "")
    assert answer["ok"] and answer["warnings"] == 1
    assert answer["complaints"][0]["text"].startswith("max_slot_wal_keep_size is unlimited")


def test_a_running_cdcd_is_not_disturbed(ready, check, run_cdcd, redis):
    blog = ready()
    cdcd = run_cdcd(blog, POST, redis, **BY_HAND)
    assert check(blog, unchanged=False, **BY_HAND)[:2] == (0, "")
    redis.warm("blog:x:1")
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")
    wait_for(lambda: not redis.has("blog:x:1"), "the key goes")
    assert cdcd.running()


def test_without_a_cdcd_cfg_there_is_nothing_to_ask(place):
    folder = place("files")
    folder.mkdir()
    (folder / "blog.cfg").write_text(POST, "utf-8")
    done = run_verb("check", "--live", folder / "blog.cfg")
    assert done.returncode == 66
    assert "--live needs what it says of source and stores; name it with -c" in done.stderr


def test_patterns_are_looked_at_like_other_tables(own_blog, check):
    blog = own_blog(max_slot_wal_keep_size="1GB")
    rules = rules_file('t = { key = "t:{id}"; triggers = "tenant_*.post"; };')
    code, said, _ = check(blog, rules)
    assert code == 0 and "warning: no table matches tenant_*.post" in said
    blog.sql("CREATE SCHEMA tenant_a; CREATE TABLE tenant_a.post (idd int PRIMARY KEY)")
    code, said, _ = check(blog, rules)
    assert "table tenant_a.post has no column id" in said


def test_a_key_of_a_value_that_an_update_may_not_send_is_advised(ready, check):
    blog = ready()
    blog.sql("ALTER TABLE blog_post ADD slug text, ADD short varchar(5), ADD price numeric(10,2)")
    rules = rules_file("".join(
        f'{c} = {{ key = "{c}:{{{c}}}"; triggers = ( {{ table = "blog_post"; rows = "new"; }} );'
        f' all = {{ action = "scan"; match = "{c}:*"; }}; }};' for c in ("slug", "short", "price")))
    code, said, _ = check(blog, rules, **BY_HAND)
    assert code == 0 and said.count("may be stored out of line") == 1
    assert re.search(r"\.cfg:\d+: warning: parameter slug of the key of slug takes column", said)
    blog.sql("ALTER TABLE public.blog_post REPLICA IDENTITY FULL")
    assert check(blog, rules, **BY_HAND)[:2] == (0, "")


COMMENTS = rules_file(
    'comments = { key = "comments:{post_id}"; triggers = "blog_comment";'
    ' all = { action = "scan"; match = "comments:*"; }; };'
)
FULL = "ALTER TABLE public.blog_comment REPLICA IDENTITY FULL"
USING = "ALTER TABLE public.blog_comment REPLICA IDENTITY USING INDEX "


@pytest.mark.parametrize(
    "ddl, remedy",
    [
        ("", FULL),
        ("ALTER TABLE blog_comment ALTER post_id SET NOT NULL",
         "CREATE UNIQUE INDEX CONCURRENTLY blog_comment_identity ON public.blog_comment"
         " (id, post_id); " + USING + "blog_comment_identity"),
        ('CREATE UNIQUE INDEX "By post" ON blog_comment (post_id, id);'
         "ALTER TABLE blog_comment ALTER post_id SET NOT NULL", USING + '"By post"'),
        ("CREATE UNIQUE INDEX by_post ON blog_comment (post_id, id)", FULL),
        ("CREATE UNIQUE INDEX by_post ON blog_comment (post_id, id) WHERE id > 0;"
         "ALTER TABLE blog_comment ALTER post_id SET NOT NULL, ALTER post_id TYPE text", FULL),
        ("CREATE UNIQUE INDEX by_post ON blog_comment (id) INCLUDE (post_id)", FULL),
    ],
)
def test_the_smallest_remedy_for_a_weak_identity_is_one_that_mends_it(ready, check, ddl, remedy):
    blog = ready()
    blog.sql(
        "ALTER TABLE blog_comment REPLICA IDENTITY DEFAULT;"
        "ALTER TABLE blog_comment DROP CONSTRAINT blog_comment_post_id_fkey;" + ddl
    )
    code, said, _ = check(blog, COMMENTS, **BY_HAND)
    assert code == 78
    given = re.search(r"would leave the old key; (.*); \(or rows = ", said).group(1)
    assert given == remedy
    for statement in given.split("; "):
        blog.sql(statement)
    assert check(blog, COMMENTS, **BY_HAND)[:2] == (0, "")
