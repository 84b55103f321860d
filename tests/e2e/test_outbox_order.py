"""Transactions that were committed in one order, and are read in another."""

import pytest

from daemon import rules_file

pytestmark = pytest.mark.outbox

RULES = rules_file(
    'latest = { key = "latest"; triggers = "blog_post"; action = "set"; value = "{title}"; };\n'
    'filler = { key = "filler"; triggers = "filler"; };'
)


def test_a_value_of_an_earlier_commit_does_not_stay(own_blog, redis, new_cdcd):
    """What a read leaves for the next was committed before some of it: here, all of the first
    read is what it takes to fill one."""
    blog = own_blog()
    blog.sql("CREATE TABLE filler (id int PRIMARY KEY)")
    cdcd = new_cdcd(blog, RULES, redis).start()
    cdcd.caught_up()
    assert cdcd.terminate() == 0
    with blog.session() as late:
        late.cursor().execute("UPDATE blog_post SET title = 'committed last' WHERE id = 1")
        blog.sql("INSERT INTO filler SELECT generate_series(1, 25000)")
        blog.sql("UPDATE blog_post SET title = 'committed before' WHERE id = 2")
    cdcd.start()
    cdcd.caught_up()
    assert redis.client.get("blog:latest") in (None, b"committed last")
