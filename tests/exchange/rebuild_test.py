"""The hub is lost, with its disk, its keys and its log. The members name another in the next version of their charter, and nothing that was
accepted is missing there: each node brings its own."""
import random
import shutil
import time
import unittest

import kit
from exchange import QUICK
from exchange_test import ALERT, Story


class Rebuilt(Story):
    nodes = {"ML": "ML/dgse/n1", "SN": "SN/cigs/n1", "BF": "BF/anr/n1"}

    def state(self, code, bulletin):
        return next(i["state"] for i in self.e[code].json("sent") if i["id"] == bulletin)

    def lose_the_hub(self):
        self.e.hub.kill()
        kept = self.place.path / "ceremony"
        shutil.copytree(self.e.at / "hub/documents", kept)
        shutil.rmtree(self.e.at / "hub")
        return kept

    def another_hub(self, kept):
        """A machine with nothing but the documents that everybody has, and a charter in which the members name it."""
        place, port = self.place.path / "thies", kit.free_port()
        charter = next(p for p in kept.rglob("*.note") if p.read_text(encoding="utf-8").startswith("toguna/charter v1"))
        second = self.place.path / "charter-2.note"
        self.e.keyed("init", "hub", "thies", "--exchange", "sahel.example", "--host", "SN", "--endpoint", f"tcp://127.0.0.1:{port}",
                     "--folder", place, "--kdf", "test")
        kit.toguna("charter", "draft", place / "thies.card", "--after", charter, "--remove", "dakar", "--effective",
                   time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime()),
                   "-o", second)
        for code in self.nodes:
            self.e.keyed("charter", "sign", second, "--key", self.e.root(code))
        self.e.keyed("init", "hub", "thies", charter, second, "--folder", place)
        for note in kept.rglob("*.note"):
            target = place / "documents" / note.name
            if not target.exists():
                shutil.copy(note, target)
        for node in self.e.nodes.values():
            node.stop()
            kit.toguna("document", "send", second, "--documents", node.folder / "documents")
        return kit.Daemon("togunad", place / "hub.conf", self.place.path / "thies.log")

    def test_nothing_accepted_is_missing(self):
        with open(self.place.path / "large.bin", "wb") as f:
            f.write(random.Random(2).randbytes(300_000))
        # Everybody has it; it was read, and the hub has heard of that.
        old = self.send(text="before", wait="delivered")
        self.e["SN"].toguna("read", old)
        # The hub alone has these for SN, and nobody else ever will again.
        self.e["SN"].stop()
        alone = [self.send(text=f"only the hub has {n}") for n in range(3)]
        alone.append(self.e["ML"].publish(*ALERT, "--to", "SN", "--to", "BF", self.place.path / "large.bin", wait="accepted")["bulletin"])
        alone.append(self.send(code="BF", text="from BF"))
        self.e["BF"].receives(alone[3])
        alone += [self.send(text=f"urgent {n}", precedence="FLASH") for n in range(4)]
        # And this was on its way.
        self.e["ML"].kill("link")
        kept = self.lose_the_hub()
        waiting = self.send(text="spooled", wait="spooled")
        self.e["SN"].start()

        hub = self.another_hub(kept)
        with open(self.place.path / "thies/hub.conf", "a", encoding="utf-8") as conf:
            conf.write("flash-per-hour 2\n")  # nor does an hourly limit stand before what the lost hub had taken in
        self.addCleanup(lambda: hub.process.poll() is None and hub.kill())
        hub.start()
        for node in self.e.nodes.values():
            node.start()
            kit.until(node.is_open, f"{node.country} to meet the new hub; its log ends: {node.tail()}", 60)
        for bulletin in [*alone, waiting]:
            self.e["SN"].receives(bulletin, 60)
        for bulletin in [old, *alone[:4], *alone[5:], waiting]:
            kit.until(lambda b=bulletin: self.state("ML", b) in ("delivered", "settled"), f"{bulletin[:8]} to be delivered again", 60)
        # Once for each reader, in a log that has everything that any of them was told was accepted.
        items = self.e["SN"].inbox()
        self.assertEqual(sorted(i["id"] for i in items), sorted([old, *alone, waiting]))
        self.assertEqual(len(self.e["BF"].inbox()), 1)
        self.assertFalse(any(i["missing_before"] for i in items))
        kit.until(lambda: all(i["settled"] for i in self.e["SN"].inbox()), "everything to be settled in the new log", 60)
        leaves = {i["id"]: i["leaf"] for i in self.e["ML"].json("sent")}
        self.assertEqual(len(set(leaves.values())), len(leaves))
        for n in range(2):
            self.send(text=f"new {n}", precedence="FLASH")
        new = self.send(text="one FLASH too many", precedence="FLASH", wait="spooled")
        kit.until(lambda: self.state("ML", new) == "refused", "the limit to hold for what is new", 40)
        # What was read at the old hub's time is read at the new one's: and what was said long ago can be taken back.
        self.assertIn("read", self.e["ML"].track(old)["SN"])
        recall = self.e["ML"].json("recall", old, "--reason", "wrong", "--yes")["bulletin"]
        kit.until(lambda: self.state("ML", recall) in ("delivered", "settled"), "the recall of an old bulletin", 40)
        self.assertIn("purged", self.e["ML"].track(old)["SN"])
        hub.stop()
        log = next(p for p in (self.place.path / "thies").rglob("checkpoint")).parent
        kit.toguna("audit", "verify", log, "--charter", self.place.path / "thies/documents", env=QUICK)
        for node in self.e.nodes.values():
            for alarm in ("forged", "log-forked", "number-twice", "outcome-forged"):
                self.assertNotIn(alarm, node.log.read_text(encoding="utf-8"))


if __name__ == "__main__":
    unittest.main(verbosity=2)
