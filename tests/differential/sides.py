"""The two that answer: PostgreSQL and cdcd. Each takes cases and gives an answer for each."""

import io
import re
import subprocess
import threading

from values import COLUMNS, IDENTITY, OWN_TYPES

SCHEMA = """
CREATE TABLE r (number int PRIMARY KEY, {columns});
INSERT INTO r (number) VALUES (0);
CREATE FUNCTION table_schema() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'public'::text $$;
CREATE FUNCTION table_name() RETURNS text LANGUAGE sql IMMUTABLE AS $$ SELECT 'r'::text $$;
CREATE FUNCTION base_type(oid) RETURNS oid LANGUAGE sql STABLE AS $$
    WITH RECURSIVE layers AS (
        SELECT oid, typbasetype FROM pg_type WHERE oid = $1
        UNION ALL
        SELECT t.oid, t.typbasetype FROM layers l JOIN pg_type t ON t.oid = l.typbasetype)
    SELECT oid FROM layers WHERE typbasetype = 0 $$;
CREATE FUNCTION evaluate(queries text[],
                         OUT state text, OUT type oid, OUT is_null bool, OUT value text)
RETURNS SETOF record LANGUAGE plpgsql AS $$
DECLARE query text;
BEGIN
    FOREACH query IN ARRAY queries LOOP
        BEGIN
            EXECUTE query INTO type, is_null, value;
            IF type >= 16384 THEN
                type := base_type(type);
            END IF;
            state := NULL;
        EXCEPTION WHEN OTHERS THEN
            state := SQLSTATE;
            value := SQLERRM;
        END;
        RETURN NEXT;
    END LOOP;
END $$;
"""

# Of each column: what its type is made of; if that is a type of the database's own, its name, what
# says which values are equal, whether it is composite, whether a cast to text gives the text that is
# sent, and labels. A domain of an enum is one by itself: PostgreSQL finds no = for it.
TYPES = """
SELECT CASE WHEN t.typtype = 'e' THEN a.atttypid ELSE t.oid END, t.oid,
       CASE WHEN t.oid >= 16384 THEN t.oid::regtype::text END,
       CASE WHEN t.typtype = 'e' AND t.oid = a.atttypid THEN 'enum' WHEN e.typtype = 'e' THEN 'enums'
            WHEN t.typtype = 'c' THEN 'row' ELSE 'its' END, true,
       (SELECT string_agg(enumlabel, ',') FROM pg_enum WHERE enumtypid IN (t.oid, e.oid))
  FROM pg_attribute a
  JOIN pg_type t ON t.oid = base_type(a.atttypid)
  LEFT JOIN pg_type e ON e.oid = t.typelem AND t.typcategory = 'A'
 WHERE a.attrelid = 'r'::regclass AND a.attnum > 1 ORDER BY a.attnum
"""

SETTINGS = """
SET datestyle = 'ISO'; SET intervalstyle = 'postgres'; SET timezone = 'UTC';
SET extra_float_digits = 1; SET bytea_output = 'hex'; SET client_min_messages = 'error';
SET jit = off; SET max_parallel_workers_per_gather = 0;
"""

# The words of an expression.
TOKEN = re.compile(
    r"""[eE]'(?:[^'\\]|''|\\.)*'|'(?:[^']|'')*'|"[^"]*"|::|[0-9]+(?:\.[0-9]*)?(?:[eE][-+]?[0-9]+)?"""
    r"""|\.[0-9]+|(?:old|new|OLD|NEW)\s*\.\s*(?:\w+|"[^"]*")|\w+|[-+*/<>=~!@#%^&|`?]+|\S"""
)
GAP = r"(?:\s|/\*.*?\*/)*"
CHANGED = re.compile(rf"\bchanged{GAP}\({GAP}(\w+){GAP}\)", re.IGNORECASE)
NAMES = {name for name, _ in COLUMNS}


class Case:
    """An expression, and what it is evaluated on. Rows are numbers; row 0 is all NULL."""

    __slots__ = ("condition", "op", "image", "old", "new", "seed", "text")

    def __init__(self, condition, op, image, old, new, seed, text):
        self.condition, self.op, self.image = condition, op, image
        self.old, self.new, self.seed, self.text = old, new, seed, text

    def with_text(self, text):
        return Case(self.condition, self.op, self.image, self.old, self.new, self.seed, text)


def make_table(cursor, rows):
    """Makes it; the oids of the columns' types, and the rows as COPY writes them: their texts are
    those of the stream."""
    cursor.execute(SETTINGS)
    columns = ", ".join(f"{name} {type}" for name, type in COLUMNS)
    cursor.execute(OWN_TYPES)
    cursor.execute(SCHEMA.format(columns=columns))
    marks = ", ".join(["%s"] * (len(COLUMNS) + 1))
    for number, values in enumerate(rows, 1):
        cursor.execute(f"INSERT INTO r VALUES ({marks})", [number, *values])
    cursor.execute("ANALYZE r")
    names = ", ".join(name for name, _ in COLUMNS)
    texts = io.StringIO()
    cursor.copy_expert(f"COPY (SELECT {names} FROM r ORDER BY number) TO STDOUT", texts)
    cursor.execute(TYPES)
    return cursor.fetchall(), texts.getvalue().split("\n")[:-1]


def changed(match):
    """By the texts of both images."""
    texts = [f"CASE WHEN {c} IS DISTINCT FROM NULL THEN format('%s', {c}) END" for c in
             (f"old.{match[1]}", f"new.{match[1]}")]  # fmt: skip
    return f"({texts[0]} IS DISTINCT FROM {texts[1]})"


def of_image(image):
    """Says of which row a bare column is."""

    def named(match):
        word = match[0]
        return f"{image}.{word}" if word.lower().strip('"') in NAMES else word

    return named


def query(case):
    text = CHANGED.sub(changed, case.text)
    rows = f"r this WHERE number = {case.old if case.image == 'old' else case.new}"
    lower = text.lower()
    if "old" in lower or "new" in lower:
        text = TOKEN.sub(of_image(case.image), text)
        rows = f"r old, r new WHERE old.number = {case.old} AND new.number = {case.new}"
    text = f"({text}\n)"
    if case.condition:
        text = f"({text} AND true)"
    return (
        "SELECT pg_typeof(x)::oid, x IS NOT DISTINCT FROM NULL, format('%s', x)"
        f" FROM (SELECT {text} AS x FROM {rows} OFFSET 0) s"
    )


class Postgres:
    def __init__(self, connection):
        self.cursor = connection.cursor()
        self.cursor.execute(SETTINGS)

    def answers(self, cases):
        """Of each: ("state", SQLSTATE, message), ("null", oid) or ("value", oid, text)."""
        self.cursor.execute(
            "SELECT * FROM evaluate(%s::text[])", ([query(case) for case in cases],)
        )
        return [
            ("state", state, value) if state else ("null", type) if is_null else ("value", type, value)
            for state, type, is_null, value in self.cursor.fetchall()
        ]


ESCAPES = {"\\": "\\\\", "\t": "\\t", "\n": "\\n", "\r": "\\r"}
UNESCAPES = {"t": "\t", "n": "\n", "r": "\r"}


def escape(text):
    return re.sub(r"[\\\t\n\r]", lambda match: ESCAPES[match[0]], text)


def unescape(text):
    return re.sub(r"\\(.)", lambda match: UNESCAPES.get(match[1], match[1]), text)


def line(case):
    fields = ["test" if case.condition else "value", case.op, case.image]
    fields += [str(case.old), str(case.new), str(case.seed), escape(case.text)]
    return "\t".join(fields) + "\n"


def column_line(name, oid, base, own, equality, casts_to_text, labels):
    fields = ["column", name, str(oid), str(int(name in IDENTITY))]
    if own:
        fields += [own, equality, str(int(casts_to_text)), labels or ""]
    return "\t".join(fields) + "\n"


class Cdcd:
    """The program tests/evaluate."""

    def __init__(self, program, types, rows):
        self.program = program
        self.bases = {str(type[0]): str(type[1]) for type in types}
        self.table = "".join(
            column_line(name, *type) for (name, _), type in zip(COLUMNS, types)
        ) + "".join(f"row\t{row}\n" for row in rows)
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.program], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, encoding="utf-8",
            errors="surrogateescape",
        )  # fmt: skip
        self.process.stdin.write(self.table)

    def end(self):
        self.process.stdin.close()
        self.process.stdout.close()
        self.process.wait()

    def answers(self, cases):
        """Of each: (doubt, "refused" | "error" | "doubt" | "null" | "value" | "crash", ...)."""
        done = []
        while len(done) < len(cases):
            done += self.some(cases[len(done) :])
            if len(done) < len(cases):
                done.append(("-", "crash"))
                self.end()
                self.start()
        return done

    def some(self, cases):
        """Fewer than cases when it crashed."""
        text = "".join(map(line, cases))
        writer = threading.Thread(target=self.write, args=(text,))
        writer.start()
        answers = []
        for _ in cases:
            answer = self.process.stdout.readline()
            if not answer:
                break
            answers.append(self.based(*map(unescape, answer.rstrip("\n").split("\t"))))
        writer.join()
        return answers

    def based(self, doubt, kind, *rest):
        """With the type's oid that PostgreSQL's side gives."""
        if kind in ("null", "value"):
            rest = (self.bases.get(rest[0], rest[0]), *rest[1:])
        return doubt, kind, *rest

    def write(self, text):
        try:
            self.process.stdin.write(text)
            self.process.stdin.flush()
        except BrokenPipeError:
            pass
