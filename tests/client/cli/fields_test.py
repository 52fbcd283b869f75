"""What the manual says about --json is what the commands print, field by field."""
import re
import unittest

import kit
from kitchen import Kitchen


def flat(value, prefix=""):
    """Names of the fields of an object, as the manual names them: "members", "members.ceiling"."""
    found = set()
    for name, inner in value.items():
        found.add(prefix + name)
        for item in inner if isinstance(inner, list) else [inner]:
            if isinstance(item, dict):
                found |= flat(item, f"{prefix}{name}.")
    return found


class Fields(Kitchen):
    def documented(self, noun, verb):
        page = self.toguna("manual", noun)
        section = re.search(rf"^## toguna {noun} {verb} .*?(?=^## |^# )", page, re.S | re.M).group(0)
        found, above = set(), []
        for tabs, name in re.findall(r"^(\t+)- _([^:]*)_: ", section, re.M):
            above = [*above[:len(tabs) - 1], name.replace("\\", "")]
            found.add(".".join(above))
        return found

    def says(self, noun, verb, *args, keyed=False, made=False, expect=0):
        secret = ["--passphrase-file", self.secret] if keyed or made else []
        said = self.json(noun, verb, *args, *secret, *(["--kdf", "test"] if made else []), expect=expect)
        for value in said if isinstance(said, list) else [said]:
            self.assertLessEqual(flat(value), self.documented(noun, verb), f"{noun} {verb}")
        return said

    def test_every_field_is_in_the_manual(self):
        self.says("init", "member", "ML", "--exchange", "a.b", made=True)
        self.says("init", "member", "SN", "--exchange", "a.b", made=True)
        self.says("init", "hub", "h", "--exchange", "a.b", "--host", "SN", "--endpoint", "tcp://hub.example:7700", made=True)
        self.says("charter", "draft", "ML/ML.card", "SN/SN.card", "h/h.card", "--bloc", "PAIR=ML,SN")
        self.says("charter", "sign", "charter.note", "--key", "ML/root.key", "-o", "1.note", keyed=True)
        self.says("charter", "sign", "charter.note", "--key", "SN/root.key", "-o", "2.note", keyed=True)
        self.says("charter", "merge", "1.note", "2.note", "-o", "whole.note")
        self.says("charter", "show", "whole.note")
        self.says("charter", "check", "whole.note")
        self.says("init", "hub", "h", "whole.note", keyed=True)
        self.says("init", "node", "ML/dgse/n1", "whole.note", made=True)
        self.says("credential", "issue", "ML-dgse-n1/ML-dgse-n1.card", "--root", "ML/root.key", keyed=True)
        self.says("credential", "list", "whole.note", "ML-dgse-n1.note")
        self.says("credential", "show", "ML-dgse-n1.note")
        self.says("document", "send", "ML-dgse-n1.note", "--documents", "h/documents")
        self.says("credential", "revoke", "ML-dgse-n1.note", "--root", "ML/root.key", keyed=True)
        self.says("key", "new", "officer", "a.b/ML/policy-3", "3.key", made=True)
        self.says("key", "show", "3.key")
        self.says("key", "check", "3.key", keyed=True)
        self.says("policy", "draft", "ML")
        self.says("policy", "check", "ML.policy")
        self.says("policy", "fmt", "ML.policy")
        self.says("policy", "sign", "ML.policy", "--key", "ML/officers/policy-1.key", keyed=True)
        self.says("init", "exchange", "c.d", "ML/dgse/n1", "SN/cigs/n1", "--open", made=True)
        self.says("policy", "explain", "c.d/members/ML/ML.policy", "c.d/members/SN/SN.policy", "-d", "c.d/charter.note", "-d",
                  "c.d/nodes/SN-cigs-n1/documents", "--from", "ML/dgse", "--to", "SN", "--topic", "alert.x", "--class", "RESTRICTED",
                  "--tlp", "amber", expect=None)
        files = ["c.d/members/ML/ML.policy", "c.d/members/SN/SN.policy", "-d", "c.d/charter.note"]
        self.assertTrue(self.says("policy", "matrix", *files)["flows"])
        (self.at / "next.policy").write_text((self.at / files[0]).read_text().replace("allow ** to", "allow alert.** to") +
                                             'label "DR" is RESTRICTED\nexport retain 9d for **\n')
        self.assertTrue(self.says("policy", "diff", files[0], "next.policy", *files[1:])["effects"])
        self.says("policy", "preview", "next.policy", "-d", "c.d/hub/documents", "--from", "ML/dgse", "--to", "SN", "--topic", "alert.x",
                  "--class", "RESTRICTED", "--tlp", "amber")
        (self.at / "t.expect").write_text("toguna/expectations v1\nmember ML\nexpect permit report.x SECRET to SN\n")
        self.toguna("policy", "test", "t.expect", "next.policy", "-d", "c.d/hub/documents", expect=1)

    def test_a_hub_listens_where_only_its_nodes_can_reach_it(self):
        wanted = {"tcp://127.0.0.1:7711": "tcp://127.0.0.1:7711", "tcp://localhost:7711": "tcp://127.0.0.1:7711",
                  "tcp://[::1]:7711": "tcp://[::1]:7711", "tcp://hub.example:7711": "tcp://0.0.0.0:7711"}
        for i, (endpoint, listens) in enumerate(wanted.items()):
            self.made("init", "exchange", "a.b", "ML/dgse/n1", "--open", "--endpoint", endpoint, "-f", f"x{i}")
            conf = (self.at / f"x{i}/hub/hub.conf").read_text()
            self.assertEqual(re.findall(r"^listen (.*)$", conf, re.M), [listens], endpoint)
        self.made("init", "exchange", "a.b", "ML/dgse/n1", "--open", "--endpoint", "resume://hub.example:7711", "--endpoint", "tcp://hub.example:7712", "-f", "y")
        conf = (self.at / "y/hub/hub.conf").read_text()
        self.assertEqual(re.findall(r"^listen (.*)$", conf, re.M), ["tcp://0.0.0.0:7712", "resume://0.0.0.0:7711"])

    def test_what_a_charter_lacks_is_said_of_its_cards(self):
        self.made("init", "member", "ML", "--exchange", "a.b")
        self.made("init", "hub", "h", "--exchange", "a.b", "--host", "ML", "--endpoint", "tcp://hub.example:7700")
        self.refuses(3, "charter", "draft", "ML/ML.card", says=["no hub's card", "toguna init hub"])
        self.refuses(3, "charter", "draft", "h/h.card", says=["no member's card", "toguna init member"])
        self.assertFalse((self.at / "charter.note").exists())

    def test_filters_of_the_inbox_are_checked_before_the_node_is_asked(self):
        for words, says in ((["--limit", "0"], "--limit"), (["--topic", "a..b"], "--topic"), (["--from", "Mali!"], "--from")):
            self.refuses(2, "inbox", *words, "--socket", "/nowhere", says=says)


if __name__ == "__main__":
    unittest.main()
