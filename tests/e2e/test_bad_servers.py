"""What databases and stores get that are not as they must be: a sentence with the remedy, and an
exit code; or a warning, where it may still come right."""

import pytest

from daemon import rules_file
from poll import wait_for

CONFIG, PERMISSION = 78, 77

POST = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };')


def test_a_database_without_logical_decoding(own_blog, redis, refused):
    code, said = refused(own_blog(wal_level="replica"), POST, redis)
    assert code == CONFIG
    assert "wal_level" in said and "logical" in said


def test_a_slot_that_is_not_there(blog, redis, refused):
    blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE blog_post")
    code, said = refused(blog, POST, redis, source={"create": False})
    assert code == CONFIG
    assert "slot" in said and blog.name in said and "create" in said


def test_a_publication_that_is_not_there(blog, redis, refused):
    make_slot(blog)
    code, said = refused(blog, POST, redis, source={"create": False})
    assert code == CONFIG
    assert "CREATE PUBLICATION" in said and blog.name in said


def make_slot(database, two_phase=False):
    database.sql(
        "SELECT pg_create_logical_replication_slot(%s, 'pgoutput', false, %s)",
        database.name,
        two_phase,
    )


def test_a_table_that_is_not_in_the_publication(blog, redis, refused):
    blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE blog_comment")
    make_slot(blog)
    code, said = refused(blog, POST, redis, source={"create": False})
    assert code == CONFIG
    assert "ALTER PUBLICATION" in said and "blog_post" in said


def test_a_slot_with_two_phases(blog, redis, refused):
    blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE blog_post")
    make_slot(blog, two_phase=True)
    code, said = refused(blog, POST, redis, source={"create": False})
    assert code == CONFIG
    assert "two" in said and "phase" in said


def test_a_slot_of_another_plugin(blog, redis, refused):
    blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE blog_post")
    blog.sql("SELECT pg_create_logical_replication_slot(%s, 'test_decoding')", blog.name)
    code, said = refused(blog, POST, redis, source={"create": False})
    assert code == CONFIG
    assert "pgoutput" in said


def test_a_role_that_may_not_replicate(blog, redis, refused):
    role = f"plain_{blog.name}"
    blog.sql(f"CREATE ROLE {role} LOGIN")
    code, said = refused(blog, POST, redis, source={"conninfo": blog.conninfo(user=role)})
    blog.sql(f"DROP ROLE {role}")
    assert code == PERMISSION
    assert "REPLICATION" in said and role in said


def test_a_role_that_may_not_make_the_publication(blog, redis, refused):
    role = f"replicator_{blog.name}"
    blog.sql(f"CREATE ROLE {role} LOGIN REPLICATION")
    code, said = refused(blog, POST, redis, source={"conninfo": blog.conninfo(user=role)})
    blog.sql(f"DROP ROLE {role}")
    assert code == PERMISSION
    assert f"GRANT CREATE ON DATABASE {blog.name} TO {role}" in said
    assert f": CREATE PUBLICATION {blog.name} FOR TABLE public.blog_post" in said


@pytest.mark.parametrize(
    "table, word",
    [
        ("CREATE UNLOGGED TABLE thing (id int PRIMARY KEY)", "SET LOGGED"),
        ("CREATE VIEW thing AS SELECT 1 AS id", "no table"),
        ("CREATE TABLE thing (id int)", "PRIMARY KEY"),
        ("CREATE TABLE thing (a int)", "REPLICA IDENTITY"),
    ],
)
def test_a_table_whose_changes_cannot_be_published(db, redis, refused, table, word):
    db.sql(table)
    code, said = refused(db, rules_file('things = { triggers = "thing"; };'), redis)
    assert code == CONFIG
    assert "blog.cfg:6: " in said and "public.thing" in said and word in said


def test_a_partitioned_table_whose_partitions_are_published(db, redis, refused):
    db.sql("CREATE TABLE event (id int PRIMARY KEY) PARTITION BY RANGE (id)")
    db.sql(f"CREATE PUBLICATION {db.name} FOR TABLE event")
    make_slot(db)
    rules = rules_file('event = { key = "event:{id}"; triggers = "event"; };')
    code, said = refused(db, rules, redis, source={"create": False})
    assert code == CONFIG
    assert f"ALTER PUBLICATION {db.name} SET (publish_via_partition_root = true)" in said


def test_a_publication_that_filters_rows(blog, redis, refused):
    blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE blog_post WHERE (id > 3)")
    code, said = refused(blog, POST, redis)
    assert code == CONFIG
    assert "blog.cfg:6: " in said and "public.blog_post" in said and "(id > 3)" in said
    assert f"ALTER PUBLICATION {blog.name} DROP TABLE public.blog_post" in said
    assert f"ALTER PUBLICATION {blog.name} ADD TABLE public.blog_post" in said


def publish_again(database, filtered=""):
    """As the remedies say; "" for all rows."""
    database.sql(
        f"ALTER PUBLICATION {database.name} DROP TABLE blog_post;"
        f"ALTER PUBLICATION {database.name} ADD TABLE blog_post {filtered}"
    )


def test_rows_that_are_filtered_meanwhile_are_cleared_after_it(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, ALL_POSTS, redis)
    publish_again(blog, "WHERE (id > 3)")
    cdcd.wait_for_log("only the rows WHERE .id > 3.")
    redis.warm("blog:post:1")
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")
    cdcd.caught_up()
    assert redis.has("blog:post:1")
    publish_again(blog)
    wait_for(lambda: not redis.has("blog:post:1"), "what was missed is cleared", limit=30)


ALL_POSTS = rules_file(
    """
  post = {
    key = "post:{id}"; triggers = "blog_post"; all = { action = "scan"; match = "post:*"; };
  };
"""
)


def test_a_table_that_left_the_publication_for_a_moment_is_cleared(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, ALL_POSTS, redis)
    cdcd.caught_up()
    redis.warm("blog:post:1")
    blog.sql(f"ALTER PUBLICATION {blog.name} DROP TABLE blog_post")
    wait_for(lambda: not redis.has("blog:post:1"), "what may be missed is cleared", limit=30)
    assert "publication changed" in cdcd.said()


def test_a_publication_without_all_operations(blog, redis, refused):
    blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE blog_post WITH (publish = 'insert,update')")
    make_slot(blog)
    code, said = refused(blog, POST, redis, source={"create": False})
    assert code == CONFIG
    assert "leaves out delete, truncate" in said
    assert (
        f"ALTER PUBLICATION {blog.name} SET (publish = 'insert, update, delete, truncate')" in said
    )


def test_operations_are_published_where_that_is_allowed(blog, redis, run_cdcd):
    blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE blog_comment WITH (publish = 'insert')")
    cdcd = run_cdcd(blog, POST, redis)
    redis.warm("blog:post:1", "blog:post:2")
    blog.sql("DELETE FROM blog_post WHERE id = 1")
    cdcd.caught_up()
    assert redis.left() == {"blog:post:2"}


def test_operations_that_are_left_out_meanwhile_are_said(blog, redis, run_cdcd):
    blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE blog_post")
    make_slot(blog)
    cdcd = run_cdcd(blog, ALL_POSTS, redis, source={"create": False})
    blog.sql(f"ALTER PUBLICATION {blog.name} SET (publish = 'insert')")
    cdcd.wait_for_log("leaves out update, delete, truncate")
    redis.warm("blog:post:1")
    blog.sql(f"ALTER PUBLICATION {blog.name} SET (publish = 'insert, update, delete, truncate')")
    wait_for(lambda: not redis.has("blog:post:1"), "what was missed is cleared", limit=30)


def test_a_column_that_the_publication_leaves_out(blog, redis, run_cdcd):
    blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE blog_post (id)")
    trigger = '{ table = "blog_post"; on = "insert"; }'
    rules = rules_file(f'title = {{ key = "{{title}}"; triggers = ( {trigger} ); }};')
    cdcd = run_cdcd(blog, rules, redis)
    line = cdcd.wait_for_log("blog.cfg:6: .*is not in publication.*").group(0)
    assert "column title of table public.blog_post" in line
    assert f"ALTER PUBLICATION {blog.name} ADD TABLE public.blog_post" in line


def test_a_column_list_that_has_all_that_rules_take(blog, redis, run_cdcd):
    blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE blog_post (id)")
    cdcd = run_cdcd(blog, POST, redis)
    assert "leaves out" not in cdcd.said()


@pytest.mark.parametrize("slots", [0, 1])
def test_a_server_whose_slots_are_used_up(own_blog, redis, refused, slots):
    blog = own_blog(max_replication_slots=slots)
    if slots:
        blog.sql("SELECT pg_create_logical_replication_slot('other', 'pgoutput')")
    code, said = refused(blog, POST, redis)
    assert code == CONFIG
    assert "raise max_replication_slots" in said and "restart" in said


def test_a_server_whose_walsenders_are_used_up(own_blog, redis, new_cdcd):
    cdcd = new_cdcd(own_blog(max_wal_senders=0), POST, redis).launch()
    cdcd.wait_for_log("trying again.*raise max_wal_senders")
    assert cdcd.running()


@pytest.mark.parametrize("conninfo, word", [("nonsense", "nonsense"), ("hsot=x", "hsot")])
def test_a_conninfo_that_makes_no_sense(blog, redis, refused, conninfo, word):
    code, said = refused(blog, POST, redis, source={"conninfo": conninfo})
    assert code == CONFIG
    assert "source.conninfo" in said and word in said


@pytest.mark.parametrize("wrong", [{"dbname": "nosuch"}, {"user": "nosuch"}])
def test_a_database_or_a_role_that_does_not_exist(blog, redis, refused, wrong):
    code, said = refused(blog, POST, redis, source={"conninfo": blog.conninfo(**wrong)})
    assert code == CONFIG
    assert "nosuch" in said


@pytest.mark.parametrize("password", [{}, {"password": "guess"}])
def test_a_database_that_wants_another_password(own_blog, redis, refused, password):
    blog = own_blog()
    blog.sql("CREATE ROLE app LOGIN REPLICATION PASSWORD 'sesame'")
    blog.cluster.require_passwords()
    source = {"conninfo": blog.conninfo(user="app", **password)}
    code, said = refused(blog, POST, redis, source=source)
    assert code == PERMISSION
    assert "password" in said and "guess" not in said


@pytest.mark.smoke
def test_a_weak_replica_identity(blog, redis, refused):
    blog.sql("ALTER TABLE blog_comment REPLICA IDENTITY DEFAULT")
    rules = rules_file('comments = { key = "comments:{post_id}";\n triggers = "blog_comment"; };')
    code, said = refused(blog, rules, redis)
    assert code == CONFIG
    assert "blog.cfg:7: " in said
    assert "ALTER TABLE" in said and "blog_comment" in said and "REPLICA IDENTITY" in said
    assert "post_id" in said


def test_a_table_that_does_not_exist_sleeps_until_it_appears(blog, redis, run_cdcd):
    rules = rules_file(
        """
  late = { key = "late:{id}"; triggers = "late"; };
  post = { key = "post:{id}"; triggers = "blog_post"; };
"""
    )
    cdcd = run_cdcd(blog, rules, redis)
    cdcd.wait_for_log("late")
    redis.warm("blog:late:1", "blog:post:1")
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")
    cdcd.caught_up()
    assert redis.left() == {"blog:late:1"}
    blog.sql("CREATE TABLE late (id int PRIMARY KEY)")
    published = "SELECT 1 FROM pg_publication_tables WHERE pubname = %s AND tablename = 'late'"
    wait_for(lambda: blog.sql(published, cdcd.slot), "the table is published", limit=40)
    blog.sql("INSERT INTO late VALUES (1)")
    cdcd.caught_up()
    assert redis.left() == set()


def test_a_weak_table_that_appears_is_warned_of_once(blog, redis, run_cdcd):
    rules = rules_file(
        """
  late = { key = "late:{owner}"; triggers = "late";
           all = { action = "scan"; match = "late:*"; }; };
"""
    )
    cdcd = run_cdcd(blog, rules, redis)
    cdcd.wait_for_log("late")
    blog.sql("CREATE TABLE late (id int PRIMARY KEY, owner int)")
    cdcd.wait_for_log("its caches are cleared table=public.late")
    redis.warm("blog:late:1", "blog:late:2")
    blog.sql("INSERT INTO late VALUES (1, 1)")
    blog.sql("UPDATE late SET owner = 2 WHERE id = 1")
    cdcd.caught_up()
    assert redis.left() == set()
    said = [line for line in cdcd.said().splitlines() if "takes column owner" in line]
    assert len(said) == 1
    assert " warning " in said[0] and "a DELETE, clears the cache's all; " in said[0]


def test_a_column_that_does_not_exist_sleeps_until_it_appears(blog, redis, run_cdcd):
    rules = rules_file(
        """
  slug = { key = "slug:{slug}"; triggers = ( { table = "blog_post"; on = "insert"; } ); };
  post = { key = "post:{id}"; triggers = "blog_post"; };
"""
    )
    cdcd = run_cdcd(blog, rules, redis)
    cdcd.wait_for_log("slug")
    redis.warm("blog:slug:s", "blog:post:1")
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")
    cdcd.caught_up()
    assert redis.left() == {"blog:slug:s"}
    blog.sql("ALTER TABLE blog_post ADD slug text")
    blog.sql("INSERT INTO blog_post (id, slug) VALUES (50, 's')")
    cdcd.caught_up()
    assert redis.left() == set()


def test_redis_that_wants_a_password(blog, make_redis, refused):
    cache = make_redis(requirepass="open sesame")
    code, said = refused(blog, POST, cache)
    assert code == PERMISSION
    assert "NOAUTH" in said and "password_file" in said


def test_redis_that_wants_another_password(blog, place, make_redis, refused):
    cache = make_redis(requirepass="open sesame")
    password = place("password")
    password.write_text("guess", "utf-8")
    code, said = refused(blog, POST, {"redis": cache.store(password_file=str(password))})
    assert code == PERMISSION
    assert "WRONGPASS" in said
    assert "guess" not in said
