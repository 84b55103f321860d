"""The migrations of sql/: they give what the daemon needs and no more, twice as well as once, and
leave no trace."""

import pathlib

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
    blog.sql(f"CREATE PUBLICATION {blog.name} FOR TABLE blog_post")
    blog.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", blog.name)
    source = {"conninfo": blog.conninfo(user="cdcd"), "create": False}
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
