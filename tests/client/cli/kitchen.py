"""What the tests of the command line share: a folder of their own, a passphrase in a file, and the command."""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

import kit

PASSPHRASE = "a passphrase for tests\n"
MADE = {}


class Kitchen(unittest.TestCase):
    """Each test gets an empty folder, self.at, in which commands run, and self.secret, a passphrase file."""

    def setUp(self):
        self.folder = tempfile.TemporaryDirectory(prefix="toguna-cli-")
        self.addCleanup(self.folder.cleanup)
        self.at = pathlib.Path(self.folder.name)
        self.secret = self.passphrase("secret", PASSPHRASE)

    def passphrase(self, name, text):
        path = self.at / name
        path.write_text(text)
        path.chmod(0o600)
        return str(path)

    def toguna(self, *args, **more):
        return kit.toguna(*args, cwd=self.at, **more)

    def json(self, *args, **more):
        return kit.toguna_json(*args, cwd=self.at, **more)

    def keyed(self, *args, **more):
        """A command that makes or opens keys: with the passphrase, and as little work as there may be."""
        return self.toguna(*args, "--passphrase-file", self.secret, **more)

    def made(self, *args, **more):
        return self.keyed(*args, "--kdf", "test", **more)

    def founded(self, *args):
        """An exchange in x, made by toguna init exchange with these words; made once and copied for each test."""
        if args not in MADE:
            self.made("init", "exchange", "sahel.example", *args, "-f", "x")
            MADE[args] = tempfile.TemporaryDirectory(prefix="toguna-cli-made-")
            shutil.copytree(self.at / "x", MADE[args].name, dirs_exist_ok=True)
        else:
            shutil.copytree(MADE[args].name, self.at / "x")

    def refuses(self, code, *args, says=(), stdin=None):
        """The command ends with this exit code and one sentence that holds these words."""
        said = self.toguna(*args, expect=code, stdin=stdin)
        self.assertEqual(said.count("\n"), 1, said)
        for word in [says] if isinstance(says, str) else says:
            self.assertIn(word, said)
        return said

    def files(self):
        return sorted(str(p.relative_to(self.at)) for p in self.at.rglob("*") if p.is_file())


class Founders(Kitchen):
    """The steps by which an exchange is founded."""

    def member(self, code, *more):
        self.made("init", "member", code, "--exchange", "sahel.example", *more)

    def hub(self):
        self.made("init", "hub", "dakar", "--exchange", "sahel.example", "--host", "SN", "--endpoint", "tcp://127.0.0.1:7700")

    def sign(self, *members, file="charter.note"):
        for code in members:
            self.keyed("charter", "sign", file, "--key", f"{code}/root.key")


def raw(*args, **more):
    """The command's whole outcome, for tests about the command itself."""
    env = {**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en", **more.pop("env", {})}
    return subprocess.run([kit.program("toguna"), *args], capture_output=True, text=True, timeout=60, env=env, **more)
