"""§1: canonical protobuf, by the tables of §9 and §10, which are read from the page itself."""
import os
import re

from .base import Refused, need

PAGE = os.path.join(os.path.dirname(__file__), "..", "..", "..", "docs", "protocol.md")
DEPTH = 4
BIDI = {0x61C, 0x200E, 0x200F, *range(0x202A, 0x202F), *range(0x2066, 0x206A)}


class Field:
    def __init__(self, row):
        number, self.name, self.kind, span, required, times = row
        self.number = int(number)
        self.required = required == "yes"
        self.packed = "packed" in times
        self.empty = "empty" in times
        count = re.match(r"\d+", times)
        self.times = int(count.group()) if count else None
        if self.kind == "message":
            self.message = span.strip("`")
            return
        low, _, high = span.partition("..")
        self.low = int(low)
        self.high = self.low if not high else int(high)


def tables():
    text = open(PAGE, encoding="utf-8").read()
    limits = text.split("<!-- limits -->")[1].split("<!-- end of limits -->")[0]
    frames = text.split("<!-- frames -->")[1].split("<!-- end of frames -->")[0]
    messages = {}
    for line in limits.splitlines():
        title = re.match(r"\*\*(\w+)\*\*, at most (\d+) bytes", line)
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if title:
            fields = []
            messages[title.group(1)] = (int(title.group(2)), fields)
        elif cells[0].isdigit():
            fields.append(Field(cells))
    kinds = {}
    for line in frames.splitlines():
        cells = [c.strip() for c in line.strip().strip("|").split("|")]
        if cells[0].isdigit():
            kinds[int(cells[0])] = (cells[1], cells[2])
    return messages, kinds


MESSAGES, FRAMES = tables()


def is_text(data):
    try:
        text = data.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return not any(ord(c) < 0x20 or 0x7F <= ord(c) <= 0x9F or ord(c) in BIDI for c in text)


# ---- reading ----

def varint(data, at):
    value = shift = 0
    while True:
        need(at < len(data) and shift < 70, "a varint is cut or too long")
        byte = data[at]
        at += 1
        value |= (byte & 0x7F) << shift
        shift += 7
        if byte < 0x80:
            break
    need(value < 2**64 and (byte != 0 or shift == 7), "a varint is not in its shortest form")
    return value, at


def check_number(field, value):
    need(field.kind == "u64" or value < 2**32, f"{field.name}: more than 32 bits")
    need(field.low <= value <= field.high, f"{field.name}: out of range")
    return value


def check_bytes(field, data):
    if data == b"" and field.empty:
        return data
    need(field.low <= len(data) <= field.high, f"{field.name}: length")
    need(field.kind != "path" or len(data) % 32 == 0, f"{field.name}: not whole hashes")
    need(field.kind != "text" or is_text(data), f"{field.name}: not clean text")
    return data


def element(field, wire, data, at, depth):
    number = field.kind in ("u32", "u64")
    need(wire == (0 if number and not field.packed else 2), f"{field.name}: wire type")
    value, at = varint(data, at)
    if number and not field.packed:
        need(value != 0, f"{field.name}: zero and should be absent")
        return check_number(field, value), at
    need(value <= len(data) - at, f"{field.name}: cut short")
    run, at = data[at:at + value], at + value
    if field.kind == "message":
        return decode(field.message, run, depth + 1), at
    need(run != b"" or field.empty, f"{field.name}: empty and should be absent")
    if not field.packed:
        return check_bytes(field, run), at
    many, k = [], 0
    while k < len(run):
        one, k = varint(run, k)
        many.append(check_number(field, one))
    need(len(many) <= field.times, f"{field.name}: too many")
    return many, at


def decode(name, data, depth=1):
    """A dict by field name; what is absent is b"", 0 or []."""
    most, fields = MESSAGES[name]
    need(depth <= DEPTH and len(data) <= most, f"{name}: too deep or too long")
    by_number = {f.number: f for f in fields}
    message = {f.name: [] if f.times else None if f.kind == "message" else 0 if f.kind[0] == "u" else b"" for f in fields}
    at = last = 0
    while at < len(data):
        tag, at = varint(data, at)
        number, wire = tag >> 3, tag & 7
        need(number in by_number, f"{name}: unknown field {number}")
        field = by_number[number]
        many = field.times and not field.packed
        need(number > last or (many and number == last), f"{name}: fields out of order")
        last = number
        value, at = element(field, wire, data, at, depth)
        if many:
            message[field.name].append(value)
            need(len(message[field.name]) <= field.times, f"{field.name}: too many")
        else:
            message[field.name] = value
    for f in fields:
        need(not f.required or message[f.name] not in (None, 0, b"", []), f"{name}.{f.name}: missing")
    return message


# ---- writing ----

def put_varint(value):
    out = b""
    while value >= 0x80:
        out += bytes([value & 0x7F | 0x80])
        value >>= 7
    return out + bytes([value])


def put(field, value):
    tag = field.number << 3
    if field.kind in ("u32", "u64") and not field.packed:
        return put_varint(tag) + put_varint(value)
    if field.packed:
        value = b"".join(put_varint(v) for v in value)
    elif field.kind == "message":
        value = raw(field.message, value)
    return put_varint(tag | 2) + put_varint(len(value)) + value


def raw(name, message):
    """Canonical bytes, whatever the values: negative vectors need wrong ones."""
    out = b""
    for field in MESSAGES[name][1]:
        value = message.get(field.name)
        if value in (None, 0, b"", []):
            continue
        many = field.times and not field.packed
        out += b"".join(put(field, v) for v in (value if many else [value]))
    return out


def encode(name, message):
    data = raw(name, message)
    decode(name, data)
    return data


def frame(kind, data):
    return bytes([1, kind]) + data


def open_frame(data, direction):
    need(2 <= len(data) <= 2**20, "the length of no frame")
    need(data[0] == 1 and data[1] in FRAMES, "version or type")
    name, way = FRAMES[data[1]]
    need(way in (direction, "both"), "a frame of the other direction")
    return name, decode(name, data[2:])


__all__ = ["MESSAGES", "FRAMES", "decode", "encode", "raw", "frame", "open_frame", "is_text", "Refused"]
