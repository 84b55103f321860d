"""Where a daemon's changes come from, as the tests of both ways need to know it: when it reads, and
what it has confirmed. A moment is all that was committed until then."""

import psycopg2

import outbox


class Replication:
    """A slot and a publication, both of the database's name."""

    def __init__(self, database):
        self.database = database
        self.slot = database.name

    def settings(self):
        return {"slot": self.slot, "publication": self.database.name, "create": True}

    def prepare(self, sql=""):
        """The daemon makes what it needs."""

    def reads(self):
        """What is changed from now on is seen. (While it is being made, a slot is active too, and
        gone if that is cut short.)"""
        return self._sender("r.state IN ('catchup', 'streaming')")

    def reader(self):
        """The backend that serves the daemon which reads, in a set."""
        return self.database.walsenders()

    def moment(self):
        return self.database.flushed()

    def confirmed(self, moment):
        return self.database.confirmed(self.slot, moment)

    def sent(self, moment):
        """PostgreSQL has sent it to the daemon, done or not."""
        return self._sender("r.sent_lsn >= %s::pg_lsn", moment)

    def _sender(self, what, *parameters):
        return self.database.value(
            f"SELECT {what} FROM pg_stat_replication r"
            " JOIN pg_replication_slots s ON s.active_pid = r.pid WHERE s.slot_name = %s",
            *parameters,
            self.slot,
        )


class Outbox:
    """Triggers on all tables there are when the daemon is started first; on those that its rules
    name, as cdcd sql says."""

    def __init__(self, database):
        self.database = database
        self.prepared = False

    def settings(self):
        return {"mode": "outbox", "poll": "100ms"}

    def prepare(self, sql=""):
        if self.prepared:
            return
        try:
            outbox.install(self.database)
            outbox.watch_all(self.database)
            if sql:
                self.database.sql(sql)
                self.prepared = True
        except psycopg2.OperationalError:
            pass  # it is down, which is what the test is about

    def reads(self):
        return bool(self.reader())

    def reader(self):
        return {
            pid
            for (pid,) in self.database.sql(
                """SELECT pid FROM pg_locks WHERE locktype = 'advisory' AND granted AND objid = %s
                   AND database = (SELECT oid FROM pg_database WHERE datname = current_database())""",
                outbox.LOCK,
            )
        }

    def moment(self):
        return self.database.value("SELECT txid_current_snapshot()::text || ' ' || clock_timestamp()")

    def confirmed(self, moment):
        """Nothing that it sees is left."""
        return self.database.value(
            """SELECT NOT EXISTS (SELECT FROM cdcd.outbox
                                  WHERE txid_visible_in_snapshot(txid, %s::txid_snapshot))""",
            moment.split()[0],
        )

    def sent(self, moment):
        """A read began after it, and has ended."""
        return self.database.value(
            """SELECT count(*) > 0 FROM pg_stat_activity WHERE pid = ANY (%s)
               AND query LIKE 'COPY%%' AND query_start > %s::timestamptz AND state = 'idle'""",
            list(self.reader()),
            moment.split(maxsplit=1)[1],
        )


SOURCES = {"replication": Replication, "outbox": Outbox}
