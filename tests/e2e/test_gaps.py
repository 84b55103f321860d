"""Changes that may have been missed, rows that do not say enough: more is cleared, never less."""

import shutil

import pytest

from daemon import rules_file
from poll import wait_for
from postgres import Postgres, make_template

pytestmark = pytest.mark.both_sources

POST = rules_file(
    """
  post = { key = "post:{id}"; triggers = "blog_post";
           all = { action = "scan"; match = "post:*"; }; };
  posts = { triggers = "blog_post"; };
"""
)
COMMENT = rules_file(
    """
  comments = { key = "comments:{post_id}"; triggers = "blog_comment";
               all = { action = "scan"; match = "comments:*"; }; };
"""
)

DROP_SLOT = """DO $$ BEGIN LOOP
  PERFORM pg_terminate_backend(active_pid) FROM pg_replication_slots WHERE slot_name = '%s';
  BEGIN
    PERFORM pg_drop_replication_slot('%s'); EXIT;
  EXCEPTION WHEN object_in_use THEN PERFORM pg_sleep(0.001);
  END;
END LOOP; END $$"""


def streams_again(cdcd, database, before):
    wait_for(lambda: database.walsenders() - before and cdcd.answers(), "cdcd streams again")
    cdcd.caught_up()


@pytest.mark.replication
def test_a_slot_that_was_dropped_is_a_gap(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, POST, redis)
    before = blog.walsenders()
    redis.warm("blog:post:1", "blog:posts", "canary")
    blog.sql(DROP_SLOT % (cdcd.slot, cdcd.slot))
    streams_again(cdcd, blog, before)
    assert redis.left() == {"canary"}
    assert "changes may have been missed" in cdcd.said()


@pytest.mark.replication
def test_a_slot_that_somebody_made_anew_is_a_gap(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, POST, redis)
    cdcd.caught_up()
    before = blog.walsenders()
    redis.warm("blog:post:1", "blog:posts", "canary")
    cdcd.freeze()
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")
    blog.sql(DROP_SLOT % (cdcd.slot, cdcd.slot))
    blog.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", cdcd.slot)
    cdcd.thaw()
    streams_again(cdcd, blog, before)
    assert redis.left() == {"canary"}
    assert "changes may have been missed" in cdcd.said()


@pytest.mark.replication
def test_a_slot_that_postgresql_gave_up_is_a_gap(own_blog, redis, run_cdcd):
    blog = own_blog(max_slot_wal_keep_size="1MB", wal_sender_timeout="1s", max_wal_size="32MB")
    cdcd = run_cdcd(blog, POST, redis)
    before = blog.walsenders()
    redis.warm("blog:post:1", "blog:posts", "canary")
    cdcd.freeze()
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")

    def lost():
        blog.sql("SELECT pg_logical_emit_message(false, '', repeat('x', 1000000)), pg_switch_wal()")
        blog.sql("CHECKPOINT")
        return blog.value("SELECT wal_status = 'lost' FROM pg_replication_slots")

    wait_for(lost, "the slot is lost")
    cdcd.thaw()
    streams_again(cdcd, blog, before)
    assert redis.left() == {"canary"}


@pytest.mark.replication
def test_a_publication_that_was_dropped_is_a_gap(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, POST, redis)
    before = blog.walsenders()
    redis.warm("blog:post:1", "blog:posts", "canary")
    blog.sql(f"DROP PUBLICATION {cdcd.slot}")
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")
    streams_again(cdcd, blog, before)
    assert redis.left() == {"canary"}


@pytest.mark.replication
def test_a_slot_on_a_standby_that_was_promoted_is_a_gap(own_blog, redis, run_cdcd):
    blog = own_blog()
    cdcd = run_cdcd(blog, POST, redis)
    cdcd.caught_up()
    redis.warm("blog:post:1", "blog:posts", "canary")
    blog.cluster.stop()
    (blog.cluster.data / "standby.signal").touch()
    blog.cluster.start()
    blog.sql("SELECT pg_promote()")
    wait_for(lambda: redis.left() == {"canary"}, "every cache is cleared")
    assert "the cluster is on another timeline" in cdcd.said()


@pytest.mark.replication
def test_a_slot_of_another_cluster_is_a_gap(own_blog, place, redis, run_cdcd):
    """It stands before the one that was read, as it may after a crash."""
    blog = own_blog()
    cdcd = run_cdcd(blog, POST, redis)
    for _ in range(3):
        blog.sql("SELECT pg_logical_emit_message(true, '', ''), pg_switch_wal()")
    cdcd.caught_up()
    redis.warm("blog:post:1", "blog:posts", "canary")
    other = Postgres(place("other"), make_template(place("initdb") / "data"),
                     unix_socket_directories=blog.cluster.folder)
    blog.cluster.stop()
    shutil.rmtree(blog.cluster.data)
    other.data.rename(blog.cluster.data)
    blog.cluster.start()
    admin = blog.cluster.database("postgres")
    admin.sql(f"CREATE DATABASE {blog.name}_new")
    new = blog.cluster.database(f"{blog.name}_new")
    new.sql("CREATE TABLE blog_post (id int PRIMARY KEY, title text, body text)")
    new.sql(f"CREATE PUBLICATION {cdcd.slot} FOR TABLE blog_post")
    new.sql("SELECT pg_create_logical_replication_slot(%s, 'pgoutput')", cdcd.slot)
    admin.sql(f"ALTER DATABASE {new.name} RENAME TO {blog.name}")
    wait_for(cdcd.answers, "cdcd streams again")
    wait_for(lambda: redis.left() == {"canary"}, "every cache is cleared")
    assert "another cluster stands behind the same name" in cdcd.said()


def test_a_first_start_is_no_gap(blog, redis, run_cdcd):
    redis.warm("blog:post:1", "blog:posts")
    cdcd = run_cdcd(blog, POST, redis)
    cdcd.caught_up()
    assert redis.left() == {"blog:post:1", "blog:posts"}


@pytest.mark.parametrize(
    "change",
    [
        "ALTER TABLE blog_comment RENAME post_id TO post; DELETE FROM blog_comment WHERE id = 1",
        "ALTER TABLE blog_comment DROP post_id; UPDATE blog_comment SET text = 'x' WHERE id = 1",
    ],
)
def test_a_table_that_no_longer_names_its_keys_clears_the_whole_cache(
    blog, redis, run_cdcd, change
):
    cdcd = run_cdcd(blog, COMMENT, redis)
    redis.warm("blog:comments:1", "blog:comments:2", "canary")
    blog.sql(change)
    cdcd.caught_up()
    assert redis.left() == {"canary"}


@pytest.mark.replication
def test_a_table_that_no_longer_sends_its_keys_clears_the_whole_cache(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, COMMENT, redis)
    redis.warm("blog:comments:1", "blog:comments:2", "canary")
    blog.sql("ALTER TABLE blog_comment REPLICA IDENTITY DEFAULT")
    blog.sql("UPDATE blog_comment SET post_id = 3 WHERE id = 1")
    cdcd.caught_up()
    assert redis.left() == {"canary"}
