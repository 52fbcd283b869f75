"""What a driver shares with the daemons it torments: tests/faults/page.h from Python."""
import mmap
import pathlib
import struct

ROLES = {"parent": 0, "core": 1, "front": 2, "link": 2, "signer": 3, "window": 4, "hooks": 5}
FAULTS = {"kill": 1, "cut": 2, "eio": 3, "enospc": 4, "eintr": 5, "short": 6, "power": 7}
TRACE = 4096
HEAD, ROLE, WHAT, MOST = 24, 56 + 64 + TRACE, 64, 8


def has_ended(pid):
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] in "ZX"
    except OSError:
        return True


class Page:
    """The page of one daemon, in a file of its own."""

    def __init__(self, path):
        self.path = path
        path.write_bytes(bytes(HEAD + ROLE * MOST))
        with open(path, "r+b") as f:
            self.map = mmap.mmap(f.fileno(), 0)

    def put(self, at, value):
        struct.pack_into("<Q", self.map, at, value)

    def get(self, at):
        return struct.unpack_from("<Q", self.map, at)[0]

    @staticmethod
    def place(role):
        return HEAD + ROLE * ROLES[role]

    def count(self, role):
        """Calls that matter, of all processes that played this role."""
        return self.get(self.place(role))

    def can(self, role, number, fault):
        """Could this call, one of the newest, have had this fault?"""
        return self.map[self.place(role) + 56 + WHAT + number % TRACE] >> FAULTS[fault] & 1

    def arm(self, role, after, fault, torn=0):
        """The fault strikes at the `after`-th call from now on that can have it."""
        at = self.place(role)
        self.put(at + 8, 0)
        self.put(at + 24, 0)
        self.put(at + 16, FAULTS[fault])
        self.put(0, torn)
        self.put(at + 8, self.count(role) + after)

    def disarm(self, role):
        """No fault any more; what the call was that it struck, or None."""
        at = self.place(role)
        self.put(at + 8, 0)
        if not self.get(at + 24):
            return None
        return self.map[at + 56:at + 56 + WHAT].split(b"\0")[0].decode("utf-8", "replace")

    def struck(self, role):
        return bool(self.get(self.place(role) + 24))

    def is_dark(self):
        return bool(self.get(16))

    def power(self, on):
        self.put(16, 0 if on else 1)

    def living(self):
        """Processes of the daemon that still are."""
        pids = (self.get(HEAD + ROLE * role + 40) for role in range(MOST))
        return [pid for pid in pids if pid and not has_ended(pid)]

    def budget(self, more):
        """Files may grow by so many bytes more; None: without limit."""
        self.put(8, 0 if more is None else more + 1)

    def left(self):
        return max(self.get(8) - 1, 0)
