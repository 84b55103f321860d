"""PostgreSQL clusters, and the databases in them."""

import contextlib
import glob
import os
import pwd
import shutil
import signal
import subprocess

import psycopg2

from poll import wait_for
from servers import Server

SIGNALS = {"smart": signal.SIGTERM, "fast": signal.SIGINT, "immediate": signal.SIGQUIT}

SETTINGS = {
    "listen_addresses": "",
    "wal_level": "logical",
    "fsync": "off",
    "autovacuum": "off",
    "max_prepared_transactions": "10",
    "max_wal_senders": "20",
    "max_replication_slots": "20",
    "max_connections": "50",
    "shared_buffers": "32MB",
    "max_wal_size": "1GB",
}


def binary(name):
    """The newest that Debian has installed, or what the PATH finds."""
    debian = glob.glob("/usr/lib/postgresql/*/bin")
    newest = sorted(debian, key=lambda folder: int(folder.split("/")[4]))[-1:]
    found = shutil.which(name, path=os.pathsep.join(newest + [os.environ["PATH"]]))
    assert found, f"{name} is not installed"
    return found


def as_postgres():
    """PostgreSQL refuses to run as root. (Who changes user slips the leash: it is put on anew.)"""
    if os.getuid() != 0:
        return []
    user = ["--reuid=postgres", "--regid=postgres", "--clear-groups"]
    return ["setpriv", "--pdeathsig", "QUIT"] + user


def make_template(folder):
    """A data folder to copy: initdb takes a second, a copy does not."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    give_to_postgres(folder.parent)
    subprocess.run(
        as_postgres()
        + [binary("initdb"), "-D", str(folder), "-U", "postgres", "-A", "trust", "-E", "UTF8"]
        + ["--no-sync", "--locale=C.UTF-8"],
        check=True,
        stdout=subprocess.DEVNULL,
    )
    return folder


def give_to_postgres(folder):
    if os.getuid() == 0:
        user = pwd.getpwnam("postgres")
        os.chown(folder, user.pw_uid, user.pw_gid)


class Postgres(Server):
    """A cluster; settings are postgresql.conf's."""

    quickest = "immediate"

    def __init__(self, folder, template, **settings):
        super().__init__(folder)
        give_to_postgres(self.folder)
        self.data = self.folder / "data"
        subprocess.run(["cp", "-a", str(template), str(self.data)], check=True)
        settings = {**SETTINGS, "unix_socket_directories": self.folder, **settings}
        with open(self.data / "postgresql.conf", "a", encoding="utf-8") as conf:
            conf.writelines(f"{name} = '{value}'\n" for name, value in settings.items())
        self.n_databases = 0

    def command(self):
        return as_postgres() + [binary("postgres"), "-D", str(self.data)]

    def answers(self):
        try:
            return self.database("postgres").value("SELECT true")
        except psycopg2.OperationalError:
            return False

    def stop(self, how="fast", limit=60):
        return super().stop(SIGNALS.get(how, how), limit)

    def database(self, name):
        return Database(self, name)

    def new_database(self):
        self.n_databases += 1
        name = f"e2e_{self.n_databases}"
        self.database("postgres").sql(f"CREATE DATABASE {name}")
        return self.database(name)

    def drop_database(self, database):
        """With what would outlive it: slots, prepared transactions, sessions."""
        admin = self.database("postgres")
        for (gid,) in admin.sql(
            "SELECT gid FROM pg_prepared_xacts WHERE database = %s", database.name
        ):
            database.sql("ROLLBACK PREPARED %s", gid)
        wait_for(lambda: not database.walsenders(), "the slot is free")
        admin.sql(
            "SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots"
            " WHERE database = %s",
            database.name,
        )
        admin.sql(f"DROP DATABASE {database.name} WITH (FORCE)")

    def set(self, **settings):
        """ALTER SYSTEM and reload, seen to have come into force; None resets."""
        admin = self.database("postgres")
        for name, value in settings.items():
            before = admin.value("SELECT pg_conf_load_time()")
            if value is None:
                admin.sql(f"ALTER SYSTEM RESET {name}")
            else:
                admin.sql(f"ALTER SYSTEM SET {name} = '{value}'")
            admin.sql("SELECT pg_reload_conf()")
            wait_for(
                lambda: admin.value("SELECT pg_conf_load_time()") > before, f"{name} is reloaded"
            )

    def require_passwords(self):
        """Of all but the superuser."""
        rules = "local all postgres trust\nlocal all all scram-sha-256\n"
        (self.data / "pg_hba.conf").write_text(rules, "ascii")
        self.set(work_mem="5MB")


class Database:
    """One database of a cluster. Each call makes a connection, so that nothing is held open when
    the cluster stops, and no call finds a dead one."""

    def __init__(self, cluster, name):
        self.cluster = cluster
        self.name = name

    def conninfo(self, **more):
        words = {"host": self.cluster.folder, "user": "postgres", "dbname": self.name, **more}
        return " ".join(f"{name}={value}" for name, value in words.items())

    @contextlib.contextmanager
    def session(self, autocommit=False):
        """A connection; without autocommit its transaction is committed at the end of the block."""
        connection = psycopg2.connect(self.conninfo())
        connection.autocommit = autocommit
        try:
            yield connection
            if not autocommit:
                connection.commit()
        finally:
            connection.close()

    def sql(self, text, *parameters):
        """Runs statements, as one transaction unless the text says otherwise; the rows of the
        last."""
        with self.session(autocommit=True) as connection, connection.cursor() as cursor:
            cursor.execute(text, parameters or None)
            return cursor.fetchall() if cursor.description else []

    def psql(self, text):
        """Statements through psql: what some other program does, each a transaction of its own."""
        words = [binary("psql"), "-X", "-q", "-v", "ON_ERROR_STOP=1", "-d", self.conninfo()]
        subprocess.run(words, input=text, text=True, check=True, stdout=subprocess.DEVNULL)

    def value(self, text, *parameters):
        rows = self.sql(text, *parameters)
        return rows[0][0] if rows else None

    def flushed(self):
        """Where the WAL is flushed to: a commit of ours lies before it. (What is written, but not
        flushed, reaches no replication connection, and may wait long when nobody commits.)"""
        return self.value("SELECT pg_current_wal_flush_lsn()")

    def walsenders(self):
        """The processes that serve this database's slots."""
        return {
            pid
            for (pid,) in self.sql(
                "SELECT active_pid FROM pg_replication_slots WHERE active AND database = %s",
                self.name,
            )
        }

    def confirmed_flush(self, slot):
        return self.value(
            "SELECT confirmed_flush_lsn FROM pg_replication_slots WHERE slot_name = %s", slot
        )

    def confirmed(self, slot, lsn):
        """True when the slot's reader has confirmed all up to lsn."""
        return self.value(
            "SELECT confirmed_flush_lsn >= %s::pg_lsn FROM pg_replication_slots"
            " WHERE slot_name = %s",
            lsn,
            slot,
        )
