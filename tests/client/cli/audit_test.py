"""toguna audit verify, prove and check, over a log and evidence that the second implementation wrote."""
import unittest

from kitchen import Kitchen, raw

from toguna2 import base, folder, log

SIZE = 700
CHARTER = """toguna/charter v1
exchange sahel.example
version 1
effective 2026-01-01T00:00:00Z
suites 0x0001
{members}
hub dakar host SN transport kSdQzFii3umgnYoJwibiWoSzAxdHHewa9V55BZ/qRrE= log {log} endpoint tcp://hub1.example:7400
quorum all of members
"""


class Audit(Kitchen):
    def setUp(self):
        super().setUp()
        self.seed = base.sha(b"log")
        self.key = log.Key("sahel.example/hub-dakar", log.NOTE, base.public_of(self.seed))
        self.leaves = [base.sha(base.u64(i)) for i in range(SIZE)]
        for name, data in folder.tiles(self.leaves):
            path = self.at / "log" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        (self.at / "log/checkpoint").write_text(self.checkpoint(SIZE))

    def checkpoint(self, size):
        text = log.checkpoint_text(self.key.name, size, base.root(self.leaves[:size]))
        return text + "\n" + log.note_line(self.key, self.seed, text)

    def charter(self):
        keys = [(f"sahel.example/{c}", base.sha(c.encode())) for c in ("ML", "SN")]
        roots = [(log.Key(name, log.NOTE, base.public_of(seed)), seed) for name, seed in keys]
        members = "\n".join(f"member {key.name[-2:]} {key}" for key, _ in roots)
        text = CHARTER.format(members=members, log=self.key)
        (self.at / "charter.note").write_text(text + "\n" + "".join(log.note_line(key, seed, text) for key, seed in roots))
        return "charter.note"

    def verify(self):
        return self.toguna("audit", "verify", "log", "--key", self.key)

    def finds(self, line):
        """Ends with 3, having found this and nothing else."""
        done = raw("audit", "verify", "log", "--key", str(self.key), cwd=self.at)
        self.assertEqual((done.returncode, done.stdout), (3, line + "\n"), done.stderr)
        self.assertEqual(done.stderr.count("\n"), 1)

    def spoil(self, name, at):
        path = self.at / "log" / name
        data = bytearray(path.read_bytes())
        data[at] ^= 1
        path.write_bytes(data)

    def test_a_sound_log_is_verified(self):
        said = self.verify()
        self.assertIn("700 entries, all as signed; tiles: 4", said)
        self.assertIn(base.root(self.leaves).hex(), said)
        told = self.json("audit", "verify", "log", "--key", self.key)
        self.assertTrue(told["verified"])
        self.assertEqual((told["size"], told["entries"], told["wrong"], told["findings"]), (SIZE, SIZE, 0, []))

    def test_the_charter_names_the_key(self):
        charter = self.charter()
        self.assertIn("as signed", self.toguna("audit", "verify", "log", "--charter", charter))
        other = log.checkpoint_text("other.example/log", 0, base.sha())
        (self.at / "other").write_text(other + "\n" + log.note_line(self.key, self.seed, other))
        self.refuses(3, "audit", "verify", "log", "--charter", charter, "--checkpoint", "other", says="other.example/log")

    def test_the_entry_that_was_changed_is_named(self):
        self.spoil("tile/entries/001", 34 * 5 + 9)
        self.finds(f"tile/entries/001: entry {256 + 5} is not the one that was logged")
        self.refuses(3, "audit", "verify", "log", "--key", str(self.key), "--json", says="bad-proof")

    def test_the_tile_that_was_changed_is_named(self):
        for name, at in (("tile/0/000", 40), ("tile/0/002.p/188", 0), ("tile/1/000.p/2", 33)):
            self.spoil(name, at)
            self.finds(f"{name}: hash {at // 32} is not that of what was logged")
            self.spoil(name, at)
        self.verify()

    def test_a_file_that_is_missing_is_named(self):
        for name in ("tile/0/001", "tile/entries/002.p/188"):
            path = self.at / "log" / name
            data = path.read_bytes()
            path.unlink()
            self.finds(f"{name} is missing")
            path.write_bytes(data[:-1])
            self.finds(f"{name} has not the length of such a file")
            path.write_bytes(data)

    def test_an_older_checkpoint_that_was_kept_is_no_accusation(self):
        """Of the last tile a copy has but one width, and not that of the day when the checkpoint was kept."""
        for size in (SIZE - 1, SIZE - 100, 513, 512, 300, 1):
            (self.at / "kept").write_text(self.checkpoint(size))
            said = self.toguna("audit", "verify", "log", "--key", self.key, "--checkpoint", "kept")
            self.assertIn(f" {size} entries, " if size > 1 else " 1 entry, ", said)
        self.spoil("tile/entries/002.p/188", 40)
        (self.at / "kept").write_text(self.checkpoint(SIZE - 1))
        done = raw("audit", "verify", "log", "--key", str(self.key), "--checkpoint", "kept", cwd=self.at)
        self.assertEqual(done.returncode, 3)
        self.assertIn("entry 513 is not the one that was logged", done.stdout)

    def test_another_history_is_no_history(self):
        self.leaves[300] = base.sha(b"rewritten")
        (self.at / "kept").write_text(self.checkpoint(SIZE))
        said = self.toguna("audit", "verify", "log", "--key", self.key, "--checkpoint", "kept", expect=3)
        self.assertIn("do not lead to what sahel.example/hub-dakar signed", said)

    def test_only_the_log_itself_is_believed(self):
        stranger = log.Key(self.key.name, log.NOTE, base.public_of(base.sha(b"stranger")))
        self.refuses(3, "audit", "verify", "log", "--key", str(stranger))
        (self.at / "log/checkpoint").write_text(self.checkpoint(SIZE).replace("\n700\n", "\n701\n"))
        self.refuses(3, "audit", "verify", "log", "--key", str(self.key))

    def test_what_must_be_said_is_said_once(self):
        self.refuses(2, "audit", "verify", "log", says="--charter")
        self.refuses(2, "audit", "verify", "log", "--key", str(self.key), "--charter", "x", says="--charter")
        self.refuses(3, "audit", "verify", "nowhere", "--key", str(self.key), says="nowhere/checkpoint")

    # ---- proofs and evidence ----

    def test_an_entry_is_proven_from_files_and_checked(self):
        for index in (0, 255, 256, SIZE - 1):
            told = self.json("audit", "prove", index, "--log", "log", "--key", self.key)
            self.assertEqual((told["file"], told["index"], told["size"]), (f"{index}.tlog-proof", index, SIZE))
            said = self.json("audit", "check", told["file"], "--key", self.key)
            self.assertEqual((said["kind"], said["index"], said["size"], said["settled"]), ("proof", index, SIZE, None))
        self.refuses(3, "audit", "prove", SIZE, "--log", "log", "--key", str(self.key), says="no entry 700")
        self.spoil("tile/entries/001", 34 * 5 + 9)
        self.refuses(3, "audit", "prove", 256 + 5, "--log", "log", "--key", str(self.key), says="audit verify")
        (self.at / "log/tile/0/001").unlink()
        self.refuses(3, "audit", "prove", 256 + 6, "--log", "log", "--key", str(self.key), says="tile/0/001")

    def accuse(self, kind, hashes, first, second):
        (self.at / "x.evidence").write_bytes(log.evidence_print(self.key, kind, hashes, first.encode(), second.encode()))

    def test_two_histories_are_proven_on_any_machine(self):
        honest, early = self.checkpoint(SIZE), self.checkpoint(500)
        self.leaves[300] = base.sha(b"rewritten")
        lie = self.checkpoint(SIZE)
        self.accuse("same-size", [], honest, lie)
        said = self.json("audit", "check", "x.evidence", "--key", self.key)
        self.assertEqual((said["kind"], said["lie"], [c["size"] for c in said["checkpoints"]]), ("evidence", "same-size", [SIZE, SIZE]))
        self.assertIn("two histories", self.toguna("audit", "check", "x.evidence", "--charter", self.charter()))
        hashes = [base.leaf_hash(x) for x in self.leaves]
        self.accuse("other-beginning", base.steps(base.consistency(hashes, 500)), early, lie)
        self.assertEqual(self.json("audit", "check", "x.evidence", "--key", self.key)["lie"], "other-beginning")

    def test_who_accuses_falsely_is_told_so(self):
        honest, early = self.checkpoint(SIZE), self.checkpoint(500)
        hashes = [base.leaf_hash(x) for x in self.leaves]
        key = str(self.key)
        self.accuse("same-size", [], honest, honest)
        self.refuses(3, "audit", "check", "x.evidence", "--key", key, says="x.evidence")
        self.accuse("same-size", [], early, honest)
        self.refuses(3, "audit", "check", "x.evidence", "--key", key, says="x.evidence")
        self.accuse("other-beginning", base.steps(base.consistency(hashes, 500)), early, honest)
        self.refuses(3, "audit", "check", "x.evidence", "--key", key, says="x.evidence")
        # Signed by somebody who calls his key by the log's name: against the charter that is nothing.
        seed, true = base.sha(b"stranger"), self.key
        charter = self.charter()
        self.seed, self.key = seed, log.Key(true.name, log.NOTE, base.public_of(seed))
        self.leaves[300] = base.sha(b"rewritten")
        lie = self.checkpoint(SIZE)
        self.leaves[300] = base.sha(b"again")
        self.accuse("same-size", [], lie, self.checkpoint(SIZE))
        self.refuses(3, "audit", "check", "x.evidence", "--charter", charter, says="it accuses")
        (self.at / "x.evidence").write_text("toguna/evidence v2\n")
        self.refuses(3, "audit", "check", "x.evidence", "--key", key, says="first line")


if __name__ == "__main__":
    unittest.main()
