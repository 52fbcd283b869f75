"""The eighteen states of the region found an exchange by the command line alone, and change its charter by the quorum of both camps."""
import unittest

from kitchen import Founders

ECOWAS = "BJ CV CI GM GH GN GW LR NG SN SL TG".split()
AES = "ML BF NE".split()
OTHERS = "MR TD DZ".split()
NODES = {"ML": "ML/dgse/n1", "BF": "BF/anr/n1", "NE": "NE/dgdse/n1", "SN": "SN/cigs/n1", "NG": "NG/nia/n1", "TD": "TD/anse/n1"}


class Eighteen(Founders):
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


if __name__ == "__main__":
    unittest.main()
