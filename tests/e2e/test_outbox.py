"""The daemon on the outbox, where it is another way than a slot: what is committed out of order, who
is woken, what is wrong with the schema, and what somebody else does to it."""

import pytest

import outbox
from daemon import rules_file
from poll import wait_for

pytestmark = pytest.mark.outbox

RULES = rules_file(
    """
  post = { key = "post:{id}"; triggers = "blog_post";
           all = { action = "scan"; match = "post:*"; }; };
  posts = { triggers = "blog_post"; };
  comment = { key = "comment:{id}"; triggers = "blog_comment";
              all = { action = "scan"; match = "comment:*"; }; };
"""
)
POSTS = {f"blog:post:{n}" for n in range(1, 10)}
COMMENTS = {f"blog:comment:{n}" for n in range(1, 10)}
KEYS = POSTS | COMMENTS | {"blog:posts", "canary"}
NEVER = {"poll": "1h"}  # only a NOTIFY, or a connection that is made, has it look


def touch(database, n=1):
    database.sql("UPDATE blog_post SET title = title || '!' WHERE id = %s", n)


def backends(database):
    """The daemon's connections: processes by what they are for."""
    return dict(
        database.sql(
            """SELECT pid, application_name FROM pg_stat_activity
               WHERE datname = %s AND application_name LIKE 'cdcd%%'""",
            database.name,
        )
    )


def sleeps(database):
    return database.value("SELECT last_value > extract(epoch FROM now()) FROM cdcd.asleep_until")


# The order of commits.


def test_a_transaction_that_is_open_while_others_are_read_is_not_missed(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, RULES, redis)
    redis.warm(*KEYS)
    with blog.session() as slow, slow.cursor() as cursor:
        cursor.execute("UPDATE blog_post SET title = 'slow' WHERE id = 1")
        for n in range(2, 10):
            touch(blog, n)
            cdcd.caught_up()
        assert redis.left() == COMMENTS | {"blog:post:1", "canary"}
    cdcd.caught_up()
    assert redis.left() == COMMENTS | {"canary"}


def test_of_two_writers_the_first_may_commit_last(blog, redis, run_cdcd):
    """A hundred pairs, with ids out of order in each."""
    blog.sql("INSERT INTO blog_post SELECT n, 'x' FROM generate_series(10, 300) n")
    cdcd = run_cdcd(blog, RULES, redis)
    redis.warm(*(f"blog:post:{n}" for n in range(1, 201)))
    with blog.session() as one, blog.session() as other:
        for n in range(1, 201, 2):
            one.cursor().execute("UPDATE blog_post SET title = 'y' WHERE id = %s", (n,))
            other.cursor().execute("UPDATE blog_post SET title = 'y' WHERE id = %s", (n + 1,))
            other.commit()
            if n % 20 == 1:
                cdcd.caught_up()
            one.commit()
    cdcd.caught_up()
    assert redis.left() == set()


# Who is woken.


def test_a_change_wakes_who_sleeps(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, RULES, redis, source=NEVER)
    redis.warm(*KEYS)
    for n in range(1, 10):
        wait_for(lambda: sleeps(blog), "cdcd sleeps")
        touch(blog, n)
        cdcd.caught_up()
    assert redis.left() == COMMENTS | {"canary"}


def test_what_nobody_notifies_of_is_found_by_the_poll(blog, redis, new_cdcd):
    cdcd = new_cdcd(blog, RULES, redis)
    outbox.install(blog)
    outbox.watch_all(blog, notify=False)
    cdcd.source.prepared = True
    cdcd.start()
    redis.warm(*KEYS)
    touch(blog)
    cdcd.caught_up()
    assert redis.left() == KEYS - {"blog:post:1", "blog:posts"}


def test_a_listener_that_is_lost_is_replaced_and_what_it_missed_is_done(blog, redis, run_cdcd):
    """Every connection in turn, the listener's among them."""
    cdcd = run_cdcd(blog, RULES, redis, source=NEVER)
    for pid in backends(blog):
        redis.warm(*KEYS)
        wait_for(lambda: sleeps(blog), "cdcd sleeps")
        blog.sql("SELECT pg_terminate_backend(%s)", pid)
        touch(blog)
        cdcd.caught_up()
        assert not redis.has("blog:post:1")
    assert "may have been missed" not in cdcd.said()


def test_nobody_is_asked_to_notify_when_it_has_ended(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, RULES, redis)
    wait_for(lambda: sleeps(blog), "cdcd sleeps")
    assert cdcd.terminate() == 0
    assert not sleeps(blog)


def test_nobody_is_asked_to_notify_while_a_store_is_away(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, RULES, redis, source={"detach_after": "200ms"})
    cdcd.caught_up()
    wait_for(lambda: sleeps(blog), "cdcd sleeps")
    redis.stop()
    touch(blog)
    cdcd.wait_for_log("a store is down")
    wait_for(lambda: not sleeps(blog), "nobody is asked to notify")
    redis.start()
    wait_for(lambda: sleeps(blog), "cdcd sleeps again")
    cdcd.caught_up()


# What is confirmed.


def test_what_is_not_in_the_outbox_at_the_end_has_been_done(blog, redis, run_cdcd):
    """Stopped in the middle of many transactions."""
    blog.sql("INSERT INTO blog_post SELECT n, 'x' FROM generate_series(10, 3000) n")
    cdcd = run_cdcd(blog, RULES, redis)
    redis.warm(*(f"blog:post:{n}" for n in range(1, 3001)))
    with blog.session(autocommit=True) as session, session.cursor() as cursor:
        for n in range(1, 3001):
            cursor.execute("UPDATE blog_post SET title = 'z' WHERE id = %s", (n,))
            if n == 2000:
                cdcd.process.terminate()
    assert cdcd.exit_code() == 0
    waiting = {f"blog:post:{new['id']}" for _, _, _, new in outbox.rows(blog)}
    assert redis.left() <= waiting
    cdcd.start()
    cdcd.caught_up()
    assert redis.left() == set()


def test_nothing_stays_in_the_outbox(blog, redis, run_cdcd):
    """Of tables that no rule names, too."""
    blog.sql("CREATE TABLE other (id int PRIMARY KEY)")
    cdcd = run_cdcd(blog, RULES, redis)
    blog.sql("INSERT INTO other SELECT generate_series(1, 50000); TRUNCATE other; DELETE FROM blog_comment")
    cdcd.caught_up()
    assert outbox.rows(blog) == []


def test_the_outbox_does_not_grow_while_a_snapshot_is_old(blog, redis, run_cdcd):
    """No VACUUM can take away what was deleted; another part is written, and this one is truncated.
    By a role whose transactions would keep their snapshots."""
    outbox.install(blog)
    isolation = "default_transaction_isolation = 'repeatable read'"
    blog.sql(f"ALTER ROLE cdcd_reader IN DATABASE {blog.name} SET {isolation}")
    cdcd = run_cdcd(blog, RULES, redis, source={"conninfo": blog.conninfo(user="cdcd_reader")})
    with blog.session() as old, old.cursor() as cursor:
        cursor.execute("SET TRANSACTION ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM blog_post")
        blog.sql("INSERT INTO blog_post SELECT n, repeat('x', 50) FROM generate_series(10, 30000) n")
        cdcd.caught_up()
        size = "SELECT sum(pg_total_relation_size(relid)) FROM pg_partition_tree('cdcd.outbox')"
        assert blog.value(size) > 1 << 20
        wait_for(lambda: blog.value(size) < 1 << 18, "it is emptied", limit=60)
    assert outbox.rows(blog) == []


# Settings that would mislead it.


@pytest.mark.parametrize(
    "setting",
    [
        "default_transaction_isolation = 'repeatable read'",
        "default_transaction_isolation = 'serializable'",
        "default_transaction_read_only = on",
        "statement_timeout = '1ms'",
        "idle_session_timeout = '100ms'",
        "session_replication_role = replica",
        "search_path = nowhere",
        "row_security = off",
        "default_transaction_deferrable = on",
        "bytea_output = 'escape'",
        "DateStyle = 'German'",
        "enable_seqscan = off",
        "work_mem = '64kB'",
    ],
)
def test_settings_of_its_role_do_not_mislead_it(blog, redis, run_cdcd, setting):
    outbox.install(blog)
    blog.sql(f"ALTER ROLE cdcd_reader IN DATABASE {blog.name} SET {setting}")
    source = {"conninfo": blog.conninfo(user="cdcd_reader")}
    cdcd = run_cdcd(blog, RULES, redis, source=source)
    redis.warm(*KEYS)
    touch(blog)
    cdcd.caught_up()
    assert redis.left() == KEYS - {"blog:post:1", "blog:posts"}
    assert "warning" not in cdcd.said()


# Rights.


def test_the_role_of_the_migration_is_enough(own_blog, redis, run_cdcd):
    """Where nothing is set for replication."""
    blog = own_blog(wal_level="minimal", max_wal_senders="0")
    source = {"conninfo": blog.conninfo(user="cdcd_reader")}
    cdcd = run_cdcd(blog, RULES, redis, source=source)
    redis.warm(*KEYS)
    touch(blog)
    cdcd.caught_up()
    assert redis.left() == KEYS - {"blog:post:1", "blog:posts"}
    blog.sql("TRUNCATE blog_post CASCADE")
    cdcd.caught_up()
    assert redis.left() == {"canary"}


def refuse(new_cdcd, database, redis, **source):
    """A daemon that must not come up, on a database as it is."""
    cdcd = new_cdcd(database, RULES, redis, source=source)
    cdcd.source.prepared = True
    return cdcd.run_to_exit()


def test_a_database_without_the_outbox_is_refused(blog, redis, new_cdcd):
    code, said = refuse(new_cdcd, blog, redis)
    role = blog.value("SELECT count(*) > 0 FROM pg_roles WHERE rolname = 'cdcd_reader'")
    assert code == 78 and "-f sql/004_outbox.sql" in said
    assert ("-f sql/003_outbox_role.sql" in said) != role


def test_an_outbox_of_another_version_is_refused(blog, redis, new_cdcd):
    outbox.install(blog)
    outbox.watch_all(blog)
    blog.sql("CREATE OR REPLACE FUNCTION cdcd.version() RETURNS int LANGUAGE sql AS 'SELECT 0'")
    code, said = refuse(new_cdcd, blog, redis)
    assert code == 78 and "sql/004_outbox.sql" in said


def test_a_role_that_may_not_read_the_outbox_is_refused(blog, redis, new_cdcd, cleanup):
    outbox.install(blog)
    outbox.watch_all(blog)
    role = f"stranger_{blog.name}"
    blog.sql(f"CREATE ROLE {role} LOGIN")
    cleanup.callback(blog.sql, f"DROP ROLE {role}")
    code, said = refuse(new_cdcd, blog, redis, conninfo=blog.conninfo(user=role))
    assert code == 77 and f"GRANT cdcd_reader TO {role}" in said


def test_a_table_that_is_not_watched_is_refused(blog, redis, new_cdcd):
    outbox.install(blog)
    blog.sql("SELECT cdcd.watch('blog_post')")
    code, said = refuse(new_cdcd, blog, redis)
    assert code == 78 and "table public.blog_comment is not watched" in said


# What others do to it.


@pytest.mark.parametrize(
    "statement", ["TRUNCATE cdcd.outbox", "DELETE FROM cdcd.outbox", "DELETE FROM cdcd.outbox_0"]
)
def test_an_outbox_that_somebody_empties_clears_everything_once(blog, redis, run_cdcd, statement):
    cdcd = run_cdcd(blog, RULES, redis)
    redis.warm(*KEYS)
    cdcd.freeze()
    touch(blog)
    blog.sql(statement)
    cdcd.thaw()
    cdcd.caught_up()
    wait_for(lambda: redis.left() == {"canary"}, "every cache is cleared")
    assert cdcd.said().count("changes may have been missed") == 1
    redis.warm(*KEYS)
    touch(blog)
    cdcd.caught_up()
    assert redis.left() == KEYS - {"blog:post:1", "blog:posts"}


@pytest.mark.parametrize(
    "harm, mend",
    [
        (
            "ALTER TABLE blog_post DISABLE TRIGGER ALL",
            "ALTER TABLE blog_post ENABLE ALWAYS TRIGGER cdcd_change,"
            " ENABLE ALWAYS TRIGGER cdcd_update, ENABLE ALWAYS TRIGGER cdcd_truncate",
        ),
        (
            "ALTER TABLE blog_post DISABLE TRIGGER USER; ALTER TABLE blog_post ENABLE TRIGGER USER",
            "SELECT cdcd.watch('blog_post')",
        ),
        ("SELECT cdcd.unwatch('blog_post')", "SELECT cdcd.watch('blog_post')"),
        ("DROP TRIGGER cdcd_update ON blog_post", "SELECT cdcd.watch('blog_post')"),
    ],
)
def test_a_table_that_was_not_watched_for_a_time_is_cleared(blog, redis, run_cdcd, harm, mend):
    cdcd = run_cdcd(blog, RULES, redis)
    redis.warm(*KEYS)
    blog.sql(harm)
    touch(blog)
    blog.sql(mend)
    wait_for(lambda: not redis.left() & POSTS, "the posts are cleared")
    cdcd.caught_up()
    assert redis.left() >= COMMENTS
    redis.warm(*KEYS)
    touch(blog)
    cdcd.caught_up()
    assert not redis.has("blog:post:1")


def test_a_table_that_stays_unwatched_is_complained_about(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, RULES, redis)
    redis.warm(*KEYS)
    blog.sql("SELECT cdcd.unwatch('blog_post')")
    cdcd.wait_for_log(r"SELECT cdcd\.watch\(")
    assert cdcd.running()
    blog.sql("UPDATE blog_comment SET text = 'x' WHERE id = 1")
    cdcd.caught_up()
    assert not redis.has("blog:comment:1")


def test_a_table_that_is_dropped_or_renamed_stops_nothing(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, RULES, redis)
    redis.warm(*KEYS)
    cdcd.freeze()
    blog.sql("UPDATE blog_comment SET text = 'x' WHERE id = 1; DROP TABLE blog_comment")
    touch(blog)
    cdcd.thaw()
    cdcd.caught_up()
    assert not redis.left() & {"blog:comment:1", "blog:post:1"}
    blog.sql("ALTER TABLE blog_post RENAME TO entry; UPDATE entry SET title = 'x' WHERE id = 2")
    blog.sql("ALTER TABLE entry RENAME TO blog_post; UPDATE blog_post SET title = 'x' WHERE id = 3")
    cdcd.caught_up()
    assert not redis.has("blog:post:3") and cdcd.running()


def test_a_row_without_its_values_clears_the_whole_cache(blog, redis, run_cdcd):
    """A row of more than 256 MB is written so."""
    cdcd = run_cdcd(blog, RULES, redis)
    redis.warm(*KEYS)
    blog.sql(
        "INSERT INTO cdcd.outbox (part, op, relation, schema, name)"
        " VALUES (0, 'U', 'blog_post'::regclass, 'public', 'blog_post')"
    )
    cdcd.caught_up()
    assert redis.left() == COMMENTS | {"canary"}


def test_rows_with_numbers_of_another_cluster_are_done_too(blog, redis, run_cdcd):
    """As a dump that is restored brings them."""
    blog.sql("CREATE TABLE kept AS SELECT 1")
    cdcd = run_cdcd(blog, RULES, redis)
    assert cdcd.terminate() == 0
    redis.warm(*KEYS)
    touch(blog, 1)
    blog.sql("SET cdcd.reader = on; UPDATE cdcd.outbox SET txid = 9000000000000")
    touch(blog, 2)
    blog.sql("SET cdcd.reader = on; UPDATE cdcd.outbox SET txid = 3 WHERE txid < 9000000000000")
    cdcd.start()
    cdcd.caught_up()
    wait_for(lambda: outbox.rows(blog) == [], "all is confirmed")
    assert not redis.left() & {"blog:post:1", "blog:post:2"}


def test_a_table_that_comes_later_is_at_work_when_it_is_watched(blog, redis, run_cdcd):
    rules = rules_file(
        """thing = { key = "thing:{id}"; triggers = "late_*";
                     all = { action = "scan"; match = "thing:*"; }; };"""
    )
    cdcd = run_cdcd(blog, rules, redis)
    redis.warm("blog:thing:1", "blog:thing:2")
    blog.sql("CREATE TABLE late_one (id int PRIMARY KEY); SELECT cdcd.watch('late_one')")
    blog.sql("INSERT INTO late_one VALUES (1)")
    cdcd.caught_up()
    wait_for(lambda: not redis.has("blog:thing:1"), "the key leaves")


def test_a_standby_waits_and_takes_over(blog, redis, run_cdcd, new_cdcd):
    first = run_cdcd(blog, RULES, redis)
    standby = new_cdcd(blog, RULES, redis).launch()
    standby.wait_for_log(
        "waiting as standby.*another cdcd reads the outbox: process %d "
        r"\(application_name cdcd, role postgres\)" % first.reader().pop()
    )
    redis.warm(*KEYS)
    touch(blog)
    first.caught_up()
    assert first.terminate() == 0
    touch(blog, 2)
    standby.wait_for_log("taking over the outbox")
    standby.caught_up()
    assert redis.left() == KEYS - {"blog:post:1", "blog:post:2", "blog:posts"}
