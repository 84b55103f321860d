"""Much at once: a transaction of any size flows through little memory."""

import pytest

from daemon import rules_file
from poll import wait_for

pytestmark = pytest.mark.both_sources

STREAMING = 20 << 20
KEPT = 64 << 20  # of what a Redis may lose, at most

@pytest.fixture
def rows(mode):
    """A million; through triggers fewer, which write at the rate of a table."""
    return 1000000 if mode == "replication" else 200000


def warm_many(redis, rows, *names):
    """A key for each name and row, made inside Redis."""
    for name in names:
        redis.client.eval(
            "for n = 1, tonumber(ARGV[2]) do redis.call('SET', ARGV[1] .. n, '') end",
            0,
            name,
            rows,
        )


@pytest.fixture
def big(db, rows):
    db.sql("CREATE TABLE big (id int PRIMARY KEY, a int)")
    db.sql("INSERT INTO big SELECT n, n FROM generate_series(1, %s) n", rows)
    return db


@pytest.mark.parametrize("window, most", [("0s", STREAMING), ("60s", STREAMING + KEPT)])
def test_a_million_rows_in_one_statement_lose_two_keys_each(big, rows, redis, run_cdcd, window, most):
    rules = rules_file('row = { keys = [ "row:{id}", "page:{id}" ]; triggers = "big"; };')
    cdcd = run_cdcd(big, rules, {"redis": redis.store(failover_window=window)})
    warm_many(redis, rows, "blog:row:", "blog:page:")
    redis.warm("canary")
    big.sql("UPDATE big SET a = a + 1")
    cdcd.caught_up(limit=120)
    assert redis.client.dbsize() == 1 and redis.has("canary")
    assert cdcd.peak_memory() < most


def test_a_kill_in_the_middle_of_a_large_transaction_loses_nothing(big, rows, redis, run_cdcd):
    rules = rules_file('row = { key = "row:{id}"; triggers = "big"; };')
    cdcd = run_cdcd(big, rules, redis)
    changed = rows * 3 // 10
    warm_many(redis, rows, "blog:row:")
    big.sql("UPDATE big SET a = a + 1 WHERE id <= %s", changed)
    wait_for(lambda: redis.client.dbsize() < rows - 1000, "keys leave", every=0.001)
    cdcd.kill9()
    cdcd.start()
    cdcd.caught_up(limit=60)
    assert redis.client.dbsize() == rows - changed
