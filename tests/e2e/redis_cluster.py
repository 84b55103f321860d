"""A Redis Cluster on loopback: masters, and their replicas."""

import binascii
import subprocess

import redis as redis_client

from poll import wait_for
from servers import Redis, free_port

N_SLOTS = 16384


def slot_of(key):
    """The hash slot of a key without hash tags."""
    return binascii.crc_hqx(key.encode(), 0) % N_SLOTS


class Node(Redis):
    def __init__(self, folder, tls=False, **options):
        self.bus_port = free_port()
        self.frozen = False
        self.client_port = free_port()
        if tls:
            options["tls-port"] = str(self.client_port)
            options.update({name: "yes" for name in ("tls-cluster", "tls-replication")})
            options["tls-auth-clients"] = "no"
        super().__init__(
            folder,
            port=0 if tls else self.client_port,
            **{
                "cluster-enabled": "yes",
                "cluster-config-file": "nodes.conf",
                "cluster-node-timeout": "2000",
                "cluster-require-full-coverage": "no",
                "cluster-port": str(self.bus_port),
                "repl-diskless-sync-delay": "0",
                **options,
            },
        )

    def freeze(self):
        self.frozen = True
        super().freeze()

    def thaw(self):
        super().thaw()
        self.frozen = False

    def ask(self, *words):
        return self.client.execute_command(*words)

    @property
    def id(self):
        return self.ask("CLUSTER MYID").decode()

    def is_master(self):
        try:
            return self.running() and not self.frozen and self.client.info("replication")["role"] == "master"
        except redis_client.ConnectionError:
            return False

    def address(self):
        return f"127.0.0.1:{self.client_port}"

    def pipe(self, commands):
        words = ["redis-cli", "-s", str(self.socket), "--pipe"]
        said = subprocess.run(words, input=commands, capture_output=True, text=True, check=True)
        assert "errors: 0," in said.stdout, said.stdout

    def says(self):
        """What it says of itself and the others: words by id."""
        answer = self.ask("CLUSTER NODES")
        text = answer if isinstance(answer, str) else None
        lines = text.splitlines() if text else [
            " ".join([value["node_id"], name, value["flags"], value["master_id"]])
            for name, value in answer.items()
        ]
        return {line.split()[0]: line.split() for line in lines}


class RedisCluster:
    """Masters have equal shares of the slots, in their order."""

    def __init__(self, place, n_masters=3, n_replicas=0, **options):
        self.nodes = [
            Node(place(f"node{i}"), **options) for i in range(n_masters + n_replicas)
        ]
        self.masters, self.replicas = self.nodes[:n_masters], self.nodes[n_masters:]

    def start(self):
        for node in self.nodes:
            node.start()
        self.share_slots()
        for epoch, node in enumerate(self.nodes, 1):
            node.ask("CLUSTER SET-CONFIG-EPOCH", epoch)
        first = self.nodes[0]
        for node in self.nodes[1:]:
            first.ask("CLUSTER MEET", "127.0.0.1", node.client_port, node.bus_port)
        wait_for(self.is_one, "the nodes know one another", limit=30)
        for replica, master in zip(self.replicas, self.masters):
            replica.ask("CLUSTER REPLICATE", master.id)
        wait_for(self.is_well, "the cluster is well", limit=30)
        return self

    def share_slots(self):
        n = len(self.masters)
        for i, master in enumerate(self.masters):
            master.ask(
                "CLUSTER ADDSLOTSRANGE", i * N_SLOTS // n, (i + 1) * N_SLOTS // n - 1
            )

    def is_one(self):
        """Everybody knows everybody, by the name too: handshakes have ended."""
        ids = {node.id for node in self.nodes}
        return all(set(node.says()) == ids for node in self.nodes)

    def is_well(self):
        infos = [node.ask("CLUSTER INFO") for node in self.nodes if node.running()]
        linked = all(
            node.client.info("replication").get("master_link_status") == "up"
            for node in self.replicas
        )
        return linked and all(
            info["cluster_state"] == "ok" and info["cluster_slots_ok"] == str(N_SLOTS)
            for info in infos
        )

    def remove(self):
        for node in self.nodes:
            node.remove()

    def store(self, **settings):
        return {"type": "redis", "cluster": [node.address() for node in self.nodes[:2]], **settings}

    def alive(self):
        """Nodes that run and are masters now."""
        return [node for node in self.nodes if node.is_master()]

    def owners(self):
        """The node of each slot, as the first that runs says."""
        by_port = {node.client_port: node for node in self.nodes}
        first = next(node for node in self.nodes if node.running())
        owners = [None] * N_SLOTS
        raw = redis_client.Redis(unix_socket_path=str(first.socket))
        raw.response_callbacks.clear()
        for begin, end, master, *_ in raw.execute_command("CLUSTER SLOTS"):
            for slot in range(begin, end + 1):
                owners[slot] = by_port[master[1]]
        return owners

    def owner(self, key):
        return self.owners()[slot_of(key)]

    def warm(self, *keys):
        owners = self.owners()
        commands = {}
        for key in keys:
            commands.setdefault(owners[slot_of(key)], []).append(f"SET {key} warm\r\n")
        for node, lines in commands.items():
            node.pipe("".join(lines))

    def left(self):
        return {key.decode() for node in self.alive() for key in node.client.scan_iter(count=10000)}

    def forget(self):
        for node in self.alive():
            node.client.flushall()

    def move(self, slot, source, target):
        """As resharding does: keys one by one, while the cluster works."""
        target.ask("CLUSTER SETSLOT", slot, "IMPORTING", source.id)
        source.ask("CLUSTER SETSLOT", slot, "MIGRATING", target.id)
        self.move_keys(slot, source, target)
        self.end_move(slot, source, target)

    def move_all(self, slots, source, target):
        for slot in slots:
            self.move(slot, source, target)

    def move_keys(self, slot, source, target):
        while keys := source.ask("CLUSTER GETKEYSINSLOT", slot, 100):
            source.ask("MIGRATE", "127.0.0.1", target.client_port, "", 0, 5000, "KEYS", *keys)

    def end_move(self, slot, source, target):
        """The others hear of it."""
        for node in (target, source):
            node.ask("CLUSTER SETSLOT", slot, "NODE", target.id)
