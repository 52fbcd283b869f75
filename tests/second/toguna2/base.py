"""Labelled hashes, HKDF, fixed-width integers, Ed25519, Merkle trees: §0, §2 and what §4 and §6 build on."""
import hashlib
import hmac
import struct

from nacl.bindings import crypto_sign_open, crypto_sign_seed_keypair, crypto_sign
from nacl.exceptions import CryptoError


class Refused(Exception):
    """Bad input: an answer, never a crash."""


def need(condition, what):
    if not condition:
        raise Refused(what)


def sha(*parts):
    return hashlib.sha256(b"".join(parts)).digest()


def label(text):
    return text.encode("ascii") + b"\0"


def labelled(text, *parts):
    return sha(label(text), *parts)


def u8(v): return struct.pack(">B", v)
def u16(v): return struct.pack(">H", v)
def u32(v): return struct.pack(">I", v)
def u64(v): return struct.pack(">Q", v)


class Reader:
    def __init__(self, data):
        self.data, self.at = data, 0

    def take(self, n):
        need(self.at + n <= len(self.data), "cut short")
        self.at += n
        return self.data[self.at - n:self.at]

    def number(self, n):
        return int.from_bytes(self.take(n), "big")

    def done(self):
        need(self.at == len(self.data), "something follows")


def hkdf_extract(salt, ikm):
    return hmac.new(salt or bytes(32), ikm, hashlib.sha256).digest()


def hkdf_expand(prk, info, n):
    out, block, i = b"", b"", 0
    while len(out) < n:
        i += 1
        block = hmac.new(prk, block + info + bytes([i]), hashlib.sha256).digest()
        out += block
    return out[:n]


def public_of(seed):
    return crypto_sign_seed_keypair(seed)[0]


def sign(seed, message):
    return crypto_sign(message, crypto_sign_seed_keypair(seed)[1])[:64]


def signed(public, message, signature):
    """The strict rules of §0 are libsodium's own."""
    if len(signature) != 64:
        return False
    try:
        crypto_sign_open(signature + message, public)
        return True
    except CryptoError:
        return False


# ---- §2 ----

def leaf_hash(data): return sha(b"\0", data)
def node_hash(left, right): return sha(b"\1", left, right)


def split(n):
    k = 1
    while 2 * k < n:
        k *= 2
    return k


def root_of(leaves):
    """Of leaf hashes, straight from RFC 6962 §2.1."""
    if not leaves:
        return sha()
    if len(leaves) == 1:
        return leaves[0]
    k = split(len(leaves))
    return node_hash(root_of(leaves[:k]), root_of(leaves[k:]))


def root(datas): return root_of([leaf_hash(d) for d in datas])


def path(leaves, index):
    """RFC 6962 §2.1.1."""
    if len(leaves) == 1:
        return b""
    k = split(len(leaves))
    if index < k:
        return path(leaves[:k], index) + root_of(leaves[k:])
    return path(leaves[k:], index - k) + root_of(leaves[:k])


def consistency(leaves, old, whole=True):
    """RFC 6962 §2.1.2."""
    n = len(leaves)
    if old == 0 or (whole and old == n):
        return b""
    if old == n:
        return root_of(leaves)
    k = split(n)
    if old <= k:
        return consistency(leaves[:k], old, whole) + root_of(leaves[k:])
    return consistency(leaves[k:], old - k, False) + root_of(leaves[:k])


def steps(p):
    need(len(p) % 32 == 0, "a path is whole hashes")
    return [p[i:i + 32] for i in range(0, len(p), 32)]


def root_from_path(leaf, index, size, p):
    """RFC 9162 §2.1.3.2, as far as the root."""
    need(index < size, "index beyond the tree")
    fn, sn, r = index, size - 1, leaf
    for h in steps(p):
        need(sn > 0, "the path is too long")
        if fn & 1 or fn == sn:
            r = node_hash(h, r)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            r = node_hash(r, h)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "the path is too short")
    return r


def check_path(leaf, index, size, p, wanted):
    need(root_from_path(leaf, index, size, p) == wanted, "the path leads elsewhere")


def check_consistency(old, old_root, size, new_root, p):
    """RFC 9162 §2.1.4.2 and the cases that it leaves open."""
    need(old <= size, "the log became smaller")
    if old == 0 or old == size:
        need(p == b"" and (old == 0 or old_root == new_root), "not the same tree")
        return
    full = steps(p)
    if old & (old - 1) == 0:
        full.insert(0, old_root)
    need(consistency_roots(old, size, full) == (old_root, new_root), "not an extension")


def consistency_roots(old, size, full):
    """What a consistency path says of both roots, its first hash included."""
    need(0 < old < size and full, "no path")
    fn, sn = old - 1, size - 1
    while fn & 1:
        fn, sn = fn >> 1, sn >> 1
    fr = sr = full[0]
    for c in full[1:]:
        need(sn > 0, "the path is too long")
        if fn & 1 or fn == sn:
            fr, sr = node_hash(c, fr), node_hash(c, sr)
            while not fn & 1 and fn:
                fn, sn = fn >> 1, sn >> 1
        else:
            sr = node_hash(sr, c)
        fn, sn = fn >> 1, sn >> 1
    need(sn == 0, "the path is too short")
    return fr, sr
