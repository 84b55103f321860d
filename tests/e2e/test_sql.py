"""The migrations of sql/: they give what the daemon needs and no more, twice as well as once, and
leave no trace."""

import pathlib

import psycopg2
import pytest

from daemon import rules_file

SQL = pathlib.Path(__file__).resolve().parents[2] / "sql"
POST = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };')


def migrate(database, name):
    database.sql((SQL / name).read_text("utf-8"))


def roles(database):
    return database.sql(
        "SELECT (SELECT datacl::text FROM pg_database WHERE datname = %s),"
        " array(SELECT rolname::text FROM pg_roles ORDER BY 1)",
        database.name,
    )


def test_the_role_of_the_migration_is_enough(own_blog, redis, run_cdcd):
    blog = own_blog()
    migrate(blog, "001_role.sql")
    migrate(blog, "001_role.sql")
    migrate(blog, "002_publication.sql")
    migrate(blog, "002_publication.sql")
    blog.sql("ALTER PUBLICATION cdcd ADD TABLE blog_post")
    blog.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", blog.name)
    source = {"conninfo": blog.conninfo(user="cdcd"), "publication": "cdcd", "create": False}
    cdcd = run_cdcd(blog, POST, redis, source=source)
    redis.warm("blog:post:1", "blog:post:2")
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")
    cdcd.caught_up()
    assert redis.left() == {"blog:post:2"}


def test_the_role_may_read_no_table(own_blog):
    blog = own_blog()
    migrate(blog, "001_role.sql")
    assert blog.value("SELECT has_table_privilege('cdcd', 'blog_post', 'SELECT')") is False


def test_the_migration_taken_back_leaves_no_trace(own_blog):
    blog = own_blog()
    blog.sql(f"GRANT CONNECT ON DATABASE {blog.name} TO postgres")  # a list of grants, not a NULL
    before = roles(blog)
    migrate(blog, "001_role.sql")
    assert roles(blog) != before
    migrate(blog, "001_role.down.sql")
    migrate(blog, "001_role.down.sql")
    assert roles(blog) == before


def test_the_role_goes_with_what_it_was_granted(own_blog):
    blog = own_blog()
    migrate(blog, "001_role.sql")
    blog.sql(f"GRANT SELECT ON blog_post TO cdcd; GRANT CREATE ON DATABASE {blog.name} TO cdcd")
    migrate(blog, "001_role.down.sql")
    assert blog.sql("SELECT FROM pg_roles WHERE rolname = 'cdcd'") == []


def test_a_role_that_owns_its_publication_stays(own_blog):
    blog = own_blog()
    migrate(blog, "001_role.sql")
    migrate(blog, "002_publication.sql")
    blog.sql("ALTER PUBLICATION cdcd OWNER TO cdcd; GRANT SELECT ON blog_post TO cdcd")
    migrate(blog, "001_role.down.sql")
    assert blog.sql("SELECT pubname::text FROM pg_publication") == [("cdcd",)]
    migrate(blog, "002_publication.down.sql")
    migrate(blog, "001_role.down.sql")
    assert blog.sql("SELECT FROM pg_roles WHERE rolname = 'cdcd'") == []


def test_the_publication_gives_partitions_as_their_root_and_is_taken_back(db):
    migrate(db, "002_publication.sql")
    assert db.sql("SELECT pubname::text, pubviaroot, puballtables FROM pg_publication") == [
        ("cdcd", True, False)
    ]
    migrate(db, "002_publication.down.sql")
    migrate(db, "002_publication.down.sql")
    assert db.sql("SELECT pubname FROM pg_publication") == []


def test_who_may_make_no_publication_is_told_what_to_grant(own_blog):
    blog = own_blog()
    blog.sql("CREATE ROLE owner")
    text = (SQL / "002_publication.sql").read_text("utf-8")
    with pytest.raises(psycopg2.errors.InsufficientPrivilege) as refused:
        blog.sql("SET ROLE owner;" + text)
    assert f"GRANT CREATE ON DATABASE {blog.name} TO owner" in refused.value.diag.message_hint
    blog.sql(f"GRANT CREATE ON DATABASE {blog.name} TO owner; SET ROLE owner;" + text)
