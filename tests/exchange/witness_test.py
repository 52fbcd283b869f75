"""What the log proves to those who were not there, and what becomes of a hub that keeps two: real daemons, files and the
command line on a machine that has the charter and nothing else."""
import base64
import json
import pathlib
import re
import shutil
import unittest

import kit
from exchange_test import ALERT, Story


class Proof(Story):
    """A bulletin's entry as a file that anybody can check, and every way to forge one."""

    def setUp(self):
        super().setUp()
        ml, sn = self.e["ML"], self.e["SN"]
        self.id = ml.publish(*ALERT, "--to", "SN", wait="settled", stdin="Bonjour")["bulletin"]
        sn.receives(self.id)
        self.elsewhere = self.place.path / "elsewhere"  # a machine with the exchange's documents only
        for node in (ml, sn):
            shutil.copytree(node.folder / "documents", self.elsewhere / "documents", dirs_exist_ok=True)

    def check(self, file, *more, expect=0):
        return kit.toguna("audit", "check", file, "--charter", "documents", *more, cwd=self.elsewhere, expect=expect)

    def prove(self, node, *what, name="a.tlog-proof"):
        told = node.json("audit", "prove", *what, "-o", self.elsewhere / name)
        return told, (self.elsewhere / name).read_text()

    def forged(self, text, says, *more):
        (self.elsewhere / "forged").write_text(text)
        said = self.check("forged", *more, expect=3)
        self.assertIn(says, said)
        self.assertIn("forged", said)

    def test_both_ends_prove_it_to_anybody(self):
        leaf = self.e["ML"].json("sent")[0]["leaf"]
        for n, (code, what) in enumerate((("ML", self.id[:12]), ("SN", self.id), ("ML", leaf), ("SN", leaf))):
            def proven(code=code, what=what, n=n):
                told, _ = self.prove(self.e[code], what, name=f"{n}.tlog-proof")
                (self.elsewhere / f"{n}.tlog-proof").unlink() if not told["settled"] else None
                return told["settled"]
            kit.until(proven, f"{code} to prove it under a settled checkpoint")
            said = kit.toguna_json("audit", "check", f"{n}.tlog-proof", "--charter", "documents", "--settled", cwd=self.elsewhere)
            self.assertEqual((said["kind"], said["type"], said["subject"], said["member"], said["actor"], said["index"]),
                             ("proof", "accepted", self.id, "ML", "ML/dgse/n1", leaf))
            self.assertTrue(said["settled"])
            self.assertEqual({w["witness"] for w in said["cosigned"]}, {"ML/dgse/n1", "SN/cigs/n1"})
        self.assertIn("settled", self.check("0.tlog-proof"))

    def test_the_log_s_own_files_prove_it_too(self):
        log = self.e.at / "hub/data/log"
        sent = self.e["ML"].json("sent")[0]
        kit.until(lambda: int((log / "checkpoint").read_text().split("\n")[1]) > sent["leaf"], "the log to be published")
        told, _ = self.prove(self.e["ML"], self.id, "--log", log, "--charter", self.elsewhere / "documents", name="b")
        self.assertTrue(told["opened"])
        self.assertIn(self.id, self.check("b"))
        said = kit.toguna_json("audit", "prove", "0", "--log", log, "--charter", "documents", "-o", "c", cwd=self.elsewhere)
        self.assertFalse(said["opened"])
        self.assertIn("does not say", self.check("c"))
        self.assertIn("no entry", kit.toguna("audit", "prove", "99999999", "--log", log, "--charter", "documents",
                                             cwd=self.elsewhere, expect=3))

    def test_every_forgery_is_named(self):
        kit.until(lambda: self.prove(self.e["ML"], self.id)[0]["settled"] or (self.elsewhere / "a.tlog-proof").unlink(),
                  "a settled proof")
        text = (self.elsewhere / "a.tlog-proof").read_text()
        extra = base64.b64decode(re.search("^extra (.*)$", text, re.M)[1])
        index = int(re.search("^index (.*)$", text, re.M)[1])
        signatures = [line for line in text.splitlines() if line.startswith("\u2014 ")]
        log, ml = signatures[0], next(s for s in signatures if "/ML/" in s)

        def flipped(line, at):
            head, data = line.rsplit(" ", 1)
            raw = bytearray(base64.b64decode(data))
            raw[at] ^= 1
            return f"{head} {base64.b64encode(raw).decode()}"

        spoilt = bytearray(extra)
        spoilt[3] ^= 1
        self.forged(text.replace(base64.b64encode(extra).decode(), base64.b64encode(spoilt).decode()), "does not contain")
        self.forged(text.replace(f"index {index}\n", f"index {index ^ 1}\n"), "does not contain")
        self.forged(text.replace(log, flipped(log, 40)), "signature")
        self.forged(text.replace(ml, flipped(ml, 40)), "the cosignature in the name of sahel.example/ML/dgse/n1 is false")
        self.forged(text.replace(ml, flipped(ml, 7)), "the cosignature in the name of sahel.example/ML/dgse/n1 is false")
        self.forged(text.replace("@v1", "@v2"), "neither a proof nor evidence")
        self.forged(text[:len(text) // 2], "forged")
        # A witness whose key nobody vouches for counts for nothing, and so does one that is missing.
        stranger = flipped(ml, 0).replace("/ML/dgse/n1", "/XX/n1")
        (self.elsewhere / "stranger").write_text(text.replace(ml, stranger))
        said = kit.toguna_json("audit", "check", "stranger", "--charter", "documents", cwd=self.elsewhere)
        self.assertEqual((said["settled"], said["foreign_cosignatures"]), (False, 1))
        self.assertIn("not settled", self.check("stranger"))
        self.forged(text.replace(ml, stranger), "AES", "--settled")
        # Another exchange's charter knows no such log, and the key alone knows no witnesses.
        key = next(line.split(" log ")[1].split(" ")[0] for line in self.charter().splitlines() if line.startswith("hub "))
        said = kit.toguna_json("audit", "check", "a.tlog-proof", "--key", key, cwd=self.elsewhere)
        self.assertIsNone(said["settled"])
        kit.toguna("audit", "check", "a.tlog-proof", "--key", key, "--settled", cwd=self.elsewhere, expect=2)
        kit.toguna("audit", "check", "a.tlog-proof", cwd=self.elsewhere, expect=2)

    def charter(self):
        return next(p.read_text() for p in (self.elsewhere / "documents").iterdir() if p.read_text().startswith("toguna/charter v1"))

    def test_what_nobody_logged_is_not_proven(self):
        self.assertIn("no entry", self.e["ML"].toguna("audit", "prove", "99999999", expect=3))
        self.e["ML"].toguna("audit", "prove", "ffffffffffff", expect=3)


class Forked(Story):
    """A host that keeps two stores of one hub: each is honest in itself, and signed with the same key."""

    def setUp(self):
        super().setUp()
        self.e["SN"].receives(self.send(wait="delivered"))  # what both histories begin with
        self.e.hub.stop()
        self.hubs = self.e.at / "hub"
        shutil.copytree(self.hubs, self.e.at / "hub2")
        conf = (self.e.at / "hub2/hub.conf").read_text().replace(str(self.hubs), str(self.e.at / "hub2"))
        (self.e.at / "hub2/hub.conf").write_text(conf)
        self.second = kit.Daemon("togunad", self.e.at / "hub2/hub.conf", self.place.path / "hub2.log")
        self.addCleanup(lambda: self.second.process and self.second.process.poll() is None and self.second.kill())

    def open(self, node):
        kit.until(node.is_open, f"{node.country} to meet the hub; its log ends: {node.tail()}", 60)

    def alone(self, hub, code, text):
        """One history goes on with one node: the other is told nothing of it."""
        other = self.e[next(c for c in self.nodes if c != code)]
        if other.process.poll() is None:
            other.stop()
        hub.start()
        node = self.e[code]
        if node.process.poll() is not None:
            node.start()
        self.open(node)
        for n in range(3):
            node.publish(*ALERT, "--to", other.country, stdin=f"{text} {n}")
        size = node.status()["hub"]["log_size"]
        node.stop()
        hub.stop()
        return size

    def evidence(self, node):
        folder = node.folder / "data/evidence"
        return sorted(folder.glob("log-fork-*")) if folder.is_dir() else sorted(node.folder.rglob("log-fork-*"))

    def test_both_nodes_notice_and_prove_it_elsewhere(self):
        first = self.alone(self.e.hub, "ML", "first history")
        second = self.alone(self.second, "SN", "second history")
        while second <= first:
            second = self.alone(self.second, "SN", "second history goes on")
        # Who comes to the longer history is shown that it does not begin with what it saw.
        self.second.start()
        ml = self.e["ML"].start()
        kit.until(lambda: ml.status()["hub"]["distrusted"] == ["dakar"], f"ML to notice; its log ends: {ml.tail()}")
        self.assertIn("SHOWED TWO HISTORIES", ml.toguna("status"))
        self.assertIn("two histories", self.doctor(ml))
        self.assertEqual(ml.inbox(), [])  # nothing that waited there for it was taken
        file, = self.evidence(ml)
        self.verified(file)
        kit.until(lambda: "conflict" in self.second.text(), f"ML to say so to the hub, whose log ends: {self.second.tail()}")
        ml.stop()
        ml.start()
        ml.publish(*ALERT, "--to", "SN", wait="spooled", stdin="not to this hub")
        self.assertFalse(ml.is_open())
        # And the other one, at the first store, once that has grown longer.
        self.second.stop()
        size = self.e["SN"].start().status()["hub"]["log_size"]
        self.e.hub.start()
        sn = self.e["SN"]
        def noticed():
            return sn.status()["hub"]["distrusted"] == ["dakar"] or "conflict" in self.e.hub.text()
        kit.until(noticed, f"SN or the hub to notice ({size}); its log ends: {sn.tail()}", 60)

    def doctor(self, node):
        return json.dumps(node.json("doctor", expect=None))

    def verified(self, file):
        """On a machine that has the charter and nothing else."""
        elsewhere = self.place.path / "elsewhere"
        elsewhere.mkdir()
        charter = next(p for p in (self.hubs / "documents").iterdir() if p.read_text().startswith("toguna/charter v1"))
        shutil.copy(charter, elsewhere / "charter.note")
        shutil.copy(file, elsewhere / "x.evidence")
        said = kit.toguna_json("audit", "check", "x.evidence", "--charter", "charter.note", cwd=elsewhere)
        self.assertEqual((said["kind"], said["verified"]), ("evidence", True))
        self.assertIn("two histories", kit.toguna("audit", "check", "x.evidence", "--charter", "charter.note", cwd=elsewhere))
        spoilt = (elsewhere / "x.evidence").read_text().replace("note ", "note 1", 1)
        (elsewhere / "spoilt").write_text(spoilt)
        kit.toguna("audit", "check", "spoilt", "--charter", "charter.note", cwd=elsewhere, expect=3)


class Restored(Story):
    """The whole machine of a hub is set back to an older image: store, log and signer agree, and only the nodes know better."""

    def has_proof(self, node):
        return node.status()["hub"]["distrusted"] == ["dakar"]

    def greets_again(self, node):
        """At once: a node that was turned away waits longer each time, but not when it begins anew."""
        if self.has_proof(node):
            return
        refused = self.e.hub.text().count("session-refused")
        node.stop()
        node.start()
        kit.until(lambda: self.e.hub.text().count("session-refused") > refused or self.has_proof(node),
                  f"the hub to answer {node.country}; its log ends: {self.e.hub.tail()}", 40)

    def test_nodes_know_what_the_hub_forgot(self):
        ml, sn = self.e["ML"], self.e["SN"]
        sn.receives(self.send(wait="delivered"))
        self.e.hub.stop()
        hub, older = self.e.at / "hub", self.place.path / "older"
        shutil.copytree(hub, older)
        self.e.hub.start()
        for node in (ml, sn):
            kit.until(node.is_open, f"{node.country} to be back", 40)
        for n in range(4):
            sn.receives(self.send(text=f"newer {n}"), 40)
        self.e.hub.stop()
        shutil.rmtree(hub)
        shutil.copytree(older, hub)
        self.e.hub.start()  # it cannot know
        kit.until(lambda: "conflict" in self.e.hub.text(), f"the hub to be told; its log ends: {self.e.hub.tail()}", 60)
        kit.until(lambda: not ml.is_open(), "ML to be turned away")
        had = {item["id"] for item in sn.inbox()}
        # Nothing is taken from it; once its log has grown beyond what they saw, by telling of each greeting, both nodes have the proof.
        for node in (ml, sn) * 12:
            self.greets_again(node)
        for node in (ml, sn):
            self.assertTrue(self.has_proof(node), node.tail())
        self.assertEqual({item["id"] for item in sn.inbox()}, had)
        for node in (ml, sn):
            for file in node.folder.rglob("log-fork-*"):
                kit.toguna("audit", "check", file, "--charter", next((hub / "documents").glob("1-charter-*")))


if __name__ == "__main__":
    unittest.main()
