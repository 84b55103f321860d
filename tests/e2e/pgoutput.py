"""What logical replication prints of rows: the messages of pgoutput, protocol version 1."""

import struct


def inserted(database, slot, publication):
    """The rows that were inserted since the slot was made, each a dict of values as text."""
    with database.session() as session, session.cursor() as cursor:
        cursor.execute(
            "SET datestyle = 'ISO, MDY'; SET timezone = 'UTC'; SET intervalstyle = 'postgres';"
            "SET extra_float_digits = 1; SET bytea_output = 'hex';"
            "SELECT data FROM pg_logical_slot_get_binary_changes(%s, NULL, NULL,"
            " 'proto_version', '1', 'publication_names', %s)",
            (slot, publication),
        )
        relations, found = {}, []
        for (data,) in cursor.fetchall():
            message = Message(bytes(data))
            kind = message.take("c")
            if kind == b"R":
                oid, columns = message.relation()
                relations[oid] = columns
            elif kind == b"I":
                columns = relations[message.take("I")]
                message.take("c")
                found.append(dict(zip(columns, message.row())))
        return found


class Message:
    def __init__(self, data):
        self.data = data
        self.at = 0

    def take(self, form):
        (value,) = struct.unpack_from("!" + form, self.data, self.at)
        self.at += struct.calcsize("!" + form)
        return value

    def string(self):
        end = self.data.index(b"\0", self.at)
        text = self.data[self.at : end].decode()
        self.at = end + 1
        return text

    def relation(self):
        oid = self.take("I")
        self.string(), self.string(), self.take("c")
        columns = []
        for _ in range(self.take("H")):
            self.take("c")
            columns.append(self.string())
            self.take("I"), self.take("i")
        return oid, columns

    def row(self):
        return [self.value() for _ in range(self.take("H"))]

    def value(self):
        if self.take("c") == b"n":
            return None
        length = self.take("I")
        self.at += length
        return self.data[self.at - length : self.at].decode()
