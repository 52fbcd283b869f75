"""docs/first-exchange.md and docs/premier-echange.md, typed word by word as far as files alone go: passphrases are given at the
prompt of a terminal, and cards and notes travel from hand to hand between the steps."""
import os
import pathlib
import pty
import re
import select
import shutil
import time
import unittest

import kit
from kitchen import Kitchen

TYPED = b"never shown on the screen"
DOCS = pathlib.Path(__file__).resolve().parents[3] / "docs"


def steps(page):
    """The commands of a page, without those that need running daemons: (machine, words) up to the first daemon."""
    found = []
    for block in re.findall(r"```sh\n(.*?)```", (DOCS / page).read_text(), re.S):
        for line in block.splitlines():
            machine, command = line.split("$ ", 1)
            if command.startswith("togunad"):
                return found
            found.append((machine, command))
    return found


class Guide(Kitchen):
    def type(self, command, *answers):
        """Runs the command on a terminal of its own; questions get these answers, and from then on the passphrase."""
        answers = list(answers)
        words = command.split()
        words[0] = kit.program("toguna")
        if words[1] == "init" and not words[-1].startswith("charter.note") or words[1:3] == ["init", "node"]:
            words += ["--kdf", "test"]
        pid, terminal = pty.fork()
        if pid == 0:
            os.chdir(self.at)
            os.execve(words[0], words, {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en"})
        said, answered, deadline = "", 0, time.monotonic() + 60
        while time.monotonic() < deadline:
            if not select.select([terminal], [], [], 1)[0]:
                continue
            try:
                piece = os.read(terminal, 4096).decode()
            except OSError:
                break
            said += piece
            if said[answered:].endswith(": "):
                os.write(terminal, (answers.pop(0).encode() if answers else TYPED) + b"\n")
                answered = len(said)
        code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
        os.close(terminal)
        self.assertNotIn(TYPED.decode(), said)
        if "--kdf" in words:
            self.assertIn("sealing the key ", said)
        self.assertEqual(code, 0, f"{command}\n{said}")

    def carry(self):
        """What one sends to another: every card and note, to where all of them stand."""
        for path in list(self.at.glob("*/*.card")):
            shutil.copy(path, self.at)

    def walk(self, page):
        typed = steps(page)
        self.assertGreater(len(typed), 15)
        for _, command in typed:
            self.type(command)
            self.carry()
        listed = self.json("credential", "list", "dakar/documents")
        self.assertEqual(sorted(c["holder"] for c in listed), ["ML/dgse/n1", "SN/cigs/n1"])
        self.toguna("charter", "check", "charter.note")
        for note in ("ML.policy.note", "SN.policy.note"):
            self.assertTrue((self.at / note).exists())

    def test_the_guide_can_be_typed_as_it_stands(self):
        self.walk("first-exchange.md")

    def test_what_is_not_stated_is_asked(self):
        self.type("toguna init member ML", "sahel.example")
        self.type("toguna init hub dakar", "sahel.example", "SN", "tcp://hub.example:7700")
        self.carry()
        self.type("toguna charter draft ML.card dakar.card")
        self.assertEqual(self.json("charter", "show", "charter.note")["hubs"][0]["endpoints"], ["tcp://hub.example:7700"])

    def test_both_languages_say_the_same(self):
        self.assertEqual(steps("first-exchange.md"), steps("premier-echange.md"))


if __name__ == "__main__":
    unittest.main()
