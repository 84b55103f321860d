"""The race that refilling has: a reader that read the old row before the commit writes it back after
the delete. Its steps are drawn at random and made one after the other, on real servers.

A round is one key and two readers. A reader has three steps: what it asks the cache, its query, and
what it writes to the cache; each stands before the commit, between the commit and the delete
(cdcd is stopped meanwhile), or after the delete. Rounds of a batch share the commit."""

import importlib.util
import itertools
import random
import subprocess

import greenlet

from daemon import rules_file
from papers import REPOSITORY
from poll import wait_for
from servers import LEASH

RECIPES = REPOSITORY / "rules/recipes"
BEFORE_COMMIT, BEFORE_DELETE, AFTER = PHASES = range(3)
TABLE = "CREATE TABLE product (id int PRIMARY KEY, version int NOT NULL)"
PLAIN = 'product = { key = "product:{id}"; triggers = "product"; };'


def recipe(name):
    spec = importlib.util.spec_from_file_location(name, RECIPES / f"{name}.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Cure:
    """What an application does, and the rules that go with it. `rules` names the file."""

    rules = module = None
    store = "redis"
    delay = False  # done again after some time

    def __init__(self, server):
        self.code = recipe(self.module) if self.module else None
        self.client = server.client if self.store == "redis" else None
        if self.store == "mc":
            self.client = recipe("lease_memcached").Memcached(server.socket)

    @classmethod
    def rules_text(cls):
        text = (RECIPES / f"{cls.rules}.cfg").read_text("utf-8")
        return text.replace('store  = "memcached"', 'store  = "mc"')

    def key(self, number):
        return f"shop:product:{number}"

    def read(self, number, load, _now):
        """As the application reads it."""
        return self.code.cached(self.client, self.key(number), lambda: load()[0])

    def fresh(self, number):
        """What is served from now on; None when the next reader asks the database."""
        return self.client.get(self.key(number))

    def clear(self, _count):
        self.client.flushdb()

    def end(self):
        """After the last round."""


class Plain(Cure):
    """No cure."""

    rules = "redelete"

    def read(self, number, load, _now):
        value = self.client.get(self.key(number))
        if value is None:
            value = load()[0]
            self.client.set(self.key(number), value)
        return value

    @classmethod
    def rules_text(cls):
        return rules_file(PLAIN, prefix="shop:")


class Redelete(Plain):
    delay = True

    @classmethod
    def rules_text(cls):
        return Cure.rules_text.__func__(cls)


class Versions(Cure):
    rules = module = "versions"

    def fresh(self, number):
        version = self.client.get(self.key(number) + ":version")
        return version and self.client.get(f"{self.key(number)}:{version.decode()}")


class LeaseRedis(Cure):
    rules = module = "lease_redis"

    def key(self, number):
        return f"shop:{{product:{number}}}"


class Stamp(LeaseRedis):
    rules = module = "stamp"

    def read(self, number, load, now):
        return self.code.cached(self.client, self.key(number), load, now)

    def fresh(self, number):
        entry, changed = self.client.mget(self.key(number), self.key(number) + ":changed")
        if entry is None or changed is None:
            return None
        stamp, value = entry.split(b" ", 1)
        return value if int(stamp) >= int(changed) else None


class LeaseMemcached(Cure):
    rules = module = "lease_memcached"
    store = "mc"

    def fresh(self, number):
        _, flags, value = self.client.ask(f"mg {self.key(number)} v")
        return None if "X" in flags or "W" in flags else value or None

    def clear(self, count):
        for number in range(count):
            self.client.ask(f"md {self.key(number)}")


class StaleMemcached(LeaseMemcached):
    rules = "stale_memcached"


class PlainMemcached(LeaseMemcached):
    """No cure: the same store, written without the lease."""

    def read(self, number, load, _now):
        _, _, value = self.client.ask(f"mg {self.key(number)} v")
        if value is None:
            value = load()[0]
            self.client.ask(f"ms {self.key(number)} {len(value)}", value)
        return value


class Php:
    """A process of PHP that reads through a recipe."""

    def __init__(self, recipe_name, socket):
        script = REPOSITORY / "tests/e2e/cached.php"
        self.process = subprocess.Popen(
            LEASH + ["php", str(script), str(RECIPES / recipe_name), str(socket)],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.numbers = itertools.count()

    def ask(self, line):
        self.process.stdin.write(line + "\n")
        self.process.stdin.flush()
        return self.process.stdout.readline().rstrip("\n")

    def cached(self, key, load):
        number = next(self.numbers)
        said = self.ask(f"begin {number} {key}")
        if said == "load":
            said = self.ask(f"answer {number} {load().decode()}")
        word, value = said.split(" ", 1)
        assert word == "value", said
        return value.encode()

    def end(self):
        self.process.stdin.close()
        self.process.wait(20)


class InPhp:
    """The same, as PHP does it."""

    def __init__(self, server):
        super().__init__(server)
        self.php = Php(f"{self.module}.php", server.socket)

    def read(self, number, load, _now):
        return self.php.cached(self.key(number), lambda: load()[0])

    def end(self):
        self.php.end()


class VersionsInPhp(InPhp, Versions):
    pass


class LeaseRedisInPhp(InPhp, LeaseRedis):
    pass


class LeaseMemcachedInPhp(InPhp, LeaseMemcached):
    def fresh(self, number):
        value = super().fresh(number)
        return None if value == b"\0lease" else value


IN_PHP = [VersionsInPhp, LeaseRedisInPhp, LeaseMemcachedInPhp]
CURES = [Versions, LeaseRedis, Stamp, LeaseMemcached, StaleMemcached, Redelete, *IN_PHP]
NO_CURES = [Plain, PlainMemcached]


class Reader:
    """One reader of one round; each call of go() is a step."""

    def __init__(self, race, number, phases):
        self.race, self.number, self.phases = race, number, phases
        self.track = greenlet.greenlet(self.run)

    def run(self):
        self.race.cure.read(self.number, self.load, self.race.now)

    def load(self):
        greenlet.getcurrent().parent.switch()
        answer = self.race.query(self.number)
        greenlet.getcurrent().parent.switch()
        return answer

    def go(self):
        if not self.track.dead:
            self.track.switch()


class Race:
    def __init__(self, cure, database, cdcd, seed):
        self.cure, self.database, self.cdcd = cure, database, cdcd
        self.random = random.Random(seed)
        self.cursor = None
        self.size = 0
        self.n_kept = 0

    def query(self, number):
        self.cursor.execute(
            "SELECT version::text, pg_snapshot_xmin(pg_current_snapshot())::text::bigint"
            " FROM product WHERE id = %s",
            (number,),
        )
        value, stamp = self.cursor.fetchone()
        return value.encode(), stamp

    def now(self):
        self.cursor.execute("SELECT pg_snapshot_xmax(pg_current_snapshot())::text::bigint")
        return self.cursor.fetchone()[0]

    def steps(self, readers, phase):
        turns = [reader for reader in readers for at in reader.phases if at == phase]
        self.random.shuffle(turns)
        for reader in turns:
            reader.go()

    def draw(self, count):
        for number in range(count):
            for _ in range(2):
                yield Reader(self, number, sorted(self.random.choices(PHASES, k=3)))

    def batch(self, count):
        readers = list(self.draw(count))
        self.steps(readers, BEFORE_COMMIT)
        self.cdcd.freeze()
        self.cursor.execute("UPDATE product SET version = version + 1 WHERE id < %s", (count,))
        self.steps(readers, BEFORE_DELETE)
        if self.cure.delay:
            self.wait_for_first(lambda: self.steps(readers, AFTER))
        else:
            self.cdcd.thaw()
            self.cdcd.caught_up()
            self.steps(readers, AFTER)
        self.cdcd.caught_up()
        return self.count_stale(count)

    def wait_for_first(self, then):
        """cdcd stands still after its first delete, until all that were late have written."""
        keys = [self.cure.key(number) for number in range(self.size)]
        self.cure.client.set(keys[-1], "seen")
        self.cdcd.thaw()
        wait_for(lambda: not self.cure.client.exists(*keys), "the keys are deleted")
        self.cdcd.freeze()
        then()
        self.cdcd.thaw()

    def count_stale(self, count):
        self.cursor.execute("SELECT id, version::text FROM product WHERE id < %s", (count,))
        versions = {number: version.encode() for number, version in self.cursor.fetchall()}
        served = {number: self.cure.fresh(number) for number in range(count)}
        kept = [number for number, value in served.items() if value is not None]
        self.n_kept += len(kept)
        self.cure.clear(count)
        return sum(served[number] != versions[number] for number in kept)

    def run(self, rounds, size=500):
        """The number of keys that are stale for good."""
        self.size = size
        with self.database.session(autocommit=True) as session:
            self.cursor = session.cursor()
            stale = self.batches(rounds, size)
        self.cure.end()
        # The second delete takes what is good as well.
        assert self.n_kept > 0 or self.cure.delay, "who caches nothing is never stale"
        return stale

    def batches(self, rounds, size):
        self.cursor.execute(
            "INSERT INTO product SELECT n, 1 FROM generate_series(0, %s) n", (size - 1,)
        )
        self.cdcd.caught_up()
        stale = done = 0
        while done < rounds:
            stale += self.batch(size)
            done += size
        return stale
