"""§5 and the rules of messages: Subject, Header, Portion, Release, Receipt, SealingKeys; whole submissions and deliveries."""
import re

from . import base, sealed, wire
from .base import label, labelled, need, u64


NEVER, MAY, MUST = range(3)
RECALL = 4
KINDS = {1: (NEVER, NEVER), 2: (NEVER, MUST), 3: (MUST, MAY), 4: (MUST, NEVER), 5: (NEVER, MAY), 6: (NEVER, MUST),
         7: (NEVER, MUST), 8: (NEVER, MUST)}
LABEL = r"[a-z0-9](?:[a-z0-9-]{0,30}[a-z0-9])?"
TOPIC = re.compile(rf"{LABEL}(?:\.{LABEL}){{0,7}}".encode())
NAME = re.compile(rb"[A-Z]{2}|[A-Z]{2}/[a-z0-9][a-z0-9-]{0,30}|[A-Z][A-Z0-9-]{2,30}")


def subject_hash(data): return labelled("toguna/subject/v1", data)
def release_hash(data): return labelled("toguna/release/v1", data)


def once(things, what):
    need(len(set(things)) == len(things), f"{what}: twice")


def subject_parse(data):
    s = wire.decode("Subject", data)
    need(s["suite"] == 1, "an unknown suite")
    need(s["created"] < s["expires"], "expires before it is created")
    need(all(TOPIC.fullmatch(t) for t in s["topics"]), "no topic")
    once(s["topics"], "topics")
    once(s["sources"], "sources")
    need(s["kind"] != RECALL or not s["sources"], "a recall with sources")
    for name, due in zip(("supersedes", "replies_to"), KINDS[s["kind"]]):
        need(due != NEVER or not s[name], f"{name}: has no place here")
        need(due != MUST or s[name], f"{name}: missing")
        need(not s[name] or any(s[name]), f"{name}: zeros")
    return s


def header_parse(data):
    h = wire.decode("Header", data)
    h["subject_bytes"], h["subject"] = h["subject"], subject_parse(h["subject"])
    once([a["officer"] for a in h["approvals"]], "approvals")
    return h


def portion_parse(data):
    p = wire.decode("Portion", data)
    need(sealed.body_size_ok(p["body_size"]), "no body has this size")
    return p


def release_parse(data):
    r = wire.decode("Release", data)
    for names in (r["to"], r["except"]):
        need(all(NAME.fullmatch(n) for n in names), "no name")
        need(all(a < b for a, b in zip(names, names[1:])), "names out of order")
    return r


def receipt_parse(data):
    r = wire.decode("Receipt", data)
    need((r["event"] == 1) == (r["number"] != 0), "a number belongs to 'stored'")
    need((r["checkpoint_size"] != 0) == (r["checkpoint_root"] != b""), "size and root belong together")
    return r


def sealing_keys_parse(data):
    s = wire.decode("SealingKeys", data)
    keys = s["keys"]
    need(all(k["suite"] == 1 and k["from"] < k["until"] for k in keys), "suite or time")
    need(all(a["until"] <= b["from"] for a, b in zip(keys, keys[1:])), "times overlap or go backwards")
    once([k["key"] for k in keys], "keys")
    for k in keys:
        sealed.dh(bytes(range(32)), k["key"])
    return s


def approval_message(subject, time):
    exchange = wire.decode("Subject", subject)["exchange"]
    return label("toguna/approval/v1") + exchange + subject_hash(subject) + u64(time)


def approval_check(subject, approval):
    need(base.signed(approval["officer"], approval_message(subject, approval["time"]), approval["signature"]),
         "not approved")


# ---- whole bulletins ----

def header_check(data, proof, exchange):
    h = header_parse(data)
    need(h["subject"]["exchange"] == exchange, "another exchange")
    h["id"] = sealed.statement_id("bulletin", data)
    sealed.batch_check(h["subject"]["originator"], exchange, h["id"], proof)
    return h


def bodies_check(bodies, portions):
    last = -1
    for b in bodies:
        need(b["portion"] > last and b["portion"] in portions, "bodies out of order")
        last, p = b["portion"], portions[b["portion"]]
        size = sealed.CHUNK + sealed.OVERHEAD
        chunks = [b["sealed"][i:i + size] for i in range(0, len(b["sealed"]), size)]
        need(len(b["sealed"]) == p["body_size"] and base.root(chunks) == p["body_root"], "another body")


def submission_check(data, exchange):
    m = wire.decode("Submission", data)
    h = header_check(m["header"], m["proof"], exchange)
    count = h["subject"]["portion_count"]
    need(len(m["portions"]) == len(m["releases"]) == count, "another number of portions")
    portions = [portion_parse(p) for p in m["portions"]]
    need([p["index"] for p in portions] == list(range(count)), "portions out of order")
    for p, r in zip(portions, m["releases"]):
        need(release_hash(r) == p["release_hash"], "another release list")
        release_parse(r)
    need(base.root(m["portions"]) == h["subject"]["portion_root"], "other portions")
    wraps = [sealed.wrap_parse(w) for w in m["wraps"]]
    need(len(wraps) == h["audience_count"] and base.root(m["wraps"]) == h["audience_root"], "another audience")
    need(all(a["recipient"] < b["recipient"] for a, b in zip(wraps, wraps[1:])), "wraps out of order")
    reached = 0
    for w in wraps:
        reached |= w["portions"]
    need(reached == (1 << count) - 1, "portions without recipient, or recipients of none")
    bodies_check(m["bodies"], dict(enumerate(portions)))
    return h


def delivery_check(data, exchange, me):
    m = wire.decode("Delivery", data)
    h = header_check(m["header"], m["proof"], exchange)
    w = sealed.wrap_parse(m["wrap"])
    need(w["recipient"] == me, "another node's wrap")
    base.check_path(base.leaf_hash(m["wrap"]), m["wrap_index"], h["audience_count"], m["wrap_path"], h["audience_root"])
    portions, last = {}, -1
    for o in m["portions"]:
        p = portion_parse(o["portion"])
        need(p["index"] > last, "portions out of order")
        last = p["index"]
        portions[last] = p
        base.check_path(base.leaf_hash(o["portion"]), last, h["subject"]["portion_count"], o["path"],
                        h["subject"]["portion_root"])
        blind = bool(p["caveats"] & 2)
        need(blind == (o["release"] == b""), "a release list, or none")
        if not blind:
            need(release_hash(o["release"]) == p["release_hash"], "another release list")
            release_parse(o["release"])
    need(sealed.mask_of(portions) == w["portions"], "other portions than the wrap's")
    bodies_check(m["bodies"], portions)
    return m, h, portions


def delivery_open(data, exchange, me, originator_member, member, public, secret):
    """{portion: (head, content)} of the bodies that came along."""
    m, h, portions = delivery_check(data, exchange, me)
    parties = dict(suite=h["subject"]["suite"], exchange=exchange, originator=h["subject"]["originator"],
                   originator_member=originator_member, recipient=me, recipient_member=member, recipient_key=public,
                   subject_hash=subject_hash(h["subject_bytes"]), bulletin_number=h["number"])
    content = sealed.wrap_open(m["wrap"], parties, secret)
    return content, {b["portion"]: sealed.body_open(b["portion"], portions[b["portion"]], content["keys"][b["portion"]],
                                                    b["sealed"]) for b in m["bodies"]}


