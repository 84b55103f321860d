"""Lookups on a real PostgreSQL: tests/tools/ask_lookups.c drives the driver by itself."""

import os
import subprocess

import pytest

from poll import wait_for
from postgres import give_to_postgres
from servers import free_port
from tools import Program


class Asker(Program):
    """Its questions and its answers."""

    def __init__(self, database, timeout_ms, **conninfo):
        super().__init__("ask_lookups", database.conninfo(**conninfo), timeout_ms)

    def lookup(self, number, text, n_params=0, limit=1000):
        self.write(f"sql {number} {limit} {n_params} {text}")
        assert self.line() == "ready"

    def answers(self, n):
        """The next n answers by their question, each answered once."""
        lines = [self.line().split(" ", 1) for _ in range(n)]
        answers = {int(number): text for number, text in lines}
        assert len(answers) == n
        return answers

    def ask(self, number, *params):
        self.write(" ".join(map(str, ["ask", 0, number, *params])))
        return self.answers(1)[0]


@pytest.fixture
def asker(blog, cleanup):
    def make(database=blog, timeout_ms=20000, **conninfo):
        made = Asker(database, timeout_ms, **conninfo)
        cleanup.callback(made.process.kill)
        return made

    return make


def backends(database):
    """The processes that serve lookups."""
    return {
        pid
        for (pid,) in database.sql(
            "SELECT pid FROM pg_stat_activity WHERE datname = %s"
            " AND application_name = 'cdcd lookups'",
            database.name,
        )
    }


def test_rows_come_as_texts_and_a_parameter_takes_the_type_the_query_needs(asker):
    ask = asker()
    ask.lookup(1, "SELECT id, title, NULL FROM blog_post WHERE id <= $1 ORDER BY id", 1)
    assert ask.ask(1, 2) == "rows 1,title 1,\\N 2,title 2,\\N"
    assert ask.ask(1, "\\N") == "rows"
    ask.end()


def test_a_parameter_is_never_part_of_the_text(asker, blog):
    ask = asker()
    ask.lookup(1, "SELECT count(*) FROM blog_post WHERE title = $1", 1)
    assert ask.ask(1, "';DELETE/**/FROM/**/blog_post;--") == "rows 0"
    assert blog.value("SELECT count(*) FROM blog_post") == 9
    ask.end()


def test_a_query_may_end_with_a_comment_or_a_semicolon(asker):
    ask = asker()
    ask.lookup(1, "SELECT 1 -- one")
    ask.lookup(2, "SELECT 2 ; ")
    assert (ask.ask(1), ask.ask(2)) == ("rows 1", "rows 2")
    ask.end()


def test_settings_of_the_role_do_not_change_texts_and_its_search_path_holds(asker, blog):
    blog.sql(
        "CREATE SCHEMA side; CREATE TABLE side.only_there AS SELECT 0.1::float8 + 0.2 AS f;"
        "CREATE ROLE odd LOGIN; GRANT ALL ON SCHEMA side TO odd; GRANT ALL ON side.only_there TO odd;"
        "ALTER ROLE odd SET search_path = side; ALTER ROLE odd SET datestyle = 'German';"
        "ALTER ROLE odd SET timezone = 'Asia/Tokyo'; ALTER ROLE odd SET extra_float_digits = -5"
    )
    try:
        ask = asker(user="odd")
        ask.lookup(1, "SELECT f, timestamptz '2020-02-01 00:00Z' FROM only_there")
        assert ask.ask(1) == "rows 0.30000000000000004,2020-02-01 00:00:00+00"
        ask.end()
        wait_for(lambda: not backends(blog), "the program has left")
    finally:
        blog.sql("DROP OWNED BY odd; DROP ROLE odd")


def test_one_row_more_than_the_limit_is_too_many(asker):
    ask = asker()
    ask.lookup(1, "SELECT id FROM blog_post", limit=9)
    ask.lookup(2, "SELECT id FROM blog_post", limit=8)
    assert ask.ask(1).count(" ") == 9
    assert ask.ask(2) == "many"
    ask.end()


@pytest.mark.parametrize(
    "text, reason",
    [
        ("DELETE FROM blog_post", "syntax error"),
        ("SELECT 1) AS x; DELETE FROM blog_post; SELECT * FROM (SELECT 1", "cannot insert multiple"),
        ("WITH d AS (DELETE FROM blog_post RETURNING id) SELECT * FROM d", "data-modifying"),
        ("SELECT nextval('numbers')", "lookups are read-only"),
        ("SELECT * FROM nowhere", 'relation "nowhere" does not exist'),
        ("SELECT 1 / (id - id) FROM blog_post", "does not fit"),
    ],
)
def test_what_is_no_query_or_fails_is_answered_so_and_changes_nothing(asker, blog, text, reason):
    blog.sql("CREATE SEQUENCE numbers")
    ask = asker()
    ask.lookup(1, text)
    answer = ask.ask(1)
    assert answer.startswith("failed ") and reason in answer
    assert blog.value("SELECT count(*) FROM blog_post") == 9
    ask.end()


def test_a_value_of_a_row_is_not_in_the_reason(asker):
    ask = asker()
    ask.lookup(1, "SELECT id FROM blog_post WHERE id = $1", 1)
    answer = ask.ask(1, "secret")
    assert answer.startswith("failed ") and "22P02" in answer and "secret" not in answer
    ask.end()


@pytest.mark.smoke
def test_ten_thousand_questions_are_answered_once_each_and_bad_ones_fail_alone(asker):
    ask = asker(timeout_ms=60000)
    ask.lookup(1, "SELECT id, title FROM blog_post WHERE id = $1::int % 9 + 1", 1)
    ask.lookup(2, "SELECT nothing FROM blog_post")
    ask.lookup(3, "SELECT 1 / $1::int", 1)
    kinds = {0: "2", 1: "3 0"}
    n = 10000
    ask.write(*(f"ask {i} {kinds.get(i % 10, f'1 {i}')}" for i in range(n)))
    answers = ask.answers(n)
    for i, text in answers.items():
        post = i % 9 + 1
        if i % 10 > 1:
            assert text == f"rows {post},title {post}"
        else:
            assert text.startswith("failed ") and ("42703", "22012")[i % 10] in text
    ask.end()


def test_answers_of_any_size_come_whole_over_tls(asker, own_postgres, monkeypatch):
    """TLS gives records, and where those end has nothing to do with messages."""
    port = free_port()
    monkeypatch.setenv("PGPORT", str(port))  # for the harness' own connections
    cluster = own_postgres(listen_addresses="127.0.0.1", port=port)
    key, crt = cluster.data / "server.key", cluster.data / "server.crt"
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost"]
        + ["-keyout", str(key), "-out", str(crt)],
        check=True,
        capture_output=True,
    )
    for path in (key, crt):
        path.chmod(0o600)
        give_to_postgres(path)
    cluster.set(ssl="on")
    ask = asker(cluster.database("postgres"), host="127.0.0.1", port=port, sslmode="require")
    ask.lookup(1, "SELECT ssl FROM pg_stat_ssl WHERE pid = pg_backend_pid()")
    ask.lookup(2, "SELECT repeat('x', $1::int)", 1)
    assert ask.ask(1) == "rows t"
    sizes = [1, 8000, 8190, 8192, 16000, 16384, 16385, 24576, 33000, 100000, 1000000]
    ask.write(*(f"ask {n} 2 {size}" for n, size in enumerate(sizes * 20)))
    answers = ask.answers(len(sizes) * 20)
    assert all(len(answers[n]) == 5 + size for n, size in enumerate(sizes * 20))
    for size in range(7900, 8400, 7):
        assert len(ask.ask(2, size)) == 5 + size
    ask.end()


def test_more_lookups_than_statements_are_kept_are_answered_all(asker, blog):
    ask = asker(timeout_ms=60000)
    for number in range(600):
        ask.lookup(number, f"SELECT {number}")
    for again in range(2):
        ask.write(*(f"ask {number} {number}" for number in range(600)))
        assert ask.answers(600) == {number: f"rows {number}" for number in range(600)}
    ask.lookup(700, "SELECT count(*) FROM pg_prepared_statements")
    assert 200 < int(ask.ask(700).split()[1]) <= 256
    ask.end()


def test_a_question_that_was_out_when_its_backend_ended_is_asked_again(asker, blog):
    ask = asker(timeout_ms=20000)
    ask.lookup(1, "SELECT id FROM blog_post WHERE id = 3")
    assert ask.ask(1) == "rows 3"
    with blog.session() as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLE blog_post")
        ask.write("ask 1 1", "ask 2 1")
        first = wait_for(lambda: waiting_for_locks(blog), "the question waits")
        blog.sql("SELECT pg_terminate_backend(%s)", first)
        wait_for(lambda: waiting_for_locks(blog) not in (None, first), "it is asked again")
    assert ask.answers(2) == {1: "rows 3", 2: "rows 3"}
    ask.end()


def waiting_for_locks(database):
    return database.value(
        "SELECT pid FROM pg_stat_activity WHERE datname = %s AND wait_event_type = 'Lock'"
        " AND application_name = 'cdcd lookups'",
        database.name,
    )


def test_an_idle_connection_that_was_ended_is_made_again_for_the_next_question(asker, blog):
    ask = asker()
    ask.lookup(1, "SELECT 1")
    assert not backends(blog), "nothing was asked yet"
    assert ask.ask(1) == "rows 1"
    (pid,) = backends(blog)
    blog.sql("SELECT pg_terminate_backend(%s)", pid)
    assert ask.ask(1) == "rows 1"
    assert backends(blog) not in ({pid}, set())
    ask.end()


def test_a_table_that_is_locked_costs_a_question_its_time_and_the_next_is_answered(asker, blog):
    ask = asker(timeout_ms=500)
    ask.lookup(1, "SELECT id FROM blog_post WHERE id = 3")
    ask.lookup(2, "SELECT 2")
    assert ask.ask(2) == "rows 2"
    with blog.session() as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLE blog_post")
        assert ask.ask(1) == "failed no answer from PostgreSQL within 500 ms"
        wait_for(lambda: ask.ask(2) == "rows 2", "the connection is free again")
    assert ask.ask(1) == "rows 3"
    ask.end()


def test_a_server_that_hangs_is_given_up_after_the_time_and_asked_again_when_it_is_back(
    asker, own_blog
):
    blog = own_blog()
    ask = asker(blog, timeout_ms=700)
    ask.lookup(1, "SELECT 1")
    assert ask.ask(1) == "rows 1"
    (pid,) = backends(blog)
    os.kill(pid, 19)
    try:
        assert ask.ask(1) == "failed no answer from PostgreSQL within 700 ms"
        wait_for(lambda: ask.ask(1) == "rows 1", "another backend answers")
    finally:
        os.kill(pid, 18)
    ask.end()


def test_a_server_that_is_down_fails_questions_after_their_time_with_the_reason(asker, own_blog):
    blog = own_blog()
    blog.cluster.stop()
    ask = asker(blog, timeout_ms=300)
    ask.lookup(1, "SELECT 1")
    answer = ask.ask(1)
    assert answer.startswith("failed no connection to PostgreSQL within 300 ms: ")
    blog.cluster.start()
    wait_for(lambda: ask.ask(1) == "rows 1", "it is back")
    ask.end()


def test_ddl_that_breaks_a_prepared_statement_costs_no_answer(asker, blog):
    ask = asker()
    ask.lookup(1, "SELECT * FROM blog_post WHERE id = 1")
    assert ask.ask(1).startswith("rows 1,title 1")
    blog.sql("ALTER TABLE blog_post ADD COLUMN extra int DEFAULT 7")
    assert ask.ask(1).endswith(",7")
    blog.sql("ALTER TABLE blog_post DROP COLUMN extra")
    ask.write(*(f"ask {i} 1" for i in range(500)))
    assert {text.count(",") for text in ask.answers(500).values()} == {2}
    ask.lookup(2, "SELECT count(*) FROM pg_prepared_statements WHERE statement LIKE '%%blog_post%%'")
    assert ask.ask(2) == "rows 2"
    ask.end()


def test_statements_that_somebody_deallocated_are_prepared_again(asker, blog):
    blog.sql(
        "CREATE FUNCTION forget_all() RETURNS int LANGUAGE plpgsql AS"
        " $$ BEGIN EXECUTE 'DEALLOCATE ALL'; RETURN 1; END $$"
    )
    ask = asker()
    ask.lookup(1, "SELECT 1")
    ask.lookup(2, "SELECT forget_all()")
    assert ask.ask(1) == "rows 1"
    ask.ask(2)
    assert ask.ask(1) == "rows 1"
    ask.end()


def test_an_answer_that_is_too_large_is_refused_and_costs_no_neighbour(asker):
    ask = asker()
    ask.lookup(1, "SELECT repeat('x', 1000000) FROM generate_series(1, 100)")
    ask.lookup(2, "SELECT 2")
    ask.write("ask 1 2", "ask 2 1", *(f"ask {i} 2" for i in range(3, 20)))
    answers = ask.answers(19)
    assert answers.pop(2).startswith("failed the answer is larger than 16 MB")
    assert set(answers.values()) == {"rows 2"}
    ask.end()


def test_what_was_forgotten_is_not_answered(asker, blog):
    ask = asker()
    ask.lookup(1, "SELECT id FROM blog_post WHERE id = 3")
    ask.lookup(2, "SELECT 2")
    assert ask.ask(2) == "rows 2"
    with blog.session() as holder, holder.cursor() as cursor:
        cursor.execute("LOCK TABLE blog_post")
        ask.write("ask 7 1")
        wait_for(lambda: waiting_for_locks(blog), "the question waits")
        ask.write("forget")
        assert ask.line() == "ready"
    assert ask.ask(2) == "rows 2"
    ask.end()


def test_after_forget_another_backend_answers_at_once(asker, blog):
    ask = asker(timeout_ms=20000)
    ask.lookup(1, "SELECT pg_sleep(15)")
    ask.lookup(2, "SELECT pg_backend_pid()")
    before = ask.ask(2)
    ask.write("ask 7 1", "forget")
    assert ask.line() == "ready"
    assert ask.ask(2) != before
    ask.end()
