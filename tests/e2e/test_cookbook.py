"""The rules of rules/README.md on real servers: what `explain` shows there is what comes of the
change."""

import json
import re
import shlex

import pytest

import papers
from daemon import run_verb
from poll import wait_for

TABLES = """
CREATE SCHEMA tenant_acme;
CREATE TABLE comment (id int, post_id int, author text, text text, approved bool, votes int);
CREATE TABLE post (id int, slug text, title text, summary text, text text, author_id int,
                   published bool, date date, created timestamptz);
CREATE TABLE author (id int, name text);
CREATE TABLE settings (comment_order text, theme int);
CREATE TABLE category (id int);
CREATE TABLE product (id int, name text, price numeric);
CREATE TABLE product_price (product_id int, currency text, price numeric);
CREATE TABLE products (id int, name text, price numeric, deleted_at timestamptz);
CREATE TABLE news (id int, title text, text text, category_id int);
CREATE TABLE user_education (user_id int);
CREATE TABLE auth_user (username text, first_name text);
CREATE TABLE article (id int, title text, text text);
CREATE TABLE tenant_acme.post (id int, title text);
CREATE TABLE cart_item (user_id int);
CREATE TABLE sale (year int);
CREATE TABLE page (parent_id int, author_id int);
CREATE TABLE event (data jsonb);
CREATE TABLE tag (name text);
CREATE TABLE purchase (customer_id int);
CREATE TABLE feature_flag (name text);
CREATE TABLE item (name text, code text, made timestamptz, size int, sold bool);
"""
IDENTITY = """
DO $$ DECLARE t regclass; BEGIN
  FOR t IN SELECT c.oid FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
           WHERE c.relkind = 'r' AND n.nspname IN ('public', 'tenant_acme') LOOP
    EXECUTE format('ALTER TABLE %s REPLICA IDENTITY FULL', t);
  END LOOP; END $$
"""
RULES = [block for block in papers.read() if block.kind == "rules"]
NO_ROOM = "max_slot_wal_keep_size"  # the shared cluster's, which is no matter of rules


def rules_of(block):
    """With its times cut short."""
    return papers.file_of(block)[1].replace('"30s"', '"50ms"')


class Shown:
    """A change that the paper has `explain` tell, and the ops that it shows."""

    def __init__(self, command, said):
        words = shlex.split(command)
        self.op, self.table = words[3:5]
        self.old, self.new = self.row(words, "--old"), self.row(words, "--new")
        self.ops = [
            (store, action, re.sub(r"\\x(..)", lambda found: chr(int(found[1], 16)), key))
            for store, action, key in re.findall(
                r"^(\w+) (delete|bump|scan|set|stale|publish) (.*?)  shop\.cfg:\d+ \w+$", said, re.MULTILINE
            )
        ]
        assert self.ops or said.endswith("nothing matches this change\n"), command

    @staticmethod
    def row(words, option):
        text = words[words.index(option) + 1] if option in words else ""
        pairs = re.findall(r"(\w+)=(\"(?:[^\"]|\"\")*\"|[^,]*)", text)
        values = {
            name: value[1:-1].replace('""', '"') if value.startswith('"') else value
            for name, value in pairs
        }
        return {name: None if value == "NULL" else value for name, value in values.items()}

    def keys(self, store):
        """What is warm before, and gone or another after."""
        return {
            key.replace("*", "x")
            for name, action, key in self.ops
            if name == store and action != "publish"
        }

    def before(self, database):
        database.sql(f"TRUNCATE {self.table}")
        if self.op != "insert":
            insert(database, self.table, self.old)

    def do(self, database):
        if self.op == "insert":
            insert(database, self.table, self.new)
        elif self.op == "update":
            column = next(iter(self.old), None) or "product_id"
            parts = [f"{name} = %s" for name in self.new] or [f"{column} = {column}"]
            database.sql(f"UPDATE {self.table} SET {', '.join(parts)}", *self.new.values())
        else:
            database.sql({"delete": "DELETE FROM ", "truncate": "TRUNCATE "}[self.op] + self.table)


def insert(database, table, row):
    places = ", ".join(["%s"] * len(row))
    values = f"({', '.join(row)}) VALUES ({places})" if row else "DEFAULT VALUES"
    database.sql(f"INSERT INTO {table} {values}", *row.values())


def shown(section):
    blocks = [block for block in papers.read() if block.section == section and block.mark == "console"]
    return [
        Shown(command, said)
        for block in blocks
        for command, said in papers.commands(block)
        if re.match(r"cdcd explain shop\.cfg (insert|update|delete|truncate) ", command)
    ]


@pytest.fixture
def shop(db):
    db.sql(TABLES)
    db.sql(IDENTITY)
    return db


@pytest.mark.parametrize("block", RULES, ids=str)
def test_a_rule_of_the_paper_fits_real_tables(block, shop, redis, memcached, new_cdcd):
    cdcd = new_cdcd(shop, rules_of(block), {"redis": redis, "memcached": memcached})
    answer = run_verb("check", "--live", "-c", cdcd.config)
    complaints = [line for line in answer.stderr.splitlines() if NO_ROOM not in line]
    assert answer.returncode == 0 and not complaints, answer.stderr


def listen(redis, channel):
    listener = redis.client.pubsub(ignore_subscribe_messages=True)
    listener.subscribe(channel)
    wait_for(lambda: redis.client.pubsub_numsub(channel)[0][1] == 1, "it has subscribed")
    return listener


def is_bumped(client, key, _):
    assert int(client.getdel(key)) > 1, key


def is_set(client, key, _):
    assert client.ttl(key) > 0
    row = json.loads(client.getdel(key))
    assert {"id", "name"} <= set(row), row


def is_stale(client, key, _):
    assert client.get(key) == b"warm" and client.ttl(key) > 0
    assert client.delete(key + ":stale") == 1
    client.delete(key)


def is_published(_client, channel, listener):
    wait_for(listener.get_message, f"a message on {channel}")


# What does not only delete: how one sees that it was done, and is rid of what it leaves.
KEPT = {"bump": is_bumped, "set": is_set, "stale": is_stale, "publish": is_published}

SECTIONS = {block.section: block for block in RULES if shown(block.section)}


@pytest.mark.parametrize("section", SECTIONS)
def test_what_explain_shows_is_what_is_done(section, shop, redis, memcached, run_cdcd):
    stores = {"redis": redis, "memcached": memcached}
    cdcd = run_cdcd(shop, rules_of(SECTIONS[section]), stores)
    for one in shown(section):
        one.before(shop)
        cdcd.caught_up()
        for name, store in stores.items():
            store.warm("canary", *one.keys(name))
        kept = [(action, key) for _, action, key in one.ops if action in KEPT]
        listeners = {key: listen(redis, key) for action, key in kept if action == "publish"}
        for action, key in kept:
            if action == "bump":
                redis.client.set(key, 1)
        one.do(shop)
        cdcd.caught_up()
        for action, key in kept:
            KEPT[action](redis.client, key, listeners.get(key))
        for name, store in stores.items():
            assert store.left() == {"canary"}, (name, one.ops)
