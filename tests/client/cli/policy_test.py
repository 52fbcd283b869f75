"""A policy officer's work on files: draft, check, format, sign."""
import json
import os
import subprocess
import unittest

import kit
from kitchen import Kitchen


def built(program):
    try:
        return kit.program(program)
    except kit.Failed:
        return None


POLICY = """toguna/policy v1
member ML
serial 1
effective 2026-01-01T00:00:00Z

# aux autres
export  allow alert.** to SN up-to  RESTRICTED
import allow alert.** from SN up-to RESTRICTED
"""


class Policy(Kitchen):
    def setUp(self):
        super().setUp()
        (self.at / "ML.policy").write_text(POLICY)

    def test_a_sound_policy_is_told(self):
        self.assertIn("no error", self.toguna("policy", "check", "ML.policy"))
        self.toguna("policy", "draft", "SN")
        self.assertTrue(self.json("policy", "check", "SN.policy")["valid"])
        self.refuses(3, "policy", "draft", "SN", says="SN.policy")

    def test_errors_are_shown_where_they_stand(self):
        (self.at / "bad.policy").write_text(POLICY.replace("to SN", "to SX").replace("import allow", "import alow"))
        said = self.toguna("policy", "check", "bad.policy", expect=3)
        self.assertIn("bad.policy", said)
        shown = self.json("policy", "check", "ML.policy")
        self.assertEqual(shown["problems"], [])

    def test_names_must_exist_in_the_exchange(self):
        self.founded("ML/dgse/n1", "SN")
        self.toguna("policy", "check", "ML.policy", "--documents", "x/charter.note")
        (self.at / "far.policy").write_text(POLICY.replace("to SN", "to NE"))
        self.toguna("policy", "check", "far.policy")
        self.refuses(3, "policy", "check", "far.policy", "--documents", "x/charter.note", "--json", says="far.policy")

    def test_a_broken_pin_is_told_before_anybody_signs(self):
        self.founded("ML/dgse/n1", "SN")
        pinned = POLICY.replace("alert.** to SN up-to  RESTRICTED", "alert.** to SN up-to SECRET") + "pin never SECRET and above to SN\n"
        (self.at / "pinned.policy").write_text(pinned)
        (self.at / "SN.policy").write_text(POLICY.replace("member ML", "member SN").replace("SN up-to", "ML up-to"))
        self.refuses(3, "policy", "check", "pinned.policy", "--documents", "x/charter.note",
                     says=["pinned.policy:9", "pinned.policy:7 tells SN what this pin forbids", "SECRET"])
        self.assertIn("no error", self.toguna("policy", "check", "pinned.policy"))  # without the members nobody can say
        files = ["ML.policy", "pinned.policy", "SN.policy", "--documents", "x/charter.note"]
        self.assertIn("will refuse it for a pin", self.toguna("policy", "diff", *files))
        self.assertIn("this pin forbids", self.json("policy", "diff", *files)["pin"])
        files[:2] = files[1], files[0]
        self.assertIsNone(self.json("policy", "diff", *files)["pin"])

    def test_an_ended_policy_and_slips_are_told(self):
        self.founded("ML/dgse/n1", "SN")
        (self.at / "old.policy").write_text(POLICY.replace("\n\n", "\nexpires 2026-02-01T00:00:00Z\n\n", 1))
        self.assertIn("it ended on 2026-02-01", self.toguna("policy", "check", "old.policy"))
        told = self.json("policy", "check", "old.policy")
        self.assertEqual((told["valid"], told["over"]), (True, True))
        (self.at / "twice.policy").write_text(POLICY + "import allow alert.** from SN up-to RESTRICTED\n")
        told = self.json("policy", "check", "twice.policy", "--documents", "x/charter.note")
        self.assertEqual([(p["line"], p["warning"]) for p in told["problems"]], [(9, True)])

    def test_fmt_prints_one_form_and_changes_nothing_twice(self):
        once = self.toguna("policy", "fmt", "ML.policy")
        self.assertIn("export allow alert.** to SN up-to RESTRICTED\n", once)
        self.assertIn("# aux autres\n", once)
        self.toguna("policy", "fmt", "--write", "ML.policy")
        self.assertEqual((self.at / "ML.policy").read_text(), once)
        self.assertEqual(self.toguna("policy", "fmt", "ML.policy"), once)

    def exchange(self):
        """ML and SN with an agency each, NG; the policies ML tells alerts to SN, SN and NG accept all."""
        self.founded("ML/dgse/n1", "SN", "NG")
        head = "toguna/policy v1\nmember {}\nserial {}\neffective 2026-01-01T00:00:00Z\n"
        for code in ("SN", "NG"):
            (self.at / f"{code}.policy").write_text(head.format(code, 1) + "import allow ** from ML up-to SECRET\n")
        (self.at / "ML2.policy").write_text(
            head.format("ML", 2) + "export allow alert.** to SN up-to RESTRICTED\nexport allow alert.attack.** to NG up-to RESTRICTED\n"
            "export deny alert.drill.** to SN\nexport require approvals 2 by release for alert.attack.** to NG\nexport retain 30d for **\n")

    def test_what_one_agency_sends_is_in_the_matrix(self):
        self.founded("ML/dgse/n1", "SN", "NG")
        head = "toguna/policy v1\nmember {}\nserial 1\neffective {}\n"
        for code in ("SN", "NG"):
            (self.at / f"{code}.policy").write_text(head.format(code, "2026-01-01T00:00:00Z") + "import allow ** from ML up-to SECRET\n")
        (self.at / "ML3.policy").write_text(
            head.format("ML", "2126-01-01T00:00:00Z") + "export allow report.** to NG up-to SECRET when origin agency ML/dgse\n"
            "export allow ** to SN up-to RESTRICTED\nexport deny ** to SN when origin agency ML/dgse\n")
        args = ("ML3.policy", "SN.policy", "NG.policy", "-d", "x/charter.note", "-d", "x/nodes/ML-dgse-n1/documents")
        shown = self.json("policy", "matrix", *args)
        flows = {(f["to"], f["topics"]): f for f in shown["flows"]}
        report, rest = flows[("NG", "report.**")], flows[("SN", "**")]
        self.assertEqual((report["up_to"], report["up_to_freely"]), ("SECRET", "-"))
        self.assertIn("export allow report.** to NG", report["export_rule"])
        self.assertEqual((rest["up_to"], rest["up_to_freely"]), ("RESTRICTED", "-"))
        # A draft is asked about as of when it has begun: before, it says nothing at all.
        self.assertTrue(shown["at"].startswith("2126-01-01"), shown["at"])
        self.assertIn("As of 2126-01-01", self.toguna("policy", "matrix", *args))
        (self.at / "ML.expect").write_text("toguna/expectations v1\nmember ML\nexpect permit report.x SECRET from ML/dgse to NG\n")
        self.toguna("policy", "test", "ML.expect", *args)
        said = self.toguna("policy", "explain", *args, "--from", "ML/dgse", "--to", "NG", "--topic", "report.x", "--class", "SECRET", "--tlp", "red")
        self.assertIn("As of 2126-01-01", said)

    def test_diff_speaks_in_effects(self):
        self.exchange()
        args = ("SN.policy", "NG.policy", "-d", "x/charter.note")
        said = self.toguna("policy", "diff", "ML.policy", "ML2.policy", *args)
        self.assertIn("+ NG will now receive alert.attack.** up to RESTRICTED from ML\n", said)
        self.assertIn("- SN will no longer receive alert.drill.** from ML (until now up to RESTRICTED)\n", said)
        self.assertIn("keep ** for 30d", said)
        self.assertIn("two signatures", said)
        self.assertEqual(said.count("\n+ ") + said.startswith("+ "), 1, said)
        found = self.json("policy", "diff", "ML2.policy", "ML.policy", *args)
        self.assertTrue(found["widens"])
        self.assertEqual({(e["effect"], e.get("to"), e.get("opens")) for e in found["effects"] if e["effect"] == "receives"},
                         {("receives", "NG", False), ("receives", "SN", True)})

    def test_diff_tells_of_a_pin_that_goes(self):
        self.exchange()
        text = (self.at / "ML2.policy").read_text() + "\n"
        (self.at / "pinned.policy").write_text(text + "pin never SECRET and above to outside NG\npin never ** at TOP-SECRET and above to SN\n")
        args = ("pinned.policy", "ML2.policy", "SN.policy", "-d", "x/charter.note")
        said = self.toguna("policy", "diff", *args)
        self.assertRegex(said, r"\+ pinned.policy:\d+: a pin of ML would no longer hold for outside NG: .* SECRET TLP:clear\n")
        self.assertRegex(said, r"\+ pinned.policy:\d+: a pin of ML would no longer hold for SN: .* TOP-SECRET TLP:clear\n")
        self.assertIn("It opens something", said)
        found = self.json("policy", "diff", *args)
        self.assertEqual(([e["effect"] for e in found["effects"]], found["widens"]), (["pin", "pin"], True))
        back = self.json("policy", "diff", "ML2.policy", "pinned.policy", "SN.policy", "-d", "x/charter.note")
        self.assertEqual((back["effects"], back["widens"]), ([], False))

    def test_no_agency_has_the_name_of_all_others(self):
        self.founded("ML/any-other-agency/n1", "SN")
        head = "toguna/policy v1\nmember {}\nserial {}\neffective 2026-01-01T00:00:00Z\n"
        (self.at / "SN.policy").write_text(head.format("SN", 1) + "import allow ** from ML up-to SECRET\n")
        (self.at / "ML1.policy").write_text(head.format("ML", 1))
        (self.at / "ML2.policy").write_text(head.format("ML", 2) + "export allow ** to SN up-to SECRET when origin agency ML/any-other-agency\n")
        others = ("SN.policy", "-d", "x/charter.note", "-d", "x/nodes/ML-any-other-agency-n1/documents")
        found = self.json("policy", "diff", "ML1.policy", "ML2.policy", *others)
        self.assertEqual({e["from"] for e in found["effects"]}, {"ML/any-other-agency"})
        shown = self.json("policy", "matrix", "ML2.policy", *others)
        self.assertEqual({f["up_to_freely"] for f in shown["flows"]}, {"-"})

    def test_check_goes_on_after_a_bad_file(self):
        for name in ("A", "B"):
            (self.at / f"{name}.policy").write_text("nonsense\n")
        done = subprocess.run([kit.program("toguna"), "policy", "check", "A.policy", "gone.policy", "ML.policy", "B.policy", "ML.policy"],
                              cwd=self.at, capture_output=True, text=True, env={**os.environ, "LC_ALL": "C"})
        self.assertEqual(done.returncode, 3, done)
        self.assertEqual(done.stdout.count("ML.policy: policy"), 2)
        for name in ("A", "B", "gone"):
            self.assertEqual(done.stderr.count(f"toguna: {name}.policy"), 1, done.stderr)

    def test_a_name_that_is_not_utf8_is_said_to_be_so(self):
        name = os.fsencode(self.at) + b"/M\xff.policy"
        with open(name, "wb") as f:
            f.write((self.at / "ML.policy").read_bytes())
        program = os.fsencode(kit.program("toguna"))
        done = subprocess.run([program, b"policy", b"check", name, b"--json"], capture_output=True, env={**os.environ, "LC_ALL": "C"})
        self.assertEqual(done.returncode, 2, done)
        self.assertIn("not UTF-8", json.loads(done.stderr)["what"])
        self.assertEqual(subprocess.run([program, b"policy", b"check", name], capture_output=True).returncode, 0)

    def test_diff_of_a_policy_with_itself_is_nothing(self):
        self.exchange()
        found = self.json("policy", "diff", "ML2.policy", "ML2.policy", "SN.policy", "-d", "x/charter.note")
        self.assertEqual((found["effects"], found["widens"]), ([], False))

    def test_diff_sees_what_another_state_accepts_from_one_agency_only(self):
        self.exchange()
        sn = self.at / "SN.policy"
        sn.write_text(sn.read_text().replace("SECRET", "SECRET when origin agency ML/dgse"))
        args = ["-d", "x/charter.note", "-d", "x/nodes/ML-dgse-n1/documents"]
        said = self.toguna("policy", "diff", "ML.policy", "ML2.policy", "SN.policy", "NG.policy", *args)
        self.assertIn("SN will no longer receive alert.drill.** from ML/dgse", said)
        self.assertNotIn("from ML (", said)

    def test_diff_refuses_two_states_and_no_charter(self):
        self.exchange()
        self.refuses(3, "policy", "diff", "ML.policy", "SN.policy", "-d", "x/charter.note", says=["ML", "SN"])
        self.refuses(2, "policy", "diff", "ML.policy", "ML2.policy", says="--documents")

    def test_the_matrix_in_every_form_says_the_same(self):
        self.exchange()
        args = ("policy", "matrix", "ML2.policy", "SN.policy", "NG.policy", "-d", "x/charter.note")
        flows = {(f["to"], f["topics"]): f for f in self.json(*args)["flows"]}
        self.assertEqual(set(flows), {("SN", "alert.** except alert.drill.**"), ("NG", "alert.attack.**")})
        attack = flows["NG", "alert.attack.**"]
        self.assertEqual((attack["up_to"], attack["up_to_freely"]), ("RESTRICTED", "-"))
        self.assertIn("ML2.policy:6: export allow alert.attack.** to NG", attack["export_rule"])
        self.assertIn('"ML","NG","alert.attack.**","RESTRICTED","-"', self.toguna(*args, "--csv"))
        self.assertIn("RESTRICTED *", self.toguna(*args))
        self.assertEqual([f["to"] for f in self.json(*args, "--topic", "alert.drill.x")["flows"]], [])
        empty = self.toguna(*args, "--topic", "alert.drill.x")
        self.assertIn("Nothing may pass.\n", empty)
        self.assertNotIn("*", empty)
        self.refuses(3, *args, "--topic", "alert.**", says="--topic")

    def test_the_page_is_complete_in_itself(self):
        self.exchange()
        self.toguna("policy", "matrix", "ML2.policy", "SN.policy", "-d", "x/charter.note", "--html", "m.html")
        page = (self.at / "m.html").read_text()
        self.assertIn("default-src 'none'", page)
        self.assertNotIn("http:", page)
        self.assertNotIn("https:", page)
        self.assertEqual(page.count("<script>"), 1)
        self.assertIn('data-from="ML" data-to="SN" class="l2"', page)

    def test_two_officers_sign_and_no_stranger(self):
        self.founded("ML/dgse/n1", "SN")
        officers = "x/members/ML/officers/"
        self.keyed("policy", "sign", "ML.policy", "--key", officers + "policy-1.key")
        self.keyed("policy", "sign", "ML.policy.note", "--key", officers + "policy-2.key")
        note = (self.at / "ML.policy.note").read_text()
        self.assertTrue(note.startswith(POLICY))
        self.assertEqual(note.count("\n\u2014 sahel.example/ML/policy-"), 2)
        key = ["--passphrase-file", self.secret, "--key"]
        self.refuses(3, "policy", "sign", "ML.policy.note", *key, officers + "policy-1.key", says="already")
        self.refuses(3, "policy", "sign", "ML.policy.note", *key, "x/members/SN/officers/policy-1.key", says=["SN/policy-1", "ML"])
        self.refuses(3, "policy", "sign", "ML.policy.note", *key, "x/members/ML/root.key", says="officer")
        self.refuses(2, "policy", "sign", "ML.policy.note", says="--key")
        self.refuses(2, "policy", "fmt", "--write", "ML.policy.note", says="signed")
        self.assertEqual((self.at / "ML.policy.note").read_text(), note)

    def test_a_policy_with_an_error_is_not_signed(self):
        self.founded("ML/dgse/n1", "SN")
        (self.at / "bad.policy").write_text(POLICY.replace("import allow", "import alow"))
        self.toguna("policy", "sign", "bad.policy", "--key", "x/members/ML/officers/policy-1.key", "--passphrase-file",
                    self.secret, expect=3)
        self.assertFalse((self.at / "bad.policy.note").exists())


class Explain(Kitchen):
    def ask(self, *more, expect=0):
        return self.json("policy", "explain", "-d", "x/hub/documents", "--from", "ML/dgse", "--topic", "alert.attack", "--class",
                         "RESTRICTED", "--tlp", "amber", *more, expect=expect)

    def setUp(self):
        super().setUp()
        self.founded("ML/dgse/n1", "SN", "NE", "--open", "--bloc", "AES=ML,NE")
        (self.at / "ML.policy").write_text(POLICY.replace("serial 1", "serial 2"))

    def test_policies_in_force_answer(self):
        answers = {a["member"]: a for a in self.ask("--to", "SN", "--to", "AES")}
        self.assertEqual({m: a["permitted"] for m, a in answers.items()}, {"SN": True, "NE": True})

    def test_a_draft_answers_in_place_of_what_is_in_force(self):
        answers = {a["member"]: a for a in self.ask("--to", "SN", "--to", "NE", "ML.policy")}
        self.assertEqual((answers["SN"]["permitted"], answers["NE"]["permitted"]), (True, False))
        self.assertEqual((answers["SN"]["file"], answers["SN"]["line"]), ("ML.policy", 7))
        self.assertEqual(answers["NE"]["stage"], "export")

    def test_nobody_is_an_answer_with_its_own_exit_code(self):
        ask = ["policy", "explain", "ML.policy", "-d", "x/charter.note", "--from", "ML/dgse", "--class", "SECRET", "--tlp", "red"]
        self.refuses(1, *ask, "--to", "SN", "--topic", "alert.attack", says="nobody")
        self.refuses(3, *ask, "--to", "SX", "--topic", "alert.attack", says="SX")
        self.refuses(3, *ask, "--to", "SN", "--topic", "alert.**", says="--topic")
        self.refuses(2, *ask, "--to", "SN", says="--topic")


class Exchange(Kitchen):
    def test_a_whole_exchange_from_nothing(self):
        made = self.json("init", "exchange", "sahel.example", "ML/dgse/n1", "SN/cigs/n1", "NE", "--open", "--bloc", "AES=ML,NE",
                         "--quorum", "1 of AES and 1 of members", "-f", "x", "--passphrase-file", self.secret, "--kdf", "test")
        self.assertEqual([n["node"] for n in made["nodes"]], ["ML/dgse/n1", "SN/cigs/n1"])
        self.toguna("charter", "check", "x/charter.note")
        self.toguna("policy", "check", "x/members/NE/documents/NE-policy.note", "-d", "x/charter.note")
        self.assertEqual(len(self.json("credential", "list", "x/hub/documents")), 3 * 4 + 2)
        for key in self.at.glob("x/**/*.key"):
            self.keyed("key", "check", str(key))

    @unittest.skipUnless(built("togunad") and built("toguna-node"), "the daemons are not built")
    def test_the_daemons_find_their_configuration_in_order(self):
        self.founded("ML/dgse/n1", "SN")
        for daemon, conf in (("togunad", "x/hub/hub.conf"), ("toguna-node", "x/nodes/ML-dgse-n1/node.conf")):
            done = subprocess.run([kit.program(daemon), "--config", str(self.at / conf), "--check"], capture_output=True, text=True)
            self.assertEqual((done.returncode, done.stderr), (0, ""))

    def test_notes_can_be_put_where_a_daemon_finds_them(self):
        self.founded("ML", "SN", "--open")
        sent = self.json("document", "send", "x/members/ML/documents", "--documents", "there")
        self.assertEqual([s["kind"] for s in sent], ["credential"] * 4 + ["policy"])
        before = self.files()
        self.toguna("document", "send", "x/members/ML/documents", "--documents", "there")
        self.assertEqual(self.files(), before)
        self.refuses(3, "policy", "publish", "x/charter.note", "--documents", "there", says=["charter", "policy"])
        self.refuses(4, "charter", "publish", "x/charter.note", "--socket", "absent.sock", says="absent.sock")
        self.refuses(3, "document", "send", "absent.note", "--documents", "there", says="absent.note")

    def test_nothing_stays_of_one_that_failed(self):
        args = ["--passphrase-file", self.secret, "--kdf", "test"]
        self.refuses(3, "init", "exchange", "sahel.example", "ML", "--bloc", "AES=ML,NE", "-f", "x", *args, says="NE")
        self.refuses(3, "init", "exchange", "sahel.example", "ML", "Senegal", "-f", "x", *args, says=["Senegal", "SN"])
        self.refuses(3, "init", "exchange", "sahel.example", "ML", "--endpoint", "here", "-f", "x", *args, says="here")
        (self.at / "x").mkdir()
        (self.at / "x/kept").write_text("kept")
        self.refuses(3, "init", "exchange", "sahel.example", "ML", "-f", "x", *args, says="x")
        self.assertEqual(self.files(), ["secret", "x/kept"])


if __name__ == "__main__":
    unittest.main()
