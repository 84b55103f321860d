"""A Redis with replicas and sentinels, on loopback ports."""

import redis as redis_client

from poll import wait_for
from servers import Redis, Server, free_port

NAME = "mymaster"


class Replica(Redis):
    """One of a group: any of them may be the master."""

    def __init__(self, folder, master_port=None, **options):
        if master_port:
            options["replicaof"] = f"127.0.0.1 {master_port}"
        super().__init__(folder, port=free_port(), **{"repl-diskless-sync-delay": "0", **options})

    def command(self):
        words = super().command()
        if "--replicaof" in words:
            at = words.index("--replicaof") + 1
            words[at : at + 1] = words[at].split()
        return words

    def role(self):
        return self.client.role()[0].decode()

    def is_in_step(self):
        return self.client.info("replication").get("master_link_status") == "up"

    def start_as_master(self):
        """As one that was away, and knows nothing of what happened since."""
        self.options.pop("replicaof", None)
        return self.start()


class Sentinel(Server):
    def __init__(self, folder, master_port, quorum=2):
        super().__init__(folder)
        self.port = free_port()
        self.file = self.folder / "sentinel.conf"
        self.file.write_text(
            f"port {self.port}\n"
            f"dir {self.folder}\n"
            f"sentinel monitor {NAME} 127.0.0.1 {master_port} {quorum}\n"
            f"sentinel down-after-milliseconds {NAME} 800\n"
            f"sentinel failover-timeout {NAME} 5000\n",
            "ascii",
        )
        self.client = redis_client.Redis(port=self.port)

    def command(self):
        return ["redis-server", str(self.file), "--sentinel"]

    def answers(self):
        try:
            return self.client.ping()
        except redis_client.ConnectionError:
            return False

    def names(self):
        """The port of the master that it names."""
        return self.client.sentinel_get_master_addr_by_name(NAME)[1]

    def knows(self, n_sentinels, n_replicas):
        state = self.client.sentinel_master(NAME)
        return (
            state["num-other-sentinels"] == n_sentinels - 1 and state["num-slaves"] == n_replicas
        )


class Group:
    """A master, its replicas, and the sentinels that watch them."""

    def __init__(self, place, cleanup, n_replicas=2, n_sentinels=3):
        def start(server):
            cleanup.callback(server.remove)
            return server.start()

        self.master = start(Replica(place("redis")))
        port = self.master.port
        self.replicas = [start(Replica(place("redis"), port)) for _ in range(n_replicas)]
        self.sentinels = [start(Sentinel(place("sentinel"), port)) for _ in range(n_sentinels)]
        for replica in self.replicas:
            wait_for(replica.is_in_step, "the replica is in step")
        for sentinel in self.sentinels:
            wait_for(lambda: sentinel.knows(n_sentinels, n_replicas), "the sentinels have met", 60)

    def store(self, **settings):
        return {
            "type": "redis",
            "sentinels": [f"127.0.0.1:{sentinel.port}" for sentinel in self.sentinels],
            "master": NAME,
            **settings,
        }

    def elected(self):
        """The replica that all sentinels name; None before they do."""
        ports = {sentinel.names() for sentinel in self.sentinels if sentinel.running()}
        for replica in self.replicas:
            if ports == {replica.port} and replica.role() == "master":
                return replica
        return None

    def wait_for_switch(self):
        return wait_for(self.elected, "a replica is the master", 60)
