"""How often the daemon asks the kernel to write, for many keys."""

import pathlib
import re

import pytest

from daemon import rules_file
from servers import free_port

MOST = 200
N = 10_000
CACHE = 'item = { key = "item:{id}"; triggers = "item"; };'


def n_writes(daemon):
    """Its write system calls so far, those to its log as well. On sockets libevent writes with
    writev, which counts; libpq sends, which does not."""
    text = pathlib.Path(f"/proc/{daemon.process.pid}/io").read_text("ascii")
    return int(re.search(r"^syscw: (\d+)$", text, re.MULTILINE)[1])


@pytest.mark.both_sources
def test_ten_thousand_deletes_leave_in_two_hundred_writes_to_redis(db, make_redis, run_cdcd):
    db.sql("CREATE TABLE item (id int PRIMARY KEY)")
    db.sql("INSERT INTO item SELECT generate_series(1, %s)", N)
    port = free_port()
    redis = make_redis(port=port)
    store = {"type": "redis", "url": f"redis://127.0.0.1:{port}/0"}
    cdcd = run_cdcd(db, rules_file(CACHE), {"redis": store})
    redis.warm(*(f"blog:item:{n}" for n in range(1, N + 1)))
    cdcd.caught_up()
    before = n_writes(cdcd)
    redis.client.config_resetstat()
    db.sql("DELETE FROM item")
    cdcd.caught_up()
    assert redis.left() == set()
    assert 0 < n_writes(cdcd) - before <= MOST
    said = redis.client.info("commandstats")
    assert said["cmdstat_unlink"]["calls"] <= MOST and "cmdstat_del" not in said
