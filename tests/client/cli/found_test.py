"""An exchange is founded by the command line alone, step by step; and every way in which that must not work."""
import unittest

from kitchen import Founders

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

    def test_from_when_on_a_hub_is_out_is_said(self):
        for code in ("ML", "SN"):
            self.member(code)
        self.hub()
        self.toguna("charter", "draft", "ML/ML.card", "SN/SN.card", "dakar/dakar.card")
        without = ["charter", "draft", "--after", "charter.note", "--remove", "dakar", "-o", "second.note"]
        self.refuses(2, *without, says=["dakar", "--effective"])
        self.refuses(3, *without, "--effective", "2099-01-01T00:00:00Z", says="no hub's card")

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
