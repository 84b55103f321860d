"""Keys that an application makes with its own functions are those that filters make."""

import base64
import hashlib
import json
import urllib.parse
import zlib

from daemon import rules_file

ITEMS = rules_file(
    r"""
  digests = { key = "d:{name|md5}:{name|sha1}:{name|sha256}:{name|crc32}"; triggers = "item"; };
  encoded = { key = "e:{name|hex}:{name|base64}:{name|urlencode}"; triggers = "item"; };
  archive = { key = "a:{made|date:\"%Y-%m-%d %H:%M\"}:{day|date:\"%j\"}"; triggers = "item"; };
  flags = { key = "f:{shown|bool:\"True,False\"}:{price|json}:{label|default:\"none\"|upper}";
            triggers = "item"; };
  texts = { key = "j:{name|json}:{shown|json}"; triggers = "item"; };
"""
)

TABLE = """
CREATE TABLE item (name text PRIMARY KEY, made timestamptz NOT NULL, day date NOT NULL,
                   shown bool NOT NULL, price numeric NOT NULL, label text);
ALTER TABLE item REPLICA IDENTITY FULL;
"""

ROWS = [
    ("plain", "2024-02-29 23:30:00+02", "2024-02-29", True, "1.50", None),
    ("a b/c?d=e&f%", "2023-12-31 22:15:00-04", "2023-12-31", False, "-0.001", "sale"),
    ("ключ \U0001f511", "1999-06-15 12:00:00.999999+00", "2000-01-01", True, "1e30", ""),
    ('quote"back\\slash\t\x01', "2024-07-01 00:00:00+00", "2024-07-01", False, "0", "x"),
]


def keys_of(name, made, day, shown, price, label):
    """What the application writes, from what its driver reads."""
    raw = name.encode()
    digests = [hash(raw).hexdigest() for hash in (hashlib.md5, hashlib.sha1, hashlib.sha256)]
    shown_json = "true" if shown else "false"
    return {
        "blog:d:" + ":".join(digests) + f":{zlib.crc32(raw):08x}",
        f"blog:e:{raw.hex()}:{base64.b64encode(raw).decode()}:{urllib.parse.quote(name, safe='')}",
        f"blog:a:{made:%Y-%m-%d %H:%M}:{day:%j}",
        f"blog:f:{shown}:{price:f}:{('none' if label is None else label).upper()}",
        f"blog:j:{json.dumps(name, ensure_ascii=False)}:{shown_json}",
    }


def test_filters_make_the_keys_that_the_application_makes(db, redis, run_cdcd):
    db.sql(TABLE)
    cdcd = run_cdcd(db, ITEMS, {"redis": redis})
    with db.session(autocommit=True) as session, session.cursor() as cursor:
        for row in ROWS:
            cursor.execute("SET timezone = 'Asia/Kolkata'")
            cursor.execute("INSERT INTO item VALUES (%s, %s, %s, %s, %s, %s)", row)
            cursor.execute("SET timezone = 'UTC'")
            cursor.execute("SELECT * FROM item WHERE name = %s", (row[0],))
            keys = keys_of(*cursor.fetchone())
            cdcd.caught_up()
            redis.warm("canary", *keys)
            cursor.execute("UPDATE item SET price = price WHERE name = %s", (row[0],))
            cdcd.caught_up()
            assert redis.left() == {"canary"}, row
