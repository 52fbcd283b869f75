"""An exchange is founded by the command line alone: two states step by step, then the eighteen of the region."""
import unittest

from kitchen import Kitchen

ECOWAS = "BJ CV CI GM GH GN GW LR NG SN SL TG".split()
AES = "ML BF NE".split()
OTHERS = "MR TD DZ".split()
NODES = {"ML": "ML/dgse/n1", "BF": "BF/anr/n1", "NE": "NE/dgdse/n1", "SN": "SN/cigs/n1", "NG": "NG/nia/n1", "TD": "TD/anse/n1"}


class Founders(Kitchen):
    def member(self, code, *more):
        self.made("init", "member", code, "--exchange", "sahel.example", *more)

    def hub(self):
        self.made("init", "hub", "dakar", "--exchange", "sahel.example", "--host", "SN", "--endpoint", "tcp://127.0.0.1:7700")

    def sign(self, *members, file="charter.note"):
        for code in members:
            self.keyed("charter", "sign", file, "--key", f"{code}/root.key")


class Found(Founders):
    def test_two_states_found_an_exchange(self):
        for code in ("ML", "SN"):
            self.member(code)
        self.hub()
        drafted = self.json("charter", "draft", "ML/ML.card", "SN/SN.card", "dakar/dakar.card")
        self.assertEqual([m["signed"] for m in drafted["members"]], [False, False])
        self.refuses(3, "charter", "check", "charter.note", says="nobody has signed")

        self.keyed("charter", "sign", "charter.note", "--key", "ML/root.key", "-o", "from-ml.note")
        self.keyed("charter", "sign", "charter.note", "--key", "SN/root.key", "-o", "from-sn.note")
        self.refuses(3, "charter", "check", "from-ml.note", says="SN")
        self.toguna("charter", "merge", "from-ml.note", "from-sn.note", "-o", "whole.note")
        self.assertEqual(self.json("charter", "check", "whole.note")["hash"], drafted["hash"])

        self.keyed("init", "hub", "dakar", "whole.note")
        self.made("init", "node", "ML/dgse/n1", "whole.note", "--folder", "node-ml")
        self.made("init", "node", "SN/cigs/n1", "whole.note", "--folder", "node-sn", "--root", "SN/root.key")
        self.keyed("credential", "issue", "node-ml/ML-dgse-n1.card", "--root", "ML/root.key", "--folder", "node-ml/documents")
        listed = self.json("credential", "list", "whole.note", "ML/documents", "SN/documents", "node-ml/documents",
                           "node-sn/documents")
        self.assertEqual(len(listed), 10)
        self.assertEqual(sorted(c["holder"] for c in listed if c["role"] == "node"), ["ML/dgse/n1", "SN/cigs/n1"])
        for conf in ("dakar/hub.conf", "node-ml/node.conf", "node-sn/node.conf"):
            self.assertIn(f"exchange {drafted['hash']}\n", (self.at / conf).read_text())

    def test_keys_of_a_folder_are_for_their_owner_alone(self):
        self.member("ML")
        self.hub()
        for key in self.at.rglob("*.key"):
            self.assertEqual(key.stat().st_mode & 0o777, 0o600, key)
        self.assertEqual((self.at / "ML").stat().st_mode & 0o777, 0o700)

    def test_what_is_refused_leaves_nothing(self):
        found = ["init", "member", "ML", "--passphrase-file", self.secret, "--kdf", "test", "--exchange", "sahel.example"]
        self.refuses(3, *found[:2], "Mali", *found[3:], says=["Mali", "ML"])
        self.refuses(3, *found[:2], "MI", *found[3:], says="MI")
        self.refuses(2, *found[:-2], says="--exchange")
        self.refuses(3, *found[:-1], "Two Words", says="Two Words")
        self.refuses(3, *found, "--officer", "keita:president", says="keita:president")
        self.refuses(3, *found, "--officer", "Keita:policy", says="Keita")
        self.refuses(3, "init", "member", "ML", "--exchange", "sahel.example", "--passphrase-file", "absent", says="absent")
        self.refuses(3, "init", "hub", "dakar", "--exchange", "sahel.example", "--host", "SN", "--endpoint", "hub:7700",
                     "--passphrase-file", self.secret, "--kdf", "test", says="tcp://")
        self.refuses(3, "init", "node", "ML/dgse", "absent.note", "--passphrase-file", self.secret, says="absent.note")
        self.assertEqual(self.files(), ["secret"])
        self.assertEqual([p.name for p in self.at.iterdir()], ["secret"])

    def test_what_is_there_is_left_alone(self):
        self.member("ML")
        before = {f: (self.at / f).read_bytes() for f in self.files()}
        self.refuses(3, "init", "member", "ML", "--exchange", "sahel.example", "--passphrase-file", self.secret, "--kdf", "test",
                     says="ML")
        self.assertEqual({f: (self.at / f).read_bytes() for f in self.files()}, before)

    def test_a_card_that_was_changed_does_not_pass(self):
        self.member("ML", "--officer", "keita:policy")
        self.hub()
        card = self.at / "ML/ML.card"
        card.write_text(card.read_text().replace("/ML+", "/SN+"))
        self.refuses(3, "charter", "draft", "ML/ML.card", "dakar/dakar.card", says="charter:")
        card.write_text("toguna/card v1\nexchange sahel.example\n")
        self.refuses(3, "charter", "draft", "ML/ML.card", "dakar/dakar.card", says="ML/ML.card")
        self.assertFalse((self.at / "charter.note").exists())

    def test_the_eighteen_states_of_the_region(self):
        everybody = ECOWAS + AES + OTHERS
        for code in everybody:
            second = ["--officer", "policy-2:policy"] if code in NODES else []
            self.member(code, "--officer", "policy-1:policy", *second)
        self.hub()
        cards = [f"{code}/{code}.card" for code in everybody]
        drafted = self.json("charter", "draft", *cards, "dakar/dakar.card", "--bloc", f"AES={','.join(AES)}", "--bloc",
                            f"ECOWAS={','.join(ECOWAS)}", "--quorum", "2 of AES and 4 of ECOWAS", "--witness-quorum",
                            "1 of AES and 1 of ECOWAS", "--limit", "lifetime=14d", "--ceiling", "NG=SECRET")
        self.assertEqual(len(drafted["members"]), 18)
        self.sign(*everybody)
        self.assertEqual(self.json("charter", "check", "charter.note")["hash"], drafted["hash"])
        shown = self.json("charter", "show", "charter.note")
        self.assertEqual(shown["quorum"], "2 of AES and 4 of ECOWAS")
        self.assertEqual({b["bloc"]: len(b["members"]) for b in shown["blocs"]}, {"AES": 3, "ECOWAS": 12})

        self.keyed("init", "hub", "dakar", "charter.note")
        for code, name in NODES.items():
            self.made("init", "node", name, "charter.note", "--folder", f"node-{code}", "--root", f"{code}/root.key")
        listed = self.json("credential", "list", "charter.note", *[f"node-{code}/documents" for code in NODES],
                           *[f"{code}/documents" for code in everybody])
        self.assertEqual(len([c for c in listed if c["role"] == "node"]), 6)
        self.assertEqual(len([c for c in listed if c["role"] == "policy"]), 6 * 2 + 12)
        self.next_charter()

    def next_charter(self):
        """The eighteen suspend a member and shorten a limit: by the quorum of both camps, and not without one of them."""
        changed = self.json("charter", "draft", "--after", "charter.note", "--suspend", "TD=no-sending", "--limit", "lifetime=7d",
                            "--ceiling", "NG=", "-o", "second.note")
        standing = {m["member"]: m["standing"] for m in changed["members"]}
        self.assertEqual((changed["version"], standing["TD"], standing["ML"]), (2, "no-sending", "good"))
        self.assertIn("limit lifetime 7d\n", (self.at / "second.note").read_text())
        self.sign("BJ", "CI", "GH", "SN", "ML", file="second.note")
        self.refuses(1, "charter", "check", "second.note", "--after", "charter.note", says="AES")
        self.sign("BF", file="second.note")
        self.toguna("charter", "check", "second.note", "--after", "charter.note")
        self.refuses(2, "charter", "check", "second.note", says="--after")
        without = self.json("charter", "draft", "--after", "charter.note", "--remove", "NE", "-o", "third.note")
        self.assertEqual([b["members"] for b in without["blocs"] if b["bloc"] == "AES"], [["BF", "ML"]])
        self.refuses(3, "charter", "draft", "--after", "charter.note", "--remove", "FR", "-o", "none.note", says="FR")


class Credentials(Founders):
    def setUp(self):
        super().setUp()
        for code in ("ML", "SN"):
            self.member(code, "--officer", "policy-1:policy")
        self.hub()
        self.toguna("charter", "draft", "ML/ML.card", "SN/SN.card", "dakar/dakar.card")
        self.sign("ML", "SN")

    def test_an_officer_who_comes_later_is_vouched_for(self):
        self.made("key", "new", "officer", "sahel.example/ML/policy-3", "policy-3.key")
        self.toguna("credential", "request", "policy-3.key", "--role", "policy")
        self.keyed("credential", "issue", "ML-policy-3.card", "--root", "ML/root.key", "--for", "90d")
        shown = self.json("credential", "show", "ML-policy-3.note")
        self.assertEqual((shown["holder"], shown["role"]), ("ML/policy-3", "policy"))
        self.refuses(3, "credential", "issue", "ML-policy-3.card", "--root", "SN/root.key", "--passphrase-file", self.secret,
                     says="sahel.example/SN")
        self.refuses(3, "credential", "issue", "ML-policy-3.card", "--root", "policy-3.key", "--passphrase-file", self.secret,
                     says=["officer", "member-root"])

    def test_a_revoked_credential_is_shown_as_such(self):
        self.made("init", "node", "ML/dgse/n1", "charter.note", "--folder", "node", "--root", "ML/root.key")
        self.keyed("credential", "revoke", "node/documents/ML-dgse-n1.note", "--root", "ML/root.key", "--key", "--reason",
                   "le poste a été pris")
        listed = self.json("credential", "list", "node/documents", "ML-dgse-n1-revoked.note")
        self.assertEqual(listed["revoked"], True)
        self.refuses(3, "credential", "revoke", "node/documents/ML-dgse-n1.note", "--root", "ML/root.key", "--reason", "x" * 200,
                     "--passphrase-file", self.secret, "-o", "other.note", says="--reason")

    def test_a_forged_credential_is_told(self):
        note = self.at / "ML/documents/ML-policy-1.note"
        note.write_text(note.read_text().replace("serial 1", "serial 2"))
        self.refuses(3, "credential", "list", "charter.note", "ML/documents", says="ML/documents/ML-policy-1.note")


if __name__ == "__main__":
    unittest.main()
