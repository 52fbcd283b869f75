"""An inspector asks a copy of the log, and a hub's own files: who got what, why, what a draft would have done, and the figures."""
import contextlib
import datetime
import json
import os
import pathlib
import re
import shutil
import sqlite3
import subprocess
import sys
import unittest

import kit
from reviewed import dossiers, FIRST_BUNDLE, flipped, packed, POLICIES, Reviewed, root_of, STATES, unpacked

sys.path.insert(0, str(kit.ROOT / "tests/second"))
from toguna2 import base, wire  # noqa: E402

FOUR = ("FLASH", "IMMEDIATE", "PRIORITY", "ROUTINE")


def milliseconds(text):
    return round(datetime.datetime.fromisoformat(text).timestamp() * 1000)


def within(times, percent):
    return sorted(times)[(len(times) * percent + 99) // 100 - 1] if times else 0


class Review(Reviewed):
    """Questions, drafts, reports and the guides."""

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
        self.assertIn("sealed for 1 node, which is named here", said)
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
        self.assertIn("XX", self.toguna("why", self.convoy, "XX", expect=2))
        self.assertIn("country code", self.toguna("why", self.convoy, "Mali", expect=2))

    def test_the_hub_decided_rightly(self):
        for bulletin in (self.convoy, self.flood, self.fuel):
            told = self.json("replay", bulletin)
            self.assertEqual((told["agrees"], told["signed"], told["differences"], told["missing"], told["given_wrongly"]),
                             (True, True, [], [], []))
            self.assertEqual({p["state"] for p in told["policies"]}, set(STATES))
        self.assertIn("decided rightly", self.toguna("replay", self.convoy[:8]))

    # ---- drafts ----

    def suppose(self, *words, log="copy", expect=0, **more):
        return kit.toguna("policy", "replay", *words, "--log", log, "--charter", "documents", "--index", "index.db", cwd=self.at,
                          expect=expect, **more)

    def differences(self, *words, **more):
        told = json.loads(self.suppose(*words, "--json", **more))
        return told, [(d["id"], d["member"], d["opens"], d["stage"]) for d in told["differences"]]

    def test_a_draft_over_the_log_tells_what_would_have_differed(self):
        ml = self.draft("ML", self.CONVOY_AND_FUEL)
        told, found = self.differences(ml)
        self.assertEqual(found, [(self.convoy, "TD", True, "permitted"), (self.flood, "SN", False, "export"),
                                 (self.flood, "TD", False, "export")])
        self.assertEqual((told["bulletins"], told["opened"], told["closed"], told["refused"], told["not_open"], told["unclear"]["count"]),
                         (3, 1, 2, 0, 0, 0))
        first = told["differences"][0]
        manual = kit.toguna("manual", "policy").replace("\\", "")
        for name in {*told, *told["unclear"], *first}:
            self.assertIn(f"_{name}_:", manual)
        self.assertEqual((first["from"], first["topics"], first["marking"], first["portion"]),
                         ("ML/dgse/n1", "alert.convoy.movement", "RESTRICTED TLP:AMBER", 0))
        shown = json.loads(self.toguna("show", str(first["index"]), "--json"))
        self.assertEqual((shown["subject"], shown["time"]), (self.convoy, first["time"]))
        both = self.draft("TD", "import allow ** from SN ML up-to RESTRICTED\n")
        self.assertEqual(self.differences(both)[1], [(self.fuel, "TD", True, "permitted")])
        self.assertEqual(len(self.differences(ml, both)[1]), 4)
        hub = json.loads(kit.toguna("policy", "replay", ml, "--log", self.hub, "--index", root_of(self) / "hub.db", "--json", cwd=self.at))
        self.assertEqual([d["id"] for d in hub["differences"]], [i for i, *_ in found])

    def test_a_draft_over_the_log_in_sentences(self):
        ml = self.draft("ML", self.CONVOY_AND_FUEL + "export deny alert.fuel.** to SN\n")
        said = self.suppose(ml)
        self.assertIn(f"+ TD would have received {self.convoy[:12]} from ML/dgse/n1 (alert.convoy.movement, RESTRICTED TLP:AMBER)", said)
        self.assertIn(f"- SN would not have received {self.flood[:12]}", said)
        self.assertIn("ML-2.policy:6: export deny alert.fuel.** to SN", said)
        self.assertIn("Deliveries that would have been added: 1; held back: 3.", said)
        said = self.suppose(ml, env={"LC_ALL": "C.UTF-8", "LANGUAGE": "fr"})
        self.assertIn(f"TD aurait reçu {self.convoy[:12]}", said)
        self.assertIn("l'entrée", said)
        as_it_was = self.draft("ML", POLICIES["ML"])
        self.assertIn("Nothing would have been different.", self.suppose(as_it_was))
        self.assertIn("--limit", self.suppose(ml, "--limit", "3", expect=2))
        self.assertIn("again, each under the charter and policies of its time: 0.", self.suppose(ml, "--since", "2030-01-01"))
        nothing = self.suppose(ml, "--since", "2030-01-01")
        self.assertIn("No bulletin was decided again.", nothing)
        self.assertNotIn("Nothing would have been different", nothing)
        entries = json.loads(self.suppose(ml, "--json"))["entries"]
        self.assertEqual(entries, int((self.at / "copy/checkpoint").read_text().splitlines()[1]))
        self.assertIn(f"The log was read up to entry {entries - 1}; what the hub wrote later is not in it.", nothing)
        self.assertIn("Did you mean SN", self.suppose(self.draft("ML", "export allow ** to SNN up-to RESTRICTED\n"), expect=3))

    def test_what_is_not_open_to_a_draft_is_counted_and_not_guessed(self):
        ml = self.draft("ML", self.CONVOY_AND_FUEL)
        path = self.at / "copy" / FIRST_BUNDLE
        records = dossiers(path)
        for record in records:
            if 3 in record[2] and wire.decode("Entry", record[2][1])["subject"].hex() == self.flood:
                del record[2][2], record[2][4]  # what was said of it, and to whom; the entry stays
        path.write_bytes(packed(records))
        told, found = self.differences(ml)
        self.assertEqual(found, [(self.convoy, "TD", True, "permitted")])
        self.assertEqual((told["bulletins"], told["not_open"], told["unclear"]["count"]), (2, 1, 0))
        self.assertIn("is not open here: 1.", self.suppose(ml))
        # Entries that are closed altogether may be bulletins too, and are never passed over in silence.
        path.write_bytes(packed([r for r in records if 3 not in r[2] or wire.decode("Entry", r[2][1])["subject"].hex() not in (self.flood, self.convoy)]))
        (self.at / "index.db").unlink()
        said = self.suppose(ml)
        self.assertIn("Of what can be decided again here, nothing would have been different.", said)
        self.assertIn("among which there may be more bulletins: 2.", said)
        path.unlink()
        (self.at / "index.db").unlink()
        self.assertIn("no charter in force is open here", self.suppose(ml, expect=3))

    def test_a_draft_is_not_held_against_a_hub_that_decided_otherwise(self):
        def another_set(record):
            if 3 in record[2] and wire.decode("Entry", record[2][1])["subject"].hex() == self.flood:
                entry = wire.decode("Entry", record[2][1])
                record[2][1] = wire.encode("Entry", {**entry, "policy_set": base.sha(b"others")})
        key = self.doctor(another_set)
        ml = self.draft("ML", self.CONVOY_AND_FUEL)
        told = json.loads(kit.toguna("policy", "replay", ml, "--log", "copy", "--key", key, "--index", "index.db", "--json", cwd=self.at))
        self.assertEqual([d["id"] for d in told["differences"]], [self.convoy])
        self.assertEqual(told["unclear"], {"count": 1, "first": self.flood})

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
        self.assertRegex(self.toguna("show", "99999999", expect=3), r"there is no entry 99999999: its checkpoint covers \d+ entries")

    def test_a_state_that_is_no_member_is_named_with_the_nearest(self):
        self.assertIn("SM is no member of this exchange. Did you mean SN?", self.toguna("log", "--state", "sm", expect=2))
        self.assertIn("XX is no member of this exchange. Its members are ML, SN, TD", self.toguna("log", "--state", "XX", expect=2))
        self.assertIn("alert", self.toguna("log", "--state", "sn"))
        self.assertIn("XX is no member of this exchange. Its members are ML, SN, TD", self.toguna("why", self.convoy, "XX", expect=2))

    def test_what_cannot_be_answered_is_said(self):
        """Openings that are all gone, and a checkpoint that somebody changed: named."""
        self.assertIn("`toguna audit log --help` lists them", self.toguna("log", "--type", "accept", expect=2))
        bare = self.at / "bare"
        shutil.copytree(self.at / "copy", bare)
        shutil.rmtree(bare / "openings")
        done = subprocess.run([kit.program("toguna"), "audit", "log", "--log", bare, "--charter", "documents", "--index", "bare.db"], cwd=self.at,
                              capture_output=True, text=True, timeout=60, env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en"})
        self.assertEqual((done.returncode, "No entry is open here" in done.stderr), (0, True))
        note = (bare / "checkpoint").read_text().splitlines(keepends=True)
        (bare / "checkpoint").write_text("".join([note[0], "99\n", *note[2:]]))
        for words in (("log", "--log", bare, "--index", "other.db"), ("verify", bare)):
            said = kit.toguna("audit", *words, "--charter", "documents", cwd=self.at, expect=3)
            self.assertIn("checkpoint: the signature of", said)

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
        with contextlib.closing(sqlite3.connect(self.at / "index.db")) as index:
            firsts = index.execute("SELECT b.member, g.member, min(b.time) AS first, min(b.leaf) FROM bulletin b JOIN given g USING(leaf)"
                                   " WHERE b.member <> g.member GROUP BY 1, 2 ORDER BY first DESC, 1, 2").fetchall()
        new = [a for a in self.json("anomalies")["anomalies"] if a["kind"] == "new-pair"]
        self.assertEqual([(a["state"], a["other"], milliseconds(a["time"]), *a["entries"]) for a in new], firsts)
        half = firsts[0][2]  # the later of the two
        of = [a["other"] for a in self.json("anomalies", "--from", new[0]["time"])["anomalies"] if a["kind"] == "new-pair"]
        self.assertEqual(of, [f[1] for f in firsts if f[2] >= half])
        diff = self.json("diff", "1h", "2100-01-01")
        self.assertIn("policy", {d["kind"] for d in diff["documents"]})
        self.assertEqual({c["type"]: c["between"] for c in diff["counts"]}["accepted"], 3)
        self.assertIn("after the first", self.toguna("diff", "2026-12-01", "2026-11-01", expect=2))
        french = {"LC_ALL": "C.UTF-8", "LANGUAGE": "fr"}
        said = self.toguna("diff", "1h", "2100-01-01", env=french)
        for word in ("politique +ML +1", "charte", "un bulletin a été accepté", "QUOI", "accréditation +SN +SN/cigs/n1 +1"):
            self.assertRegex(said, word)
        self.assertLessEqual(set(STATES.values()), {d["holder"] for d in diff["documents"] if d["kind"] == "credential"})
        self.assertEqual({d["holder"] for d in diff["documents"] if d["kind"] != "credential"}, {""})
        for word in {d["kind"] for d in diff["documents"]} | {c["type"] for c in diff["counts"]} - {"document", "configuration"}:  # words of both languages
            self.assertNotRegex(said, rf"(?<![/\w]){word}\b")  # in names of holders it stands as it is
        self.assertIn("  nouvel échange : ML a remis", self.toguna("anomalies", env=french))

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

    # ---- what the manual says about --json ----

    BY_STATE = {"names", "days.accepted", "days.refused", "days.receipts"}  # objects whose members are country codes

    def fields(self, value, prefix=""):
        """Names of all fields of an object, and of those whose inside is not to be seen in it."""
        found, blank = set(), set()
        for name, inner in value.items():
            found.add(prefix + name)
            items = [i for i in (inner if isinstance(inner, list) else [inner]) if isinstance(i, dict)]
            if inner is None or inner == []:
                blank.add(prefix + name)
            for item in items if prefix + name not in self.BY_STATE else []:
                more, hidden = self.fields(item, f"{prefix}{name}.")
                found, blank = found | more, blank | hidden
        return found, blank

    def documented(self, verb):
        page = kit.toguna("manual", "audit")
        section = re.search(rf"^## toguna audit {verb} .*?(?=^## |^# )", page, re.S | re.M).group(0)
        found, above = set(), []
        for tabs, name in re.findall(r"^(\t+)- _([^:]*)_: ", section, re.M):
            above = [*above[:len(tabs) - 1], name.replace("\\", "")]
            found.add(".".join(above))
        return found

    def test_the_manual_names_every_field_that_is_printed_and_no_other(self):
        entries = self.json("log", "--count", "1000")["entries"]
        at = {kind: next(e["index"] for e in entries if e["type"] == kind and (kind != "accepted" or e["denied"]))
              for kind in ("accepted", "receipts", "document")}
        kit.toguna("audit", "prove", "0", "--log", "copy", "--charter", "documents", "-o", "zero", cwd=self.at)
        said = {"log": [self.json("log")], "show": [self.json("show", i) for i in at.values()], "why": [self.json("why", self.convoy, "TD")],
                "who-got": [self.json("who-got", self.convoy)], "replay": [self.json("replay", self.convoy)],
                "overdue": [self.json("overdue", "--at", "2100-01-01")], "anomalies": [self.json("anomalies")],
                "diff": [self.json("diff", "1h", "2100-01-01")], "report": [self.json("report")], "export": [self.json("export", "again")],
                "verify": [kit.toguna_json("audit", "verify", "copy", "--charter", "documents", cwd=self.at)],
                "prove": [kit.toguna_json("audit", "prove", "1", "--log", "copy", "--charter", "documents", cwd=self.at)],
                "check": [kit.toguna_json("audit", "check", "zero", "--charter", "documents", cwd=self.at)]}
        of_evidence = {"lie", "checkpoints", "checkpoints.size", "checkpoints.root"}
        for verb, answers in said.items():
            seen = [self.fields(a) for a in answers]
            found, named = set().union(*(f for f, _ in seen)), self.documented(verb)
            hidden = set.intersection(*(blank | (named - f) for f, blank in seen)) if len(seen) > 1 else seen[0][1]
            self.assertEqual(found - named, set(), f"audit {verb} prints what the manual does not name")
            missing = {n for n in named - found if not any(n.startswith(h + ".") for h in hidden)}
            self.assertEqual(missing - (of_evidence if verb == "check" else set()), set(), f"the manual names what audit {verb} does not print")

    # ---- a report counts what every entry says by itself ----

    def entries(self):
        """Every entry with all that belongs to it, asked for one by one."""
        page = self.json("log", "--oldest", "--count", "5")
        found = page["entries"]
        while page["next"]:
            page = self.json("log", "--oldest", "--count", "5", "--cursor", page["next"])
            found += page["entries"]
        return [self.json("show", e["index"]) for e in found]

    def counted(self, entries):
        """The figures of a report, from nothing but the entries."""
        days, refusals, denials, pairs, times, opened = {}, {}, {}, {}, {p: [] for p in FOUR}, dict.fromkeys(FOUR, 0)
        stored = {(r["bulletin"], r["node"]): r["time"] for e in reversed(entries) for r in e["receipts"] if r["event"] == "stored"}
        read = {(r["bulletin"], r["node"]) for e in entries for r in e["receipts"] if r["event"] == "read"}
        for e in entries:
            day = days.setdefault(e["time"][:10], {"accepted": {}, "refused": {}, "receipts": {}})
            if e["type"] in day and e["state"]:
                day[e["type"]][e["state"]] = day[e["type"]].get(e["state"], 0) + 1
            if e["type"] == "refused":
                refusals[e["reason"]] = refusals.get(e["reason"], 0) + 1
            denied = [d for p in e["ruling"]["portions"] for d in p["denied"]] if e["ruling"] else []
            for d in denied:
                denials[d["stage"]] = denials.get(d["stage"], 0) + 1
            if e["type"] != "accepted":
                continue
            for state in {d["state"] for d in denied}:
                pairs.setdefault((e["state"], state), [0, 0, 0, 0])[3] += 1
            for r in self.json("who-got", e["subject"])["recipients"]:
                at, pair = (e["subject"], r["node"]), pairs.setdefault((e["state"], r["state"]), [0, 0, 0, 0])
                pair[0], pair[1], pair[2] = pair[0] + 1, pair[1] + (at in stored), pair[2] + (at in read)
                if at in stored:
                    times[e["precedence"]].append(max(0, milliseconds(stored[at]) - milliseconds(e["time"])))
                else:
                    opened[e["precedence"]] += 1
        return {"days": [{"day": day, **counts} for day, counts in sorted(days.items())], "refusals": refusals, "denials": denials,
                "pairs": pairs, "latency": [[p, len(times[p]), opened[p], *(within(times[p], n) for n in (50, 90, 99, 100))] for p in FOUR]}

    def reported(self, *args):
        report = self.json("report", *args)
        return {"days": report["days"], "refusals": {r["reason"]: r["count"] for r in report["refusals"]},
                "denials": {d["stage"]: d["count"] for d in report["denials"]},
                "pairs": {(p["from"], p["to"]): [p["given"], p["stored"], p["read"], p["denied"]] for p in report["pairs"]},
                "latency": [[row[k] for k in ("precedence", "count", "open", "p50_ms", "p90_ms", "p99_ms", "max_ms")] for row in report["latency"]]}

    def test_a_report_counts_what_every_entry_says(self):
        entries = self.entries()
        whole = self.counted(entries)
        self.assertEqual(len(whole["denials"]), 2)
        self.assertEqual(self.reported(), whole)
        # between any two moments: the index knows whole blocks of them only by their first and last
        moments = sorted({e["time"] for e in entries})
        for begin, end in ((0, len(moments) // 2), (len(moments) // 3, len(moments) - 1), (len(moments) // 2, len(moments) // 2 + 1)):
            part = [e for e in entries if moments[begin] <= e["time"] < moments[end]]
            said, wanted = self.reported("--from", moments[begin], "--to", moments[end]), self.counted(part)
            for name in ("days", "refusals", "denials"):
                self.assertEqual(said[name], wanted[name])

    def earlier_index(self):
        """As an index of version 2 was: without what entries are counted by, and without the fact that it is there."""
        path = self.at / "index.db"
        with contextlib.closing(sqlite3.connect(path)) as index:
            self.assertEqual(index.execute("PRAGMA user_version").fetchone()[0], 3)
            application, = index.execute("PRAGMA application_id").fetchone()
            text = "\n".join(index.iterdump())
        for file in self.at.glob("index.db*"):
            file.unlink()
        with contextlib.closing(sqlite3.connect(path)) as index:
            index.executescript(text)
            index.executescript(f"DROP TABLE mark; DELETE FROM fact WHERE name = 'marked'; DELETE FROM migration WHERE version = 3; PRAGMA application_id = {application};"
                                "PRAGMA user_version = 2; VACUUM;")

    def test_an_index_of_an_earlier_version_is_completed(self):
        wanted = self.reported()
        self.earlier_index()
        self.assertEqual(self.reported(), wanted)
        # not with what is no longer as it was logged
        self.earlier_index()
        path, whole = self.at / "copy" / FIRST_BUNDLE, (self.at / "copy" / FIRST_BUNDLE).read_bytes()
        for at in (self.json("log", "--type", kind)["entries"][0]["index"] for kind in ("accepted", "document")):
            self.earlier_index()
            path.write_bytes(packed([[i, s, {**p, 1: flipped(p[1], -1)} if i == at else p] for i, s, p in unpacked(whole)]))
            self.assertIn("the opening is not that of what was logged", self.named(f"{FIRST_BUNDLE}:entry {at}", "report"))
            path.write_bytes(whole)

    # ---- the guides, typed word by word ----

    def follow(self, page):
        charter = next(p for p in (self.at / "documents").glob("*.note") if p.read_text().startswith("toguna/charter v1"))
        shutil.copy(charter, self.at / "charter.note")
        shutil.rmtree(self.at / "copy")
        env = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en", "XDG_CACHE_HOME": str(self.at / "cache"), "TOGUNA_SOCKET": str(self.e["ML"].socket),
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


if __name__ == "__main__":
    unittest.main()
