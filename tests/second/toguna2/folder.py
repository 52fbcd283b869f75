"""A log as static files: c2sp.org/tlog-tiles."""
from . import base
from .base import u16


def index_path(n):
    groups = [f"{n % 1000:03}"]
    while n >= 1000:
        n //= 1000
        groups.insert(0, f"x{n % 1000:03}")
    return "/".join(groups)


def name(level, index, width):
    return f"tile/{level}/{index_path(index)}" + (f".p/{width}" if width < 256 else "")


def tiles(leaves):
    """(name, bytes) of every file but the checkpoint, of a log of these 32-byte leaves."""
    hashes, level = [base.leaf_hash(leaf) for leaf in leaves], 0
    for at in range(0, len(leaves), 256):
        some = leaves[at:at + 256]
        yield name("entries", at // 256, len(some)), b"".join(u16(32) + leaf for leaf in some)
    while hashes:
        for at in range(0, len(hashes), 256):
            some = hashes[at:at + 256]
            yield name(level, at // 256, len(some)), b"".join(some)
        full = len(hashes) // 256
        hashes, level = [base.root_of(hashes[i * 256:i * 256 + 256]) for i in range(full)], level + 1
