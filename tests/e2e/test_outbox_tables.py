"""What the triggers of the outbox see: transactions of every kind, partitions, tables that change,
and that they fail nobody's transaction."""

import io

import psycopg2
import pytest

import outbox

POST = "CREATE TABLE post (id int PRIMARY KEY, title text, body text)"
EVENTS = """
CREATE TABLE event (day int, id int, PRIMARY KEY (day, id)) PARTITION BY RANGE (day);
CREATE TABLE event_1 PARTITION OF event FOR VALUES FROM (1) TO (10) PARTITION BY LIST (id);
CREATE TABLE event_1_1 PARTITION OF event_1 FOR VALUES IN (1, 2);
CREATE TABLE event_2 PARTITION OF event FOR VALUES FROM (10) TO (20);
"""
ENABLED = """SELECT enabled FROM cdcd.watched WHERE "table" = %s::regclass"""


@pytest.fixture
def post(db):
    """A table that is watched whole."""
    db.sql(POST)
    outbox.install(db)
    db.sql("SELECT cdcd.watch('post')")
    return db


@pytest.fixture
def titles(db):
    """A table of which two columns are watched."""
    db.sql(POST)
    outbox.install(db)
    db.sql("SELECT cdcd.watch('post', ARRAY['id', 'title'])")
    return db


@pytest.fixture
def events(db):
    """A table of partitions of partitions."""
    db.sql(EVENTS)
    outbox.install(db)
    db.sql("SELECT cdcd.watch('event')")
    return db


def complaint(database, text):
    with pytest.raises(psycopg2.Error) as caught:
        database.sql(text)
    return caught.value.diag.message_primary, caught.value.diag.message_hint


def news(database):
    return [new for _, _, _, new in outbox.rows(database)]


# Transactions.


def test_a_savepoint_that_was_undone_leaves_nothing(post):
    post.sql(
        """BEGIN; INSERT INTO post VALUES (1); SAVEPOINT s; INSERT INTO post VALUES (2); ROLLBACK TO s;
           SAVEPOINT t; INSERT INTO post VALUES (3); RELEASE t; COMMIT"""
    )
    assert [new["id"] for new in news(post)] == ["1", "3"]
    assert post.value("SELECT count(DISTINCT txid) FROM cdcd.outbox") == 1


def test_upserts_and_merge_are_seen(post):
    post.sql("INSERT INTO post VALUES (1, 'a'), (2, 'b')")
    outbox.forget(post)
    post.sql("INSERT INTO post VALUES (1, 'x'), (3, 'c') ON CONFLICT (id) DO UPDATE SET title = 'x'")
    post.sql("INSERT INTO post VALUES (1, 'y') ON CONFLICT DO NOTHING")
    post.sql(
        """MERGE INTO post USING (VALUES (2), (3), (4)) v (n) ON id = n
           WHEN MATCHED AND id = 2 THEN DELETE WHEN MATCHED THEN UPDATE SET title = 'm'
           WHEN NOT MATCHED THEN INSERT VALUES (n, 'n')"""
    )
    seen = [(op, (new or old)["id"]) for op, _, old, new in outbox.rows(post)]
    assert sorted(seen) == [("D", "2"), ("I", "3"), ("I", "4"), ("U", "1"), ("U", "3")]


def test_copied_rows_are_seen(post):
    with post.session() as session, session.cursor() as cursor:
        cursor.copy_from(io.StringIO("".join(f"{n}\tt\tb\n" for n in range(1000))), "post")
    assert len(news(post)) == 1000


def test_cascades_are_seen(post):
    post.sql("CREATE TABLE comment (id int PRIMARY KEY, post int REFERENCES post ON DELETE CASCADE)")
    post.sql("SELECT cdcd.watch('comment')")
    post.sql("INSERT INTO post VALUES (1); INSERT INTO comment VALUES (5, 1)")
    outbox.forget(post)
    post.sql("DELETE FROM post")
    assert sorted(outbox.ops(post)) == [("D", "comment"), ("D", "post")]
    post.sql("TRUNCATE post CASCADE")
    assert sorted(outbox.ops(post)[2:]) == [("T", "comment"), ("T", "post")]


def test_a_replicas_role_does_not_silence_them(post):
    post.sql("SET session_replication_role = replica; INSERT INTO post VALUES (1); TRUNCATE post")
    assert outbox.ops(post) == [("I", "post"), ("T", "post")]


def test_an_update_that_changes_nothing_is_no_change(post):
    post.sql("INSERT INTO post VALUES (1, 'a', 'b'); UPDATE post SET title = title")
    assert outbox.ops(post) == [("I", "post")]


def test_an_update_of_other_columns_is_no_change(titles):
    titles.sql("INSERT INTO post VALUES (1, 'a', 'b'); UPDATE post SET body = 'x'")
    assert outbox.ops(titles) == [("I", "post")]
    titles.sql("UPDATE post SET title = 'x', body = 'y'")
    assert outbox.rows(titles)[1:] == [("U", "post", {"id": "1", "title": "a"}, {"id": "1", "title": "x"})]


def test_any_update_counts_where_that_is_asked_for(titles):
    titles.sql("SELECT cdcd.watch('post', ARRAY['id'], any_update => true)")
    titles.sql("INSERT INTO post VALUES (1, 'a', 'b'); UPDATE post SET body = 'x'")
    assert outbox.rows(titles)[1:] == [("U", "post", {"id": "1"}, {"id": "1"})]


def test_writers_that_may_only_read_committed_snapshots_are_seen(post):
    post.sql("BEGIN ISOLATION LEVEL SERIALIZABLE; INSERT INTO post VALUES (1); COMMIT")
    assert outbox.ops(post) == [("I", "post")]


# NOTIFY.


@pytest.fixture
def heard(db):
    """How often a listener is woken by a transaction."""

    def run(*statements):
        with db.session(autocommit=True) as session, session.cursor() as cursor:
            cursor.execute("LISTEN cdcd")
            for text in statements:
                db.sql(text)
            cursor.execute("SELECT pg_notify('cdcd', 'end')")
            session.poll()
            payloads = [notify.payload for notify in session.notifies]
            assert payloads[-1] == "end"
            return payloads[:-1]

    return run


AWAKE = "SELECT setval('cdcd.asleep_until', 0)"
ASLEEP = "SELECT setval('cdcd.asleep_until', extract(epoch FROM now() + interval '1 minute')::bigint)"
LAPSED = "SELECT setval('cdcd.asleep_until', extract(epoch FROM now() - interval '1 second')::bigint)"


def test_nobody_is_woken_who_does_not_sleep(post, heard):
    assert heard("INSERT INTO post VALUES (1)") == []
    assert heard(AWAKE, "INSERT INTO post VALUES (2)") == []
    assert heard(LAPSED, "INSERT INTO post VALUES (3); TRUNCATE post") == []


def test_a_sleeper_is_woken_once_a_transaction(post, heard):
    statements = "BEGIN; INSERT INTO post VALUES ({0}); SAVEPOINT s; INSERT INTO post VALUES (-{0}); COMMIT"
    assert heard(ASLEEP, *(statements.format(n) for n in (1, 2, 3))) == ["", "", ""]
    assert heard("TRUNCATE post") == [""]
    assert heard("BEGIN; INSERT INTO post VALUES (1); ROLLBACK") == []


def test_the_flag_counts_for_a_transaction_that_began_before(post, heard):
    with post.session() as session, session.cursor() as cursor:
        cursor.execute("BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM post")
        post.sql(ASLEEP)
        cursor.execute("INSERT INTO post VALUES (1)")
        with post.session(autocommit=True) as listener, listener.cursor() as listening:
            listening.execute("LISTEN cdcd")
            session.commit()
            listening.execute("SELECT 1")
            assert len(listener.notifies) == 1


def test_without_notify_a_transaction_can_be_prepared(post, heard):
    post.sql(ASLEEP)
    said, _ = complaint(post, "BEGIN; INSERT INTO post VALUES (1); PREPARE TRANSACTION 'p'")
    assert "cannot PREPARE" in said
    post.sql("SELECT cdcd.watch('post', notify => false)")
    post.sql("BEGIN; INSERT INTO post VALUES (1); PREPARE TRANSACTION 'p'")
    assert outbox.ops(post) == []
    assert heard("COMMIT PREPARED 'p'", "INSERT INTO post VALUES (2)") == []
    assert outbox.ops(post) == [("I", "post")] * 2


# Partitions and children.


def test_rows_of_partitions_are_their_roots(events):
    events.sql("INSERT INTO event VALUES (1, 1), (11, 1); INSERT INTO event_1_1 VALUES (2, 2)")
    assert outbox.ops(events) == [("I", "event")] * 3
    assert events.sql("SELECT DISTINCT relation::regclass::text, schema FROM cdcd.outbox") == [("event", "public")]


def test_a_row_that_moves_leaves_and_comes(events):
    events.sql("INSERT INTO event VALUES (1, 1)")
    outbox.forget(events)
    events.sql("UPDATE event SET day = 12")
    assert [(op, old, new) for op, _, old, new in outbox.rows(events)] == [
        ("D", {"day": "1", "id": "1"}, None),
        ("I", None, {"day": "12", "id": "1"}),
    ]


@pytest.mark.parametrize("table", ["event", "event_1", "event_1_1", "event_2"])
def test_a_truncated_part_is_its_root_truncated(events, table):
    events.sql(f"TRUNCATE {table}")
    assert set(outbox.ops(events)) == {("T", "event")}


def test_rows_of_a_partition_that_is_made_later_are_seen(events):
    events.sql("CREATE TABLE event_3 PARTITION OF event FOR VALUES FROM (20) TO (30)")
    events.sql("SET session_replication_role = replica; INSERT INTO event VALUES (21, 1)")
    events.sql("INSERT INTO event_3 VALUES (22, 1)")
    assert outbox.ops(events) == [("I", "event")] * 2
    assert events.sql('SELECT "table"::text, enabled, unguarded::text[] FROM cdcd.watched') == [
        ("event", True, ["event_3"])
    ]
    events.sql("TRUNCATE event_3")
    assert outbox.ops(events)[2:] == []
    events.sql("SELECT cdcd.watch('event'); TRUNCATE event_3")
    assert outbox.ops(events)[2:] == [("T", "event")]
    assert events.value("SELECT unguarded FROM cdcd.watched") in ([], "{}")


def test_columns_may_stand_elsewhere_in_a_partition(events):
    events.sql(
        """CREATE TABLE other (junk int, id int NOT NULL, day int NOT NULL);
           ALTER TABLE other DROP junk;
           ALTER TABLE event ATTACH PARTITION other FOR VALUES FROM (30) TO (40);
           INSERT INTO event VALUES (31, 7)"""
    )
    assert news(events) == [{"day": "31", "id": "7"}]


def test_a_partition_that_leaves_and_comes_back_is_seen_again(events):
    events.sql(
        """ALTER TABLE event DETACH PARTITION event_2; INSERT INTO event_2 VALUES (11, 1);
           ALTER TABLE event ATTACH PARTITION event_2 FOR VALUES FROM (10) TO (20);
           INSERT INTO event_2 VALUES (11, 2)"""
    )
    assert news(events) == [{"day": "11", "id": "2"}]
    assert events.value(ENABLED, "event")


def test_triggers_that_a_partition_has_lost_are_noticed(events):
    assert events.value(ENABLED, "event")
    events.sql("ALTER TABLE event_1_1 DISABLE TRIGGER cdcd_change")
    assert not events.value(ENABLED, "event")
    events.sql("SELECT cdcd.watch('event')")
    assert events.value(ENABLED, "event")


def test_a_table_with_children_warns(db):
    db.sql("CREATE TABLE parent (a int); CREATE TABLE child () INHERITS (parent)")
    outbox.install(db)
    with db.session(autocommit=True) as session, session.cursor() as cursor:
        cursor.execute("SELECT cdcd.watch('parent')")
        assert "tables inherit from public.parent" in session.notices[-1]
    db.sql("INSERT INTO parent VALUES (1); INSERT INTO child VALUES (2)")
    assert news(db) == [{"a": "1"}]


# Tables that change.

# What changes, what is inserted after that, and the row that is then given where all are watched.
CHANGES = [
    ("ADD extra int DEFAULT 7", "(id, title)", {"id": "5", "title": "6", "body": None, "extra": "7"}),
    ("RENAME title TO headline", "(id, headline)", {"id": "5", "headline": "6", "body": None}),
    ("DROP title", "(id, body)", {"id": "5", "body": "6"}),
    ("DROP body", "(id, title)", {"id": "5", "title": "6"}),
    ("DROP title, ADD title int", "(id, title)", {"id": "5", "body": None, "title": "6"}),
    ("ALTER title TYPE varchar(20)", "(id, title)", {"id": "5", "title": "6", "body": None}),
    ("ALTER id TYPE numeric(9, 2)", "(id, title)", {"id": "5.00", "title": "6", "body": None}),
]


@pytest.mark.parametrize("watch", ["NULL", "ARRAY['id', 'title']"])
@pytest.mark.parametrize("change, columns, row", CHANGES, ids=[change for change, *_ in CHANGES])
def test_a_table_that_changes_after_it_is_watched_fails_nobody(db, watch, change, columns, row):
    """In the transaction that changes it, and in a session that has its plans already."""
    db.sql(POST)
    outbox.install(db)
    db.sql(f"SELECT cdcd.watch('post', {watch})")
    insert = f"INSERT INTO post {columns} VALUES (5, 6)"
    with db.session(autocommit=True) as other, other.cursor() as cursor:
        cursor.execute("INSERT INTO post VALUES (1, 't'); UPDATE post SET title = 'u'")
        db.sql(f"BEGIN; INSERT INTO post VALUES (2); ALTER TABLE post {change}; {insert}; COMMIT")
        cursor.execute(f"DELETE FROM post; {insert}; UPDATE post SET id = 7")
    seen = outbox.rows(db)
    assert "".join(op for op, *_ in seen) == "IUIIDDDIU"
    given = seen[7][3]
    assert given == seen[3][3]
    assert given == row if watch == "NULL" else given.items() <= row.items() and "id" in given
    assert seen[8][2] == given and seen[8][3] == {**given, "id": row["id"].replace("5", "7")}


def test_columns_that_change_places_are_given_by_name(titles):
    titles.sql(
        """ALTER TABLE post RENAME id TO was; ALTER TABLE post RENAME title TO id;
           ALTER TABLE post RENAME was TO title; INSERT INTO post (title, id) VALUES (5, 'six')"""
    )
    assert news(titles) == [{"id": "six", "title": "5"}]


def test_a_column_that_is_added_is_seen_where_all_are_watched(post):
    post.sql("ALTER TABLE post ADD extra int; INSERT INTO post (id, extra) VALUES (1, 7)")
    assert news(post) == [{"id": "1", "title": None, "body": None, "extra": "7"}]
    assert post.value(ENABLED, "post")
    post.sql("SELECT cdcd.watch('post')")
    assert post.value("SELECT columns FROM cdcd.watched") == ["id", "title", "body", "extra"]


def test_a_table_that_is_renamed_is_watched_under_its_new_name(post):
    post.sql("CREATE SCHEMA blog; ALTER TABLE post RENAME TO entry; ALTER TABLE entry SET SCHEMA blog")
    post.sql("INSERT INTO blog.entry VALUES (1)")
    assert post.sql("SELECT schema, name FROM cdcd.outbox") == [("blog", "entry")]
    assert post.value('SELECT "table"::text FROM cdcd.watched') == "blog.entry"


def test_of_a_table_that_is_dropped_nothing_is_left(post):
    functions = "SELECT count(*) FROM pg_proc WHERE proname ~ '^capture_[0-9]+$'"
    assert post.value(functions) == 1
    post.sql("INSERT INTO post VALUES (1); DROP TABLE post")
    assert outbox.ops(post) == [("I", "post")]
    assert post.sql("SELECT * FROM cdcd.watched") == []
    post.sql("CREATE TABLE other (a int); SELECT cdcd.watch('other')")
    assert post.value(functions) == 1
    post.sql("INSERT INTO other VALUES (1)")
    assert outbox.ops(post) == [("I", "post"), ("I", "other")]


# watch and unwatch.


@pytest.mark.parametrize(
    "call, said, hint",
    [
        ("'post', ARRAY['id', 'titel']", "table public.post has no stored column titel", "Without an array"),
        ("'post', '{}'", "table public.post has no stored column in an empty array", "Without an array"),
        ("'event_1_1'", "table public.event_1_1 is a partition", "cdcd.watch('public.event')"),
        ("'latest'", "public.latest is no table that lasts", "Watch the tables behind it"),
        ("'passing'", "passing is no table that lasts", "Watch the tables behind it"),
        ("'nowhere'", 'relation "nowhere" does not exist', None),
    ],
)
def test_what_cannot_be_watched_is_refused(db, call, said, hint):
    db.sql(POST + ";" + EVENTS + "CREATE VIEW latest AS SELECT * FROM post")
    outbox.install(db)
    given = complaint(db, f"CREATE TEMP TABLE passing (); SELECT cdcd.watch({call})")
    assert given[0] == said
    assert hint is None or hint in given[1]
    assert db.sql("SELECT * FROM cdcd.watched") == []


def test_watching_again_needs_no_lock(titles):
    """While somebody reads the table, whom a lock would wait for."""
    before = titles.sql("SELECT * FROM cdcd.watched")
    with titles.session() as reader, reader.cursor() as cursor:
        cursor.execute("SELECT * FROM post")
        titles.sql("SET lock_timeout = '50ms'; SELECT cdcd.watch('post', ARRAY['title', 'id'])")
        said, _ = complaint(titles, "SET lock_timeout = '50ms'; SELECT cdcd.watch('post')")
        assert "lock timeout" in said
    assert titles.sql("SELECT * FROM cdcd.watched") == before


def test_what_was_disabled_is_made_anew(titles):
    stamp = "SELECT stamp FROM cdcd.watched"
    before = titles.value(stamp)
    titles.sql("ALTER TABLE post DISABLE TRIGGER cdcd_update")
    assert not titles.value(ENABLED, "post")
    titles.sql("ALTER TABLE post ENABLE ALWAYS TRIGGER cdcd_update")
    assert titles.value(ENABLED, "post") and titles.value(stamp) != before
    titles.sql("DROP TRIGGER cdcd_truncate ON post")
    assert not titles.value(ENABLED, "post")
    titles.sql("SELECT cdcd.watch('post', ARRAY['id', 'title'])")
    assert titles.value(ENABLED, "post")
    titles.sql("TRUNCATE post")
    assert outbox.ops(titles) == [("T", "post")]


@pytest.mark.parametrize("trigger", ["ALL", "cdcd_change", "cdcd_truncate"])
def test_a_trigger_that_only_replicas_fire_counts_as_disabled(titles, trigger):
    titles.sql("ALTER TABLE post DISABLE TRIGGER " + trigger)
    if trigger != "ALL":
        titles.sql(f"ALTER TABLE post ENABLE REPLICA TRIGGER {trigger}")
    assert not titles.value(ENABLED, "post")


def test_a_table_that_is_no_more_watched_is_left_alone(post):
    post.sql("SELECT cdcd.unwatch('post'); SELECT cdcd.unwatch('post'); INSERT INTO post VALUES (1)")
    assert outbox.rows(post) == []
    assert post.value("SELECT count(*) FROM pg_proc WHERE proname ~ '^capture_[0-9]+$'") == 0
