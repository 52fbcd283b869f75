"""What one node can prove to an inspector: its answers, copies of it that somebody changed, and a node that lies while it is asked."""
import base64
import contextlib
import json
import re
import shutil
import sqlite3
import sys
import unittest

import kit
from liar import Liar
from reviewed import dossiers, FIRST_BUNDLE, flipped, flipped_note, packed, Reviewed, unpacked

sys.path.insert(0, str(kit.ROOT / "tests/second"))
from toguna2 import log  # noqa: E402


class ReviewOfNode(Reviewed):
    """The same inspector before a node, or what a node exported."""

    def test_the_node_that_sent_answers_as_the_hub_does(self):
        for bulletin in (self.convoy, self.flood, self.fuel):
            mine, hubs = self.ask_node("ML", "who-got", bulletin[:10]), self.ask_hub("who-got", bulletin[:10])
            for name in ("recipients", "denied", "audience", "signed", "receipts_false"):
                self.assertEqual(mine[name], hubs[name])
            self.assertEqual((mine["proof"]["index"], mine["proof"]["leaf"]), (hubs["proof"]["index"], hubs["proof"]["leaf"]))
            again = self.ask_node("ML", "replay", bulletin)
            self.assertEqual((again["agrees"], again["signed"], again["missing"], again["differences"]), (True, True, [], []))
            self.assertEqual(again["policy_set"], self.ask_hub("replay", bulletin)["policy_set"])
        why, = self.ask_node("ML", "why", self.convoy, "TD")["portions"]
        self.assertEqual((why["stage"], why["file"], why["line"], why["logged"]), ("export", "ml.policy", 6, "export"))
        entries = self.ask_node("ML", "log", "--count", "1000")["entries"]
        theirs = {e["index"]: e for e in self.ask_hub("log", "--count", "1000")["entries"]}
        self.assertEqual({e["type"] for e in entries}, {"accepted", "receipts", "document"})
        for e in entries:
            self.assertEqual(e, theirs[e["index"]])
        self.assertEqual({e["subject"] for e in self.ask_node("ML", "log", "--precedence", "flash")["entries"]}, {self.convoy})
        entries = [e for e in entries if e["type"] != "document"]
        shown = self.ask_node("ML", "show", entries[0]["index"])
        self.assertEqual(shown["leaf"], self.ask_hub("show", entries[0]["index"])["leaf"])
        self.assertEqual(self.ask_node("ML", "overdue")["overdue"], [])

    def test_a_draft_over_what_one_node_can_prove(self):
        ml = self.draft("ML", self.CONVOY_AND_FUEL)
        words = ["policy", "replay", self.at / ml, "--node", "--index", self.at / "draft.db"]
        told = self.e["ML"].json(*words)
        self.assertEqual([(d["id"], d["member"], d["opens"]) for d in told["differences"]],
                         [(self.convoy, "TD", True), (self.flood, "SN", False), (self.flood, "TD", False)])
        self.assertEqual((told["bulletins"], told["unclear"]["count"]), (3, 0))
        self.assertIn("--documents", self.e["ML"].toguna(*words, "-d", "documents", expect=2))
        # who received them was not shown the decisions: nothing is guessed
        words[-1] = self.at / "draft-sn.db"
        told = self.e["SN"].json(*words)
        self.assertEqual((told["bulletins"], told["differences"]), (0, []))
        self.assertEqual(told["unclear"]["count"] + told["not_open"], 3)
        self.assertEqual({(a["state"], a["other"]) for a in self.ask_node("ML", "anomalies")["anomalies"] if a["kind"] == "new-pair"},
                         {("ML", "SN"), ("ML", "TD")})
        diff = self.ask_node("ML", "diff", "1h", "2100-01-01")
        self.assertEqual({c["type"]: c["between"] for c in diff["counts"]}["accepted"], 3)
        self.assertIn("policy", {d["kind"] for d in diff["documents"]})
        report = self.ask_node("ML", "report")
        self.assertEqual({(p["from"], p["to"], p["stored"]) for p in report["pairs"]}, {("ML", "SN", 3), ("ML", "TD", 1)})

    def test_the_node_that_received_says_what_it_cannot_know(self):
        got = self.ask_node("SN", "who-got", self.flood)
        self.assertEqual(got["audience"], {"signed": 2, "known": 0, "complete": False})
        one, = got["recipients"]
        self.assertEqual((one["node"], one["proven"], got["signed"], got["denied"]), ("SN/cigs/n1", False, True, []))
        self.assertTrue(one["stored"])
        told = self.ask_node("SN", "who-got", self.flood, json_too=False)
        self.assertIn("does not know which are the others", told)
        self.assertIn("this node's own word; with --node --receipts", told)
        for words in (("replay", self.flood), ("why", self.convoy, "TD")):
            self.assertIn("received the bulletin and did not send it", self.ask_node("SN", *words, expect=3))
        self.assertEqual({e["subject"] for e in self.ask_node("TD", "log", "--count", "1000")["entries"] if e["type"] != "document"}, {self.flood})
        self.ask_node("TD", "who-got", self.convoy, expect=3)  # it was refused, and does not learn that it exists
        convoy, = self.ask_hub("log", "--subject", self.convoy, "--type", "accepted")["entries"]
        self.assertIn("no party of that entry", self.ask_node("TD", "show", str(convoy["index"]), expect=3))
        self.assertIn("there is no entry 99999999", self.ask_node("TD", "show", "99999999", expect=3))
        self.assertEqual(self.ask_node("TD", "overdue")["overdue"], [])

    def test_who_received_proves_what_it_stated(self):
        """Its own word at first; the log's, once it has asked the hub for its receipts."""
        self.assertIn("only a node", kit.toguna("audit", "who-got", self.flood, "--receipts", "--log", self.hub, expect=2))
        got = self.ask_node("SN", "who-got", self.flood, "--receipts")
        one, = got["recipients"]
        hubs, = (r for r in self.ask_hub("who-got", self.flood)["recipients"] if r["node"] == "SN/cigs/n1")
        self.assertEqual(one, hubs)  # the same times, and proven
        self.assertTrue(one["proven"] and one["stored"] and got["receipts_verified"])
        told = self.ask_node("SN", "who-got", self.flood, json_too=False)
        self.assertIn("does not know which are the others", told)  # of the others it knows as little as before
        self.assertNotIn("own word", told)
        self.assertIn("entry holds receipts about it, verified", told)
        self.assertEqual(got["audience"], {"signed": 2, "known": 0, "complete": False})  # of others it knows no more than before
        theirs = {e["index"]: e for e in self.ask_hub("log", "--type", "receipts", "--count", "1000")["entries"] if e["actor"] == "SN/cigs/n1"}
        mine = {e["index"]: e for e in self.ask_node("SN", "log", "--type", "receipts", "--count", "1000")["entries"]}
        self.assertTrue(mine)
        self.assertEqual(mine, {i: theirs[i] for i in mine})
        place = min(mine)
        told = self.e["SN"].json("audit", "prove", str(place), "-o", self.at / "mine.tlog-proof")
        self.assertEqual(told["index"], place)
        said = kit.toguna_json("audit", "check", self.at / "mine.tlog-proof", "--charter", "documents", cwd=self.at)
        self.assertEqual((said["index"], said["type"], said["subject"], said["member"]), (place, "receipts", mine[place]["subject"], "SN"))
        (self.at / "mine.tlog-proof").unlink()
        shown = self.ask_node("SN", "show", str(place))
        self.assertEqual(shown, self.ask_hub("show", str(place)))
        # and elsewhere, from a copy of its view
        self.e["SN"].toguna("audit", "export", self.at / "part-sn", "--node", "--index", self.at / "sn-part.db")
        again, = kit.toguna_json("audit", "who-got", self.flood, "--log", "part-sn", "--charter", "documents", "--index", "sn-copy.db", cwd=self.at)["recipients"]
        self.assertEqual(again, hubs)

    def test_every_node_proves_when_a_document_was_logged(self):
        """A third state shows that ML's policy is in the log, and since when, to somebody who knows the charter and nothing else."""
        theirs = {e["index"]: e for e in self.ask_hub("log", "--type", "document", "--count", "1000")["entries"]}
        mine = {e["index"]: e for e in self.ask_node("TD", "log", "--type", "document", "--count", "1000")["entries"]}
        kinds = {i: self.ask_hub("show", str(i))["document"] for i in theirs}
        # an announcement of keys may have taken the place of another since; everything else every node has
        self.assertEqual({i for i in theirs if (kinds[i] or {}).get("text")} - set(mine), set())
        for index, e in mine.items():
            self.assertEqual(e, theirs[index])
        policy, = (i for i in mine if (kinds[i] or {}).get("kind") == "policy" and mine[i]["state"] == "ML")
        self.assertEqual(self.ask_node("TD", "show", str(policy))["document"], kinds[policy])
        for what in (str(policy), mine[policy]["subject"][:12], mine[policy]["subject"]):
            told = self.e["TD"].json("audit", "prove", what, "-o", self.at / "policy.tlog-proof")
            self.assertEqual(told["index"], policy)
            said = kit.toguna_json("audit", "check", self.at / "policy.tlog-proof", "--charter", "documents", cwd=self.at)
            self.assertEqual((said["index"], said["type"], said["subject"], said["member"], said["number"]),
                             (policy, "document", mine[policy]["subject"], "ML", 1))
            (self.at / "policy.tlog-proof").unlink()

    def test_what_a_node_exports_proves_itself_elsewhere(self):
        told = self.from_node("ML")
        self.assertEqual(told["entries"], len(self.ask_node("ML", "log", "--count", "1000")["entries"]))
        mine = self.json("who-got", self.flood, log="part")
        self.assertEqual(mine["recipients"], self.ask_hub("who-got", self.flood)["recipients"])
        self.assertTrue(self.json("replay", self.convoy, log="part")["agrees"])
        verified = kit.toguna_json("audit", "verify", "part", "--charter", "documents", cwd=self.at)
        self.assertEqual((verified["verified"], verified["entries"], verified["root"]), (True, told["entries"], told["root"]))
        alive = self.e["ML"].json("audit", "verify", "--node")
        self.assertTrue(alive["verified"] and alive["entries"] == told["entries"])
        for what in (self.flood[:12], str(mine["proof"]["index"])):
            proof = kit.toguna_json("audit", "prove", what, "--log", "part", "--charter", "documents", "-o", "a.tlog-proof", cwd=self.at)
            said = kit.toguna_json("audit", "check", "a.tlog-proof", "--charter", "documents", cwd=self.at)
            self.assertEqual((said["index"], said["subject"], said["type"]), (proof["index"], self.flood, "accepted"))
            (self.at / "a.tlog-proof").unlink()
        again = self.toguna("export", "again", log="part")
        self.assertIn(told["root"], again)
        for page in ("entries-0", "checkpoints-0", "documents-0", "state"):
            self.assertEqual(json.loads((self.at / f"part/view/{page}.json").read_text()), json.loads((self.at / f"again/view/{page}.json").read_text()))

    def page(self, name, change):
        """Changes a page of the node's copy; what was there comes back with the next one."""
        for path in (self.at / "part/view").iterdir():
            shutil.copy(self.at / "whole/view" / path.name, path)
        path = self.at / f"part/view/{name}-0.json"
        page = json.loads(path.read_text())
        change(page)
        path.write_text(json.dumps(page))

    def doctor_entry(self, page, paper, at=-1):
        """Flips a bit in a paper of the first entry that has it; its index."""
        for one in page["entries"]:
            record, = unpacked(base64.b64decode(one["dossier"]))
            if paper in record[2]:
                record[2][paper] = flipped(record[2][paper], at)
                one["dossier"] = base64.b64encode(packed([record])).decode()
                return one["index"]
        raise AssertionError(paper)

    def refused(self, *says):
        """Every verb refuses it, naming the same, and keeps nothing."""
        (self.at / "index.db").unlink(missing_ok=True)
        said = self.toguna("log", log="part", expect=3)
        for text in says:
            self.assertIn(text, said)
        self.assertIn(says[0], kit.toguna("audit", "verify", "part", "--charter", "documents", cwd=self.at, expect=3))
        with contextlib.closing(sqlite3.connect(self.at / "index.db")) as index:
            self.assertEqual(index.execute("SELECT count(*) FROM entry").fetchone()[0], 0)

    def test_a_doctored_copy_of_a_node_is_named(self):
        self.from_node("ML")
        shutil.copytree(self.at / "part", self.at / "whole")
        found = {}

        def entry(paper, *says, at=-1):
            self.page("entries", lambda page: found.update(index=self.doctor_entry(page, paper, at)))
            self.refused(f"view/entries-0.json:entry {found['index']}", *says)
        entry(1, "leads to none of the checkpoints")
        entry(2, "")
        entry(3, "the decision kept there")
        entry(4, "portions that the bulletin has not")
        entry(6, "the document kept there", at=60)
        entry(10, "", at=20)
        self.page("entries", lambda page: page["entries"][0].update(path=base64.b64encode(flipped(base64.b64decode(page["entries"][0]["path"]), 3)).decode()))
        self.refused("view/entries-0.json:entry", "leads to none of the checkpoints")
        self.page("entries", lambda page: page["entries"].pop(1))
        self.refused("view/state.json", "entries that this copy held are missing")
        self.page("entries", lambda page: page["entries"][0].update(index=page["entries"][1]["index"]))
        self.refused("view/entries-0.json:entry", "cut off or damaged")

        def series(change, *says):
            self.page("checkpoints", lambda page: change(page["checkpoints"]))
            self.refused(*says)
        size = json.loads((self.at / "whole/view/checkpoints-0.json").read_text())["checkpoints"][1]["size"]
        series(lambda list: list[1].update(note=list[1]["note"].replace("\n\u2014 ", "\n\n\u2014 ")), f"checkpoint {size}")
        series(lambda list: list[1].update(note=flipped_note(list[1]["note"], 0)), f"view/checkpoints-0.json:checkpoint {size}", "signature")
        series(lambda list: list[1].update(growth=base64.b64encode(flipped(base64.b64decode(list[1]["growth"]), 3)).decode()),
               f"view/checkpoints-0.json:checkpoint {size}", "not proven to extend the one before")
        series(lambda list: list.insert(0, list.pop(1)), "view/checkpoints-0.json:checkpoint", "out of order")
        series(lambda list: list.pop(), "view/state.json", "the newest of its checkpoints are missing")
        settled = [c for c in json.loads((self.at / "whole/view/checkpoints-0.json").read_text())["checkpoints"] if c["note"].count("\n\u2014 ") > 1][0]
        series(lambda list: [c.update(note=flipped_note(c["note"], 1)) for c in list if c["size"] == settled["size"]],
               f"view/checkpoints-0.json:checkpoint {settled['size']}", "the cosignature in the name of sahel.example/")

        def policy(page):
            one = next(d for d in page["documents"] if d["note"].startswith("toguna/policy"))
            one["note"] = one["note"].replace("serial 1", "serial 2")
        self.page("documents", policy)
        self.refused("view/documents-0.json", "not signed as it must have been")
        self.page("documents", lambda page: None)
        path = self.at / "part/view/entries-0.json"
        path.write_bytes(path.read_bytes()[:-40])
        self.refused("view/entries-0.json", "cut off or damaged")
        path.unlink()
        self.refused("view/entries-0.json", "this file of the copy is missing")
        path.write_bytes((self.at / "whole/view/entries-0.json").read_bytes())
        early = json.loads((self.at / "whole/view/checkpoints-0.json").read_text())["checkpoints"][0]["note"]
        (self.at / "part/checkpoint").write_text(early)
        self.refused("checkpoint", "not the newest of those that the copy proves")
        shutil.copy(self.at / "whole/checkpoint", self.at / "part/checkpoint")
        self.toguna("log", log="part")

    # ---- a node that lies while it is asked ----

    VERBS = (("log",), ("show", "FIRST"), ("who-got", "FLOOD"), ("why", "CONVOY", "TD"), ("replay", "FLOOD"), ("overdue",), ("anomalies",),
             ("diff", "1h", "2100-01-01"), ("report",), ("verify",), ("export", "TAKEN"))

    def ask_liar(self, *words, expect):
        known = {"FIRST": "0", "FLOOD": self.flood, "CONVOY": self.convoy, "TAKEN": self.at / "taken"}
        index = () if words[0] == "verify" else ("--index", self.at / "liar.db")
        return kit.toguna("audit", *(known.get(w, w) for w in words), "--node", "--socket", self.at / "liar.sock", *index, expect=expect)

    def lies(self, code, question, change, *says, verbs=VERBS):
        """change(answer) of every answer to `question`: each verb refuses, names the same, and keeps nothing."""
        def answer(what, args, said):
            if [what, *args][:len(question)] == list(question):
                change(said)
            return said
        with contextlib.closing(Liar(self.at / "liar.sock", self.e[code].socket, answer)):
            for verb in verbs:
                (self.at / "liar.db").unlink(missing_ok=True)
                said = self.ask_liar(*verb, expect=3)
                for text in says:
                    self.assertIn(text, said, verb)
                if verb[0] != "verify":
                    with contextlib.closing(sqlite3.connect(self.at / "liar.db")) as index:
                        self.assertEqual(index.execute("SELECT (SELECT count(*) FROM entry) + (SELECT count(*) FROM checkpoint)").fetchone()[0], 0, verb)
        self.assertFalse((self.at / "taken/checkpoint").exists())

    def test_a_live_node_that_lies_is_named_by_every_verb(self):
        with contextlib.closing(Liar(self.at / "liar.sock", self.e["ML"].socket)) as honest:  # what only passes on is believed
            self.assertIn(self.flood[:8], self.ask_liar("log", expect=0))
            self.assertIn(["review", "sent", "0"], honest.asked)
        (self.at / "liar.db").unlink()
        found = {}

        def entry(code, page, paper, *says, at=-1):
            self.lies(code, ("review", page, "0"), lambda said: found.update(index=self.doctor_entry(said, paper, at)), *says)
            self.assertIn("index", found)
        entry("ML", "sent", 1, "sent 0:entry", "leads to none of the checkpoints")
        entry("ML", "sent", 3, "sent 0:entry", "the decision kept there")

        def few(code, question, change, *says):
            self.lies(code, question, change, *says, verbs=(("log",), ("who-got", "FLOOD"), ("verify",)))

        def doctored(code, page, paper, *says, at=-1):
            few(code, ("review", page, "0"), lambda said: self.doctor_entry(said, paper, at), f"{page} 0:entry", *says)
        doctored("ML", "sent", 2, "")
        doctored("ML", "sent", 4, "portions that the bulletin has not")
        doctored("ML", "sent", 10, "", at=20)
        doctored("SN", "received", 1, "leads to none of the checkpoints")
        doctored("SN", "received", 8, "", at=60)

        def another_list(said):
            """To whom its originator addressed it, in a node's own words."""
            for one in said["entries"]:
                record, = unpacked(base64.b64decode(one["dossier"]))
                if b"TD" in record[2].get(8, b""):
                    record[2][8] = record[2][8].replace(b"TD", b"TG")
                    one["dossier"] = base64.b64encode(packed([record])).decode()
                    return
            raise AssertionError("no list names TD")
        few("SN", ("review", "received", "0"), another_list, "received 0:entry", "its release list is not what the bulletin commits to")
        doctored("SN", "documents", 1, "leads to none of the checkpoints")
        doctored("SN", "documents", 6, "the document kept there", at=60)
        few("ML", ("review", "sent", "0"), lambda said: said["entries"][0].update(path=base64.b64encode(flipped(base64.b64decode(said["entries"][0]["path"]), 3)).decode()),
            "sent 0:entry", "leads to none of the checkpoints")
        few("ML", ("review", "sent", "0"), lambda said: said["entries"][0].update(index=said["entries"][1]["index"]), "sent 0:entry", "cut off or damaged")
        few("ML", ("review", "sent", "0"), lambda said: said.update(entries="none"), "sent 0", "cut off or damaged")

        def series(change, *says):
            few("ML", ("review", "checkpoints"), lambda said: change(said["checkpoints"]), *says)
        series(lambda list: list[1].update(note=flipped_note(list[1]["note"], 0)) if len(list) > 1 else None, "checkpoints 0:checkpoint", "signature")
        series(lambda list: list[1].update(growth=base64.b64encode(flipped(base64.b64decode(list[1]["growth"]), 3)).decode()) if len(list) > 1 else None,
               "checkpoints 0:checkpoint", "not proven to extend the one before")
        series(lambda list: list.insert(0, list.pop(1)) if len(list) > 1 else None, "checkpoints 0:checkpoint", "out of order")
        series(lambda list: list.pop() if list else None, "the newest of its checkpoints are missing")
        series(lambda list: [c.update(note=flipped_note(c["note"], 1)) for c in list if c["note"].count("\n\u2014 ") > 1], "checkpoints 0:checkpoint",
               "the cosignature in the name of sahel.example/")

        def policy(said):
            if (said.get("note") or "").startswith("toguna/policy"):
                said["note"] = said["note"].replace("serial 1", "serial 2")
        few("ML", ("document",), policy, "document ", "not signed as it must have been")
        few("ML", ("review",), lambda said: said.update(size=said["size"] + 1000) if "stamp" in said else None, "the newest of its checkpoints are missing")
        few("ML", ("review",), lambda said: said.update(log="another.example/log") if "stamp" in said else None, "no charter here names a hub that keeps this log")

    def test_a_proof_that_a_node_makes_up_is_not_written(self):
        """`toguna audit prove` asks another question, and believes its answer as little."""
        def prove(change, expect=3):
            def answer(what, args, said):
                if what == "prove":
                    change(said)
                return said
            (self.at / "out").unlink(missing_ok=True)
            with contextlib.closing(Liar(self.at / "liar.sock", self.e["ML"].socket, answer)):
                said = kit.toguna("audit", "prove", self.flood, "--socket", self.at / "liar.sock", "--charter", self.at / "documents", "-o", self.at / "out",
                                  expect=expect)
            self.assertEqual((self.at / "out").exists(), expect == 0)
            return said

        def line(keyword, data):
            def change(said):
                text = said["proof"]
                old = re.search(rf"^{keyword} (.*)$", text, re.M).group(1)
                said["proof"] = text.replace(f"{keyword} {old}", f"{keyword} {data(old)}", 1)
            return change
        prove(lambda said: None, expect=0)
        prove(line("extra", lambda old: base64.b64encode(flipped(base64.b64decode(old), -1)).decode()))
        prove(line("extra", lambda old: base64.b64encode(flipped(base64.b64decode(old), 3)).decode()))
        prove(line("index", lambda old: str(int(old) + 1)))
        prove(lambda said: said.update(proof=flipped_note(said["proof"].replace("\n\n", "\r", 1), 0).replace("\r", "\n\n", 1)))
        prove(lambda said: said.update(proof="c2sp.org/tlog-proof@v1\n"))
        other = self.e["ML"].json("audit", "prove", self.fuel, "-o", self.at / "other.tlog-proof")
        self.assertTrue(other)
        prove(lambda said: said.update(proof=(self.at / "other.tlog-proof").read_text()))  # true, and about another bulletin
        prove(lambda said: said.update(bulletin="../escaped00" + "0" * 52))  # it names the file where --output does not
        self.assertNotIn("another.example", prove(lambda said: said.update(log="another.example/log"), expect=0))

    def test_a_proof_without_a_named_charter_says_on_which_it_rests(self):
        """The node's own charter, and its cosignatures; not the node's word that they are enough."""
        def prove(change=lambda said: None, more=(), expect=0, as_json=True):
            def answer(what, args, said):
                if what == "prove":
                    change(said)
                return said
            (self.at / "out").unlink(missing_ok=True)
            with contextlib.closing(Liar(self.at / "liar.sock", self.e["ML"].socket, answer)):
                said = kit.toguna("audit", "prove", self.flood, "--socket", self.at / "liar.sock", "-o", self.at / "out", *more,
                                  *(["--json"] if as_json else []), expect=expect)
            self.assertEqual((self.at / "out").exists(), expect == 0)
            return json.loads(said) if as_json and not expect else said

        def without(sigs):
            def change(said):
                head, lines = said["proof"].rsplit("\n\n", 1)
                said.update(proof=head + "\n\n" + "".join(lines.splitlines(True)[:sigs]), settled=True)
            return change
        kit.until(lambda: prove()["settled"], "the entry to be settled", 60)
        said = prove()
        charter = next(p for p in (self.e["ML"].folder / "documents").glob("*.note") if p.read_text().startswith("toguna/charter"))
        text = charter.read_text().split("\n\n\u2014")[0] + "\n"
        self.assertEqual((said["pinned"], said["charter"], said["charter_hash"]),
                         (False, 1, log.document_hash(text.encode()).hex()))
        told = prove(as_json=False)
        self.assertIn("settled: as many witnesses cosigned", told)
        self.assertIn("version 1 of the charter of sahel.example", " ".join(told.split()))
        self.assertIn(said["charter_hash"], told)
        self.assertIn("You did not name it", " ".join(told.split()))
        self.assertFalse(prove(without(1))["settled"])
        told = " ".join(prove(without(1), as_json=False).split())
        self.assertNotIn("settled:", told)
        self.assertIn("cosigned by enough witnesses yet", told)
        prove(lambda said: said.update(proof=flipped_note(said["proof"].replace("\n\n", "\r", 1), 0).replace("\r", "\n\n", 1)), expect=3)
        pinned = prove(more=["--charter", self.at / "documents"])
        self.assertEqual((pinned["pinned"], pinned["settled"], pinned["charter_hash"]), (True, True, said["charter_hash"]))
        self.assertNotIn("You did not name it", " ".join(prove(more=["--charter", self.at / "documents"], as_json=False).split()))
        vkey = next(word for line in text.splitlines() if line.startswith("hub ") for word in line.split() if word.startswith("sahel.example/"))
        key = prove(more=["--key", vkey])
        self.assertEqual((key["pinned"], key["charter"], key["settled"]), (True, None, None))

    def test_what_a_reviewer_has_seen_no_node_takes_back(self):
        """The index was made while the node was honest."""
        state = {"lie": None}

        def answer(what, args, said):
            if state["lie"]:
                state["lie"](what, args, said)
            return said

        def shorter(what, args, said):
            if what == "review" and not args:
                said["size"] = 1

        def another(what, args, said):
            if what == "review" and not args:
                said["node"] = "ML/other/n1"
        with contextlib.closing(Liar(self.at / "liar.sock", self.e["ML"].socket, answer)):
            self.ask_liar("log", expect=0)
            for lie, says in ((shorter, "older than one that was seen before"), (another, "another source")):
                state["lie"] = lie
                for verb in self.VERBS[:3]:
                    self.assertIn(says, self.ask_liar(*verb, expect=3))
            state["lie"] = None
            self.ask_liar("log", expect=0)

    def test_a_hub_cannot_show_the_share_of_a_party(self):
        """Receipts in shares would be proven one by one, and leave others out unnoticed."""
        self.from_node("ML")
        share = next(r for e in json.loads((self.at / "part/view/entries-0.json").read_text())["entries"]
                     for r in unpacked(base64.b64decode(e["dossier"])) if 10 in r[2])
        path = self.at / "copy" / FIRST_BUNDLE
        records = dossiers(path)
        self.assertIn(5, records[share[0]][2])
        records[share[0]] = share
        path.write_bytes(packed(records))
        self.assertIn("does not belong to such an entry", self.named(f"{FIRST_BUNDLE}:entry {share[0]}"))

    def test_an_index_is_of_one_source(self):
        self.from_node("ML")
        self.from_node("SN", "other")
        self.toguna("log", log="part")
        for log in ("other", "copy"):
            self.assertIn("another source", self.toguna("log", log=log, expect=3))
        (self.at / "index.db").unlink()
        self.toguna("log")
        self.assertIn("another source", self.toguna("log", log="part", expect=3))


if __name__ == "__main__":
    unittest.main()
