"""A member that floods and a reader that stopped, with real daemons: both cost disk, not memory, and nobody else waits for them."""
import concurrent.futures
import os
import pathlib
import subprocess
import unittest

import points
import kit
from exchange import Exchange

MIB = 1 << 20
NODES = {"ML": "ML/dgse/n1", "SN": "SN/cigs/n1", "BF": "BF/anr/n1"}
LINES, LENGTH = 1500, 6000  # of one wave: 9 MB
WAVES = 5
UNDER_WAY = 16 * MIB  # what is on its way to one reader, in the core, its pipe and the line; the backlog is three times that
SLACK = 4 * MIB  # what the last two waves may add: an allocator's pieces; queues in memory would add 18 MB


def peak(daemon):
    """{role: bytes}: the most memory that each process of a daemon ever had (VmHWM)."""
    found = {}
    for role, pid in daemon.pids().items():
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmHWM:"):
                found[role] = int(line.split()[1]) * 1024
    return found


class Load(unittest.TestCase):
    def setUp(self):
        self.place = kit.Folder("load")
        self.e = Exchange(self.place.path, NODES, members=list(NODES))
        self.addCleanup(self.clean)
        self.e.start()

    def clean(self):
        self.e.kill()
        bad = any(test is self for test, _ in [*self._outcome.result.failures, *self._outcome.result.errors])
        self.place.__exit__(bad or None, None, None)

    def flood(self, to):
        """One wave from ML, as fast as its node takes it."""
        env = {**os.environ, "TOGUNA_SOCKET": str(self.e["ML"].socket)}
        return subprocess.Popen([kit.program("stream"), to, "alert.test"], env=env, stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=subprocess.STDOUT, text=True)

    def wave(self, number):
        line = f"{number} " + "x" * LENGTH
        return "\n".join(line for _ in range(LINES)) + "\n"

    def waiting(self):
        """Bulletins of ML that the hub has not answered for."""
        return self.e["ML"].status()["sent"]["spooled"]

    def test_a_stopped_reader_costs_disk_and_a_flood_slows_nobody(self):
        hub, bf = self.e.hub, self.e["BF"]
        bf.stop()  # a reader that takes nothing: all of it stays at the hub
        peaks, overtook = [], False
        for number in range(WAVES):
            flood = self.flood("BF")
            with concurrent.futures.ThreadPoolExecutor(1) as feeder:
                said = feeder.submit(flood.communicate, self.wave(number), 120)
                # While that goes to the hub, somebody else has something to say, and it does not wait behind it.
                other = self.e["SN"].publish(*[w if w != "SN" else "ML" for w in points.ALERT], wait="accepted", stdin="in between\n")
                overtook = overtook or not said.done() or self.waiting() > 0
                self.assertEqual(said.result()[0], f"{LINES} spooled\n")
            self.e["ML"].receives(other["bulletin"])
            kit.until(lambda: self.waiting() == 0, "the hub to have the wave", 180)
            peaks.append(peak(hub))
        self.assertTrue(overtook, "whatever wave it was, it was gone before another's bulletin was accepted")
        for role in ("core", "front", "signer"):
            grown = peaks[-1][role] - peaks[2][role]
            self.assertLess(grown, SLACK, f"{role} of the hub: {[p[role] // MIB for p in peaks]} MiB")
        self.assertGreater((self.e.at / "hub/data/hub/hub.db").stat().st_size, WAVES * LINES * LENGTH * 3 // 4)
        print("peaks in MiB:", [{r: b // MIB for r, b in p.items()} for p in peaks])
        bf.start()
        kit.until(lambda: bf.status()["inbox"]["current"] == WAVES * LINES, "BF to have all of it", 180)
        self.assertLess(peak(hub)["core"] - peaks[2]["core"], UNDER_WAY)


if __name__ == "__main__":
    unittest.main(verbosity=2)
