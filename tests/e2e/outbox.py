"""The outbox as its migrations make it, and what stands in it."""

import pathlib

SQL = pathlib.Path(__file__).resolve().parents[2] / "sql"

# Of the daemon that reads.
LOCK = 1667523428


def migrate(database, *names):
    """Runs migrations as psql -f does, statement by statement; what was raised that is no error."""
    said = []
    for name in names:
        with database.session(autocommit=True) as session, session.cursor() as cursor:
            cursor.execute((SQL / name).read_text("utf-8"))
            said += session.notices
    return "".join(said)


def install(database):
    migrate(database, "003_outbox_role.sql", "004_outbox.sql")
    return database


def fields(record):
    """The values of a record's text, as PostgreSQL writes it."""
    if record is None:
        return None
    values = []
    value, quoted, seen, n = "", False, False, 1
    while n < len(record):
        c = record[n]
        n += 1
        if quoted and c == '"' and record[n] == '"' or c == "\\":
            value += record[n]
            n += 1
        elif c == '"':
            quoted = not quoted
            seen = True
        elif not quoted and c in ",)":
            values.append(value if value or seen else None)
            value, seen = "", False
        else:
            value += c
    return values


def rows(database):
    """What the outbox holds, in the order in which it was written: (op, table, old, new), images
    as dicts, or None where there is none."""
    found = []
    for op, name, columns, old, new in database.sql(
        "SELECT op, name, columns, old, new FROM cdcd.outbox ORDER BY id"
    ):
        names = fields(columns) or []
        images = (dict(zip(names, fields(image))) if image is not None else None for image in (old, new))
        found.append((op, name, *images))
    return found


def ops(database):
    """The same, without the values."""
    return [(op, name) for op, name, _, _ in rows(database)]


def forget(database):
    """Empties the outbox, as the daemon does."""
    database.sql("BEGIN; SET LOCAL cdcd.reader = 'on'; DELETE FROM cdcd.outbox; COMMIT")


def watch_all(database, notify=True):
    """Every table of the database, whole."""
    database.sql(
        """SELECT cdcd.watch(c.oid, notify => %s) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind IN ('r', 'p') AND NOT c.relispartition AND c.relpersistence <> 't'
           AND n.nspname <> ALL (ARRAY['cdcd', 'information_schema']) AND n.nspname !~ '^pg_'
           ORDER BY c.oid""",
        notify,
    )
