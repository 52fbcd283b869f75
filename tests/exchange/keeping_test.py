"""What a hub keeps, and what becomes of it when its disk is touched: real daemons, killed and damaged."""
import json
import os
import pathlib
import random
import shutil
import signal
import unittest

import kit
from exchange_test import Story


class Keeping(Story):
    """Helpers: the hub's folder, what it says of itself, and copies of it."""

    @property
    def data(self):
        return self.e.at / "hub/data"

    def stats(self):
        """What the hub says of itself about once a second; waits for the first time."""
        path = self.data / "hub/stats.json"
        kit.until(path.exists, "the hub's figures")
        return json.loads(path.read_text())

    def refused(self):
        """The hub is started and must not come up: what it said."""
        hub = self.e.hub.start(wait=False)
        code = kit.until(lambda: hub.process.poll() is not None and (hub.process.returncode or "no error"), "the hub to refuse")
        self.assertIn(code, (3, 5), hub.tail())
        return hub.text()


class Settled(Keeping):
    """A hub that is killed does not forget what its witnesses said."""

    def test_settled_stays_settled(self):
        self.send(wait="settled")
        kit.until(lambda: self.stats()["log_settled"] > 0, "the hub to write that its log is settled")
        for node in self.e.nodes.values():
            node.kill()
        before = kit.until(lambda: self.stats()["log_settled"], "the hub's figures")
        self.e.hub.kill()
        (self.data / "hub/stats.json").unlink()
        self.e.hub.start()
        after = kit.until(lambda: (self.data / "hub/stats.json").exists() and self.stats(), "figures of the new life")
        self.assertGreaterEqual(after["log_settled"], before)
        for node in self.e.nodes.values():
            node.start()
        self.send(wait="settled")


class SetBack(Keeping):
    """The store alone is set back: the signer remembers, for ever."""

    def again(self):
        """The hub, and of its nodes the one that speaks: the other takes time to start and has no part in what follows."""
        self.e.hub.start()
        self.e["ML"].start()

    def test_it_refuses_for_ever_and_says_why(self):
        self.send()
        self.e.kill()
        older = self.place.path / "older"
        shutil.copytree(self.data / "hub", older)
        self.again()
        self.send(text="newer")
        kit.until((self.data / "log/checkpoint").exists, "the hub to publish a checkpoint")
        self.e.kill()
        shutil.rmtree(self.data / "hub")
        shutil.copytree(older, self.data / "hub")
        signer = (self.data / "signer/state").read_bytes()
        log = (self.data / "log/checkpoint").read_bytes()
        for _ in range(3):
            self.assertIn("older than its last signed checkpoint", self.refused())
        # The evidence is where it was: what was signed, and what was published of it.
        self.assertEqual((self.data / "signer/state").read_bytes(), signer)
        self.assertEqual((self.data / "log/checkpoint").read_bytes(), log)

    def test_a_signer_that_has_forgotten_everything_does_not_begin_anew(self):
        """Not a second time either: what a start that was refused leaves behind must not stand for the signer's memory."""
        self.send()
        kit.until((self.data / "log/checkpoint").exists, "the hub to publish a checkpoint")
        self.e.kill()
        log = (self.data / "log/checkpoint").read_bytes()
        shutil.move(self.data / "signer", self.place.path / "signer")
        for _ in range(2):
            self.assertIn("the hub's store holds a log, and its signer remembers none", self.refused())
        self.assertFalse((self.data / "signer/state").exists())
        self.assertNotIn("log-begun", self.e.hub.text())
        # Nor is a log begun where the store is gone as well, and what was published of it still lies there.
        shutil.move(self.data / "hub", self.place.path / "hub")
        self.assertIn("a checkpoint of this log was published here", self.refused())
        self.assertFalse((self.data / "signer/state").exists())
        self.assertEqual((self.data / "log/checkpoint").read_bytes(), log)
        for name in ("hub", "signer"):
            shutil.rmtree(self.data / name)
            shutil.move(self.place.path / name, self.data / name)
        self.again()
        self.send(text="after")

    def test_a_signer_set_back_under_a_newer_store_signs_one_history(self):
        """It repeats what it had signed, for the store extends it; under another history it would refuse."""
        self.send()
        self.e.kill()
        state = (self.data / "signer/state").read_bytes()
        self.again()
        self.send(text="newer")
        size = self.e["ML"].status()["hub"]["log_size"]
        self.e.kill()
        (self.data / "signer/state").write_bytes(state)
        self.again()
        self.send(text="after")
        self.assertGreater(self.e["ML"].status()["hub"]["log_size"], size)
        self.assertEqual(self.e["ML"].status()["hub"]["distrusted"], [])


class Overdue(Keeping):
    """Receipts that do not come in time: both ends say so, and the log keeps it."""

    def hub_lines(self):
        return ("due-flash 4s",)

    def node_lines(self):
        bell = self.place.path / "bell"
        bell.write_text(f"#!/bin/sh\ncat >> {self.place.path}/rung\necho >> {self.place.path}/rung\n", encoding="utf-8")
        bell.chmod(0o755)
        return ("due-flash 4s", f"alarm-hook bell {bell}", f"hook-folder {self.place.path}")

    def rung(self):
        file = self.place.path / "rung"
        lines = file.read_text(encoding="utf-8").splitlines(True) if file.exists() else []
        return [json.loads(line) for line in lines if line.endswith("\n")]  # the last may be half written

    def test_both_ends_notice_what_does_not_arrive(self):
        ml, sn = self.e["ML"], self.e["SN"]
        sn.receives(self.send(wait="delivered"))  # no FLASH: on a busy machine it would be overdue too
        sn.kill("link", signal.SIGSTOP)  # connected still, and nothing comes through
        self.addCleanup(lambda: sn.process.poll() is None and sn.kill("link", signal.SIGCONT))
        bulletin = self.send(precedence="FLASH")
        kit.until(lambda: "receipts-overdue" in ml.text(), f"ML to notice; its log ends: {ml.tail()}")
        kit.until(lambda: "receipts-overdue" in self.e.hub.text(), f"the hub to notice; its log ends: {self.e.hub.tail()}")
        self.assertEqual(ml.status()["sent"]["overdue"], 1)
        rung = kit.until(lambda: [a for a in self.rung() if a["alarm"] == "receipts-overdue"], "the hook for alarms to run")
        self.assertEqual([(a["bulletin"], a["precedence"], a["accepted"], a["silent"]) for a in rung],
                         [(bulletin, "FLASH", True, [{"node": "SN/cigs/n1", "member": "SN"}])])
        self.assertIn(bulletin[:12], next(line for line in self.e.hub.text().splitlines() if "receipts-overdue" in line))

        def logged():
            said = kit.toguna_json("audit", "log", "--count", "1000", "--log", self.data, "--index", self.place.path / "index.db")
            return next((e for e in said["entries"] if e["type"] == "overdue"), None)
        entry = kit.until(logged, "the log to keep it")
        self.assertEqual((entry["subject"], entry["state"]), (bulletin, "ML"))
        sn.kill("link", signal.SIGCONT)
        kit.until(lambda: ml.status()["sent"]["overdue"] == 0, "it to arrive after all", 60)


class Flipped(Keeping):
    """One bit of one file of a hub's folder, at random but the same each time (TOGUNA_SEED): named, or without effect."""

    TURNS = int(os.environ.get("TOGUNA_FLIPS", "24"))
    SAME = ("log_size", "log_settled", "charter", "queued", "queued_bytes", "queued_held")

    def hub_lines(self):
        """The log grows when a receipt is overdue, and SN's is: not before the end, however long the turns take."""
        return ("due-flash 12h",)

    def start_and_look(self):
        """(None, figures) of a hub that started, or (what it said, None)."""
        hub = self.e.hub.start(wait=False)
        kit.until(lambda: hub.process.poll() is not None or " ready" in hub.text(), "the hub to start or to refuse")
        if hub.process.poll() is None:
            figures = kit.until(lambda: hub.process.poll() is not None or (self.data / "hub/stats.json").exists() and self.stats(),
                                "its figures")
            if hub.process.poll() is None:
                hub.kill()
                return None, {name: figures[name] for name in self.SAME}
        self.assertNotIn(hub.process.returncode, (0, -11, -6), hub.tail())
        return hub.text(), None

    def test_a_real_hub_names_it_or_does_not_care(self):
        self.e["SN"].stop()
        self.send(precedence="FLASH")
        self.send(text="waits")
        self.e["ML"].stop()
        self.e.hub.kill()
        (self.data / "hub/stats.json").unlink(missing_ok=True)
        image = self.place.path / "image"
        shutil.copytree(self.data, image)
        said, as_it_is = self.start_and_look()
        self.assertIsNone(said)
        chance = random.Random(int(os.environ.get("TOGUNA_SEED", "1")))
        files = sorted(p.relative_to(image) for p in image.rglob("*") if p.is_file() and p.stat().st_size)
        self.assertIn(pathlib.Path("hub/hub.db-wal"), files)
        told = 0
        for turn in range(self.TURNS):
            file = files[turn % len(files)] if turn % 2 else pathlib.Path("hub/hub.db-wal" if turn % 4 else "hub/hub.db")
            shutil.rmtree(self.data)
            shutil.copytree(image, self.data)
            raw = bytearray((self.data / file).read_bytes())
            bit = chance.randrange(8 * len(raw))
            raw[bit // 8] ^= 1 << bit % 8
            (self.data / file).write_bytes(raw)
            said, figures = self.start_and_look()
            with self.subTest(file=str(file), bit=bit):
                if said is None:
                    self.assertEqual(figures, as_it_is)
                else:
                    told += 1
                    self.assertIn(file.name, said)
        self.assertGreater(told, self.TURNS // 5)


if __name__ == "__main__":
    unittest.main()
