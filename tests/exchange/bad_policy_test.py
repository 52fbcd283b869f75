"""What is wrong with a policy is said exactly, wherever it is handed in, and the old policy stays in force. An officer's tools
refuse first; then the same text comes signed by hand, as from somebody who goes round them, and node and hub refuse too."""
import os
import subprocess
import sys
import unittest

import exchange
import kit

sys.path.insert(0, str(kit.ROOT / "tests/second"))
import nacl.bindings  # noqa: E402
import nacl.pwhash  # noqa: E402
from toguna2 import base, log  # noqa: E402

HEAD = "toguna/policy v1\nmember {}\nserial {}\neffective 2026-01-01T00:00:00Z\n\n"
RULES = "export allow alert.** to SN up-to RESTRICTED\nimport allow ** from SN up-to RESTRICTED\n"


class Officer:
    """A key file opened by the rules of keys/GRAMMAR.md, so that it can sign what our tools would not."""

    def __init__(self, path, passphrase):
        data = path.read_bytes()
        head, body = data.split(b"\n\n", 1)
        words = {line.split()[0]: line.split()[1:] for line in head.decode().splitlines()[1:]}
        _, passes, memory, salt = words["kdf"]
        key = nacl.pwhash.argon2id.kdf(32, passphrase.encode(), log.unb64(salt), int(passes), int(memory))
        secret = nacl.bindings.crypto_aead_xchacha20poly1305_ietf_decrypt(log.unb64(body.strip().decode()), head + b"\n\n",
                                                                           log.unb64(words["cipher"][1]), key)
        self.seed = secret[:32]
        self.key = log.Key(words["name"][0], log.NOTE, base.public_of(self.seed))

    def sign(self, text):
        signature = base.sign(self.seed, text)
        return text + b"\n" + f"\u2014 {self.key.name} {log.b64(self.key.id + signature)}\n".encode()


class Bad(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = kit.Folder("bad-policy")
        cls.e = exchange.Exchange(cls.place.path, {"ML": "ML/dgse/n1", "SN": "SN/cigs/n1"}, members=["ML", "SN", "NG"])
        cls.e.start()
        cls.at = cls.place.path
        cls.officer = {name: Officer(cls.e.at / f"members/{name[:2]}/officers/{name[3:]}.key", cls.e.passphrase.read_text().rstrip("\n"))
                       for name in ("ML/policy-1", "ML/release-1", "SN/policy-1")}
        # What is in force, whatever comes: a policy that is narrower than the one of the founding.
        cls.hand_in(cls.officer["ML/policy-1"].sign((HEAD.format("ML", 3) + RULES).encode()), 0)
        cls.before = cls.known()

    @classmethod
    def tearDownClass(cls):
        cls.e.kill()
        cls.place.__exit__(None, None, None)

    @classmethod
    def known(cls):
        return sorted(d["hash"] for d in cls.e["ML"].json("directory", "--documents") if d["kind"] == "policy")

    @classmethod
    def hand_in(cls, note, expect, language="en"):
        (cls.at / "handed.note").write_bytes(note)
        if expect == 0:
            return cls.e["ML"].toguna("document", "send", cls.at / "handed.note")
        done = subprocess.run([kit.program("toguna"), "document", "send", cls.at / "handed.note", "--socket", cls.e["ML"].socket],
                              capture_output=True, text=True, timeout=60,
                              env={**os.environ, **exchange.QUICK, "LC_ALL": "C.UTF-8", "LANGUAGE": language})
        if done.returncode not in (1, 3):
            raise kit.Failed(f"document send ended with {done.returncode}\n{done.stdout}\n{done.stderr}")
        return done.stderr

    def tearDown(self):
        """The old policy is in force at node and hub: an alert passes, and a report does not."""
        self.assertEqual(self.known(), self.before)
        mark = ["--to", "SN", "--class", "RESTRICTED", "--tlp", "amber"]
        sent = self.e["ML"].publish("--topic", "alert.convoy", *mark, stdin="still so")
        self.e["SN"].receives(sent["bulletin"])
        self.e["ML"].toguna("publish", "--topic", "report.x", *mark, "--yes", stdin="no", expect=1)

    def refused(self, text, says, place=None, officer="ML/policy-1"):
        """By the officer's own tools with these words at this place, and by the exchange when it is signed all the same."""
        data = text if isinstance(text, bytes) else text.encode()
        (self.at / "ML.policy").write_bytes(data)
        documents = ["-d", self.e["ML"].folder / "documents", "-d", self.e["SN"].folder / "documents"]
        said = kit.toguna_json("policy", "check", self.at / "ML.policy", *documents, expect=None)
        shown = said["problems"][0]["message"] if isinstance(said, dict) and "problems" in said else ""
        shown += kit.toguna("policy", "check", self.at / "ML.policy", *documents, "--json", expect=3)
        self.assertRegex(shown, says)
        if place:
            self.assertIn(f"ML.policy:{place}", shown)
        kit.toguna("policy", "sign", self.at / "ML.policy", "--key", self.e.at / "members/ML/officers/policy-1.key", "--passphrase-file",
                   self.e.passphrase, expect=None if place else 3)
        said = self.hand_in(self.officer[officer].sign(data), 3)
        self.assertEqual(said.count("\n"), 1, said)
        self.assertLess(len(said), 1000)

    def line(self, rule, says, column):
        self.refused(HEAD.format("ML", 9) + rule + "\n", says, f"6:{column}")

    # ---- what only the hub says ----

    def hub_says(self, text, language):
        return self.hand_in(self.officer["ML/policy-1"].sign(text.encode()), 1, language)

    def test_the_hub_is_heard_in_the_language_of_the_user(self):
        wider = HEAD.format("ML", 9) + RULES + "export allow report.** to SN up-to SECRET\n"
        self.assertRegex(self.hub_says(wider, "en"),
                         r"^toguna: ML:\d+: it permits more than before and has one signature only: report.*\. Have a second policy officer sign it\n$")
        self.assertRegex(self.hub_says(wider + "# again\n", "fr"),
                         r"^toguna: ML:\d+: elle permet plus qu'avant et n'a qu'une seule signature : report.*\. Faites-la signer par un second officier\n$")

    # ---- names ----

    def test_unknown_country(self):
        self.line("export allow alert.** to S up-to SECRET", "'S' is no member and no bloc", 26)
        self.line("export allow alert.** to NE up-to SECRET", "NE is no member of this exchange", 26)

    def test_unknown_bloc(self):
        self.line("export allow alert.** to ECOWAZ up-to SECRET", "'ECOWAZ' is no member and no bloc. Did you mean ECOWAS", 26)

    def test_unknown_agency(self):
        self.line("export allow alert.** to SN when origin agency ML/dgsee", "Did you mean ML/dgse", 48)

    def test_unknown_level(self):
        self.line("export allow alert.** to SN up-to SECRRET", "'SECRRET' is not a level. Did you mean 'SECRET'", 35)

    def test_letters_that_only_look_alike(self):
        self.line("export allow alert.** to \u041cL up-to SECRET", "no letter of the plain Latin alphabet", 26)

    def test_accents(self):
        self.line("export allow al\u00e9rt.** to ML", "Topics and names are written without accents", 16)

    def test_commas_between_names(self):
        self.line("export allow alert.** to SN, ML", "Between names stands a space", 26)

    # ---- bytes ----

    def test_bytes_that_are_not_utf8(self):
        self.refused(HEAD.format("ML", 9).encode() + b"# caf\xe9\n" + RULES.encode(), "not UTF-8", "6:6")

    def test_line_ends_of_windows(self):
        self.refused((HEAD.format("ML", 9) + RULES).replace("\n", "\r\n"), "Windows")

    def test_ten_megabytes(self):
        self.refused(HEAD.format("ML", 9) + RULES + "# " + "x" * (10 << 20) + "\n", "longer than|too long")

    def test_wildcards_that_multiply(self):
        deep = [f"**.a{i}.**.b{i}.**" for i in range(24)]
        self.refused(HEAD.format("ML", 9) + "".join(f"export allow {p} to SN\n" for p in deep), "too many cases")

    # ---- who and when ----

    def sound(self, says, note):
        """A text without a mistake, but from the wrong hand or at the wrong time."""
        said = self.hand_in(note, None)
        self.assertRegex(said, says)
        self.assertEqual(said.count("\n"), 1, said)

    def test_a_serial_that_was_used(self):
        other = (HEAD.format("ML", 3) + "import allow ** from SN up-to RESTRICTED\n").encode()
        self.sound("serial|another|other", self.officer["ML/policy-1"].sign(other))

    def test_a_serial_that_is_lower(self):
        self.sound("serial|newer|higher", self.officer["ML/policy-1"].sign((HEAD.format("ML", 2) + RULES).encode()))

    def test_another_states_policy(self):
        text = (HEAD.format("SN", 9) + RULES.replace("SN", "ML")).encode()
        self.sound("sign", self.officer["ML/policy-1"].sign(text))
        self.sound("sign", self.officer["SN/policy-1"].sign((HEAD.format("ML", 9) + RULES).encode()))

    def test_a_policy_that_is_over(self):
        text = HEAD.format("ML", 9).replace("\n\n", "\nexpires 2026-02-01T00:00:00Z\n\n") + RULES
        self.sound("expire|over", self.officer["ML/policy-1"].sign(text.encode()))

    def test_a_signature_that_is_wrong(self):
        note = self.officer["ML/policy-1"].sign((HEAD.format("ML", 9) + RULES).encode())
        self.sound("sign", note.replace(b"alert.**", b"alerts.**"))

    def test_an_officer_of_another_role(self):
        self.sound("release|role|sign", self.officer["ML/release-1"].sign((HEAD.format("ML", 9) + RULES).encode()))


if __name__ == "__main__":
    unittest.main()
