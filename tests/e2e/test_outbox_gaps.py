"""The outbox goes, and another stands in its place: what was missed is cleared, and a daemon that
has read waits for it to be back."""

import re
import shutil

import pytest

import outbox
import postgres as pg
from daemon import rules_file
from poll import wait_for

pytestmark = pytest.mark.outbox

RULES = rules_file(
    """
  post = { key = "post:{id}"; triggers = "blog_post";
           all = { action = "scan"; match = "post:*"; }; };
  posts = { triggers = "blog_post"; };
"""
)
KEYS = {"blog:post:1", "blog:post:2", "blog:posts", "canary"}
MISSED = "changes may have been missed, every cache"


def touch(database, n=1):
    database.sql("UPDATE blog_post SET title = title || '!' WHERE id = %s", n)


def new_blog(cluster, name):
    cluster.database("postgres").sql(f"CREATE DATABASE {name}")
    database = cluster.database(name)
    database.sql(
        """CREATE TABLE blog_post (id int PRIMARY KEY, title text);
           INSERT INTO blog_post VALUES (1, 'title 1'), (2, 'title 2')"""
    )
    outbox.install(database)
    outbox.watch_all(database)
    return database


def data_of_another(place, cluster):
    """A data folder of another cluster, with the settings of this one."""
    folder = pg.make_template(place("other") / "data")
    shutil.copyfile(cluster.data / "postgresql.conf", folder / "postgresql.conf")
    return folder


def reads_again_after_a_gap(cdcd, database, redis, reason, anew=True):
    """Every cache is cleared once, and changes are seen."""
    wait_for(cdcd.answers, "cdcd reads again")
    wait_for(lambda: redis.left() == {"canary"}, "every cache is cleared")
    assert cdcd.said().count(MISSED) == 1
    cdcd.wait_for_log(f'{MISSED}.*reason="{reason}')
    if anew:
        cdcd.wait_for_log("caches are cleared table=public.blog_post")
    redis.warm(*KEYS)
    touch(database)
    cdcd.caught_up()
    assert redis.left() == KEYS - {"blog:post:1", "blog:posts"}


# The cluster is another.


def test_a_restart_of_postgresql_is_no_gap(own_blog, redis, run_cdcd):
    blog = own_blog()
    cdcd = run_cdcd(blog, RULES, redis)
    cdcd.caught_up()
    redis.warm(*KEYS)
    blog.cluster.stop("immediate")
    blog.cluster.start()
    wait_for(cdcd.answers, "cdcd reads again")
    touch(blog)
    cdcd.caught_up()
    assert redis.left() == KEYS - {"blog:post:1", "blog:posts"}
    assert MISSED not in cdcd.said()


@pytest.mark.parametrize("role", ["postgres", "cdcd_reader"])
def test_a_standby_that_was_promoted_is_a_gap(own_blog, redis, run_cdcd, role):
    blog = own_blog()
    cdcd = run_cdcd(blog, RULES, redis, source={"conninfo": blog.conninfo(user=role)})
    cdcd.caught_up()
    redis.warm(*KEYS)
    blog.cluster.stop()
    (blog.cluster.data / "standby.signal").touch()
    blog.cluster.start()
    blog.sql("SELECT pg_promote()")
    reads_again_after_a_gap(cdcd, blog, redis, "the cluster is on another timeline", anew=False)


def test_another_cluster_behind_the_same_name_is_a_gap(own_postgres, place, redis, run_cdcd):
    cluster = own_postgres()
    blog = new_blog(cluster, "blog")
    cdcd = run_cdcd(blog, RULES, redis)
    cdcd.caught_up()
    redis.warm(*KEYS)
    other = data_of_another(place, cluster)
    cluster.stop()
    shutil.rmtree(cluster.data)
    other.rename(cluster.data)
    cluster.start()
    new_blog(cluster, "blog")
    reads_again_after_a_gap(cdcd, blog, redis, "another cluster stands behind the same name")


def test_where_the_cluster_cannot_be_told_the_outbox_is_read_all_the_same(
    own_blog, redis, run_cdcd
):
    blog = own_blog()
    blog.sql("REVOKE EXECUTE ON FUNCTION pg_control_system() FROM PUBLIC")
    cdcd = run_cdcd(blog, RULES, redis, source={"conninfo": blog.conninfo(user="cdcd_reader")})
    cdcd.wait_for_log("another cluster behind the same name would not be noticed")
    redis.warm(*KEYS)
    touch(blog)
    cdcd.caught_up()
    assert redis.left() == KEYS - {"blog:post:1", "blog:posts"}


# The outbox is another.


def test_a_database_that_was_restored_under_the_same_name_is_a_gap(own_postgres, redis, run_cdcd):
    cluster = own_postgres()
    blog = new_blog(cluster, "blog")
    cdcd = run_cdcd(blog, RULES, redis)
    cdcd.caught_up()
    redis.warm(*KEYS)
    cluster.database("postgres").sql("DROP DATABASE blog WITH (FORCE)")
    new_blog(cluster, "blog")
    reads_again_after_a_gap(cdcd, blog, redis, "the outbox is gone, and made anew")


def test_an_outbox_made_anew_between_two_looks_clears_its_tables(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, RULES, redis)
    cdcd.caught_up()
    redis.warm(*KEYS)
    cdcd.freeze()
    outbox.migrate(blog, "004_outbox.down.sql")
    touch(blog)
    outbox.install(blog)
    outbox.watch_all(blog)
    cdcd.thaw()
    wait_for(lambda: redis.left() == {"canary"}, "every cache is cleared")


# The outbox is away for a while.


def test_a_daemon_that_has_read_waits_for_the_outbox_to_come_back(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, RULES, redis)
    cdcd.caught_up()
    redis.warm(*KEYS)
    outbox.migrate(blog, "004_outbox.down.sql")
    refused = "postgresql refuses what it allowed before.*schema cdcd, is not in database"
    cdcd.wait_for_log(refused)
    waits = cdcd.database.value("SELECT clock_timestamp()")
    wait_for(lambda: connects_later(blog, waits), "cdcd tries again")
    assert cdcd.running() and len(re.findall(refused, cdcd.said())) == 1
    outbox.install(blog)
    outbox.watch_all(blog)
    reads_again_after_a_gap(cdcd, blog, redis, "the outbox is gone, and made anew")


def connects_later(database, moment):
    return database.value(
        """SELECT count(*) > 0 FROM pg_stat_activity
           WHERE datname = %s AND application_name = 'cdcd' AND backend_start > %s""",
        database.name,
        moment,
    )
