"""Bad links: slow, late, cut again and again; what is urgent overtakes in the middle of a body, and nothing acknowledged goes twice."""
import os
import time
import unittest

import kit
from badlink import BadLink
from exchange_test import ALERT, Story


class Link(Story):
    """SN sits behind a link of `rate` bytes a second, 2 s round trip at 9.6 kbit/s, or the same picture run so many times as fast."""

    faster = int(os.environ.get("TOGUNA_LINK_FASTER", "10"))
    rate = 1200
    size = int(os.environ.get("TOGUNA_LINK_SIZE", str(80 * 1024)))

    def setUp(self):
        self.link = None
        super().setUp()

    def start(self):
        """Like Exchange.start(), with the link between SN and the hub: its first meeting is undisturbed."""
        self.link = BadLink(self.e.port, rate=None, seed=7)
        self.addCleanup(self.link.close)
        with open(self.e["SN"].folder / "node.conf", "a", encoding="utf-8") as conf:
            conf.write(f"hub dakar tcp://127.0.0.1:{self.link.port}\nline-rate {self.rate * self.faster}\n")
        self.e.start()
        self.worsen()

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
        bulletin = self.large(code, to, size)
        self.e[to].receives(bulletin, limit=600)
        used = self.carried() - before
        more = used - size
        print(f"{code} to {to}: {size} bytes through {self.link.cuts} cuts in {time.monotonic() - begun:.0f} s; {more} bytes more, "
              f"{more / (self.link.cuts + 1):.0f} for each meeting", flush=True)
        self.assertGreater(self.link.cuts, 3)
        # A chunk is 64 KiB, more than the line carries between two cuts: were pieces forgotten, it would never arrive.
        self.assertLess(more, 0.15 * size + 9000 * (self.link.cuts + 1))

    def test_down(self):
        self.arrives_through_cuts("ML", "SN", self.size)

    def test_up(self):
        self.arrives_through_cuts("SN", "ML", self.size)

    def flash_overtakes(self, code, to):
        self.large(code, to, 1 << 20)
        kit.until(lambda: self.carried() > 30000, "the large body to be on its way", 60)
        worst = 0
        for n in range(3):
            begun = time.monotonic()
            flash = self.e[code].publish(*ALERT, "--to", to, "--precedence", "FLASH", wait="spooled", stdin=os.urandom(750).hex()[:1000])["bulletin"]
            self.e[to].receives(flash, limit=60)
            worst = max(worst, time.monotonic() - begun)
        print(f"FLASH from {code} to {to} behind a large body: {worst * self.faster:.1f} s at 9.6 kbit/s", flush=True)
        return worst * self.faster

    def test_flash_down(self):
        self.assertLess(self.flash_overtakes("ML", "SN"), 30)  # the body alone takes a quarter of an hour; programs start in real time

    def test_flash_up(self):
        self.assertLess(self.flash_overtakes("SN", "ML"), 30)


if __name__ == "__main__":
    unittest.main()
