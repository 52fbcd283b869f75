"""§3 batches, §4 bodies, §6 wraps."""
import ctypes
import ctypes.util

import nacl.bindings as sodium
from nacl.exceptions import CryptoError

from . import base, wire
from .base import Reader, Refused, hkdf_expand, hkdf_extract, label, labelled, need, u8, u16, u32, u64

CHUNK, OVERHEAD = 65536, 17


# ---- §3 ----

STATEMENTS = {"bulletin": "toguna/bulletin/v1", "receipt": "toguna/receipt/v1", "sealing-keys": "toguna/sealing-keys/v1"}


def statement_id(kind, data):
    return labelled(STATEMENTS[kind], data)


def batch_message(exchange, size, root):
    return label("toguna/batch/v1") + exchange + u64(size) + root


def batch_sign(seed, exchange, ids):
    """One BatchProof per id."""
    leaves = [base.leaf_hash(i) for i in ids]
    signature = base.sign(seed, batch_message(exchange, len(ids), base.root_of(leaves)))
    return [dict(size=len(ids), index=i, path=base.path(leaves, i), signature=signature) for i in range(len(ids))]


def batch_check(public, exchange, identifier, proof):
    root = base.root_from_path(base.leaf_hash(identifier), proof["index"], proof["size"], proof["path"])
    need(base.signed(public, batch_message(exchange, proof["size"], root), proof["signature"]), "the batch is not signed")


# ---- §4 ----

def padded(n):
    e = n.bit_length() - 1
    s = e.bit_length() if e else 1
    unit = 1 << (e - s) if n >= 2 and e >= s else 1
    return max(256, -(-n // unit) * unit)


def body_size_ok(size):
    chunks = -(-size // (CHUNK + OVERHEAD))
    plain = size - OVERHEAD * chunks
    last = size - (chunks - 1) * (CHUNK + OVERHEAD)
    return 0 < size and last > OVERHEAD and plain <= 2**40 and padded(plain) == plain


def derive(key):
    return hkdf_expand(key, label("toguna/body-key/v1"), 32), hkdf_expand(key, label("toguna/key-commitment/v1"), 32)


def chunk_data(index, number):
    return label("toguna/chunk/v1") + u32(index) + u64(number)


def seal_plaintext(index, key, plaintext, tag_last=3):
    """What the Portion says, and the sealed chunks."""
    body_key, commitment = derive(key)
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    header = sodium.crypto_secretstream_xchacha20poly1305_init_push(state, body_key)
    chunks = []
    for at in range(0, len(plaintext), CHUNK):
        tag = tag_last if at + CHUNK >= len(plaintext) else 0
        chunks.append(sodium.crypto_secretstream_xchacha20poly1305_push(
            state, plaintext[at:at + CHUNK], chunk_data(index, len(chunks)), tag))
    return dict(key_commitment=commitment, stream_header=header, body_root=base.root(chunks),
                body_size=sum(map(len, chunks))), chunks


def plaintext_of(head, content):
    data = u32(len(head)) + head + content
    return data + bytes(padded(len(data)) - len(data))


def body_seal(index, key, head, content):
    if head.get("compression"):
        content = zstd_compress(content)
    return seal_plaintext(index, key, plaintext_of(wire.encode("BodyHead", head), content))


def head_check(head):
    kind = head["content_type"]
    need(b"/" in kind and all(0x20 <= c <= 0x7E for c in kind), "no media type")
    name = head["filename"]
    need(b"/" not in name and b"\\" not in name and name not in (b".", b".."), "a path")
    need(head["compression"] == 0 or head["size"] > 0, "nothing cannot be compressed")


def body_open(index, portion, key, sealed):
    """The head and the content; or Refused."""
    body_key, commitment = derive(key)
    need(commitment == portion["key_commitment"], "another key")
    need(len(sealed) == portion["body_size"] and body_size_ok(len(sealed)), "length")
    chunks = [sealed[i:i + CHUNK + OVERHEAD] for i in range(0, len(sealed), CHUNK + OVERHEAD)]
    need(base.root(chunks) == portion["body_root"], "another body")
    state = sodium.crypto_secretstream_xchacha20poly1305_state()
    sodium.crypto_secretstream_xchacha20poly1305_init_pull(state, portion["stream_header"], body_key)
    plain = b""
    for i, chunk in enumerate(chunks):
        try:
            piece, tag = sodium.crypto_secretstream_xchacha20poly1305_pull(state, chunk, chunk_data(index, i))
        except (CryptoError, RuntimeError):
            raise Refused("a chunk does not open")
        need(tag == (3 if i + 1 == len(chunks) else 0), "the tag of another place")
        plain += piece
    r = Reader(plain)
    head = wire.decode("BodyHead", r.take(r.number(4)))
    head_check(head)
    if head["compression"]:
        content, used = zstd_decompress(plain[r.at:], head["size"])
        r.take(used)
    else:
        content = r.take(head["size"])
    unpadded = r.at
    need(not any(plain[unpadded:]) and padded(unpadded) == len(plain), "padding")
    return head, content


# Compression is the business of RFC 8878, not of this protocol: the system's own library.
zstd = ctypes.CDLL(ctypes.util.find_library("zstd") or "libzstd.so.1")
for name in ("ZSTD_compressBound", "ZSTD_compress", "ZSTD_decompress", "ZSTD_findFrameCompressedSize"):
    getattr(zstd, name).restype = ctypes.c_size_t
MAGIC = bytes.fromhex("28b52ffd")


def zstd_compress(data):
    room = zstd.ZSTD_compressBound(ctypes.c_size_t(len(data)))
    out = ctypes.create_string_buffer(room)
    n = zstd.ZSTD_compress(out, ctypes.c_size_t(room), data, ctypes.c_size_t(len(data)), 3)
    return out.raw[:n]


def window_of(frame):
    """RFC 8878 §3.1.1.1."""
    need(len(frame) >= 6, "a frame is cut")
    descriptor = frame[4]
    need(descriptor & 3 == 0, "a dictionary")
    if descriptor & 0x20:  # single segment: the window is the content
        width = (1, 2, 4, 8)[descriptor >> 6]
        size = int.from_bytes(frame[5:5 + width], "little")
        return size + 256 if width == 2 else size
    exponent, mantissa = frame[5] >> 3, frame[5] & 7
    return (1 << (10 + exponent)) // 8 * (8 + mantissa)


def zstd_decompress(data, size):
    need(data[:4] == MAGIC and window_of(data) <= 1 << 17, "no frame that we take")
    used = zstd.ZSTD_findFrameCompressedSize(data, ctypes.c_size_t(len(data)))
    need(used <= len(data), "the frame is damaged")
    out = ctypes.create_string_buffer(size + 1)
    n = zstd.ZSTD_decompress(out, ctypes.c_size_t(size + 1), data, ctypes.c_size_t(used))
    need(n == size, "another size")
    return out.raw[:size], used


# ---- §6: HPKE mode base, RFC 9180 ----

KEM = b"KEM" + u16(0x0020)
SUITE = b"HPKE" + u16(0x0020) + u16(0x0001) + u16(0x0003)


def extract(suite, salt, name, ikm):
    return hkdf_extract(salt, b"HPKE-v1" + suite + name + ikm)


def expand(suite, prk, name, info, n):
    return hkdf_expand(prk, u16(n) + b"HPKE-v1" + suite + name + info, n)


def derive_key_pair(ikm):
    secret = expand(KEM, extract(KEM, b"", b"dkp_prk", ikm), b"sk", b"", 32)
    return secret, sodium.crypto_scalarmult_base(secret)


def dh(secret, public):
    try:
        shared = sodium.crypto_scalarmult(secret, public)
    except (CryptoError, RuntimeError):
        raise Refused("a point of small order")
    need(any(shared), "a point of small order")
    return shared


def schedule(shared, enc, recipient, info):
    """Key and base nonce."""
    eae = extract(KEM, b"", b"eae_prk", shared)
    secret = expand(KEM, eae, b"shared_secret", enc + recipient, 32)
    context = b"\0" + extract(SUITE, b"", b"psk_id_hash", b"") + extract(SUITE, b"", b"info_hash", info)
    prk = extract(SUITE, secret, b"secret", b"")
    return expand(SUITE, prk, b"key", context, 32), expand(SUITE, prk, b"base_nonce", context, 12)


def nonce_of(base_nonce, seq):
    return bytes(a ^ b for a, b in zip(base_nonce, bytes(4) + u64(seq)))


class Sender:
    def __init__(self, recipient, info, ikm):
        secret, self.enc = derive_key_pair(ikm)
        self.key, self.nonce = schedule(dh(secret, recipient), self.enc, recipient, info)
        self.seq = 0

    def seal(self, aad, plain):
        sealed = sodium.crypto_aead_chacha20poly1305_ietf_encrypt(plain, aad, nonce_of(self.nonce, self.seq), self.key)
        self.seq += 1
        return sealed


def hpke_open(enc, secret, public, info, seq, aad, sealed):
    key, nonce = schedule(dh(secret, enc), enc, public, info)
    try:
        return sodium.crypto_aead_chacha20poly1305_ietf_decrypt(sealed, aad, nonce_of(nonce, seq), key)
    except (CryptoError, RuntimeError):
        raise Refused("does not open")


def key_id(suite, key):
    return labelled("toguna/key-id/v1", u16(suite), key)[:8]


def wrap_info(p):
    return labelled("toguna/wrap-info/v1", u16(p["suite"]), p["exchange"], p["originator"], p["originator_member"],
                    p["recipient"], p["recipient_member"], p["recipient_key"])


def wrap_aad(p, portions):
    return labelled("toguna/wrap-aad/v1", p["subject_hash"], u64(p["bulletin_number"]), u32(portions), p["recipient"])


def wrap_plain(content):
    """content: number, previous, keys {portion: K}."""
    keys = sorted(content["keys"].items())
    return u64(content["number"]) + content["previous"] + u8(len(keys)) + b"".join(u8(i) + k for i, k in keys)


def mask_of(indexes):
    return sum(1 << i for i in indexes)


def wrap_seal(sender, p, content, salt, fallback=0, plain=None):
    portions = mask_of(content["keys"])
    seq = sender.seq
    sealed = sender.seal(wrap_aad(p, portions), wrap_plain(content) if plain is None else plain)
    return wire.encode("Wrap", dict(salt=salt, recipient=p["recipient"], key_id=key_id(p["suite"], p["recipient_key"]),
                                    portions=portions, enc=sender.enc, seq=seq, sealed=sealed, fallback=fallback))


def wrap_parse(data):
    w = wire.decode("Wrap", data)
    need(len(w["sealed"]) == 41 + 33 * bin(w["portions"]).count("1") + 16, "a length that is not the mask's")
    return w


def wrap_open(data, p, secret):
    w = wrap_parse(data)
    need(w["recipient"] == p["recipient"] and w["key_id"] == key_id(p["suite"], p["recipient_key"]), "another's")
    plain = hpke_open(w["enc"], secret, p["recipient_key"], wrap_info(p), w["seq"], wrap_aad(p, w["portions"]), w["sealed"])
    r = Reader(plain)
    number, previous, n = r.number(8), r.take(32), r.number(1)
    need(number > 1 or (number == 1 and previous == bytes(32)), "number and previous id")
    keys = {}
    for _ in range(n):
        index = r.number(1)
        need(not keys or index > max(keys), "keys out of order")
        keys[index] = r.take(32)
    r.done()
    need(mask_of(keys) == w["portions"], "other portions than the mask")
    return dict(number=number, previous=previous, keys=keys)
