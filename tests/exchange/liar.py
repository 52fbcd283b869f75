"""A node that lies to whoever asks it: a socket in front of the real one, which passes everything on and changes answers to questions.

Frames and fields are those of docs/local-protocol.md and proto/local.proto."""
import json
import os
import socket
import struct
import threading

QUERY, JSON = 18, 19
PIECE = 64 * 1024


def varint(data, at):
    value = shift = 0
    while True:
        byte = data[at]
        at, value, shift = at + 1, value | (byte & 127) << shift, shift + 7
        if byte < 128:
            return value, at


def fields(data):
    """[(number, value)] of a message of numbers and bytes."""
    found, at = [], 0
    while at < len(data):
        tag, at = varint(data, at)
        value, at = varint(data, at)
        if tag & 7 == 2:
            value, at = data[at:at + value], at + value
        found.append((tag >> 3, value))
    return found


def number(value):
    out = b""
    while value > 127:
        out, value = out + bytes([value & 127 | 128]), value >> 7
    return out + bytes([value])


def frame(kind, message):
    return struct.pack(">IBB", len(message) + 2, 1, kind) + message


class Liar:
    """Listens at `path` for programs that mean the node behind `behind`. change(what, args, answer) returns what is answered to a question
    instead; it is called with whole answers."""

    def __init__(self, path, behind, change=lambda what, args, answer: answer):
        self.path, self.behind, self.change, self.asked = str(path), str(behind), change, []
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(self.path)
        self.listener.listen(16)
        threading.Thread(target=self.accept, daemon=True).start()

    def close(self):
        self.listener.close()
        os.unlink(self.path)

    def accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far, questions = socket.socket(socket.AF_UNIX), {}  # each end is closed by whoever reads it
            far.connect(self.behind)
            threading.Thread(target=self.carry, args=(near, far, lambda kind, m, q=questions: self.to_node(kind, m, q)), daemon=True).start()
            threading.Thread(target=self.carry, args=(far, near, lambda kind, m, q=questions, w={}: self.to_program(kind, m, q, w)), daemon=True).start()

    @staticmethod
    def carry(source, sink, pass_on):
        stream = source.makefile("rb")
        try:
            while len(head := stream.read(6)) == 6:
                size, _, kind = struct.unpack(">IBB", head)
                for out in pass_on(kind, stream.read(size - 2)):
                    sink.sendall(out)
        except OSError:
            pass
        stream.close()
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        source.close()

    def to_node(self, kind, message, questions):
        if kind == QUERY:
            parts = fields(message)
            words = [v.decode() for n, v in parts if n in (2, 3)]
            questions[dict(parts)[1]] = words
            self.asked.append(words)
        yield frame(kind, message)

    def to_program(self, kind, message, questions, waiting):
        parts = dict(fields(message)) if kind == JSON else {}
        if parts.get(1) not in questions:
            yield frame(kind, message)
            return
        waiting[parts[1]] = waiting.get(parts[1], b"") + parts.get(2, b"")
        if not parts.get(3):
            return
        what, *args = questions.pop(parts[1])
        text = json.dumps(self.change(what, args, json.loads(waiting.pop(parts[1])))).encode()
        for at in range(0, len(text), PIECE):
            piece, last = text[at:at + PIECE], at + PIECE >= len(text)
            yield frame(JSON, b"\x08" + number(parts[1]) + b"\x12" + number(len(piece)) + piece + (b"\x18\x01" if last else b""))
