"""A bad link in front of a hub: what a node sends and hears goes through a relay that is slow, late, cut and sometimes dead.

Everything it does at random comes from a seed. Delay and rate hold for each direction on its own; the rate is that of the whole link,
whatever connections share it, and what is under way inside is bounded by rate and delay as on a real line: a sender fills its own
buffers, not ours.
"""
import collections
import random
import socket
import threading
import time

PIECE = 512  # bytes that pass at once: at 9.6 kbit/s a little under half a second


class Meter:
    """What one connection carries one way, as ZeroMQ frames it (ZMTP 3.1 with CURVE): which bytes are handshake, which are framing and seal of
    messages, which are our own frames. The sizes of frames travel in the clear."""

    GREETING, SEAL = 64, 33  # "\x07MESSAGE", nonce, authenticator, flags

    def __init__(self, way):
        self.way, self.head, self.left, self.greeting = way, b"", 0, self.GREETING

    def take(self, data):
        while data:
            if self.greeting:
                n = min(self.greeting, len(data))
                self.greeting, data = self.greeting - n, data[n:]
                self.way.count("handshake", n)
            elif self.left:
                n = min(self.left, len(data))
                self.left, data = self.left - n, data[n:]
            else:
                self.head, data = self.head + data[:1], data[1:]
                size = 8 if self.head[0] & 2 else 1
                if len(self.head) == 1 + size:
                    self.begins(self.head[0], int.from_bytes(self.head[1:], "big"))

    def begins(self, flags, size):
        whole, self.head, self.left = len(self.head) + size, b"", size
        if flags & 4:
            self.way.count("handshake", whole)
        else:
            self.way.count("messages", 1)
            self.way.count("framing", whole - size + self.SEAL)
            self.way.count("frames", size - self.SEAL)


class Way:
    """One direction of the link: a clock that says when the next bytes are through."""

    def __init__(self, link):
        self.link, self.lock, self.free_at, self.bytes, self.counts = link, threading.Lock(), 0.0, 0, collections.Counter()

    def count(self, what, n):
        with self.lock:
            self.counts[what] += n

    def take(self, size):
        """Counts bytes in; the moment at which they arrive on the other side."""
        with self.lock:
            now = time.monotonic()
            self.free_at = max(now, self.free_at) + (size / self.link.rate if self.link.rate else 0.0)
            self.bytes += size
            return self.free_at


class BadLink:
    """Listens on `port`; `rate` in bytes a second (None: as fast as it goes), `delay` in seconds one way, `cut_every` in seconds on
    average (None: never); metered: ZeroMQ goes over it as it is. Up until close()."""

    def __init__(self, to, rate=None, delay=0.0, cut_every=None, seed=1, metered=True):
        self.to, self.rate, self.delay, self.cut_every, self.metered = to, rate, delay, cut_every, metered
        self.chance = random.Random(seed)
        self.up, self.down = Way(self), Way(self)  # from the node to the hub, and back
        self.pairs, self.lock, self.ended, self.dead = set(), threading.Lock(), threading.Event(), False
        self.cuts = 0
        self.listener = socket.socket()
        self.narrow(self.listener)
        self.listener.bind(("127.0.0.1", 0))
        self.listener.listen(64)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self.accept, daemon=True).start()
        threading.Thread(target=self.cutter, daemon=True).start()

    def narrow(self, s):
        """Kernel buffers must not hold what a line of this rate would not."""
        if self.rate:
            s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
            s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 4096)

    def accept(self):
        while not self.ended.is_set():
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            far = socket.socket()
            self.narrow(far)
            try:
                far.connect(("127.0.0.1", self.to))
            except OSError:
                near.close()
                far.close()
                continue
            pair = (near, far)
            with self.lock:
                self.pairs.add(pair)
            threading.Thread(target=self.carry, args=(pair, near, far, self.up), daemon=True).start()
            threading.Thread(target=self.carry, args=(pair, far, near, self.down), daemon=True).start()

    def carry(self, pair, source, sink, way):
        """Until one side closes, the link is cut, or it goes dead: then bytes vanish and nobody is told."""
        queue, more, meter = [], threading.Condition(), Meter(way) if self.metered else None
        threading.Thread(target=self.deliver, args=(pair, sink, queue, more, way), daemon=True).start()
        try:
            while True:
                data = source.recv(PIECE)
                if not data:
                    break
                through = way.take(len(data))
                if meter:
                    meter.take(data)
                with more:
                    queue.append((through + self.delay, data))
                    more.notify()
                while (left := through - time.monotonic()) > 0:  # what is not through yet keeps the next out
                    time.sleep(min(left, 0.05))
        except OSError:
            pass
        with more:
            queue.append((time.monotonic() + self.delay, b""))
            more.notify()

    def deliver(self, pair, sink, queue, more, way):
        data = b""
        try:
            while True:
                with more:
                    while not queue:
                        more.wait()
                    at, data = queue.pop(0)
                while (left := at - time.monotonic()) > 0:
                    time.sleep(min(left, 0.05))
                if not data:
                    break
                if not self.dead:
                    sink.sendall(data)
                data = b""
        except OSError:
            pass
        with more:  # under way when the link was cut
            way.count("lost", len(data) + sum(len(d) for _, d in queue))
        self.close_pair(pair)

    def close_pair(self, pair):
        with self.lock:
            if pair not in self.pairs:
                return
            self.pairs.discard(pair)
        for s in pair:
            try:
                s.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            s.close()

    def cut(self):
        """Every connection breaks; a new one may be made at once."""
        with self.lock:
            pairs = list(self.pairs)
        self.cuts += 1
        for pair in pairs:
            self.close_pair(pair)

    def cutter(self):
        while not self.ended.is_set():
            every = self.cut_every
            if self.ended.wait(self.chance.uniform(0.5, 1.5) * every if every else 0.1):
                return
            if every:
                self.cut()

    def close(self):
        self.ended.set()
        self.listener.close()
        self.cut()
