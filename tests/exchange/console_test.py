"""The review console and the report over a real exchange, as an auditor uses them."""
import contextlib
import json
import os
import pathlib
import subprocess
import unittest
import urllib.error
import urllib.request

import kit
from exchange_test import Story


class Console(Story):
    """Two states; what passed is looked at in the hub's folder, while the hub runs."""

    @contextlib.contextmanager
    def console(self, *args):
        process = subprocess.Popen([kit.program("toguna"), "console", *map(str, args), "--json"], stdin=subprocess.DEVNULL,
                                   stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        try:
            line = process.stdout.readline()
            if not line:
                raise kit.Failed(f"toguna console ended: {process.stderr.read()}")
            yield json.loads(line)["address"]
            process.terminate()
            self.assertEqual(process.wait(20), 0)
        finally:
            process.kill()
            process.wait()
            process.stdout.close()
            process.stderr.close()

    def ask(self, address, what):
        with urllib.request.urlopen(f"{address}api/{what}", timeout=30) as answer:
            body = answer.read()
            return json.loads(body) if answer.headers["Content-Type"] == "application/json" else body

    def published(self):
        """Waits until the hub's files have all that it has signed."""
        note = self.e.at / "hub/data/log/checkpoint"
        kit.until(lambda: note.exists() and int(note.read_text().splitlines()[1]) >= self.e["ML"].status()["hub"]["log_size"],
                  "the log to be published")

    def test_an_auditor_of_one_state_looks_at_its_node(self):
        bulletin = self.send(wait="delivered", text="le pont est coupé", precedence="FLASH")
        came = self.send("SN", "ML", wait="delivered", text="bien reçu")
        with self.console("--node", "--socket", self.e["ML"].socket, "--index", self.e.folder / "node.db") as address:
            about = self.ask(address, "about")
            self.assertEqual((about["kind"], about["node"], about["gaps"], about["unproven"]), ("node", "ML/dgse/n1", 0, 0))
            self.assertLess(about["opened"], about["size"])
            self.assertEqual({e["subject"] for e in self.ask(address, "entries?type=accepted")["entries"]}, {bulletin, came})
            story = self.ask(address, f"story?id={bulletin}")
            self.assertTrue(story["audience"]["complete"] and all(r["proven"] and r["stored"] for r in story["recipients"]))
            self.assertEqual([(r["node"], r["proven"]) for r in self.ask(address, f"story?id={came}")["recipients"]], [("ML/dgse/n1", False)])
            pairs = {(p["from"], p["to"]): p["stored"] for p in self.ask(address, "matrix")["pairs"]}
            self.assertEqual(pairs, {("ML", "SN"): 1, ("SN", "ML"): 1})
            note = self.ask(address, "checkpoint")
            self.assertTrue(note["vkey"] and note["witnesses"])
            proof = self.e.folder / "of-node.tlog-proof"
            proof.write_bytes(self.ask(address, f"proof?index={story['index']}"))
            told = kit.toguna_json("audit", "check", proof, "--charter", self.e.at / "hub/documents")
            self.assertEqual((told["verified"], told["subject"]), (True, bulletin))
            for nonsense in ("leaves?index=0&width=1", "proof?index=0", "entry?index=0", "entry?index=99999"):
                with self.assertRaises(urllib.error.HTTPError):
                    self.ask(address, nonsense)
            later = self.send("SN", "ML", wait="delivered", text="et après")
            kit.until(lambda: later in {e["subject"] for e in self.ask(address, "entries?type=accepted")["entries"]} or self.ask(address, "about") is None,
                      "the console to show what came later")
            line = self.ask(address, "timeline?step=minute")
            self.assertEqual(sum(line["accepted"]), 3)

    def source(self):
        return self.e.at / "hub/data", "--charter", self.e.at / "hub/documents"

    def test_an_auditor_sees_what_passed_and_keeps_the_proof(self):
        bulletin = self.send(wait="delivered", text="le pont est coupé", precedence="FLASH")
        self.send("SN", "ML", wait="delivered", text="bien reçu")
        self.published()
        with self.console(*self.source()) as address:
            about = self.ask(address, "about")
            self.assertEqual(about["opened"], about["size"])
            self.assertTrue({"ML", "SN"} <= set(about["states"]))
            found = self.ask(address, "entries?type=accepted&state=ML")["entries"]
            self.assertIn(bulletin, [e["subject"] for e in found])
            story = self.ask(address, f"story?id={bulletin}")
            self.assertTrue(any(r["state"] == "SN" and r["stored"] for r in story["recipients"]))
            pairs = {(p["from"], p["to"]): p for p in self.ask(address, "matrix")["pairs"]}
            self.assertEqual(pairs["ML", "SN"]["stored"], 1)
            line = self.ask(address, "timeline?step=minute")
            self.assertEqual(sum(line["accepted"]), 2)
            self.assertEqual(sum(map(sum, (line[k] for k in ("accepted", "refused", "receipts", "other")))), about["size"])
            self.ask(address, "refusals")
            self.ask(address, "checkpoints")
            note = self.ask(address, "checkpoint")
            self.assertTrue(note["vkey"] and note["settled"] is not None)
            self.assertEqual(len(self.ask(address, f"leaves?index=0&width={note['size']}")), 32 * note["size"])
            proof = self.e.folder / "kept.tlog-proof"
            proof.write_bytes(self.ask(address, f"proof?index={found[0]['index']}"))
            told = kit.toguna_json("audit", "check", proof, "--charter", self.e.at / "hub/documents")
            self.assertEqual((told["verified"], told["subject"]), (True, found[0]["subject"]))
            # What comes later is seen, too.
            later = self.send(wait="delivered", text="et après")
            kit.until(lambda: self.ask(address, "about")["size"] > about["size"]
                      and later in [e["subject"] for e in self.ask(address, "entries?type=accepted")["entries"]], "the console to show what came later")
            for nonsense in ("entry?index=x", "entry?index=999999", "story?id=zz", "story", "entries?type=nonsense", "leaves?index=0&width=0",
                             "leaves?index=0&width=257", "proof?index=999999"):
                with self.assertRaises(urllib.error.HTTPError, msg=nonsense) as refused:
                    self.ask(address, nonsense)
                self.assertIn(refused.exception.code, (400, 404), nonsense)
                refused.exception.close()

    @unittest.skipUnless(os.environ.get("PLAYWRIGHT"), "there is no Chromium here")
    def test_the_page_shows_it_in_a_browser(self):
        self.send(wait="delivered", text="le pont est coupé", precedence="FLASH")
        self.send("SN", "ML", wait="settled", text="bien reçu")
        self.published()
        script = pathlib.Path(__file__).resolve().parents[1] / "console/real_page.mjs"
        for name, source in (("real", self.source()), ("node", ("--node", "--socket", self.e["ML"].socket, "--index", self.e.folder / "page.db"))):
            with self.console(*source) as address:
                done = subprocess.run(["node", script, address, name], capture_output=True, text=True, timeout=200)
            self.assertEqual(done.returncode, 0, done.stderr)

    def test_a_report_is_signed_and_says_what_passed(self):
        for n in range(3):
            self.send(wait="delivered", text=f"{n}")
        self.send("SN", "ML", wait="delivered", precedence="FLASH")
        self.published()
        key, base = self.e.folder / "auditor.key", self.e.folder / "november"
        self.e.keyed("key", "new", "officer", "sahel.example/ML/auditor-1", key, "--kdf", "test")
        figures = json.loads(self.e.keyed("audit", "report", *self.source(), "--sign", key, "-o", base, "--json"))
        self.assertEqual(sum(d["accepted"].get("ML", 0) for d in figures["days"]), 3)
        self.assertEqual({(p["from"], p["to"]): p["stored"] for p in figures["pairs"]}, {("ML", "SN"): 3, ("SN", "ML"): 1})
        speed = {row["precedence"]: row for row in figures["latency"]}
        self.assertEqual((speed["FLASH"]["count"], speed["ROUTINE"]["count"]), (1, 3))
        self.assertLess(speed["ROUTINE"]["p50_ms"], 60000)
        page = base.with_suffix(".html").read_text(encoding="utf-8")
        self.assertIn("<svg", page)
        self.assertNotRegex(page, "https?:")
        self.assertIn("pairs,,ML,SN,stored,3\r\n", base.with_suffix(".csv").read_bytes().decode())
        vkey = kit.toguna_json("key", "show", key)["vkey"]
        note = base.with_suffix(".note")
        kit.toguna("audit", "report", "--check", note, "--key", vkey)
        base.with_suffix(".csv").write_text("table,day\r\n")
        self.assertIn("not the file that was signed", kit.toguna("audit", "report", "--check", note, "--key", vkey, expect=3))
        kit.toguna("audit", "report", *self.source(), "--from", "tomorrow", expect=2)
        kit.toguna("audit", "report", *self.source(), "-o", base, expect=3)  # nothing is written over
        # Before anything was, there is nothing in it.
        empty = kit.toguna_json("audit", "report", *self.source(), "--to", "2020-01-01")
        self.assertEqual((empty["days"], empty["pairs"]), ([], []))


if __name__ == "__main__":
    unittest.main(verbosity=2)
