"""Where the slot stands: what is confirmed, and that nothing pins the WAL."""

from daemon import rules_file
from poll import wait_for

POST = rules_file('post = { key = "post:{id}"; triggers = "blog_post"; };')
WRITE = "INSERT INTO other SELECT n, repeat('x', 1000) FROM generate_series(1, 20000) n"


def retained(database, slot):
    """Bytes of WAL that PostgreSQL keeps for the slot."""
    return database.value(
        "SELECT pg_current_wal_lsn() - restart_lsn FROM pg_replication_slots WHERE slot_name = %s",
        slot,
    )


def make_other(database):
    database.sql("CREATE TABLE other (id int, text text)")


def test_transactions_on_tables_of_no_rule_move_the_slot_on(blog, redis, run_cdcd):
    make_other(blog)
    cdcd = run_cdcd(blog, POST, redis)
    before = blog.confirmed_flush(cdcd.slot)
    blog.sql(WRITE)
    cdcd.caught_up()
    assert blog.confirmed_flush(cdcd.slot) != before


def test_writes_to_another_database_move_the_slot_on(own_blog, redis, run_cdcd):
    database = own_blog()
    elsewhere = database.cluster.new_database()
    make_other(elsewhere)
    cdcd = run_cdcd(database, POST, redis)
    elsewhere.sql(WRITE)
    cdcd.caught_up()


def test_an_idle_daemon_pins_no_wal(own_blog, redis, run_cdcd):
    """An hour of idleness, as PostgreSQL sees it: WAL of others, and checkpoints."""
    database = own_blog()
    elsewhere = database.cluster.new_database()
    make_other(elsewhere)
    cdcd = run_cdcd(database, POST, redis)
    for _ in range(3):
        elsewhere.sql(WRITE)
        elsewhere.sql("CHECKPOINT")
    assert database.cluster.database("postgres").value("SELECT pg_current_wal_lsn() > '0/3000000'")

    def freed():
        elsewhere.sql("CHECKPOINT")
        return retained(database, cdcd.slot) < 1 << 20

    wait_for(freed, "the slot keeps less than a megabyte", every=0.05)


def test_nothing_is_confirmed_that_a_store_did_not_answer_for(blog, redis, run_cdcd):
    make_other(blog)
    cdcd = run_cdcd(blog, POST, {"redis": redis.store(timeout="60s")})
    redis.warm("blog:post:1")
    redis.freeze()
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")
    lsn = blog.flushed()
    blog.sql(WRITE)
    cdcd.read()
    assert not blog.confirmed(cdcd.slot, lsn)
    redis.thaw()
    cdcd.caught_up()
    assert redis.left() == set()


def test_a_confirmed_change_is_not_sent_again(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, POST, redis)
    redis.warm("blog:post:1")
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")
    cdcd.caught_up()
    assert cdcd.terminate() == 0
    redis.warm("blog:post:1")
    cdcd.start()
    cdcd.caught_up()
    assert redis.left() == {"blog:post:1"}


def test_a_change_made_while_nobody_listens_is_done_later(blog, redis, run_cdcd):
    cdcd = run_cdcd(blog, POST, redis)
    redis.warm("blog:post:1", "blog:post:2")
    assert cdcd.terminate() == 0
    blog.sql("UPDATE blog_post SET title = 'x' WHERE id = 1")
    cdcd.start()
    cdcd.caught_up()
    assert redis.left() == {"blog:post:2"}
