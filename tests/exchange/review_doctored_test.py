"""What was changed in a copy of the log is named, and nothing of it is believed. And a hub that lies."""
import contextlib
import json
import shutil
import sqlite3
import sys
import unittest

import kit
from reviewed import dossiers, FIRST_BUNDLE, flipped, flipped_note, packed, Reviewed

sys.path.insert(0, str(kit.ROOT / "tests/second"))
from toguna2 import base, log, wire  # noqa: E402


class Doctored(Reviewed):
    """Bits, tiles, signatures and decisions, one after the other."""

    def test_cosignatures_are_looked_at(self):
        """False in the name of a witness: refused. By a key that nobody vouches for: it counts for nothing."""
        kit.until(lambda: (self.hub / "data/log/checkpoint").read_text().count("\n\u2014 ") > 1, "a witness's line in the hub's files", 30)
        shutil.rmtree(self.at / "copy")
        self.export(self.at / "copy")
        path = self.at / "copy/checkpoint"
        text = path.read_text()
        first = text.split("\n\n")[1].splitlines()
        path.write_text(flipped_note(text, 1))
        said = self.named("the cosignature in the name of sahel.example/")
        self.assertIn("checkpoint", said)
        kit.toguna("audit", "verify", "copy", "--charter", "documents", cwd=self.at, expect=3)
        signer = first[1].split(" ")[1].split("/", 1)[1].replace("/", "-")
        shutil.copytree(self.at / "documents", self.at / "fewer", ignore=shutil.ignore_patterns(f"{signer}.note"))
        path.write_text(text)
        said = kit.toguna("audit", "verify", "copy", "--charter", "fewer", cwd=self.at)
        self.assertIn("count for nothing: 1", said)
        stranger = first[1].replace("/n1", "/n9")
        path.write_text(text.split("\n\n")[0] + "\n\n" + first[0] + "\n" + stranger + "\n")
        self.toguna("log")
        self.assertFalse(self.look("about")["settled"])
        self.assertFalse(kit.toguna_json("audit", "verify", "copy", "--charter", "documents", cwd=self.at)["settled"])

    def test_a_flipped_bit_is_named(self):
        path = self.at / "copy" / FIRST_BUNDLE
        records = dossiers(path)
        target = next(r for r in records if r[2].get(3))
        for paper, says in ((1, "is not that of what was logged"), (3, "the decision kept there"), (2, ""), (4, "portions that the bulletin has not")):
            forged = [[i, s, dict(p)] for i, s, p in records]
            data = bytearray(forged[target[0]][2][paper])
            data[-1] ^= 1
            forged[target[0]][2][paper] = bytes(data)
            path.write_bytes(packed(forged))
            self.assertIn(says, self.named(f"{FIRST_BUNDLE}:entry {target[0]}"))
        document = next(r for r in records if r[2].get(6, b"").startswith(b"\4toguna/policy"))
        forged = [[i, s, dict(p)] for i, s, p in records]
        forged[document[0]][2][6] = document[2][6][:-9] + bytes([document[2][6][-9] ^ 1]) + document[2][6][-8:]
        path.write_bytes(packed(forged))
        self.assertIn("document", self.named(f"{FIRST_BUNDLE}:entry {document[0]}"))
        path.write_bytes(packed(records))
        self.toguna("log")

    def test_the_folder_of_a_hub_is_looked_at_as_closely(self):
        """The same damage where the hub keeps its files: named in the same way, for all verbs."""
        shutil.copytree(self.hub / "data/log", self.at / "box/log")
        shutil.copytree(self.hub / "data/hub", self.at / "box/hub")
        self.toguna("log", log="box")
        self.assertEqual(self.look("about", "box")["kind"], "hub")

        def refuse(path, data, *says):
            """With these bytes (None: gone) in place of the file."""
            kept = path.read_bytes()
            path.unlink() if data is None else path.write_bytes(data)
            for verb in (("log",), ("who-got", self.flood), ("overdue",)):
                (self.at / "index.db").unlink(missing_ok=True)
                said = self.toguna(*verb, log="box", expect=3)
                for text in says:
                    self.assertIn(text, said)
            path.write_bytes(kept)
        openings = self.at / "box/hub" / FIRST_BUNDLE
        records = dossiers(openings)
        target = next(r for r in records if r[2].get(3))[0]
        for paper, says in ((1, "is not that of what was logged"), (3, "the decision kept there")):
            forged = [[i, s, dict(p)] for i, s, p in records]
            forged[target][2][paper] = flipped(forged[target][2][paper], -1)
            refuse(openings, packed(forged), f"{FIRST_BUNDLE}:entry {target}", says)
        refuse(openings, packed(records[:4] + [records[5], records[4]] + records[6:]), FIRST_BUNDLE, "out of order")
        refuse(openings, openings.read_bytes()[:-3], FIRST_BUNDLE)
        tile = max((p for p in (self.at / "box/log/tile/entries").rglob("*") if p.is_file()), key=lambda p: int(p.name))
        name = str(tile.relative_to(self.at / "box/log"))
        size = int((self.at / "box/log/checkpoint").read_text().split("\n")[1])
        if tile.name == str(size):
            refuse(tile, None, name, "missing")
        refuse(tile, flipped(tile.read_bytes(), 34 * 5 + 9), "entry 5")
        checkpoint = self.at / "box/log/checkpoint"
        text = checkpoint.read_text()
        refuse(checkpoint, flipped_note(text, 0).encode(), "signature")
        refuse(checkpoint, text.replace(f"\n{size}\n", f"\n{size + 1}\n").encode(), "signature")
        (self.at / "index.db").unlink(missing_ok=True)
        self.toguna("log", log="box")
        checkpoint.write_bytes((self.early / "checkpoint").read_bytes())
        self.assertIn("older than one that was seen", self.toguna("log", log="box", expect=3))

    def test_what_is_cut_off_or_out_of_order_is_named(self):
        path = self.at / "copy" / FIRST_BUNDLE
        records, data = dossiers(path), path.read_bytes()
        path.write_bytes(data[:-3])
        self.named(FIRST_BUNDLE)
        records[4], records[5] = records[5], records[4]
        path.write_bytes(packed(records))
        self.assertIn("out of order", self.named(FIRST_BUNDLE))
        records[4], records[5] = records[5], records[4]
        records[5][1] = bytes(16)
        path.write_bytes(packed(records))
        self.named(f"{FIRST_BUNDLE}:entry 5")
        path.write_bytes(packed(records[:4] + records[5:]))
        self.named(f"{FIRST_BUNDLE}:entry 5")
        path.write_bytes(data)
        self.toguna("log")

    def test_what_stands_behind_the_last_opening_is_named(self):
        path = self.at / "copy" / FIRST_BUNDLE
        records, data = dossiers(path), path.read_bytes()
        last, = records[-1:]
        for behind in (b"\0", b"what is this?", bytes(4096), packed([last]), packed([[last[0] + 256, *last[1:]]]), packed([last])[:-1]):
            path.write_bytes(data + behind)
            self.assertIn("something stands that is none", self.named(f"{FIRST_BUNDLE}:entry {last[0]}"))
        with contextlib.closing(sqlite3.connect(self.at / "index.db")) as index:
            self.assertEqual(index.execute("SELECT count(*) FROM entry").fetchone(), (0,))
        path.write_bytes(data + packed([[last[0] + 1, *last[1:]]]))  # a hub's, of an entry that no checkpoint covers yet
        self.toguna("log")
        path.write_bytes(data + b"later")
        self.assertIn("no opening", self.toguna("export", "again", expect=3))
        self.assertFalse((self.at / "again/checkpoint").exists())

    def test_a_lost_or_changed_tile_is_named(self):
        path = next((self.at / "copy/tile/entries").rglob("*[0-9]"))
        bundle = max((p for p in (self.at / "copy/tile/entries").rglob("*") if p.is_file()), key=str)
        data = bundle.read_bytes()
        bundle.unlink()
        self.named(str(bundle.relative_to(self.at / "copy")))
        bundle.write_bytes(data[:-34] + data[-32:] + data[-34:-32])
        self.named("entry")
        bundle.write_bytes(data)
        self.toguna("log")
        self.assertTrue(path.exists())

    def test_stale_and_future_checkpoints(self):
        self.toguna("log")
        shutil.copytree(self.early, self.at / "early")
        said = self.toguna("log", log="early", expect=3)
        self.assertIn("older than one that was seen", said)
        shutil.copy(self.copy / "checkpoint", self.at / "early/checkpoint")
        (self.at / "index.db").unlink()
        self.assertIn("tile/entries", self.toguna("log", log="early", expect=3))

    def test_only_the_charter_s_log_is_believed(self):
        seed = base.sha(b"stranger")
        text = (self.at / "copy/checkpoint").read_text().split("\n\n")[0] + "\n"
        key = log.Key(text.split("\n")[0], log.NOTE, base.public_of(seed))
        (self.at / "copy/checkpoint").write_text(text + "\n" + log.note_line(key, seed, text))
        self.toguna("log", expect=3)
        self.assertIn("neither a hub's folder nor a copy", self.toguna("log", log="documents", expect=3))

    # ---- a hub that decided wrongly, with its own key ----

    def test_a_hub_that_decided_wrongly_is_caught(self):
        def permit_chad(record):
            papers = record[2]
            if 3 not in papers or wire.decode("Entry", papers[1])["subject"].hex() != self.convoy:
                return
            decision, entry = wire.decode("Decision", papers[3]), wire.decode("Entry", papers[1])
            portion = decision["portions"][0]
            portion["permitted"], portion["denied"] = [*portion["permitted"], b"TD"], []
            papers[3] = wire.encode("Decision", decision)
            papers[1] = wire.encode("Entry", {**entry, "decision": log.decision_hash(papers[3])})
        key = self.doctor(permit_chad)
        said = self.doctored("replay", self.convoy, key=key)
        self.assertIn("decided otherwise", said)
        out = kit.toguna("audit", "replay", self.convoy, "--log", "copy", "--key", key, "--index", "index.db", "--json", cwd=self.at,
                         expect=None)
        difference, = json.loads(out)["differences"]
        self.assertEqual((difference["state"], difference["logged"], difference["recomputed"]), ("TD", "permitted", "export"))
        self.doctored("replay", self.flood, key=key, expect=0)

    def test_a_hub_that_names_other_policies_is_caught(self):
        def another_set(record):
            if 3 in record[2]:
                entry = wire.decode("Entry", record[2][1])
                record[2][1] = wire.encode("Entry", {**entry, "policy_set": base.sha(b"others")})
        self.assertIn("decided otherwise", self.doctored("replay", self.flood, key=self.doctor(another_set)))

    def test_a_hub_that_hides_a_recipient_is_caught(self):
        def one_less(record):
            if len(record[2].get(4, b"")) == 72:
                record[2][4] = record[2][4][:36]
        self.assertIn("as many recipients as its originator signed", self.doctored("log", key=self.doctor(one_less)))


if __name__ == "__main__":
    unittest.main()
