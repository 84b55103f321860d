"""Tables and columns of any name, shape and size, on a real stream."""

import re

import psycopg2
import pytest

from daemon import rules_file
from poll import wait_for

pytestmark = pytest.mark.both_sources


@pytest.fixture
def cleared(db, redis, run_cdcd):
    """Makes a daemon over tables; gives what runs a statement and says which of the keys leave."""

    def make(tables, caches, *keys, database=db):
        if tables:
            database.sql(tables)
        cdcd = run_cdcd(database, rules_file(caches, prefix=""), redis)

        def run(statement):
            redis.warm(*keys)
            database.sql(statement)
            cdcd.caught_up()
            return {key for key in keys if not redis.has(key)}

        return run

    return make


@pytest.fixture
def encoded(cluster, cleanup):
    """Makes a database of an encoding."""

    def make(encoding):
        name = f"e2e_{encoding.lower()}"
        cluster.database("postgres").sql(
            f"CREATE DATABASE {name} TEMPLATE template0 ENCODING {encoding} LOCALE 'C'"
        )
        database = cluster.database(name)
        cleanup.callback(cluster.drop_database, database)
        return database

    return make


def test_tables_and_columns_of_odd_names_are_named_as_they_are(cleared):
    gone = cleared(
        """
CREATE TABLE "Weird Table" ("Id" int PRIMARY KEY, "my col" text, "naïve" text, "a.b" text);
ALTER TABLE "Weird Table" REPLICA IDENTITY FULL;
CREATE TABLE "naïve" (id int PRIMARY KEY);
CREATE TABLE "select" ("from" int PRIMARY KEY);
CREATE SCHEMA "My Schema"; CREATE TABLE "My Schema"."Order" ("Id" int PRIMARY KEY);
""",
        r"""
  weird = { key = "weird:{Id}:{naïve}:{c}:{d}";
            triggers = ( { table = "Weird Table"; columns = [ "my col", "a.b" ];
                           bind = { c = "\"my col\""; d = "\"a.b\""; }; } ); };
  naive = { key = "naive:{id}"; triggers = "naïve"; };
  select = { key = "select:{from}"; triggers = "select"; };
  order = { key = "order:{Id}"; triggers = "My Schema.Order"; };
""",
        "weird:1:i:x:y", "weird:1:i:z:y", "naive:1", "select:1", "order:1",
    )
    assert gone("""INSERT INTO "Weird Table" VALUES (1, 'x', 'i', 'y')""") == {"weird:1:i:x:y"}
    assert gone("""UPDATE "Weird Table" SET "naïve" = 'i'""") == set()
    moved = gone("""UPDATE "Weird Table" SET "my col" = 'z'""")
    assert moved == {"weird:1:i:x:y", "weird:1:i:z:y"}
    assert gone("""INSERT INTO "naïve" VALUES (1)""") == {"naive:1"}
    assert gone("""INSERT INTO "select" VALUES (1)""") == {"select:1"}
    assert gone("""INSERT INTO "My Schema"."Order" VALUES (1)""") == {"order:1"}


def test_a_table_with_a_point_in_its_name_is_found_by_a_pattern(cleared):
    gone = cleared(
        'CREATE TABLE "a.b" (id int PRIMARY KEY)',
        'p = { key = "p:{id}"; triggers = "a?b"; };',
        "p:1",
    )
    assert gone("""INSERT INTO "a.b" VALUES (1)""") == {"p:1"}


def test_columns_named_row_old_and_new_are_columns(cleared):
    before, after = '{"row":1,"old":2,"new":3}', '{"row":1,"old":5,"new":3}'
    gone = cleared(
        """CREATE TABLE t ("row" int PRIMARY KEY, old int, new int);
           ALTER TABLE t REPLICA IDENTITY FULL""",
        r"""
  plain = { key = "plain:{row}:{old}:{new}"; triggers = "t"; };
  both  = { key = "both:{sum}:{place}";
            triggers = ( { table = "t"; on = "update"; when = "new.new > old.old"; rows = "new";
                           bind = { sum = "old.old + new.old"; place = "\"row\" || '-' || new"; };
                         } ); };
  whole = { key = "{row|json}"; triggers = "t"; };
""",
        "plain:1:2:3", "plain:1:5:3", "both:7:1-3", before, after,
    )
    assert gone("INSERT INTO t VALUES (1, 2, 3)") == {"plain:1:2:3", before}
    moved = gone("UPDATE t SET old = 5")
    assert moved == {"plain:1:2:3", "plain:1:5:3", "both:7:1-3", before, after}


def test_names_of_each_and_let_stand_before_columns(cleared):
    gone = cleared(
        "CREATE TABLE t (id int PRIMARY KEY, lang text, slug text)",
        """
  t = { each = { lang = [ "en", "ru" ]; }; let = { slug = "s{id}"; }; key = "t:{lang}:{slug}";
        triggers = "t"; };
""",
        "t:en:s1", "t:ru:s1", "t:de:x", "t:de:s1", "t:en:x",
    )
    assert gone("INSERT INTO t VALUES (1, 'de', 'x')") == {"t:en:s1", "t:ru:s1"}


def test_what_rules_escape_and_what_is_not_ascii_stand_in_keys_as_they_are(cleared):
    keys = {'a\n\t\x01"\\1\r\f', "ключ\U0001f511:1", "d:é\U0001f511:1", "d:\x7f:1"}
    gone = cleared(
        "CREATE TABLE t (id int PRIMARY KEY)",
        r"""
  a = { key = "a\n\t\x01\"\\{id}\r\f"; triggers = "t"; };
  b = { key = "ключ🔑:{id}"; triggers = "t"; };
  d = { each = { e = [ "é🔑", "\x7f" ]; }; key = "d:{e}:{id}"; triggers = "t"; };
""",
        *keys, "a", "d::1",
    )
    assert gone("INSERT INTO t VALUES (1)") == keys


TREE = """
CREATE TABLE event (id int, region text, day int, PRIMARY KEY (id, region, day))
  PARTITION BY LIST (region);
CREATE TABLE event_eu PARTITION OF event FOR VALUES IN ('eu') PARTITION BY RANGE (day);
CREATE TABLE event_eu_1 PARTITION OF event_eu FOR VALUES FROM (0) TO (100) PARTITION BY HASH (id);
CREATE TABLE event_eu_1_0 PARTITION OF event_eu_1 FOR VALUES WITH (MODULUS 1, REMAINDER 0);
CREATE TABLE event_us (day int NOT NULL, id int NOT NULL, region text NOT NULL)
  PARTITION BY RANGE (day);
CREATE TABLE event_us_1 PARTITION OF event_us FOR VALUES FROM (0) TO (100);
ALTER TABLE event ATTACH PARTITION event_us FOR VALUES IN ('us');
"""


def test_a_row_that_moves_between_partitions_of_partitions_clears_both_keys(cleared):
    gone = cleared(
        TREE,
        """
  event = { key = "event:{region}:{day}"; triggers = "event";
            all = { action = "scan"; match = "event:*"; }; };
""",
        "event:eu:1", "event:eu:2", "event:us:7", "event:us:8",
    )
    assert gone("INSERT INTO event VALUES (1, 'eu', 1)") == {"event:eu:1"}
    assert gone("UPDATE event SET day = 2") == {"event:eu:1", "event:eu:2"}
    assert gone("UPDATE event SET region = 'us', day = 7") == {"event:eu:2", "event:us:7"}
    assert gone("DELETE FROM event_us") == {"event:us:7"}
    assert len(gone("TRUNCATE event")) == 4


def test_a_partition_whose_identity_is_smaller_than_its_roots_clears_all(cleared, db):
    """REPLICA IDENTITY FULL of the root is not that of a partition which is made later."""
    db.sql("""CREATE TABLE log (id int PRIMARY KEY, x int) PARTITION BY RANGE (id);
              ALTER TABLE log REPLICA IDENTITY FULL""")
    gone = cleared(
        "",
        """
  log = { key = "log:{x}"; triggers = "log"; all = { action = "scan"; match = "log:*"; }; };
""",
        "log:1", "log:2", "log:3",
    )
    db.sql("CREATE TABLE log_1 PARTITION OF log FOR VALUES FROM (0) TO (100)")
    assert gone("INSERT INTO log VALUES (1, 1)") == {"log:1"}
    assert "log:1" in gone("UPDATE log SET x = 2")
    assert "log:2" in gone("DELETE FROM log")
    db.sql("ALTER TABLE log_1 REPLICA IDENTITY FULL")
    assert gone("INSERT INTO log VALUES (2, 1)") == {"log:1"}
    assert gone("UPDATE log SET x = 2") == {"log:1", "log:2"}
    assert gone("DELETE FROM log") == {"log:2"}


def test_a_table_has_as_many_columns_as_postgresql_allows(cleared):
    columns = [f"c{n}" for n in range(1599)]
    whole = '{"id":7,%s}' % ",".join(f'"{column}":1' for column in columns)
    gone = cleared(
        f"CREATE TABLE wide (id int PRIMARY KEY, {', '.join(f'{c} int' for c in columns)});"
        "ALTER TABLE wide REPLICA IDENTITY FULL",
        """
  last = { key = "last:{c1598}"; triggers = ( { table = "wide"; when = "changed(c1598)"; } ); };
  whole = { key = "{row|json}"; triggers = "wide"; };
""",
        "last:1", "last:2", whole,
    )
    ones = ", ".join("1" for _ in columns)
    assert gone(f"INSERT INTO wide VALUES (7, {ones})") == {"last:1", whole}
    assert gone("UPDATE wide SET c0 = 2") == {whole}
    assert gone("UPDATE wide SET c1598 = 2") == {"last:1", "last:2"}


def test_a_value_of_a_hundred_megabytes_is_a_key_or_none_of_it(cleared, redis):
    """What is larger than the buffer passes all the same, and what no key takes costs nobody."""
    huge = "h" * (100 << 20)
    gone = cleared(
        "CREATE TABLE page (id int PRIMARY KEY, slug text NOT NULL, body text)",
        """
  page = { key = "page:{slug}"; triggers = ( { table = "page"; rows = "new"; } ); };
  id = { key = "id:{id}"; triggers = "page"; };
""",
        "id:1", "id:2", "id:3", "page:a",
    )
    redis.warm(f"page:{huge}")
    assert gone("INSERT INTO page VALUES (1, repeat('h', 100 << 20), 'x')") == {"id:1"}
    assert not redis.has(f"page:{huge}")
    assert gone("INSERT INTO page VALUES (2, 'a', repeat('b', 100 << 20))") == {"id:2", "page:a"}
    assert gone("UPDATE page SET id = 3 WHERE id = 2") == {"id:2", "id:3", "page:a"}


@pytest.mark.smoke
def test_bytes_of_a_database_without_an_encoding_stand_in_keys_as_they_are(encoded, cleared, redis):
    """They would end the stream for good if PostgreSQL were asked to make them UTF-8."""
    database = encoded("SQL_ASCII")
    gone = cleared(
        """CREATE TABLE page (slug text PRIMARY KEY); CREATE TABLE title (slug text, title text);
           INSERT INTO title VALUES (convert_from('\\x61fffe', 'SQL_ASCII'), 'found');""",
        """
  page = { keys = [ "page:{slug}", "url:{slug|urlencode}" ];
           triggers = ( { table = "page"; when = "slug LIKE 'a%' AND length(slug) > 0"; } ); };
  title = { key = "title:{title}";
            triggers = ( { table = "page";
                           lookup = "SELECT title FROM public.title WHERE slug = {slug}"; } );
            all = { action = "scan"; match = "title:*"; }; };
""",
        b"page:a\xff\xfe", "url:a%FF%FE", "title:found", "title:other",
        database=database,
    )
    left = gone("INSERT INTO page VALUES (convert_from('\\x61fffe', 'SQL_ASCII'))")
    assert left == {b"page:a\xff\xfe", "url:a%FF%FE", "title:found"}


@pytest.mark.replication
def test_bytes_that_have_no_utf_8_are_said_with_what_to_do_and_that_helps(
    encoded, redis, run_cdcd
):
    database = encoded("WIN1252")
    database.sql("CREATE TABLE page (id int PRIMARY KEY, slug text)")
    rules = """
  page = { key = "page:{id}"; triggers = "page"; all = { action = "scan"; match = "page:*"; }; };
"""
    cdcd = run_cdcd(database, rules_file(rules), redis)
    redis.warm("blog:page:1", "blog:page:2", "canary")
    database.sql("SET client_encoding = 'WIN1252'; INSERT INTO page VALUES (1, chr(129))")
    cdcd.wait_for_log("0x81 .*mend the row, then drop the replication slot")
    database.sql("UPDATE page SET slug = 'x'")

    def drop():
        try:
            database.sql("SELECT pg_drop_replication_slot(%s)", cdcd.slot)
        except psycopg2.errors.ObjectInUse:
            return False
        return True

    wait_for(drop, "the slot is dropped")
    wait_for(lambda: redis.left() == {"canary"}, "what may have been missed is cleared")
    redis.warm("blog:page:2")
    wait_for(cdcd.answers, "cdcd streams")
    database.sql("INSERT INTO page VALUES (2, 'y')")
    cdcd.caught_up()
    assert redis.left() == {"canary"}


@pytest.mark.outbox
def test_bytes_that_have_no_utf_8_in_the_outbox_clear_the_whole_cache(encoded, redis, run_cdcd):
    database = encoded("WIN1252")
    database.sql("CREATE TABLE page (id int PRIMARY KEY, slug text)")
    rules = """
  page = { key = "page:{slug}"; triggers = "page"; all = { action = "scan"; match = "page:*"; }; };
"""
    cdcd = run_cdcd(database, rules_file(rules), redis)
    redis.warm("blog:page:1", "blog:page:2", "canary")
    database.sql("SET client_encoding = 'WIN1252'; INSERT INTO page VALUES (1, chr(129))")
    cdcd.caught_up()
    assert redis.left() == {"canary"}
    redis.warm("blog:page:1", "blog:page:é")
    database.sql("INSERT INTO page VALUES (2, 'é')")
    cdcd.caught_up()
    assert redis.left() == {"canary", "blog:page:1"}


@pytest.mark.replication
def test_a_partition_whose_identity_is_smaller_than_its_roots_is_refused(db, redis, refused):
    db.sql("""CREATE TABLE "the log" (id int PRIMARY KEY, x int) PARTITION BY RANGE (id);
              CREATE TABLE log_1 PARTITION OF "the log" FOR VALUES FROM (0) TO (100);
              ALTER TABLE "the log" REPLICA IDENTITY FULL""")
    rules = rules_file('log = { keys = [ "log:{x}", "id:{id}" ]; triggers = "the log"; };')
    code, said = refused(db, rules, redis)
    assert code == 78
    assert "key log:{x} takes column x" in said and "key id:{id}" not in said
    remedy = re.search(r"in psql: (SELECT .*) \\gexec", said)[1]
    for (statement,) in db.sql(remedy):
        db.sql(statement)
    assert db.value("SELECT relreplident FROM pg_class WHERE relname = 'log_1'") == "f"
