#!/usr/bin/python3
"""Known answers for every structure of docs/protocol.md.

  vectors.py make          writes what the second implementation makes, as JSON
  vectors.py check FILE... checks vectors, whoever made them; exit status 1 when one is not as it says

A vector is {"kind", "name", "valid", ...}; bytes are hexadecimal. "valid": false must be refused."""
import json
import re
import sys
import traceback

from toguna2 import base, bulletin, log, sealed, wire
from toguna2.base import Refused, need, sha, u64

NOW = 1796083200000  # 2026-12-01T00:00:00Z


# ---- checking: one function per kind, which raises Refused or returns what the vector must say ----

PARSERS = {"Subject": bulletin.subject_parse, "Header": bulletin.header_parse, "Portion": bulletin.portion_parse,
           "Release": bulletin.release_parse, "Wrap": sealed.wrap_parse, "Receipt": bulletin.receipt_parse,
           "SealingKeys": bulletin.sealing_keys_parse, "Entry": log.entry_parse, "Decision": log.decision_parse}


def h(text): return bytes.fromhex(text)


def check_message(v):
    data = h(v["data"])
    message = wire.decode(v["type"], data)
    need(wire.raw(v["type"], message) == data, "not canonical after all")
    PARSERS.get(v["type"], lambda _: None)(data)
    return {}


def check_hash(v):
    data = h(v.get("data", ""))
    what = v["what"]
    if what in sealed.STATEMENTS:
        out = sealed.statement_id(what, data)
    elif what == "key-id":
        out = sealed.key_id(v["suite"], data)
    elif what == "leaf":
        out = log.leaf(h(v["salt"]), data)
    elif what == "policy-set":
        out = log.policy_set([(m.encode(), h(x)) for m, x in v["policies"]])
    else:
        out = dict(subject=bulletin.subject_hash, release=bulletin.release_hash, decision=log.decision_hash,
                   document=log.document_hash)[what](data)
    return dict(hash=out.hex())


def check_batch(v):
    proof = dict(size=v["size"], index=v["index"], path=h(v["path"]), signature=h(v["signature"]))
    sealed.batch_check(h(v["public"]), h(v["exchange"]), h(v["id"]), proof)
    return {}


def check_approval(v):
    bulletin.approval_check(h(v["subject"]), dict(officer=h(v["officer"]), time=v["time"], signature=h(v["signature"])))
    return {}


def check_padding(v):
    return dict(padded=sealed.padded(v["length"]))


PORTION_PARTS = ("key_commitment", "stream_header", "body_root")


def check_body(v):
    portion = dict({k: h(v[k]) for k in PORTION_PARTS}, body_size=v["body_size"])
    head, content = sealed.body_open(v["index"], portion, h(v["key"]), h(v["sealed"]))
    return dict(head=wire.encode("BodyHead", head).hex(), content_hash=sha(content).hex())


PARTIES = ("exchange", "originator", "recipient", "recipient_key", "subject_hash")


def parties_of(v):
    p = {k: h(v[k]) for k in PARTIES}
    p.update(suite=v["suite"], bulletin_number=v["bulletin_number"], originator_member=v["originator_member"].encode(),
             recipient_member=v["recipient_member"].encode())
    return p


def check_wrap(v):
    c = sealed.wrap_open(h(v["wrap"]), parties_of(v), h(v["recipient_secret"]))
    return dict(number=c["number"], previous=c["previous"].hex(), keys=[[i, k.hex()] for i, k in sorted(c["keys"].items())])


def check_submission(v):
    return dict(id=bulletin.submission_check(h(v["data"]), h(v["exchange"]))["id"].hex())


def check_delivery(v):
    content, opened = bulletin.delivery_open(h(v["data"]), h(v["exchange"]), h(v["me"]), v["originator_member"].encode(),
                                             v["member"].encode(), h(v["public"]), h(v["secret"]))
    return dict(number=content["number"], contents=[[i, c.hex()] for i, (_, c) in sorted(opened.items())])


def check_checkpoint(v):
    size, root = log.checkpoint_open(v["note"].encode(), log.Key.of(v["log"]))
    return dict(size=size, root=root.hex())


def check_cosignature(v):
    _, times = log.note_verify(v["note"].encode(), [log.Key.of(v["log"]), log.Key.of(v["witness"])])
    need(None not in times, "not signed by both")
    return dict(time=times[1])


def check_consistency(v):
    base.check_consistency(v["old_size"], h(v["old_root"]), v["size"], h(v["root"]), h(v["path"]))
    return {}


def check_opening(v):
    e = log.opening_check(h(v["entry"]), h(v["salt"]), v["index"], h(v["path"]), v["size"], h(v["root"]))
    return dict(type=e["type"])


def check_proof(v):
    return dict(type=log.proof_check(v["file"].encode(), log.Key.of(v["log"]))["type"])


def check_evidence(v):
    return dict(sizes=list(log.evidence_check(v["file"].encode())))


def check_frame(v):
    return dict(type=wire.open_frame(h(v["data"]), v["direction"])[0])


CHECKS = {name[6:]: f for name, f in list(globals().items()) if name.startswith("check_")}


def verdict(v):
    """None when the vector is as it says, else what is wrong."""
    try:
        got = CHECKS[v["kind"]](v)
    except Refused as why:
        return None if not v["valid"] else f"refused: {why}"
    if not v["valid"]:
        return "accepted, but must be refused"
    wrong = {k: x for k, x in got.items() if v.get(k) != x}
    return f"gives {wrong}" if wrong else None


def check_files(files):
    failed = 0
    for file in files:
        vectors = json.load(open(file, encoding="utf-8"))["vectors"]
        kinds = {}
        for v in vectors:
            kinds[v["kind"]] = kinds.get(v["kind"], 0) + 1
            try:
                what = verdict(v)
            except Exception:
                what = "crashed\n" + traceback.format_exc()
            if what:
                failed += 1
                print(f"{file}: {v['kind']}: {v['name']}: {what}")
        missing = sorted(set(CHECKS) - set(kinds))
        if missing:
            failed += 1
            print(f"{file}: no vectors of kind {missing}")
        print(f"{file}: {len(vectors)} vectors of {len(kinds)} kinds")
    return failed


# ---- making ----

class Chance:
    """Bytes that are the same every time."""

    def __init__(self, seed):
        self.seed, self.count = seed, 0

    def bytes(self, n=32):
        self.count += 1
        return b"".join(sha(self.seed, u64(self.count), u64(i)) for i in range(-(-n // 32)))[:n]


class Maker:
    def __init__(self):
        self.vectors = []

    def add(self, kind, name, valid=True, **fields):
        self.vectors.append(dict(kind=kind, name=name, valid=valid,
                                 **{k: x.hex() if isinstance(x, bytes) else x for k, x in fields.items()}))

    def bad(self, kind, good, name, **changed):
        self.add(kind, name, False, **dict(good, **changed))


def flip(data, at=0):
    at %= len(data)
    return data[:at] + bytes([data[at] ^ 1]) + data[at + 1:]


def spoiled(name, message, data):
    """Other spellings and broken forms of one canonical message."""
    fields = {f.number: f for f in wire.MESSAGES[name][1]}
    first = wire.varint(data, 0)[0] >> 3
    yield "a field that nobody knows", data + wire.put_varint((max(fields) + 1) << 3) + b"\1"
    yield "cut by one byte", data[:-1]
    yield "field number 0", b"\0\1" + data
    yield "a tag of two bytes where one suffices", bytes([data[0] | 0x80, 0]) + data[1:]
    yield "a wire type that is not this field's", bytes([data[0] & 0xF8 | 5]) + data[1:]
    yield "wire type 3, a group", bytes([data[0] & 0xF8 | 3]) + data[1:]
    if not fields[first].times:
        whole = {k: x if k == fields[first].name else None for k, x in message.items()}
        one = wire.raw(name, whole)
        yield "a singular field twice", one + data
        if one != data:
            yield "the first field last", data[len(one):] + one
        yield "the first field missing", data[len(one):] if fields[first].required else b"\x7f"
    for f in fields.values():
        spoil = dict(message)
        if f.kind in ("u32", "u64") and not f.times:
            spoil[f.name] = f.high + 1
            yield f"{f.name} above its range", wire.raw(name, spoil)
            if f.kind == "u32":
                spoil[f.name] = 2**32 + 1
                yield f"{f.name} of more than 32 bits", wire.raw(name, spoil)
        elif f.kind in ("bytes", "text", "path") and f.high < 5000:
            value = b"a" * (f.high + 1) if f.kind != "path" else bytes(f.high + 32)
            spoil[f.name] = [value] if f.times else value
            yield f"{f.name} too long", wire.raw(name, spoil)
        if f.kind == "text":
            for why, value in (("not UTF-8", b"a\xff"), ("overlong UTF-8", b"a\xc0\xaf"), ("a surrogate", b"a\xed\xa0\x80"),
                               ("a NUL", b"a\0b"), ("a line break", b"a\nb"), ("a C1 control", b"a\xc2\x85"),
                               ("a bidirectional override", b"a\xe2\x80\xae"), ("beyond Unicode", b"\xf4\x90\x80\x80")):
                spoil[f.name] = [value] if f.times else value
                yield f"{f.name}: {why}", wire.raw(name, spoil)


def make_messages(m, samples, frames):
    for name, message in samples.items():
        data = wire.encode(name, message)
        m.add("message", f"{name}", type=name, data=data)
        for why, bad in spoiled(name, message, data):
            m.add("message", f"{name}: {why}", False, type=name, data=bad)
    for number, (name, direction) in wire.FRAMES.items():
        if name not in samples:
            continue
        data = wire.frame(number, wire.encode(name, samples[name]))
        way = direction if direction != "both" else "node → hub"
        other = {"node → hub": "hub → node", "hub → node": "node → hub"}
        m.add("frame", name, data=data, direction=way, type=name)
        m.add("frame", f"{name}: version 2", False, data=b"\2" + data[1:], direction=way)
        m.add("frame", f"{name}: cut", False, data=data[:-1], direction=way)
        if direction != "both":
            m.add("frame", f"{name}: other direction", False, data=data, direction=other[direction])
    m.add("frame", "type 0", False, data=b"\1\0", direction="node → hub")
    m.add("frame", "type 17", False, data=b"\1\x11", direction="node → hub")
    m.add("frame", "one byte", False, data=b"\1", direction="node → hub")


# The rules that concern more than one field.
def make_rules(m, s):
    def rule(name, what, valid=False, **changed):
        message = dict(s[name], **changed)
        m.add("message", f"{name}: {what}", valid, type=name, data=wire.raw(name, message))

    one, two = s["Subject"]["portion_root"], s["Subject"]["exchange"]
    rule("Subject", "an unknown suite", suite=2)
    rule("Subject", "expires when it is created", expires=s["Subject"]["created"])
    for topic in (b"a..b", b".a", b"a.", b"A", b"a*", b"-a", b"a-", b"a." * 8 + b"a", b"a" * 33):
        rule("Subject", f"topic {topic.decode()}", topics=[topic])
    for topic in (b"a", b"a-b.c--d.0", b"a." * 7 + b"a", b"a" * 32):
        rule("Subject", f"topic {topic.decode()}", True, topics=[topic])
    rule("Subject", "a topic twice", topics=[b"a", b"b", b"a"])
    rule("Subject", "a source twice", sources=[one, two, one])
    for kind, dues in bulletin.KINDS.items():
        for supersedes in (b"", one):
            for replies_to in (b"", two):
                valid = all(due == bulletin.MAY or (due == bulletin.MUST) == bool(x)
                            for due, x in zip(dues, (supersedes, replies_to)))
                rule("Subject", f"kind {kind}, supersedes {bool(supersedes)}, replies to {bool(replies_to)}", valid,
                     kind=kind, supersedes=supersedes, replies_to=replies_to, sources=[])
    rule("Subject", "a recall with a source", kind=bulletin.RECALL, supersedes=one, replies_to=b"", sources=[two])
    rule("Subject", "supersedes zeros", kind=4, supersedes=bytes(32))
    a = s["Header"]["approvals"][0]
    rule("Header", "an officer twice", approvals=[a, dict(a, time=a["time"] + 1)])
    rule("Header", "a subject that is none", subject=b"x" * 200)
    for size in (17, 272, 273, 274, 289, 65552, 65553, 65553 + 17, 65553 + 18, 65553 + 2048 + 17, 2**40):
        rule("Portion", f"body size {size}", sealed.body_size_ok(size), body_size=size)
    for names in ([b"ml"], [b"M"], [b"ML/"], [b"ML/-a"], [b"ML/A"], [b"ML/" + b"a" * 32], [b"1AB"], [b"AES_X"],
                  [b"SN", b"ML"], [b"ML", b"ML"], [b"MLA/b"]):
        rule("Release", f"to {names}", to=names)
        rule("Release", f"except {names}", **{"except": names})
    rule("Release", "all shapes, in order", True, to=[b"AES", b"ML", b"ML/0-a", b"ML/dgse", b"MLX", b"NE"])
    rule("Receipt", "stored without number", number=0)
    rule("Receipt", "read with number", event=2)
    rule("Receipt", "root without size", checkpoint_size=0)
    rule("Receipt", "size without root", checkpoint_root=b"")
    rule("Receipt", "neither", True, checkpoint_size=0, checkpoint_root=b"")
    rule("Wrap", "a length that is not the mask's", portions=7)
    k = s["SealingKeys"]["keys"]
    rule("SealingKeys", "backwards", keys=k[::-1])
    rule("SealingKeys", "overlapping", keys=[dict(k[0], until=k[1]["from"] + 1), k[1]])
    rule("SealingKeys", "a key twice", keys=[k[0], dict(k[1], key=k[0]["key"])])
    rule("SealingKeys", "from is until", keys=[dict(k[0], until=k[0]["from"]), k[1]])
    rule("SealingKeys", "a point of small order", keys=[dict(k[0], key=b"\1" + bytes(31)), k[1]])
    p = s["Decision"]["portions"]
    rule("Decision", "portions backwards", portions=p[::-1])
    rule("Decision", "permitted backwards", portions=[dict(p[0], permitted=[b"NE", b"BF"])])
    rule("Decision", "permitted and denied", portions=[dict(p[0], permitted=[b"TD"])])
    rule("Decision", "small letters", portions=[dict(p[0], permitted=[b"ne"])])
    rule("Decision", "a policy of zeros", portions=[dict(p[0], denied=[dict(p[0]["denied"][0], policy=bytes(32))])])
    make_entries(m)


def make_entries(m):
    full = dict(subject=sha(b"s"), actor=sha(b"a"), member=b"ML", number=7, charter_version=2, policy_set=sha(b"p"),
                decision=sha(b"d"), reason=48, detail="à voir".encode())
    for kind, row in log.ROWS.items():
        must = {p: full[p] for p, due in zip(log.PARTS, row) if due == "m"}
        for part, due in zip(log.PARTS, row):
            changed = dict(must, type=kind, time=NOW)
            if due == "m":
                del changed[part]
            else:
                changed[part] = full[part]
            m.add("message", f"Entry of type {kind} {'without' if due == 'm' else 'with'} {part}", due == "o", type="Entry",
                  data=wire.raw("Entry", changed))
        m.add("message", f"Entry of type {kind}, the least", type="Entry", data=wire.raw("Entry", dict(must, type=kind, time=NOW)))
    alarm = dict(type=12, time=NOW, reason=65535)
    m.add("message", "Entry with a reason nobody knows", type="Entry", data=wire.raw("Entry", alarm))
    for part in ("subject", "actor", "policy_set", "decision"):
        m.add("message", f"Entry: {part} of zeros", False, type="Entry", data=wire.raw("Entry", dict(alarm, **{part: bytes(32)})))
    m.add("message", "Entry: member in small letters", False, type="Entry", data=wire.raw("Entry", dict(alarm, member=b"ml")))


def make_hashes(m, s, chance):
    data = {name: wire.encode(name, s[name]) for name in ("Header", "Receipt", "SealingKeys", "Subject", "Release", "Decision",
                                                          "Entry")}
    for what, name in (("bulletin", "Header"), ("receipt", "Receipt"), ("sealing-keys", "SealingKeys"), ("subject", "Subject"),
                       ("release", "Release"), ("decision", "Decision")):
        v = dict(what=what, data=data[name].hex())
        m.add("hash", name, **v, **check_hash(v))
    salt, key = chance.bytes(16), chance.bytes()
    text = b"toguna/grant v1\nexchange sahel.example\n"
    policies = [["BF", chance.bytes().hex()], ["ML", chance.bytes().hex()]]
    for name, v in (("a sealing key's id", dict(what="key-id", suite=1, data=key.hex())),
                    ("a leaf", dict(what="leaf", salt=salt.hex(), data=data["Entry"].hex())),
                    ("a document", dict(what="document", data=text.hex())),
                    ("policies in force", dict(what="policy-set", policies=policies)),
                    ("no policy in force", dict(what="policy-set", policies=[]))):
        m.add("hash", name, **v, **check_hash(v))


def make_batches(m, chance):
    seed, exchange = chance.bytes(), chance.bytes()
    public = base.public_of(seed)
    for size in (1, 2, 3, 7, 8):
        ids = [chance.bytes() for _ in range(size)]
        for i, proof in enumerate(sealed.batch_sign(seed, exchange, ids)):
            good = dict(public=public, exchange=exchange, id=ids[i], **proof)
            m.add("batch", f"{i} of {size}", **good)
            if i != size // 2:
                continue
            m.bad("batch", good, f"{i} of {size}: another statement", id=flip(ids[i]))
            m.bad("batch", good, f"{i} of {size}: another exchange", exchange=flip(exchange))
            m.bad("batch", good, f"{i} of {size}: another signer", public=base.public_of(chance.bytes()))
            m.bad("batch", good, f"{i} of {size}: a bit of R", signature=flip(proof["signature"]))
            m.bad("batch", good, f"{i} of {size}: a bit of S", signature=flip(proof["signature"], 40))
            m.bad("batch", good, f"{i} of {size}: size", size=size + 1)
            m.bad("batch", good, f"{i} of {size}: index", index=(i + 1) % size if size > 1 else 1)
            if proof["path"]:
                m.bad("batch", good, f"{i} of {size}: a bit of the path", path=flip(proof["path"], 33))
                m.bad("batch", good, f"{i} of {size}: a path cut", path=proof["path"][:-32])
            m.bad("batch", good, f"{i} of {size}: a path too long", path=proof["path"] + bytes(32))


def make_bodies(m, chance):
    for n in [2, 3, 255, 256, 257, 272, 273, 1000, 65535, 65536, 65537, 10**6, 2**20, 2**20 + 1, 10**9, 2**32 + 1, 2**40]:
        m.add("padding", f"{n} bytes", length=n, padded=sealed.padded(n))
    head = dict(content_type=b"text/plain; charset=utf-8", title="Convoi signalé".encode(), filename=b"alerte.txt",
                language=b"fr")
    text = "Convoi bloqué à la sortie nord. ".encode()
    cases = [("small", 0, b"", 0), ("one line", 3, text, 0), ("compressed", 15, text * 50, 1),
             ("two chunks", 2, bytes(66000), 0)]
    for name, index, content, compression in cases:
        key = chance.bytes()
        one = dict(head, size=len(content), compression=compression)
        portion, chunks = sealed.body_seal(index, key, one, content)
        good = dict(portion, index=index, key=key, sealed=b"".join(chunks))
        m.add("body", name, **good, head=wire.encode("BodyHead", one), content_hash=sha(content))
        if name == "two chunks":
            last = chunks[1]
            m.bad("body", good, "only the second of two chunks", sealed=last, body_size=len(last), body_root=base.root([last]))
        if name != "one line":
            continue
        m.bad("body", good, f"{name}: another portion's", index=index + 1)
        m.bad("body", good, f"{name}: another key", key=flip(key))
        m.bad("body", good, f"{name}: another commitment", key_commitment=flip(portion["key_commitment"]))
        m.bad("body", good, f"{name}: another stream header", stream_header=flip(portion["stream_header"]))
        m.bad("body", good, f"{name}: another root", body_root=flip(portion["body_root"]))
        changed = flip(good["sealed"], 100)
        m.bad("body", good, f"{name}: a changed chunk that the root names", sealed=changed, body_root=base.root([changed]))
    make_forged_bodies(m, chance, head, text)


# Properly sealed, but what is inside breaks §4.
def make_forged_bodies(m, chance, head, text):
    def forge(name, plaintext, tag=3):
        key = chance.bytes()
        portion, chunks = sealed.seal_plaintext(0, key, plaintext, tag)
        m.add("body", name, False, index=0, key=key, sealed=b"".join(chunks), **portion)

    def plain(content, **changed):
        return sealed.plaintext_of(wire.raw("BodyHead", dict(head, **dict(dict(size=len(text)), **changed))), content)

    good = plain(text)
    forge("a stream that never ends", good, 0)
    forge("tag PUSH at the end", good, 1)
    forge("padding that is not zero", good[:-1] + b"\1")
    forge("padding too long", good + bytes(sealed.padded(len(good) + 1) - len(good)))
    forge("less content than stated", plain(text, size=300))
    forge("more content than stated", plain(text, size=len(text) - 1))
    forge("no head", bytes(256))
    forge("a head longer than the body", b"\0\0\4\1" + bytes(252))
    forge("a path as file name", plain(text, filename=b"../x"))
    forge("a folder as file name", plain(text, filename=b".."))
    forge("a backslash in the file name", plain(text, filename=b"a\\b"))
    forge("no media type", plain(text, content_type=b"text"))
    forge("compressed nothing", plain(b"", size=0, compression=1))
    frame = sealed.zstd_compress(text * 3)
    forge("compressed content that is none", plain(text, compression=1))
    forge("compressed content cut", plain(frame[:-3], size=3 * len(text), compression=1))
    forge("two frames", plain(frame + frame, size=6 * len(text), compression=1))
    forge("a skippable frame first", plain(bytes.fromhex("502a4d1801000000ff") + frame, size=3 * len(text), compression=1))
    forge("compressed to more than stated", plain(frame, size=3 * len(text) - 1, compression=1))
    forge("a window of 256 KiB", plain(sealed.MAGIC + bytes([0x00, (18 - 10) << 3]) + bytes([0x29, 0, 0]) + b"hello", size=5,
                                       compression=1))
    ok = plain(sealed.MAGIC + bytes([0x00, (17 - 10) << 3]) + bytes([0x29, 0, 0]) + b"hello", size=5, compression=1)
    key = chance.bytes()
    portion, chunks = sealed.seal_plaintext(0, key, ok)
    m.add("body", "a window of 128 KiB", index=0, key=key, sealed=b"".join(chunks), **portion, content_hash=sha(b"hello"),
          head=wire.encode("BodyHead", dict(head, size=5, compression=1)))


def make_wraps(m, chance):
    secret, public = sealed.derive_key_pair(chance.bytes())
    p = dict(suite=1, exchange=chance.bytes(), originator=chance.bytes(), originator_member="ML", recipient=chance.bytes(),
             recipient_member="NG", recipient_key=public, subject_hash=chance.bytes(), bulletin_number=41)
    raw = dict(p, originator_member=b"ML", recipient_member=b"NG")
    sender = sealed.Sender(public, sealed.wrap_info(raw), chance.bytes())

    def content(number, *indexes, none_before=False):
        return dict(number=number, previous=bytes(32) if number == 1 or none_before else chance.bytes(),
                    keys={i: chance.bytes() for i in indexes})

    first = None
    for c, fallback in ((content(1, 0), 0), (content(2, 0, 3), 0), (content(3, *range(16)), 0), (content(2**40, 15), 1),
                        (content(1796083200000, 0, none_before=True), 0)):
        wrap = sealed.wrap_seal(sender, raw, c, chance.bytes(16), fallback)
        m.add("wrap", f"number {c['number']}, {len(c['keys'])} keys", **p, recipient_secret=secret, wrap=wrap,
              number=c["number"], previous=c["previous"], keys=[[i, k.hex()] for i, k in sorted(c["keys"].items())])
        first = first or dict(p, recipient_secret=secret, wrap=wrap)
    for name in ("exchange", "originator", "recipient", "subject_hash"):
        m.bad("wrap", first, f"another {name}", **{name: flip(p[name])})
    m.bad("wrap", first, "another originator member", originator_member="BF")
    m.bad("wrap", first, "another recipient member", recipient_member="BF")
    m.bad("wrap", first, "another bulletin number", bulletin_number=42)
    w = wire.decode("Wrap", first["wrap"])
    for name, changed in (("seq", dict(seq=w["seq"] + 1)), ("portion", dict(portions=2)), ("enc", dict(enc=flip(w["enc"]))),
                          ("sealed", dict(sealed=flip(w["sealed"]))), ("tag", dict(sealed=flip(w["sealed"], -1))),
                          ("key id", dict(key_id=flip(w["key_id"]))), ("enc of small order", dict(enc=bytes(32)))):
        m.bad("wrap", first, f"another {name}", wrap=wire.raw("Wrap", dict(w, **changed)))
    c = content(2, 0, 3)
    plain = sealed.wrap_plain(c)
    for name, bad in (("number 0", u64(0) + plain[8:]), ("number 1 with an id before it", u64(1) + plain[8:]),
                      ("one key fewer", plain[:40] + b"\1" + plain[41:]),
                      ("keys backwards", plain[:41] + plain[74:] + plain[41:74]),
                      ("a portion outside the mask", plain[:74] + b"\4" + plain[75:]),
                      ("a portion twice", plain[:74] + b"\0" + plain[75:])):
        m.add("wrap", f"sealed properly, but {name}", False, **p, recipient_secret=secret,
              wrap=sealed.wrap_seal(sender, raw, c, chance.bytes(16), plain=bad))


# ---- a whole bulletin ----

class Story:
    """Three portions, the second with a blind audience; four recipients."""

    def __init__(self, chance):
        self.chance = chance
        self.exchange, self.seed, self.officer = chance.bytes(), chance.bytes(), chance.bytes()
        self.contents = ["Résumé pour tous".encode(), b"for some, who do not see for whom", b"sources"]
        self.keys = [chance.bytes() for _ in self.contents]
        self.portions, self.releases, self.sealed = [], [], []
        for i, content in enumerate(self.contents):
            self.portion(i, content)
        self.subject = wire.encode("Subject", dict(
            suite=1, exchange=self.exchange, originator=base.public_of(self.seed), created=NOW, expires=NOW + 7 * 86400000,
            precedence=4, kind=1, flags=1, topics=[b"alert.convoy", b"report.road"], sources=[chance.bytes()],
            portion_root=base.root(self.portions), portion_count=len(self.portions)))
        self.approval = dict(officer=base.public_of(self.officer), time=NOW + 1)
        self.approval["signature"] = base.sign(self.officer, bulletin.approval_message(self.subject, NOW + 1))
        self.recipients = sorted((self.recipient(i) for i in range(4)), key=lambda r: r["identity"])
        self.wraps = [self.wrap(r) for r in self.recipients]
        self.header = self.header_over(self.wraps)
        self.proof = self.sign(self.header)

    def portion(self, i, content):
        chance = self.chance
        head = dict(content_type=b"text/plain", title=b"portion %d" % i, size=len(content))
        portion, chunks = sealed.body_seal(i, self.keys[i], head, content)
        release = wire.encode("Release", dict(salt=chance.bytes(16), to=[b"AES", b"SN"], **{"except": [b"TD"]}))
        self.releases.append(release)
        self.sealed.append(b"".join(chunks))
        self.portions.append(wire.encode("Portion", dict(
            portion, salt=chance.bytes(16), index=i, level=i + 1, tlp=5 - i, caveats=2 if i == 1 else i and 1, label=b"CD/OTAN",
            release_hash=bulletin.release_hash(release))))

    def recipient(self, i):
        secret, public = sealed.derive_key_pair(self.chance.bytes())
        return dict(identity=self.chance.bytes(), member=(b"BF", b"NE", b"NG", b"SN")[i], secret=secret, public=public,
                    mask={0, i % 3}, number=i + 1, previous=self.chance.bytes() if i else bytes(32))

    def parties(self, r):
        return dict(suite=1, exchange=self.exchange, originator=base.public_of(self.seed), originator_member=b"ML",
                    recipient=r["identity"], recipient_member=r["member"], recipient_key=r["public"],
                    subject_hash=bulletin.subject_hash(self.subject), bulletin_number=41)

    def wrap(self, r):
        p = self.parties(r)
        sender = sealed.Sender(r["public"], sealed.wrap_info(p), self.chance.bytes())
        return sealed.wrap_seal(sender, p, dict(number=r["number"], previous=r["previous"],
                                                keys={i: self.keys[i] for i in r["mask"]}), self.chance.bytes(16))

    def header_over(self, wraps):
        return wire.encode("Header", dict(subject=self.subject, approvals=[self.approval], charter_version=3, policy_serial=12,
                                          policy_hash=sha(b"policy"), number=41, audience_root=base.root(wraps),
                                          audience_count=len(wraps), checkpoint=b"hub.example/log\n1\n" + bytes(40)))

    def sign(self, header):
        ids = [self.chance.bytes(), sealed.statement_id("bulletin", header), self.chance.bytes()]
        return sealed.batch_sign(self.seed, self.exchange, ids)[1]

    def submission(self, **changed):
        m = dict(header=self.header, proof=self.proof, portions=self.portions, releases=self.releases, wraps=self.wraps,
                 bodies=[dict(portion=i, sealed=b) for i, b in enumerate(self.sealed)])
        return wire.raw("Submission", dict(m, **changed))

    def delivery(self, at, **changed):
        r = self.recipients[at]
        leaves = [base.leaf_hash(p) for p in self.portions]
        opened = [dict(portion=self.portions[i], path=base.path(leaves, i), release=b"" if i == 1 else self.releases[i])
                  for i in sorted(r["mask"])]
        m = dict(queue=7, header=self.header, proof=self.proof, portions=opened, wrap=self.wraps[at], wrap_index=at,
                 wrap_path=base.path([base.leaf_hash(w) for w in self.wraps], at),
                 bodies=[dict(portion=i, sealed=self.sealed[i]) for i in sorted(r["mask"])],
                 entry=wire.encode("Entry", entry_sample()), salt=bytes(range(16)), leaf=3, path=bytes(64))
        return wire.raw("Delivery", dict(m, **changed))


def entry_sample():
    return dict(type=1, time=NOW, subject=sha(b"s"), actor=sha(b"a"), member=b"ML", number=41, charter_version=3,
                policy_set=sha(b"p"), decision=sha(b"d"))


def make_bulletin(m, s):
    good = dict(exchange=s.exchange, data=s.submission())
    m.add("submission", "three portions, four recipients", **good, id=sealed.statement_id("bulletin", s.header))
    m.add("submission", "without bodies", exchange=s.exchange, data=s.submission(bodies=[]),
          id=sealed.statement_id("bulletin", s.header))
    m.bad("submission", good, "another exchange", exchange=flip(s.exchange))
    for name, changed in (
            ("a portion fewer", dict(portions=s.portions[:-1], releases=s.releases[:-1])),
            ("portions backwards", dict(portions=s.portions[::-1], releases=s.releases[::-1])),
            ("a changed portion", dict(portions=[flip(s.portions[0], 5)] + s.portions[1:])),
            ("releases exchanged", dict(releases=[s.releases[1], s.releases[0], s.releases[2]])),
            ("a release fewer", dict(releases=s.releases[:-1])),
            ("a wrap fewer", dict(wraps=s.wraps[:-1])),
            ("wraps backwards", dict(wraps=s.wraps[::-1])),
            ("a changed wrap", dict(wraps=[flip(s.wraps[0], 5)] + s.wraps[1:])),
            ("bodies exchanged", dict(bodies=[dict(portion=0, sealed=s.sealed[1])])),
            ("a body twice", dict(bodies=[dict(portion=0, sealed=s.sealed[0])] * 2)),
            ("a body of no portion", dict(bodies=[dict(portion=3, sealed=s.sealed[0])])),
            ("a body cut", dict(bodies=[dict(portion=0, sealed=s.sealed[0][:-1])])),
            ("a bit of the signature", dict(proof=dict(s.proof, signature=flip(s.proof["signature"])))),
            ("a changed header", dict(header=flip(s.header, -1)))):
        m.bad("submission", good, name, data=s.submission(**changed))
    backwards = s.header_over(s.wraps[::-1])
    m.bad("submission", good, "wraps backwards, and the header says so",
          data=s.submission(header=backwards, proof=s.sign(backwards), wraps=s.wraps[::-1]))
    only = [w for w, r in zip(s.wraps, s.recipients) if 2 not in r["mask"]]
    short = s.header_over(only)
    m.bad("submission", good, "a portion without recipient",
          data=s.submission(header=short, proof=s.sign(short), wraps=only))
    for at, r in enumerate(s.recipients):
        good = dict(exchange=s.exchange, me=r["identity"], originator_member="ML", member=r["member"].decode(),
                    public=r["public"], secret=r["secret"], data=s.delivery(at))
        m.add("delivery", f"to recipient {at}", **good, number=r["number"],
              contents=[[i, s.contents[i].hex()] for i in sorted(r["mask"])])
        other = (at + 1) % 4
        m.bad("delivery", good, f"to {at}: to another node", me=s.recipients[other]["identity"])
        m.bad("delivery", good, f"to {at}: another wrap", data=s.delivery(at, wrap=s.wraps[other]))
        m.bad("delivery", good, f"to {at}: another place in the audience", data=s.delivery(at, wrap_index=other))
        m.bad("delivery", good, f"to {at}: no portions", data=s.delivery(at, portions=[]))
        m.bad("delivery", good, f"to {at}: as another member", member="TD")
        m.bad("delivery", good, f"to {at}: from another member", originator_member="TD")
        m.bad("delivery", good, f"to {at}: another bulletin's header", data=s.delivery(at, header=flip(s.header, -3)))
        leaves = [base.leaf_hash(p) for p in s.portions]
        with_release = [dict(portion=s.portions[i], path=base.path(leaves, i), release=s.releases[i]) for i in sorted(r["mask"])]
        without = [dict(o, release=b"") for o in with_release]
        if 1 in r["mask"]:
            m.bad("delivery", good, f"to {at}: the blind audience shown", data=s.delivery(at, portions=with_release))
        m.bad("delivery", good, f"to {at}: the open audience not shown", data=s.delivery(at, portions=without))
    m.add("approval", "an officer's", subject=s.subject, **s.approval)
    good = dict(subject=s.subject, **s.approval)
    m.bad("approval", good, "another time", time=s.approval["time"] + 1)
    m.bad("approval", good, "another officer", officer=base.public_of(s.seed))
    m.bad("approval", good, "a bit of the signature", signature=flip(s.approval["signature"]))
    m.bad("approval", good, "another subject", subject=wire.raw("Subject", dict(wire.decode("Subject", s.subject), precedence=3)))


# ---- the log ----

def make_log(m, chance, s):
    log_seed, witness_seed = chance.bytes(), chance.bytes()
    key = log.Key("hub1.sahel.example/log", log.NOTE, base.public_of(log_seed))
    witness = log.Key("sahel.example/ML/ops/n1", log.COSIGNATURE, base.public_of(witness_seed))
    entries = [wire.encode("Entry", dict(entry_sample(), number=i + 1)) for i in range(21)]
    salts = [chance.bytes(16) for _ in entries]
    leaves = [base.leaf_hash(log.leaf(salt, e)) for salt, e in zip(salts, entries)]
    roots = [base.root_of(leaves[:n]) for n in range(len(leaves) + 1)]

    def note(size, root=None, signer=log_seed):
        text = log.checkpoint_text(key.name, size, root or roots[size])
        return text, text + "\n" + log.note_line(key, signer, text)

    for size in (0, 1, 2, 8, 21):
        m.add("checkpoint", f"of {size}", log=str(key), note=note(size)[1], size=size, root=roots[size])
    text, good = note(21)
    m.add("checkpoint", "with an extension line", log=str(key), size=21, root=roots[21],
          note=text + "later\n\n" + log.note_line(key, log_seed, text + "later\n"))
    m.add("checkpoint", "with a signature of somebody unknown", log=str(key), size=21, root=roots[21],
          note=good + log.note_line(witness, witness_seed, text, 1796083200))
    for name, bad in (("another size", good.replace("\n21\n", "\n22\n")), ("another signer", note(21, signer=witness_seed)[1]),
                      ("an empty log with another root", note(0, roots[1])[1]),
                      ("a size with a zero in front", None), ("no empty line", good.replace("\n\n", "\n")),
                      ("without signature", text), ("Windows line ends", good.replace("\n", "\r\n"))):
        if bad is None:
            t = text.replace("\n21\n", "\n021\n")
            bad = t + "\n" + log.note_line(key, log_seed, t)
        m.add("checkpoint", name, False, log=str(key), note=bad)
    other = log.Key("hub2.sahel.example/log", log.NOTE, base.public_of(log_seed))
    t = text
    m.add("checkpoint", "the key's name is another log's", False, log=str(other), note=t + "\n" + log.note_line(other, log_seed, t))

    signed = good + log.note_line(witness, witness_seed, text, 1796083200)
    m.add("cosignature", "by a witness", log=str(key), witness=str(witness), note=signed, time=1796083200)
    m.add("cosignature", "twice, the later counts", log=str(key), witness=str(witness), time=1796083300,
          note=signed + log.note_line(witness, witness_seed, text, 1796083300))
    later = log.note_line(witness, witness_seed, text + "x\n", 1796083200)
    m.add("cosignature", "of another text", False, log=str(key), witness=str(witness), note=good + later)
    m.add("cosignature", "missing", False, log=str(key), witness=str(witness), note=good)

    for a in range(0, 22, 3):
        for b in range(a, 22, 4):
            p = base.consistency(leaves[:b], a)
            good_c = dict(old_size=a, old_root=roots[a], size=b, root=roots[b], path=p)
            m.add("consistency", f"{a} to {b}", **good_c)
            if 0 < a < b:
                m.bad("consistency", good_c, f"{a} to {b}: another beginning", old_root=flip(roots[a]))
                m.bad("consistency", good_c, f"{a} to {b}: another end", root=flip(roots[b]))
                m.bad("consistency", good_c, f"{a} to {b}: a path cut", path=p[:-32])
                m.bad("consistency", good_c, f"{a} to {b}: a path too long", path=p + bytes(32))
                m.bad("consistency", good_c, f"{b} to {a}", old_size=b, old_root=roots[b], size=a, root=roots[a])
            else:
                m.bad("consistency", good_c, f"{a} to {b}: a path where none belongs", path=bytes(32))
    make_evidence(m, key, note, roots, leaves)
    make_evidence_of_order(m, s, key, note, leaves)
    for i in (0, 7, 16, 20):
        p = base.path(leaves, i)
        good_o = dict(entry=entries[i], salt=salts[i], index=i, path=p, size=21, root=roots[21])
        m.add("opening", f"entry {i}", **good_o, type=1)
        m.bad("opening", good_o, f"entry {i}: another salt", salt=flip(salts[i]))
        m.bad("opening", good_o, f"entry {i}: salt cut", salt=salts[i][:15])
        m.bad("opening", good_o, f"entry {i}: another entry", entry=entries[i - 1])
        m.bad("opening", good_o, f"entry {i}: another index", index=i ^ 1)
        m.bad("opening", good_o, f"entry {i}: a path cut", path=p[32:])
        file = log.proof_print(entries[i], salts[i], i, p, good.encode()).decode()
        m.add("proof", f"entry {i}", log=str(key), file=file, type=1)
        m.add("proof", f"entry {i}: another index", False, log=str(key), file=file.replace(f"index {i}\n", f"index {i ^ 1}\n"))
        m.add("proof", f"entry {i}: another log", False, log=str(other), file=file)
        m.add("proof", f"entry {i}: version 2", False, log=str(key), file=file.replace("@v1", "@v2"))


def make_evidence(m, key, note, roots, leaves):
    """The log at `size` with other leaves from 10 on."""
    other = leaves[:10] + [flip(x) for x in leaves[10:]]

    def full(path_of, old, size):
        p = base.steps(base.consistency(path_of[:size], old))
        return p if old & (old - 1) else [base.root_of(path_of[:old])] + p

    def signed(of, size):
        return note(size, base.root_of(of[:size]))[1].encode()

    def add(name, valid, *args, **more):
        file = log.evidence_print(key, *args).decode()
        m.add("evidence", name, valid, file=more.get("change", lambda x: x)(file), **({"sizes": more["sizes"]} if valid else {}))

    a, b = signed(leaves, 12), signed(other, 12)
    add("two roots of one size", True, "same-size", [], a, b, sizes=[12, 12])
    add("the same checkpoint twice", False, "same-size", [], a, a)
    add("two sizes", False, "same-size", [], a, signed(other, 13))
    add("a hash where none belongs", False, "same-size", [roots[1]], a, b)
    for old in (11, 12, 16, 17):
        add(f"another beginning, {old} to 21", True, "other-beginning", full(other, old, 21), signed(leaves, old),
            signed(other, 21), sizes=[old, 21])
        add(f"an honest log, {old} to 21", False, "other-beginning", full(leaves, old, 21), signed(leaves, old), signed(leaves, 21))
    good = full(other, 11, 21), signed(leaves, 11), signed(other, 21)
    add("a path to nowhere", False, "other-beginning", [flip(x) for x in good[0]], *good[1:])
    add("a path cut", False, "other-beginning", good[0][:-1], *good[1:])
    add("the larger first", False, "other-beginning", good[0], good[2], good[1])
    add("before the two histories part", False, "other-beginning", full(other, 9, 21), signed(leaves, 9), signed(other, 21))
    for name, change in (("version 2", lambda x: x.replace("evidence v1", "evidence v2")), ("cut", lambda x: x[:-1]),
                         ("something follows", lambda x: x + "\n"), ("another kind", lambda x: x.replace("other-", "an-")),
                         ("a changed root", lambda x: x.replace("\n21\n", "\n20\n"))):
        add(name, False, "other-beginning", *good, change=change)


def make_evidence_of_order(m, s, key, note, leaves):
    """A bulletin at 9 whose header names the log at 12, and others."""
    def signed(of, size):
        return note(size, base.root_of(of[:size]))[1].encode()

    def made(seen, at, shown, **other):
        header = wire.encode("Header", dict(wire.decode("Header", s.header), checkpoint=signed(leaves, seen)))
        entry = wire.encode("Entry", dict(wire.decode("Entry", wire.encode("Entry", entry_sample())),
                                          subject=other.get("subject", sealed.statement_id("bulletin", header))))
        salt = bytes(range(16))
        theirs = leaves[:at] + [base.leaf_hash(log.leaf(salt, entry))] + [flip(x) for x in leaves[at + 1:]]
        return ("out-of-order", base.steps(base.path(theirs[:shown], at)), other.get("first", signed(leaves, seen)), signed(theirs, shown),
                (at, entry, salt, header))

    def add(name, valid, args, sizes=None, change=lambda x: x):
        file = change(log.evidence_print(key, *args).decode())
        m.add("evidence", name, valid, file=file, **({"sizes": sizes} if valid else {}))

    for seen, at, shown in ((12, 9, 10), (10, 9, 12), (21, 0, 1), (21, 20, 21)):
        add(f"a bulletin at {at} that names the log at {seen}, in one of {shown}", True, made(seen, at, shown), [seen, shown])
    for seen, at, shown in ((9, 9, 10), (1, 9, 12), (12, 12, 13)):
        add(f"a bulletin at {at} that names the log at {seen}, in one of {shown}", False, made(seen, at, shown))
    good = made(12, 9, 10)
    add("an entry about another bulletin", False, made(12, 9, 10, subject=sha(b"another")))
    add("the header names another checkpoint", False, made(12, 9, 10, first=signed(leaves, 13)))
    add("another place", False, good, change=lambda x: x.replace("index 9\n", "index 8\n"))
    add("a place with a zero in front", False, good, change=lambda x: x.replace("index 9\n", "index 09\n"))
    add("no salt", False, good, change=lambda x: re.sub("salt .*\n", "", x))
    add("a hash missing", False, good, change=lambda x: re.sub("hash .*\n", "", x, count=1))
    add("a bulletin out of order under another kind", False, good, change=lambda x: x.replace("out-of-order", "same-size"))


def samples(s, chance):
    """One message of every type, as it could travel."""
    proof, path = s.proof, bytes(range(64))
    note = b"a checkpoint note, opaque here"
    public = [sealed.derive_key_pair(chance.bytes())[1] for _ in range(2)]
    keys = [dict(suite=1, **{"from": NOW + i * 86400000}, until=NOW + (i + 1) * 86400000, key=public[i]) for i in range(2)]
    receipt = dict(bulletin=sha(b"b"), node=sha(b"n"), event=1, time=NOW, number=3, checkpoint_root=sha(b"r"), checkpoint_size=9)
    receipt_bytes = wire.encode("Receipt", receipt)
    entry = wire.encode("Entry", entry_sample())
    opened = dict(entry=entry, salt=bytes(range(16)), leaf=3, path=path)
    denied = [dict(member=b"NG", stage=3), dict(member=b"TD", stage=6, policy=sha(b"x"), line=12)]
    decision = dict(salt=chance.bytes(16), portions=[dict(index=0, permitted=[b"BF", b"NE"], denied=denied[::1]),
                                                     dict(index=2, denied=denied[:1])])
    decision["portions"][0]["denied"] = denied[1:]
    session = chance.bytes(16)
    return {
        "Subject": wire.decode("Subject", s.subject), "Approval": s.approval, "Header": wire.decode("Header", s.header),
        "Portion": wire.decode("Portion", s.portions[2]), "Release": wire.decode("Release", s.releases[0]),
        "Wrap": wire.decode("Wrap", s.wraps[0]), "BatchProof": proof,
        "BodyHead": dict(content_type=b"text/plain", title=b"t", filename=b"f.txt", language=b"fr", size=5, compression=1),
        "Receipt": receipt, "SealingKeys": dict(exchange=s.exchange, node=sha(b"n"), serial=4, keys=keys), "SealingKey": keys[0],
        "Entry": entry_sample(), "Decision": decision, "PortionDecision": decision["portions"][0], "Denial": denied[1],
        "Hello": dict(protocol=1, node=sha(b"n"), software=b"toguna 0.1", document_cursor=4, checkpoint=note, credit_count=64,
                      credit_bytes=1 << 20, receipt_cursor=9, time=NOW, session=session, rate=1200, arriving=[9, 4],
                      wants=[dict(bulletin=sha(b"b"), portion=1, chunk=5, count=16, offset=512, handle=3)],
                      seen_size=7, seen_root=sha(b"r")),
        "Welcome": dict(protocol=1, session=session, time=NOW, max_frame=1 << 20, max_inline_body=65536, checkpoint=note,
                        consistency=path, last_number=41, parked=sha(b"p")[:16], receipts_serial=NOW),
        "Goodbye": dict(reason=83, detail=b"stopping"), "Body": dict(portion=0, sealed=s.sealed[0]),
        "Submission": wire.decode("Submission", s.submission(bodies=[])),
        "Submit": dict(items=[wire.decode("Submission", s.submission(bodies=[]))], checkpoint=note),
        "Want": dict(bulletin=sha(b"b"), portion=1, chunk=5, count=16, offset=512, handle=3),
        "Chunk": dict(bulletin=sha(b"b"), portion=1, chunk=5, sealed=chance.bytes(300), offset=512, handle=3),
        "Outcome": dict(bulletin=sha(b"b"), decision=wire.encode("Decision", decision), **opened),
        "Outcomes": dict(checkpoint=note, items=[dict(bulletin=sha(b"b"), **opened)], consistency=path),
        "OpenPortion": dict(portion=s.portions[0], path=bytes(64), release=s.releases[0]),
        "Delivery": wire.decode("Delivery", s.delivery(0, bodies=[])),
        "Deliver": dict(checkpoint=note, items=[wire.decode("Delivery", s.delivery(0, bodies=[]))], consistency=path),
        "Receipts": dict(signature=bytes(range(64)), items=[receipt_bytes], queues=[5, 300, 70000], credit_count=1,
                         credit_bytes=4096, checkpoint=note, serial=12),
        "ReceiptNote": dict(sequence=8, receipt=receipt_bytes, proof=proof, **opened),
        "ReceiptNotes": dict(checkpoint=note, items=[dict(sequence=8, receipt=receipt_bytes, proof=proof, **opened)]),
        "ReceiptsSeen": dict(sequence=8),
        "Document": dict(sequence=2, kind=7, content=b"x" * 40, proof=proof, **opened),
        "Documents": dict(items=[dict(kind=2, content=b"x" * 40), dict(sequence=3, kind=4, content=b"y" * 40, **opened)], checkpoint=note, consistency=path),
        "DocumentOutcome": dict(hash=sha(b"d"), reason=48, detail=b"no", **opened),
        "DocumentOutcomes": dict(checkpoint=note, items=[dict(hash=sha(b"d"), **opened)], consistency=path),
        "Tick": dict(time=NOW, checkpoint=note, consistency=path, other=note, other_path=path),
        "ReceiptsWanted": {"from": 5},
        "StatedReceipts": dict(signature=bytes(range(64)), items=[receipt_bytes, receipt_bytes], **opened),
        "ReceiptsLogged": {"checkpoint": note, "items": [dict(signature=bytes(range(64)), items=[receipt_bytes], **opened), dict(opened, leaf=4)],
                           "consistency": path, "from": 3, "upto": 5},
        "BundleHead": {"exchange": s.exchange, "from": sha(b"n"), "to": b"SN", "time": NOW},
        "Parcel": {k: x for k, x in dict(wire.decode("Delivery", s.delivery(0, bodies=[])), checkpoint=note).items()
                   if k in [f.name for f in wire.MESSAGES["Parcel"][1]]},
        "BundleReceipts": dict(signature=bytes(range(64)), items=[receipt_bytes]), "BundleEnd": dict(proof=proof),
    }


def make():
    m, chance = Maker(), Chance(b"toguna second implementation")
    story = Story(chance)
    s = samples(story, chance)
    assert set(s) == set(wire.MESSAGES), set(wire.MESSAGES) ^ set(s)
    make_messages(m, s, None)
    make_rules(m, s)
    make_hashes(m, s, chance)
    make_batches(m, chance)
    make_bodies(m, chance)
    make_wraps(m, chance)
    make_bulletin(m, story)
    make_log(m, chance, story)
    lines = ",\n".join(json.dumps(v, ensure_ascii=False) for v in m.vectors)
    print('{"made_by": "tests/second/vectors.py make", "vectors": [\n' + lines + "\n]}")


if __name__ == "__main__":
    if sys.argv[1:] == ["make"]:
        make()
    elif len(sys.argv) > 2 and sys.argv[1] == "check":
        sys.exit(1 if check_files(sys.argv[2:]) else 0)
    else:
        sys.exit(__doc__)
