"""docs/policy-guide.md and docs/guide-politique.md, typed word for word by an officer whose exchange really runs: three mistakes
explained, the matrix, the diff, signing and publishing, and a bulletin in the queue that the narrower policy holds back."""
import datetime
import os
import re
import subprocess
import unittest

import exchange
import kit

DOCS = kit.ROOT / "docs"


def blocks(page):
    """What is fenced on a page, in order: ("sh" or "", text)."""
    return re.findall(r"^```(sh)?\n(.*?)^```$", (DOCS / page).read_text(), re.S | re.M)


def blurred(text):
    """Without what no two runs have in common: ids and times; and with single spaces, as columns follow their contents."""
    text = re.sub(r"\b[0-9a-f]{12}\b", "ID", text)
    return re.sub(r"\b\d{4}-\d\d-\d\d \d\d:\d\d:\d\d [A-Z]+\b", "TIME", re.sub(r" +", " ", text))


class Guide(unittest.TestCase):
    def setUp(self):
        self.place = kit.Folder("guide")
        self.addCleanup(lambda: self.place.__exit__(None, None, None))
        self.at = self.place.path
        (self.at / "secret").write_text("a passphrase for tests\n")
        (self.at / "secret").chmod(0o600)
        self.daemons = {}
        self.addCleanup(self.end)

    def end(self):
        for daemon in self.daemons.values():
            if daemon.process and daemon.process.poll() is None:
                daemon.kill()

    def run_line(self, line, socket="ML-dgse-n1", expect=0):
        """One line of the guide, in a shell; what it prints, and says."""
        if line.startswith("toguna init exchange"):
            line += f" --kdf test --endpoint tcp://127.0.0.1:{kit.free_port()}"
        env = {**os.environ, **exchange.QUICK, "PATH": f"{os.path.dirname(kit.program('toguna'))}:{os.environ['PATH']}",
               "LC_ALL": "C.UTF-8", "LANGUAGE": self.language, "TZ": "UTC", "TOGUNA_SOCKET": str(self.at / f"x/nodes/{socket}/node.sock")}
        done = subprocess.run(["sh", "-c", line], cwd=self.at, env=env, capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, expect, f"{line}\n{done.stdout}\n{done.stderr}")
        return done.stdout + done.stderr

    def write(self, name, text):
        (self.at / name).write_text(text)

    def read(self, name):
        return (self.at / name).read_text()

    # What the prose between the blocks tells the officer to do, by the first words of the block before which it is done.

    def mend(self):
        mended = self.read("ML.policy").replace("SECRRET", "RESTRICTED").replace("AESS", "AES")
        self.write("ML.policy", mended.replace("import alow alert.** from SN", "import allow alert.** from SN up-to RESTRICTED"))
        self.run_line("toguna policy check ML.policy --documents x/charter.note")
        self.run_line("toguna policy draft SN")

    def start(self):
        self.daemons["hub"] = kit.Daemon("togunad", self.at / "x/hub/hub.conf", self.at / "hub.log").start()
        for code, folder in (("ML", "ML-dgse-n1"), ("SN", "SN-cigs-n1")):
            self.daemons[code] = exchange.Node(code, self.at / "x/nodes" / folder, self.at / f"{code}.log").start()
        for code in ("ML", "SN"):
            kit.until(self.daemons[code].is_open, f"the node of {code} to meet the hub")

    def senegal_publishes(self):
        self.run_line("toguna policy sign SN.policy --key x/members/SN/officers/policy-1.key --passphrase-file secret")
        self.run_line("toguna document send x/members/SN/documents SN.policy.note", "SN-cigs-n1")
        kit.until(lambda: len(self.documents("ML", "policy")) == 2, "Mali's node to know both policies")

    def documents(self, code, kind):
        return [d for d in self.daemons[code].json("directory", "--documents") if d["kind"] == kind]

    def senegal_stops(self):
        """Once Mali's node can seal to it."""
        kit.until(lambda: any(n["sealing_key"] for m in self.daemons["ML"].json("directory")["members"] if m["member"] == "SN"
                              for n in m["nodes"]), "Mali's node to know Senegal's sealing key")
        self.daemons["SN"].stop()

    def read_guide(self, page, language):
        self.language, self.held = language, False
        said, before = "", {"toguna policy matrix": self.mend, "toguna policy sign ML.policy": self.start,
                            "toguna policy diff": self.senegal_publishes, "echo": self.senegal_stops}
        for kind, text in blocks(page):
            if kind == "sh":
                for line in text.splitlines():
                    step = next((w for w in before if line.startswith(w)), None)
                    if step:
                        before.pop(step)()
                    wrong = "ML-2.policy" in line and " test " in line
                    said = self.run_line(line, expect=3 if not self.checked(line) else 1 if wrong else 0)
            elif text.startswith("toguna/policy v1"):
                self.write("ML.policy", text)
            elif text.startswith("toguna/expectations v1"):
                self.write("ML.expect", text)
            elif text.startswith("serial 2"):
                self.write("ML-2.policy", self.read("ML.policy").replace("serial 1", "serial 2").replace("to SN NG", "to NG"))
                self.assertIn(text.splitlines()[1], self.read("ML-2.policy"))
            elif text.startswith("serial 3"):
                self.widen(text)
            elif text.startswith(("RECIPIENT", "DESTINATAIRE")):
                self.senegal_has_nothing(text)
            else:
                for line in text.splitlines():
                    self.assertIn(blurred(line), blurred(said))
        self.assertEqual(before, {}, "steps that the guide no longer has")
        self.assertTrue(self.held, "the guide does not show that nothing came")

    def widen(self, text):
        """The third policy, with the date moved to three days from now, which a reader does too."""
        day = datetime.datetime.now(datetime.timezone.utc) + datetime.timedelta(days=3)
        serial, effective, rule = text.splitlines()
        wider = self.read("ML-2.policy").replace("serial 2", serial).replace("alert.** to NG", "alert.** to SN NG")
        self.assertIn(rule, wider)
        self.assertRegex(effective, r"^effective \d{4}-\d\d-\d\dT00:00:00Z$")
        self.write("ML-3.policy", re.sub(r"^effective .*$", f"effective {day:%Y-%m-%dT00:00:00Z}", wider, flags=re.M))

    def checked(self, line):
        """Is the policy free of mistakes by now? The guide's first check shows them."""
        return not (line.startswith("toguna policy check") and "SECRRET" in self.read("ML.policy"))

    def senegal_has_nothing(self, text):
        self.held = True
        sn, hub = self.daemons["SN"], self.daemons["hub"]
        sn.start()
        kit.until(sn.is_open, "Senegal's node to meet the hub again")
        kit.until(lambda: "bulletin-held" in hub.text(), "the hub to hold the bulletin back, and to log it")
        self.assertEqual(sn.inbox(), [])
        sent, = self.daemons["ML"].json("sent")
        self.assertEqual(sent["state"], "accepted")
        tracked = self.run_line(f"toguna track {sent['id'][:12]}")
        for line in text.splitlines():
            self.assertIn(blurred(line), blurred(tracked))

    def test_in_english(self):
        self.read_guide("policy-guide.md", "en")

    def test_in_french(self):
        self.read_guide("guide-politique.md", "fr")

    def test_both_guides_type_the_same(self):
        def typed(page):
            text = "".join(t for kind, t in blocks(page) if kind == "sh")
            return re.sub(r'echo ".*"', "echo", text).replace("matrice.html", "matrix.html")
        self.assertEqual(typed("policy-guide.md"), typed("guide-politique.md"))

    def test_the_grammar_in_french_has_the_same_lines(self):
        """What is typed is the same in both languages, row by row; so is what may be left out."""
        def rows(page):
            return [line.split(" | ")[0].strip("| ") for line in (kit.ROOT / page).read_text(encoding="utf-8").splitlines()
                    if line.startswith("| ") and line.split(" | ")[0].strip("| ") not in ("line", "ligne", "part", "partie")]
        self.assertEqual(rows("policy/GRAMMAR.md"), rows("docs/guide-politique.md"))


if __name__ == "__main__":
    unittest.main()
