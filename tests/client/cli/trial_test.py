"""Trying a policy out before it is signed: an officer's table of expectations, and what a draft would change."""
import unittest

import kit
from kitchen import Kitchen

HEAD = "toguna/policy v1\nmember {}\nserial {}\neffective 2026-01-01T00:00:00Z\n"
TABLE = "toguna/expectations v1\nmember ML\n\n"


class Trial(Kitchen):
    """Mali tells Senegal alerts, but for drills, and takes two approvals for SECRET; Senegal accepts, Nigeria has no policy."""

    def setUp(self):
        super().setUp()
        self.founded("ML/dgse/n1", "SN/cigs/n1", "NG", "--bloc", "AES=ML", "--bloc", "ECOWAS=NG,SN")
        self.write("ML.policy", HEAD.format("ML", 1) + "export allow alert.** to ECOWAS up-to SECRET\nexport deny alert.drill.** to *\n"
                   "export require approvals 2 by release for SECRET and above\nimport allow ** from SN up-to RESTRICTED\n"
                   "export allow report.** to SN up-to RESTRICTED when origin agency ML/dgse until 2026-06-30\n")
        self.write("SN.policy", HEAD.format("SN", 1) + "import allow ** from ML up-to SECRET\nexport allow alert.** to ML up-to SECRET\n")
        self.documents = ["-d", "x/charter.note", "-d", "x/nodes/ML-dgse-n1/documents", "-d", "x/nodes/SN-cigs-n1/documents"]

    def write(self, name, text):
        (self.at / name).write_text(text)

    def tried(self, lines, *more, expect=0, **how):
        self.write("ML.expect", TABLE + lines)
        run = self.json if how.get("json") else self.toguna
        return run("policy", "test", "ML.expect", "ML.policy", "SN.policy", *self.documents, *more, expect=expect)


class Expectations(Trial):
    def test_what_holds_is_counted(self):
        said = self.tried("expect permit alert.attack RESTRICTED tlp amber to SN because line 5\n"
                         "expect refuse alert.drill.x UNCLASSIFIED to * because line 6\n"
                         "expect refuse alert.attack SECRET to SN because obligation   # no approvals yet\n".split("   #")[0] + "\n"
                         "expect permit alert.attack SECRET approvals 2 to SN\n"
                         "expect refuse alert.attack RESTRICTED to NG because import\n"
                         "expect permit alert.attack RESTRICTED from SN/cigs to ML because line 8\n"
                         "expect refuse alert.attack SECRET from SN to ML because import\n"
                         "expect refuse report.x RESTRICTED to SN because export\n"
                         "expect permit report.x RESTRICTED from ML/dgse to SN on 2026-06-30 because line 9\n"
                         "expect refuse report.x RESTRICTED from ML/dgse to SN on 2026-07-01\n")
        self.assertEqual(said, "ML.expect: all 11 expectations hold\n")
        self.assertEqual(self.tried("expect refuse political.x UNCLASSIFIED to SN NG\n", json=True),
                         {"file": "ML.expect", "asked": 2, "failed": 0, "failures": []})

    def test_what_does_not_hold_is_told_with_the_rule_that_decided(self):
        self.write("ML.expect", TABLE + "expect permit alert.drill.x RESTRICTED to SN\nexpect permit alert.x RESTRICTED to SN because line 9\n")
        ask = ["policy", "test", "ML.expect", "ML.policy", "SN.policy", *self.documents]
        failures = self.json(*ask, expect=None)["failures"]
        self.assertEqual([(f["line"], f["member"], f["permitted"], f["file"], f["rule_line"]) for f in failures],
                         [(4, "SN", False, "ML.policy", 6), (5, "SN", True, "ML.policy", 5)])
        self.assertEqual(failures[0]["rule"], "export deny alert.drill.** to *")
        self.refuses(1, *ask, says="2 of 2")
        done = kit.subprocess.run([kit.program("toguna"), *ask], cwd=self.at, capture_output=True, text=True,
                                  env={**kit.os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en"})
        self.assertIn("- ML.expect:4: expect permit alert.drill.x RESTRICTED to SN\n", done.stdout)
        self.assertIn("    ML.policy:6: export deny alert.drill.** to *\n", done.stdout)
        self.assertIn("another reason", done.stdout)

    def test_every_mistake_in_a_table_is_shown_where_it_stands(self):
        self.write("ML.expect", TABLE + "expect permitt alert.x SECRET to SN\nexpect permit alert.x SECRRET to SN\n"
                   "expect permit alert.x SECRET to SX\nexpect permit alert.** SECRET to SN\nexpect permit alert.x SECRET\n"
                   "expect refuse alert.x SECRET to SN because exprt\nexpect permit alert.x SECRET from ML/dgsse to SN\n"
                   "expect permit alert.x SECRET to ML\nexpcet refuse alert.x SECRET to SN\nexpect permit alert.x SECRET to SN to NG\n"
                   "expect permit alert.x SECRET to SN because export\n")
        ask = ["policy", "test", "ML.expect", "ML.policy", *self.documents]
        shown = self.json(*ask, expect=None)["problems"]
        self.assertEqual([(p["line"], p["column"]) for p in shown], [(4, 8), (5, 23), (6, 33), (7, 15), (8, 29), (9, 44), (10, 35),
                                                                     (11, 35), (12, 1), (13, 36), (14, 44)])
        for place, words in ((0, "permit"), (1, "SECRET"), (5, "export"), (6, "ML/dgse"), (8, "expect")):
            self.assertIn("Did you mean", shown[place]["message"])
            self.assertIn(words, shown[place]["message"])
        self.refuses(3, *ask, "--json", says=["11", "tests nothing"])

    def test_what_is_no_table_is_refused(self):
        ask = ["policy", "test", "ML.expect", "ML.policy", "--json", *self.documents]
        for text, says in (("", "expects nothing"), ("toguna/policy v1\n", "toguna/expectations v1"),
                           (TABLE, "expects nothing"), ("toguna/expectations v1\nexpect permit a RESTRICTED to SN\n", "member"),
                           (TABLE.replace("\n", "\r\n"), "Windows"), (TABLE + "# " + "x" * 3000 + "\n", "longer"),
                           (TABLE + "expect permit \u0430lert RESTRICTED to SN\n", "Latin"), (TABLE + "x" * 300000, "262144")):
            self.write("ML.expect", text)
            done = kit.subprocess.run([kit.program("toguna"), *ask], cwd=self.at, capture_output=True, text=True,
                                      env={**kit.os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en"})
            self.assertEqual(done.returncode, 3, text[:40])
            self.assertIn(says, done.stdout + done.stderr, text[:40])
        self.refuses(3, "policy", "test", "absent", "ML.policy", *self.documents, says="absent")
        self.refuses(2, "policy", "test", "ML.expect", "ML.policy", says="--documents")


class Preview(Trial):
    def ask(self, *more):
        return self.json("policy", "preview", *more, "-d", "x/hub/documents", "--from", "ML/dgse", "--topic", "alert.attack", "--class",
                         "RESTRICTED", "--tlp", "amber", "--to", "*" if "*" in more else "ECOWAS")

    def test_today_and_then_stand_side_by_side(self):
        found = self.ask("ML.policy", "SN.policy")
        self.assertEqual({m["member"]: (m["today"], m["permitted"], m["stage"]) for m in found["members"]},
                         {"SN": (False, True, "permitted"), "NG": (False, False, "import")})
        self.assertEqual((found["more"], found["fewer"]), (1, 0))
        said = self.toguna("policy", "preview", "ML.policy", "SN.policy", "-d", "x/hub/documents", "--from", "ML/dgse", "--topic",
                           "alert.attack", "--class", "RESTRICTED", "--tlp", "amber", "--to", "SN")
        self.assertRegex(said, r"\+ +SN +Senegal +no +yes")

    def test_a_draft_that_begins_later_is_decided_as_of_then(self):
        self.write("ML.policy", (self.at / "ML.policy").read_text().replace("2026-01-01", "2039-01-01"))
        found = self.ask("ML.policy", "SN.policy")
        self.assertEqual((found["at"][:4], found["more"]), ("2039", 1))

    def test_without_documents_the_node_is_asked(self):
        self.refuses(4, "policy", "preview", "ML.policy", "--socket", "absent.sock", "--from", "ML/dgse", "--topic", "alert.attack",
                     "--class", "RESTRICTED", "--tlp", "amber", "--to", "SN", says="absent.sock")
        self.refuses(2, "policy", "preview", "ML.policy", "-d", "x/hub/documents", says="--from")
        self.refuses(4, "policy", "replay", "ML.policy", "--socket", "absent.sock", says="absent.sock")


if __name__ == "__main__":
    unittest.main()
