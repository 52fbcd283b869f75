"""§7 and §8: signed notes, checkpoints, entries, openings, portable receipts. C2SP signed-note, tlog-checkpoint,
tlog-cosignature, tlog-proof."""
import base64
import binascii
import re

from . import base, bulletin, sealed, wire
from .base import labelled, need, u64

NOTE, COSIGNATURE = 1, 4


def b64(data): return base64.b64encode(data).decode()


def unb64(text):
    try:
        data = base64.b64decode(text, validate=True)
    except (binascii.Error, ValueError):
        need(False, "no base64")
    need(b64(data) == text, "another spelling of base64")
    return data


class Key:
    """What a vkey line says."""

    def __init__(self, name, kind, public):
        self.name, self.kind, self.public = name, kind, public
        self.id = base.sha(name.encode(), b"\n", bytes([kind]), public)[:4]

    @staticmethod
    def of(vkey):
        name, _, rest = vkey.partition("+")
        identifier, _, data = rest.partition("+")
        raw = unb64(data)
        need(len(raw) == 33 and name, "no vkey")
        key = Key(name, raw[0], raw[1:])
        need(identifier == key.id.hex(), "the id is not the key's")
        return key

    def __str__(self):
        return f"{self.name}+{self.id.hex()}+{b64(bytes([self.kind]) + self.public)}"


def message_of(kind, text, time):
    return text.encode() if kind == NOTE else b"cosignature/v1\ntime %d\n" % time + text.encode()


def note_line(key, seed, text, time=0):
    """One signature line; time in seconds, of a cosignature."""
    signature = base.sign(seed, message_of(key.kind, text, time))
    stamp = u64(time) if key.kind == COSIGNATURE else b""
    return f"— {key.name} {b64(key.id + stamp + signature)}\n"


def note_parse(data):
    """The text and its signature lines as (name, id, signature)."""
    try:
        note = data.decode("utf-8")
    except UnicodeDecodeError:
        need(False, "not UTF-8")
    need(all(c >= " " or c == "\n" for c in note), "a control character")
    text, gap, lines = note.rpartition("\n\n")
    need(gap and lines.endswith("\n"), "no signatures")
    signatures = []
    for line in lines[:-1].split("\n"):
        found = re.fullmatch(r"— (\S+) (\S+)", line)
        need(found and "+" not in found.group(1), "no signature line")
        raw = unb64(found.group(2))
        need(len(raw) > 4, "no signature")
        signatures.append((found.group(1), raw[:4], raw[4:]))
    return text + "\n", signatures


def note_verify(data, known):
    """The text, and for each known key the time it states (0 for a log), or None. A known key's bad signature refuses all."""
    text, signatures = note_parse(data)
    found = {}
    for name, identifier, signature in signatures:
        for key in known:
            if (key.name, key.id) != (name, identifier):
                continue
            time = 0
            if key.kind == COSIGNATURE:
                need(len(signature) == 72, "length of a cosignature")
                time, signature = int.from_bytes(signature[:8], "big"), signature[8:]
            need(base.signed(key.public, message_of(key.kind, text, time), signature), "a bad signature")
            found[key] = max(time, found.get(key, 0))
    need(found, "no known key signed")
    return text, [found.get(key) for key in known]


def checkpoint_text(origin, size, root):
    return f"{origin}\n{size}\n{b64(root)}\n"


def checkpoint_open(data, log):
    need(len(data) <= 16 * 1024, "too long")
    text, _ = note_verify(data, [log])
    lines = text[:-1].split("\n")
    need(len(lines) >= 3 and all(lines), "three lines or more, none empty")
    need(lines[0] == log.name, "another log")
    need(re.fullmatch(r"0|[1-9][0-9]{0,19}", lines[1]) and int(lines[1]) <= 2**62, "no size")
    root = unb64(lines[2])
    need(len(root) == 32, "no root")
    size = int(lines[1])
    need(size or root == base.sha(), "the root of an empty log")
    return size, root


# ---- entries ----

PARTS = ("subject", "actor", "member", "number", "charter_version", "policy_set", "decision", "reason", "detail")
# docs/protocol.md §7: actor and member are one column there.
ROWS = {1: "mmmmmmm-o", 2: "mmmoooomo", 3: "mmmm-----", 4: "mmmm-----", 5: "mooo----o", 6: "-mm-o---o", 7: "-mmo---mo",
        8: "mmmm----o", 9: "mmmo----o", 10: "mmmommooo", 11: "m--oo---o", 12: "ooooooomo", 13: "mooo---mo",
        14: "mmmm----o"}


def entry_parse(data):
    e = wire.decode("Entry", data)
    for part, due in zip(PARTS, ROWS[e["type"]]):
        need(due != "m" or e[part], f"{part}: missing")
        need(due != "-" or not e[part], f"{part}: has no place here")
    for part in ("subject", "actor", "policy_set", "decision"):
        need(e[part] == b"" or any(e[part]), f"{part}: zeros")
    need(e["member"] == b"" or re.fullmatch(rb"[A-Z]{2}", e["member"]), "member")
    return e


def decision_parse(data):
    d = wire.decode("Decision", data)
    indexes = [p["index"] for p in d["portions"]]
    need(all(a < b for a, b in zip(indexes, indexes[1:])), "portions out of order")
    for p in d["portions"]:
        denied = [x["member"] for x in p["denied"]]
        for members in (p["permitted"], denied):
            need(all(re.fullmatch(rb"[A-Z]{2}", m) for m in members), "member")
            need(all(a < b for a, b in zip(members, members[1:])), "members out of order")
        need(not set(p["permitted"]) & set(denied), "both permitted and denied")
        need(all(x["policy"] == b"" or any(x["policy"]) for x in p["denied"]), "policy of zeros")
    return d


def leaf(salt, entry): return labelled("toguna/leaf/v1", salt, entry)
def decision_hash(data): return labelled("toguna/decision/v1", data)
def document_hash(text): return labelled("toguna/document/v1", text)
def policy_set(policies): return labelled("toguna/policy-set/v1", *[m + h for m, h in sorted(policies)])


def opening_check(entry, salt, index, path, size, root):
    e = entry_parse(entry)
    need(len(salt) == 16, "salt")
    base.check_path(base.leaf_hash(leaf(salt, entry)), index, size, path, root)
    return e


# ---- tlog-proof ----

def proof_print(entry, salt, index, path, note):
    hashes = "".join(b64(h) + "\n" for h in base.steps(path))
    return f"c2sp.org/tlog-proof@v1\nextra {b64(salt + entry)}\nindex {index}\n{hashes}\n".encode() + note


def proof_check(data, log):
    head, gap, note = data.partition(b"\n\n")
    lines = head.decode("ascii", "replace").split("\n")
    need(gap and len(lines) >= 3 and lines[0] == "c2sp.org/tlog-proof@v1", "no proof")
    need(lines[1].startswith("extra ") and re.fullmatch(r"index (0|[1-9][0-9]{0,19})", lines[2]), "extra and index")
    extra, path = unb64(lines[1][6:]), b"".join(unb64(x) for x in lines[3:])
    need(len(extra) > 16 and all(len(unb64(x)) == 32 for x in lines[3:]) and len(path) <= 64 * 32, "lengths")
    size, root = checkpoint_open(note, log)
    return opening_check(extra[16:], extra[:16], int(lines[2][6:]), path, size, root)


# ---- evidence ----

def evidence_print(key, kind, hashes, first, second, opened=None):
    lines = f"toguna/evidence v1\nlog {key}\nkind {kind}\n" + "".join(f"hash {b64(x)}\n" for x in hashes)
    if opened:
        index, entry, salt, header = opened
        lines += f"index {index}\nentry {b64(entry)}\nsalt {b64(salt)}\nheader {b64(header)}\n"
    return lines.encode() + b"".join(b"note %d\n" % len(n) + n for n in (first, second))


def evidence_check(data):
    """The sizes of the two checkpoints."""
    need(len(data) <= 46080, "too long")

    def line(keyword=None):
        nonlocal data
        one, newline, data = data.partition(b"\n")
        need(newline, "cut short")
        if keyword is None:
            return one.decode("utf-8", "replace")
        word, _, value = one.decode("utf-8", "replace").partition(" ")
        need(word == keyword and value, f"no line {keyword}")
        return value

    def block():
        nonlocal data
        n = line("note")
        need(re.fullmatch(r"[1-9][0-9]{0,5}", n) and int(n) <= len(data), "no length")
        one, data = data[:int(n)], data[int(n):]
        need(one.endswith(b"\n"), "a note ends in a newline")
        return one

    need(line() == "toguna/evidence v1", "another text")
    key, kind, hashes = Key.of(line("log")), line("kind"), []
    need(key.kind == NOTE, "no log's key")
    while data.startswith(b"hash "):
        hashes.append(unb64(line("hash")))
    need(all(len(x) == 32 for x in hashes) and len(hashes) <= 64, "hashes")
    if kind == "out-of-order":
        index = line("index")
        need(re.fullmatch(r"0|[1-9][0-9]{0,18}", index), "no place")
        entry, salt, header = (unb64(line(word)) for word in ("entry", "salt", "header"))
    first, second = block(), block()
    (m, old), (n, new) = checkpoint_open(first, key), checkpoint_open(second, key)
    need(data == b"", "something follows")
    if kind == "same-size":
        need(not hashes and m == n and old != new, "no contradiction")
    elif kind == "out-of-order":
        e = opening_check(entry, salt, int(index), b"".join(hashes), n, new)
        need(bulletin.header_parse(header)["checkpoint"] == first, "the header names another checkpoint")
        need(e["subject"] == sealed.statement_id("bulletin", header) and m > int(index), "no contradiction")
    else:
        need(kind == "other-beginning", "no such kind")
        beginning, whole = base.consistency_roots(m, n, hashes)
        need(whole == new and beginning != old, "no contradiction")
    return m, n
