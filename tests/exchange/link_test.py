"""Bad links: slow, late, cut again and again; what is urgent overtakes in the middle of a body, and nothing acknowledged goes twice."""
import os
import subprocess
import time
import unittest

import kit
from badlink import BadLink
from exchange_test import ALERT, Story


class Link(Story):
    """SN sits behind a link of `rate` bytes a second, 2 s round trip at 9.6 kbit/s, or the same picture run so many times as fast."""

    faster = int(os.environ.get("TOGUNA_LINK_FASTER", "10"))
    rate, scheme = 1200, "tcp"
    most_a_cut = 9000  # bytes beside the 15 % of the body: what a busy machine loses, and to meet
    behind = int(os.environ.get("TOGUNA_LINK_BEHIND", str(1 << 20)))
    size = int(os.environ.get("TOGUNA_LINK_SIZE", str(80 * 1024)))

    def setUp(self):
        self.link = None
        super().setUp()

    def start(self):
        """Like Exchange.start(), with the link between SN and the hub: its first meeting is undisturbed."""
        self.link = BadLink(self.hub_port(), rate=None, seed=7, metered=self.scheme == "tcp")
        self.addCleanup(self.link.close)
        with open(self.e["SN"].folder / "node.conf", "a", encoding="utf-8") as conf:
            conf.write(f"hub dakar {self.scheme}://127.0.0.1:{self.link.port}\nline-rate {self.rate * self.faster}\n")
        self.e.start()
        self.worsen()

    def hub_port(self):
        return self.e.port

    def worsen(self, cut_every=None):
        self.link.rate, self.link.delay = self.rate * self.faster, 1.0 / self.faster
        self.link.cut_every = cut_every / self.faster if cut_every else None

    def carried(self):
        return self.link.down.bytes + self.link.up.bytes

    def large(self, code, to, size):
        """Publishes a body that does not get shorter by compression; its id."""
        body = self.place.path / "body"
        body.write_bytes(os.urandom(size))
        return self.e[code].publish(*ALERT, "--to", to, "--precedence", "ROUTINE", str(body), wait="spooled")["bulletin"]

    def arrives_through_cuts(self, code, to, size):
        self.worsen(cut_every=30)
        before, begun = self.carried(), time.monotonic()
        self.link.up.counts.clear()
        self.link.down.counts.clear()
        bulletin = self.large(code, to, size)
        self.e[to].receives(bulletin, limit=max(600, 4 * size / (self.rate * self.faster)))
        used = self.carried() - before
        more = used - size
        print(f"{code} to {to}: {size} bytes through {self.link.cuts} cuts in {time.monotonic() - begun:.0f} s; {more} bytes more, "
              f"{more / (self.link.cuts + 1):.0f} for each meeting; to the hub {dict(self.link.up.counts)}, from it {dict(self.link.down.counts)}",
              flush=True)
        self.assertGreater(self.link.cuts, 2)
        # A chunk is 64 KiB, more than the line carries between two cuts: were pieces forgotten, it would never arrive.
        # What a busy machine loses at a cut differs; tests/client/node/badline_test.c counts in virtual time, to the byte.
        self.assertLess(more, 0.15 * size + self.most_a_cut * (self.link.cuts + 1))

    def test_down(self):
        self.arrives_through_cuts("ML", "SN", self.size)

    def test_up(self):
        self.arrives_through_cuts("SN", "ML", self.size)

    def flash_overtakes(self, code, to):
        """2,000 bytes behind `behind` bytes of ROUTINE; both programs run already. The worst of three, in seconds of the real line."""
        for _ in range(max(1, self.behind >> 25)):
            self.large(code, to, min(self.behind, 1 << 25))
        kit.until(lambda: self.carried() > 30000, "the large body to be on its way", 60)
        done = subprocess.run([kit.program("flash_time"), self.e[code].socket, self.e[to].socket, to, "2000", "3"], text=True, capture_output=True, check=True,
                              timeout=600)
        times = [int(line) / 1000 * self.faster for line in done.stdout.split()]
        self.assertEqual(len(times), 3)
        print(f"FLASH of 2,000 bytes from {code} to {to} behind {self.behind} bytes: {', '.join(f'{t:.1f}' for t in times)} s at 9.6 kbit/s", flush=True)
        return max(times)

    # The line alone needs 4 s: some 3,600 bytes at 1,200 a second, and a second for the way; the goal is 5. A round trip more, as when the body is asked for
    # first, is 2 s. What machines do in between counts as it is: this picture runs at its own speed (CMakeLists.txt).
    def test_flash_down(self):
        self.assertLess(self.flash_overtakes("ML", "SN"), 6.2)

    def test_flash_up(self):
        self.assertLess(self.flash_overtakes("SN", "ML"), 6.2)


class ResumedLink(Link):
    """The same line, where a connection goes on when it is cut."""

    scheme, most_a_cut = "resume", 3000

    def setUp(self):
        self.port = kit.free_port()
        super().setUp()

    def hub_lines(self):
        return (f"listen resume://127.0.0.1:{self.port}",)

    def hub_port(self):
        return self.port


class HalfOpen(Story):
    """The line goes dead and nobody is told: no reset, no end, bytes vanish. Both sides notice by their own signs of life."""

    def start(self):
        self.link = BadLink(self.e.port, seed=7)
        self.addCleanup(self.link.close)
        with open(self.e["SN"].folder / "node.conf", "a", encoding="utf-8") as conf:
            conf.write(f"hub dakar tcp://127.0.0.1:{self.link.port}\ntick 1s\n")
        with open(self.e.at / "hub/hub.conf", "a", encoding="utf-8") as conf:
            conf.write("tick 1s\n")
        self.e.start()

    def test_both_notice_and_meet_again(self):
        sn, hub = self.e["SN"], self.e.hub
        sn.receives(self.send())
        closed = hub.text().count("session-closed node=SN")
        self.link.dead = True
        kit.until(lambda: "hub-silent" in sn.text(), "SN to notice")
        kit.until(lambda: hub.text().count("session-closed node=SN") > closed, "the hub to notice")
        late = self.send()
        self.link.dead = False
        sn.receives(late, limit=60)


if __name__ == "__main__":
    unittest.main()
