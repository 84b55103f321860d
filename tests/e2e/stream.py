"""An application that never stops: it warms keys and changes their rows, whatever breaks."""

import random
import threading

import psycopg2
import redis as redis_client

POSTS = 2000


class Stream(threading.Thread):
    """Changes rows of blog_post, one or many in a transaction. Each key is warm before its row
    changes, and nobody fills it after: when all is done, no key is left.

    The database may go away: a transaction is repeated until it is committed. The cache may go
    away: what is not warm need not be deleted."""

    def __init__(self, database, cache, transactions, seed):
        super().__init__(daemon=True)
        self.database = database
        self.cache = cache
        self.transactions = transactions
        self.random = random.Random(seed)
        self.done = 0
        self.connection = None

    def run(self):
        while self.done < self.transactions:
            many = self.random.random() < 0.05
            rows = self.random.sample(range(1, POSTS + 1), 300 if many else 1)
            self.warm(rows)
            self.change(rows)
            self.done += 1
        self.connection.close()

    def warm(self, rows):
        try:
            self.cache.warm(*(f"blog:post:{n}" for n in rows))
        except (OSError, redis_client.RedisError):
            pass

    def change(self, rows):
        while True:
            try:
                self.execute(rows)
                return
            except psycopg2.Error:
                self.connection = None

    def execute(self, rows):
        if self.connection is None:
            self.connection = psycopg2.connect(self.database.conninfo())
            self.connection.autocommit = True
        with self.connection.cursor() as cursor:
            cursor.execute("UPDATE blog_post SET title = txid_current() WHERE id = ANY(%s)", (rows,))
