"""An inspector on a machine that never saw the exchange: a copy of the log, the charter, and nothing else. And a hub that lies."""
import json
import os
import pathlib
import re
import shutil
import struct
import subprocess
import sys
import unittest

import kit
from exchange import Exchange

sys.path.insert(0, str(kit.ROOT / "tests/second"))
from toguna2 import base, folder, log, wire  # noqa: E402

STATES = {"ML": "ML/dgse/n1", "SN": "SN/cigs/n1", "TD": "TD/anse/n1"}
POLICY = """toguna/policy v1
member {}
serial 1
effective 2025-01-01T00:00:00Z
"""
POLICIES = {
    "ML": "export allow alert.** to SN TD up-to RESTRICTED\nexport deny alert.convoy.** to TD\nimport allow ** from SN TD up-to RESTRICTED\n",
    "SN": "export allow ** to ML TD up-to RESTRICTED\nimport allow ** from ML TD up-to RESTRICTED\n",
    "TD": "export allow ** to ML SN up-to RESTRICTED\nimport allow ** from SN ML up-to RESTRICTED\nimport deny alert.fuel.** from ML\n",
}
FIRST_BUNDLE = "openings/000000/000"


def dossiers(path):
    """The records of a bundle: [index, salt, {paper: bytes}]."""
    data, found = path.read_bytes(), []
    while data:
        n, index = struct.unpack(">IQ", data[:12])
        body, data, papers = data[12:4 + n], data[4 + n:], {}
        salt, body = body[:16], body[16:]
        while body:
            kind, size = struct.unpack(">BI", body[:5])
            papers[kind], body = body[5:5 + size], body[5 + size:]
        found.append([index, salt, papers])
    return found


def packed(records):
    out = b""
    for index, salt, papers in records:
        body = struct.pack(">Q", index) + salt + b"".join(struct.pack(">BI", k, len(v)) + v for k, v in sorted(papers.items()))
        out += struct.pack(">I", len(body)) + body
    return out


class Review(unittest.TestCase):
    """One exchange of three states whose traffic is made once; each test has copies of its own."""

    @classmethod
    def setUpClass(cls):
        cls.place = kit.Folder("review")
        root = cls.place.path
        (root / "policies").mkdir()
        for code, rules in POLICIES.items():
            (root / f"policies/{code}.policy").write_text(POLICY.format(code) + rules)
        cls.e = Exchange(root, STATES, members=list(STATES), policies=root / "policies")
        try:
            cls.make_traffic()
        except BaseException:
            cls.e.kill()
            raise

    @classmethod
    def make_traffic(cls):
        cls.e.start()
        ml, sn, td = (cls.e[code] for code in STATES)
        mark = ["--class", "RESTRICTED", "--tlp", "amber"]
        cls.convoy = ml.publish("--topic", "alert.convoy.movement", "--to", "SN,TD", "--precedence", "FLASH", *mark, stdin="a")["bulletin"]
        cls.flood = ml.publish("--topic", "alert.flood", "--to", "SN,TD", *mark, stdin="b")["bulletin"]
        cls.fuel = ml.publish("--topic", "alert.fuel.price", "--to", "SN,TD", *mark, stdin="c")["bulletin"]
        sn.receives(cls.convoy)
        td.receives(cls.flood)
        sn.receives(cls.flood)
        sn.receives(cls.fuel)
        cls.hub = cls.e.at / "hub"
        cls.early = root_of(cls) / "early"
        kit.until(lambda: cls.stored(cls.fuel), "the receipts to be in the log's files", 60)
        cls.export(cls.early)
        sn.json("read", cls.convoy)
        kit.until(lambda: cls.read_seen(), "that it was read to be in the log's files", 60)
        cls.copy = root_of(cls) / "copy"
        cls.export(cls.copy)
        shutil.copytree(ml.folder / "documents", root_of(cls) / "documents")

    @classmethod
    def export(cls, to):
        return kit.toguna_json("audit", "export", to, "--log", cls.hub, "--index", root_of(cls) / "hub.db")

    @classmethod
    def ask_hub(cls, *args):
        return kit.toguna_json("audit", *args, "--log", cls.hub, "--index", root_of(cls) / "hub.db")

    @classmethod
    def stored(cls, bulletin):
        got = kit.toguna("audit", "who-got", bulletin, "--json", "--log", cls.hub, "--index", root_of(cls) / "hub.db", expect=None)
        return got.startswith("{") and all(r["stored"] for r in json.loads(got)["recipients"]) and '"recipients":[]' not in got

    @classmethod
    def read_seen(cls):
        return any(r["read"] for r in cls.ask_hub("who-got", cls.convoy)["recipients"])

    @classmethod
    def tearDownClass(cls):
        cls.e.kill()
        cls.place.__exit__(None, None, None)

    def setUp(self):
        self.at = root_of(self) / self.id().rsplit(".", 1)[1]
        self.at.mkdir()
        shutil.copytree(self.copy, self.at / "copy")
        shutil.copytree(root_of(self) / "documents", self.at / "documents")

    def toguna(self, *args, log="copy", expect=0, **more):
        return kit.toguna("audit", *args, "--log", log, "--charter", "documents", "--index", "index.db", cwd=self.at, expect=expect,
                          **more)

    def json(self, *args, log="copy"):
        return kit.toguna_json("audit", *args, "--log", log, "--charter", "documents", "--index", "index.db", cwd=self.at)

    def named(self, what, *args):
        said = self.toguna(*(args or ("log",)), expect=3)
        self.assertIn(what, said)
        return said

    # ---- questions ----

    def test_who_received_this_and_who_was_refused_by_which_rule(self):
        got = self.json("who-got", self.convoy[:10])
        self.assertEqual([(r["node"], r["state"]) for r in got["recipients"]], [("SN/cigs/n1", "SN")])
        self.assertEqual(got["audience"], {"signed": 1, "known": 1, "complete": True})
        self.assertTrue(got["signed"] and got["recipients"][0]["stored"] and got["recipients"][0]["read"])
        self.assertEqual(got["receipts_false"], [])
        self.assertGreaterEqual(got["receipts_verified"], 2)
        denied, = got["denied"]
        self.assertEqual((denied["state"], denied["stage"], denied["file"], denied["line"]), ("TD", "export", "ml.policy", 6))
        self.assertIn("export deny alert.convoy.** to TD", denied["rule"])
        said = self.toguna("who-got", self.convoy[:10])
        self.assertIn("sealed for 1 nodes", said)
        self.assertIn("ml.policy:6", said)
        self.assertEqual({r["state"] for r in self.json("who-got", self.flood)["recipients"]}, {"SN", "TD"})

    def test_why_names_the_rule_of_either_side(self):
        why = self.json("why", self.convoy, "TD")
        self.assertFalse(why["permitted"])
        portion, = why["portions"]
        self.assertEqual((portion["stage"], portion["file"], portion["line"], portion["logged"]), ("export", "ml.policy", 6, "export"))
        import_rule, = self.json("why", self.fuel, "td")["portions"]
        self.assertEqual((import_rule["stage"], import_rule["file"], import_rule["line"]), ("import", "td.policy", 7))
        self.assertTrue(self.json("why", self.flood, "TD")["permitted"])
        self.assertIn("was not permitted", self.toguna("why", self.convoy, "TD"))
        self.assertIn("XX", self.toguna("why", self.convoy, "XX", expect=3))
        self.assertIn("country code", self.toguna("why", self.convoy, "Mali", expect=2))

    def test_the_hub_decided_rightly(self):
        for bulletin in (self.convoy, self.flood, self.fuel):
            told = self.json("replay", bulletin)
            self.assertEqual((told["agrees"], told["signed"], told["differences"], told["missing"], told["given_wrongly"]),
                             (True, True, [], [], []))
            self.assertEqual({p["state"] for p in told["policies"]}, set(STATES))
        self.assertIn("decided rightly", self.toguna("replay", self.convoy[:8]))

    def test_entries_are_found_by_what_they_say(self):
        def subjects(*words):
            return {e["subject"] for e in self.json("log", *words)["entries"]}
        self.assertEqual(subjects("--type", "accepted"), {self.convoy, self.flood, self.fuel})
        self.assertEqual(subjects("--precedence", "flash"), {self.convoy})
        self.assertEqual(subjects("--topic", "alert.convoy"), {self.convoy})
        self.assertEqual(subjects("--topic", "alert"), {self.convoy, self.flood, self.fuel})
        self.assertEqual(subjects("--decision", "denied"), {self.convoy, self.fuel})
        self.assertEqual(subjects("--rule", "import", "--state", "td"), {self.fuel})
        self.assertEqual(subjects("--who", "ML/", "--type", "accepted"), {self.convoy, self.flood, self.fuel})
        self.assertEqual(subjects("--who", "SN", "--type", "accepted"), set())
        self.assertEqual(subjects("--from", "1h", "--type", "accepted"), {self.convoy, self.flood, self.fuel})
        self.assertEqual(subjects("--to", "2026-01-01"), set())
        everything = self.json("log", "--count", "1000")
        self.assertIsNone(everything["next"])
        paged, cursor = [], 0
        while cursor is not None:
            page = self.json("log", "--count", "7", "--oldest", "--cursor", cursor)
            paged, cursor = paged + page["entries"], page["next"]
        self.assertEqual([e["index"] for e in paged], [e["index"] for e in everything["entries"]][::-1])
        self.assertTrue(all("type" in e and e["sentence"] for e in paged))
        self.assertTrue({"document", "session-opened", "receipts", "forwarded"} <= {e["type"] for e in paged})
        self.assertIn("policy", {w for w in ("policy",) if subjects("--role", "policy")})
        shown = self.json("show", paged[-1]["index"])
        self.assertEqual(shown["index"], paged[-1]["index"])
        self.assertTrue(shown["leaf"] and shown["entry"] and shown["salt"])
        for words, code, says in ((("--state", "Mali"), 2, "--state"), (("--decision", "perhaps"), 2, "--decision"),
                                  (("--type", "x"), 2, "--type"), (("--rule", "x"), 2, "--rule"), (("--from", "noon"), 2, "--from"),
                                  (("--subject", "xyz"), 2, "--subject"), (("--role", "king"), 2, "--role")):
            self.assertIn(says, self.toguna("log", *words, expect=code))
        self.assertIn("no such entry", self.toguna("show", "99999999", expect=3))

    def test_a_live_hub_answers_the_same(self):
        here, there = self.json("who-got", self.flood), self.ask_hub("who-got", self.flood)
        self.assertEqual(here["recipients"], there["recipients"])
        self.assertEqual(self.hub.joinpath("data/hub/openings").stat().st_mode & 0o777, 0o700)
        kit.toguna("audit", "verify", "copy", "--charter", "documents", cwd=self.at)

    def test_overdue_anomalies_and_differences(self):
        self.assertEqual(self.json("overdue")["overdue"], [])
        pairs = {(a["state"], a["other"]) for a in self.json("anomalies")["anomalies"] if a["kind"] == "new-pair"}
        self.assertEqual(pairs, {("ML", "SN"), ("ML", "TD")})
        self.assertIn("for the first time", self.toguna("anomalies"))
        diff = self.json("diff", "1h", "2100-01-01")
        self.assertIn("policy", {d["kind"] for d in diff["documents"]})
        self.assertEqual({c["type"]: c["between"] for c in diff["counts"]}["accepted"], 3)
        self.assertIn("after the first", self.toguna("diff", "2026-12-01", "2026-11-01", expect=2))

    def look(self, what, log="copy"):
        done = subprocess.run([kit.program("review_look"), str(self.at / log), str(self.at / "documents"), str(self.at / "look.db"), what],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    def test_the_whole_picture(self):
        about = self.look("about")
        self.assertEqual((about["kind"], about["size"], about["vouched"]), ("copy", about["opened"], True))
        self.assertEqual(set(about["states"]), set(STATES))
        self.assertIn("alert.convoy", about["topics"])
        pairs = {(p["from"], p["to"]): p for p in self.look("matrix")["pairs"]}
        self.assertEqual({(k, p["given"], p["stored"], p["denied"]) for k, p in pairs.items()},
                         {(("ML", "SN"), 3, 3, 0), (("ML", "TD"), 1, 1, 2)})
        self.assertEqual(pairs["ML", "SN"]["read"], 1)
        newest = self.look("checkpoints")["checkpoints"][0]
        self.assertEqual((newest["size"], newest["root"]), (about["size"], about["root"]))
        self.assertTrue({w["state"] for w in newest["cosigned"]} <= set(STATES))
        denials = self.look("refusals")["denials"]
        self.assertEqual({(d["state"], d["stage"], d["subject"]) for d in denials},
                         {("TD", "export", self.convoy), ("TD", "import", self.fuel)})
        story = self.look("story:" + self.convoy[:8])
        self.assertEqual((story["bulletin"], story["originator"], story["header"]["precedence"]), (self.convoy, "ML/dgse/n1", "FLASH"))
        self.assertEqual(story["header"]["portions"][0]["to"], ["SN", "TD"])
        self.assertEqual(story["entries"][0]["type"], "accepted")
        self.assertIn("receipts", {e["type"] for e in story["entries"]})

    def test_what_is_not_open_is_said(self):
        (self.at / "copy" / FIRST_BUNDLE).unlink()
        self.assertEqual(self.json("log")["entries"], [])
        self.assertEqual(self.look("about")["opened"], 0)
        self.assertIn("as far as is open here", self.toguna("who-got", self.convoy, expect=3))
        self.assertIn("not open here", self.toguna("show", "3", expect=3))
        (self.at / "index.db").write_text("this is no index")
        self.assertIn("index.db", self.toguna("log", expect=3))
        shutil.copy(self.copy / FIRST_BUNDLE, self.at / "copy" / FIRST_BUNDLE)
        unvouched = kit.toguna("audit", "show", "1", "--log", "copy", "--index", "own.db", cwd=self.at)
        self.assertIn("toguna/charter v1", unvouched)

    # ---- the guides, typed word by word ----

    def follow(self, page):
        charter = next(p for p in (self.at / "documents").glob("*.note") if p.read_text().startswith("toguna/charter v1"))
        shutil.copy(charter, self.at / "charter.note")
        shutil.rmtree(self.at / "copy")
        env = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en", "XDG_CACHE_HOME": str(self.at / "cache"),
               "PATH": f"{pathlib.Path(kit.program('toguna')).parent}:{os.environ['PATH']}"}
        typed = 0
        for block in re.findall(r"```sh\n(.*?)```", (kit.ROOT / "docs" / page).read_text(), re.S):
            for line in block.splitlines():
                command, _, remark = line.replace("BULLETIN", self.convoy[:12]).replace("/var/lib/toguna", str(self.hub)).partition("   # ")
                done = subprocess.run(command, shell=True, cwd=self.at, env=env, capture_output=True, text=True, timeout=60)
                self.assertEqual(done.returncode, 3 if remark else 0, f"{command}\n{done.stdout}{done.stderr}")
                if " why " in command:
                    self.assertIn("export deny alert.convoy.** to TD", done.stdout)
                typed += 1
        self.assertGreaterEqual(typed, 15)

    def test_the_inspector_s_guide(self):
        self.follow("audit-guide.md")

    def test_the_inspector_s_guide_in_french(self):
        self.follow("guide-audit.md")

    # ---- what was changed is named, and nothing of it is believed ----

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

    def doctor(self, change):
        """Signs the log again with one dossier changed: what a hub with all its keys could have logged. Its key as --key."""
        seed = base.sha(b"the hub's own key")
        records, leaves = [], []
        for path in sorted((self.at / "copy/openings").rglob("[0-9][0-9][0-9]")):
            records += dossiers(path)
        for record in records:
            change(record)
        leaves = [log.leaf(salt, papers[1]) for _, salt, papers in records]
        origin = (self.at / "copy/checkpoint").read_text().split("\n")[0]
        key = log.Key(origin, log.NOTE, base.public_of(seed))
        shutil.rmtree(self.at / "copy/tile")
        for name, data in folder.tiles(leaves):
            path = self.at / "copy" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        for bundle in range((len(records) + 255) // 256):
            (self.at / f"copy/openings/000000/{bundle:03}").write_bytes(packed(records[bundle * 256:bundle * 256 + 256]))
        text = log.checkpoint_text(origin, len(leaves), base.root(leaves))
        (self.at / "copy/checkpoint").write_text(text + "\n" + log.note_line(key, seed, text))
        return key

    def doctored(self, *args, key, expect=3):
        return kit.toguna("audit", *args, "--log", "copy", "--key", key, "--index", "index.db", cwd=self.at, expect=expect)

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


def root_of(test):
    return test.place.path


if __name__ == "__main__":
    unittest.main()
