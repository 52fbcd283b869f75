"""Full and damaged disks under real daemons: they say so, lose nothing, and go on when there is room."""
import unittest

import points  # noqa: F401  first: it knows where the kit is
import kit

MIB = 1 << 20


class Disk(unittest.TestCase):
    def setUp(self):
        self.stage = points.Stage(hub_lines=["disk-reserve 100MiB"], node_lines=["disk-reserve 64MiB"])
        self.addCleanup(self.clean)
        self.e, self.pages = self.stage.e, self.stage.pages

    def clean(self):
        self.e.kill()
        bad = any(test is self for test, _ in [*self._outcome.result.failures, *self._outcome.result.errors])
        if self.stage.place.path.exists():
            self.stage.place.__exit__(bad or None, None, None)

    def say(self, text):
        """At ML, which has room for it."""
        bulletin = self.e["ML"].publish(*points.ALERT, wait="spooled", stdin=text)["bulletin"]
        self.stage.spooled[bulletin] = ()
        return bulletin

    def finding(self, code, name):
        """What doctor says of this, or None."""
        found = self.e[code].json("doctor", expect=None)["findings"]
        return next((f for f in found if f["name"] == name), None)

    def logged(self, daemon, event):
        return f" {event} " in daemon.log.read_text(errors="replace")

    def test_a_full_hub_delivers_and_takes_recalls_and_later_everything(self):
        stage, ml, sn = self.stage, self.e["ML"], self.e["SN"]
        sn.stop()
        early = self.say("accepted while there was room\n")
        kit.until(lambda: ml.json("sent")[-1]["state"] != "spooled", "the hub to have it")
        self.pages["hub"].budget(90 * MIB)
        kit.until(lambda: self.logged(self.e.hub, "disk-nearly-full"), "the hub to see its disk")
        late = self.say("while there is none\n")
        kit.until(lambda: self.logged(ml, "hub-full"), "ML to be told")
        self.assertEqual(self.finding("ML", "hub-disk")["what"], "the hub's disk is nearly full: it takes nothing new")
        sn.start()
        sn.receives(early)  # the reserve is not for new things, but delivery goes on
        stage.recall(early)
        self.assertIsNone(sn.holds(late))
        self.pages["hub"].budget(None)
        kit.until(lambda: self.logged(self.e.hub, "disk-has-room"), "the hub to see the room")
        sn.receives(late, 30)
        stage.end(False, overtaken=True)  # by the recall

    def test_a_hub_that_runs_out_altogether_ends_and_goes_on(self):
        stage = self.stage
        first = self.say("before\n")
        self.pages["hub"].budget(0)
        second = self.say("during\n")
        code = kit.until(lambda: self.e.hub.process.poll(), "the hub to end")
        self.assertEqual(code, 5)
        self.assertRegex(self.e.hub.text(), points.SAID)
        self.pages["hub"].budget(None)
        for bulletin in (first, second):
            stage.until(lambda b=bulletin: stage.shown(b), "SN to have it")
        stage.end(False)

    def test_a_full_node_says_one_sentence_and_what_is_for_it_waits(self):
        stage, ml, sn = self.stage, self.e["ML"], self.e["SN"]
        for code in ("ML", "SN"):
            self.pages[code].budget(50 * MIB)
            stage.restart(code)
        said = ml.toguna("publish", *points.ALERT, stdin="no room\n", expect=1)
        self.assertIn("the node's disk is full. Make room, then try again", said)
        self.assertEqual(ml.json("sent"), [])
        self.pages["ML"].budget(None)
        stage.restart("ML")
        bulletin = self.say("room here, none there\n")
        kit.until(lambda: self.logged(sn, "disk-full"), "SN to say that it takes nothing")
        self.assertIsNotNone(self.finding("SN", "disk"))
        self.assertIsNone(sn.holds(bulletin))
        self.pages["SN"].budget(None)
        stage.restart("SN")
        sn.receives(bulletin)
        stage.end(False)

    def test_a_damaged_file_of_the_log_is_written_again(self):
        stage = self.stage
        self.say("one entry more\n")
        self.e.hub.stop()
        folder = self.e.at / "hub/data/log"
        note = next((self.e.at / "hub/documents").glob("*charter*"))
        bundle = max((p for p in (folder / "tile/entries").rglob("*") if p.is_file()), key=lambda p: int(p.name))
        bundle.write_bytes(bytes(bundle.stat().st_size))
        self.assertIn("places that are wrong: 1", kit.toguna("audit", "verify", folder, "--charter", note, expect=3))
        (folder / "checkpoint").unlink()
        self.e.hub.start()
        kit.until((folder / "checkpoint").exists, "the log to be written again")
        stage.end(False)


if __name__ == "__main__":
    unittest.main(verbosity=2)
