"""An inspector on a machine that never saw the exchange: a copy of the log, the charter, and nothing else. What the tests of review share."""
import base64
import json
import pathlib
import shutil
import struct
import subprocess
import sys
import tempfile
import unittest

import kit
from exchange import Exchange

sys.path.insert(0, str(kit.ROOT / "tests/second"))
from toguna2 import base, folder, log  # noqa: E402

STATES = {"ML": "ML/dgse/n1", "SN": "SN/cigs/n1", "TD": "TD/anse/n1"}
POLICY = """toguna/policy v1
member {}
serial 1
effective 2025-01-01T00:00:00Z
"""
POLICIES = {
    "ML": "export allow alert.** to SN TD up-to RESTRICTED\nexport deny alert.convoy.** to TD\nimport allow ** from SN TD up-to RESTRICTED\n",
    "SN": "export allow ** to ML TD up-to RESTRICTED\nimport allow ** from ML TD up-to RESTRICTED\n",
    "TD": "export allow ** to ML SN up-to RESTRICTED\nimport allow ** from SN ML up-to RESTRICTED\nimport deny alert.fuel.** from ML\n",
}
FIRST_BUNDLE = "openings/000000/000"


def dossiers(path):
    """The records of a bundle: [index, salt, {paper: bytes}]."""
    data, found = path.read_bytes(), []
    while data:
        n, index = struct.unpack(">IQ", data[:12])
        body, data, papers = data[12:4 + n], data[4 + n:], {}
        salt, body = body[:16], body[16:]
        while body:
            kind, size = struct.unpack(">BI", body[:5])
            papers[kind], body = body[5:5 + size], body[5 + size:]
        found.append([index, salt, papers])
    return found


def unpacked(data):
    with tempfile.NamedTemporaryFile() as file:
        file.write(data)
        file.flush()
        return dossiers(pathlib.Path(file.name))


def flipped(data, at):
    data = bytearray(data)
    data[at] ^= 1
    return bytes(data)


def flipped_note(text, n):
    """The n-th signature of a note is false: of the log itself, or of a witness."""
    head, lines = text.split("\n\n")[0], text.split("\n\n")[1].splitlines()
    name, data = lines[n].rsplit(" ", 1)
    lines[n] = f"{name} {base64.b64encode(flipped(base64.b64decode(data), 40)).decode()}"
    return head + "\n\n" + "\n".join(lines) + "\n"


def packed(records):
    out = b""
    for index, salt, papers in records:
        body = struct.pack(">Q", index) + salt + b"".join(struct.pack(">BI", k, len(v)) + v for k, v in sorted(papers.items()))
        out += struct.pack(">I", len(body)) + body
    return out


class Reviewed(unittest.TestCase):
    """One exchange of three states whose traffic is made once for a file's tests; each test has copies of its own."""

    @classmethod
    def setUpClass(cls):
        cls.place = kit.Folder("review")
        root = cls.place.path
        (root / "policies").mkdir()
        for code, rules in POLICIES.items():
            (root / f"policies/{code}.policy").write_text(POLICY.format(code) + rules)
        cls.e = Exchange(root, STATES, members=list(STATES), policies=root / "policies")
        try:
            cls.make_traffic()
        except BaseException:
            cls.e.kill()
            raise

    @classmethod
    def make_traffic(cls):
        cls.e.start()
        ml, sn, td = (cls.e[code] for code in STATES)
        mark = ["--class", "RESTRICTED", "--tlp", "amber"]
        cls.convoy = ml.publish("--topic", "alert.convoy.movement", "--to", "SN,TD", "--precedence", "FLASH", *mark, stdin="a")["bulletin"]
        cls.flood = ml.publish("--topic", "alert.flood", "--to", "SN,TD", *mark, stdin="b")["bulletin"]
        cls.fuel = ml.publish("--topic", "alert.fuel.price", "--to", "SN,TD", *mark, stdin="c")["bulletin"]
        sn.receives(cls.convoy)
        td.receives(cls.flood)
        sn.receives(cls.flood)
        sn.receives(cls.fuel)
        cls.hub = cls.e.at / "hub"
        cls.early = root_of(cls) / "early"
        kit.until(lambda: all(map(cls.stored, (cls.convoy, cls.flood, cls.fuel))), "the receipts to be in the log's files")
        cls.export(cls.early)
        sn.json("read", cls.convoy)
        kit.until(cls.read_seen, "that it was read to be in the log's files")
        kit.until(lambda: "read" in ml.track(cls.convoy)["SN"], "ML to know that it was read")
        cls.copy = root_of(cls) / "copy"
        cls.export(cls.copy)
        documents = root_of(cls) / "documents"
        shutil.copytree(ml.folder / "documents", documents)
        for node in (sn, td):  # whichever of them cosigns first: the inspector knows its key
            for paper in (node.folder / "documents").glob("*-n1.note"):
                shutil.copy(paper, documents)

    @classmethod
    def export(cls, to):
        return kit.toguna_json("audit", "export", to, "--log", cls.hub, "--index", root_of(cls) / "hub.db")

    @classmethod
    def ask_hub(cls, *args):
        return kit.toguna_json("audit", *args, "--log", cls.hub, "--index", root_of(cls) / "hub.db")

    @classmethod
    def stored(cls, bulletin):
        got = kit.toguna("audit", "who-got", bulletin, "--json", "--log", cls.hub, "--index", root_of(cls) / "hub.db", expect=None)
        return got.startswith("{") and all(r["stored"] for r in json.loads(got)["recipients"]) and '"recipients":[]' not in got

    @classmethod
    def read_seen(cls):
        return any(r["read"] for r in cls.ask_hub("who-got", cls.convoy)["recipients"])

    @classmethod
    def tearDownClass(cls):
        cls.e.kill()
        cls.place.__exit__(None, None, None)

    def setUp(self):
        self.at = root_of(self) / self.id().rsplit(".", 1)[1]
        self.at.mkdir()
        shutil.copytree(self.copy, self.at / "copy")
        shutil.copytree(root_of(self) / "documents", self.at / "documents")

    def toguna(self, *args, log="copy", expect=0, **more):
        return kit.toguna("audit", *args, "--log", log, "--charter", "documents", "--index", "index.db", cwd=self.at, expect=expect,
                          **more)

    def json(self, *args, log="copy"):
        return kit.toguna_json("audit", *args, "--log", log, "--charter", "documents", "--index", "index.db", cwd=self.at)

    def named(self, what, *args):
        said = self.toguna(*(args or ("log",)), expect=3)
        self.assertIn(what, said)
        return said

    def look(self, what, log="copy"):
        done = subprocess.run([kit.program("review_look"), str(self.at / log), str(self.at / "documents"), str(self.at / "look.db"), what],
                              capture_output=True, text=True, timeout=60)
        self.assertEqual(done.returncode, 0, done.stderr)
        return json.loads(done.stdout)

    CONVOY_AND_FUEL = "export allow alert.convoy.** alert.fuel.** to SN TD up-to RESTRICTED\n"

    def draft(self, code, rules, effective="2030-01-01T00:00:00Z"):
        text = POLICY.format(code).replace("serial 1", "serial 2").replace("2025-01-01T00:00:00Z", effective)
        (self.at / f"{code}-2.policy").write_text(text + rules)
        return f"{code}-2.policy"

    def ask_node(self, code, *args, expect=0, json_too=True):
        words = ["audit", *args, "--node", "--index", self.at / f"{code}.db"]
        return self.e[code].json(*words) if json_too and not expect else self.e[code].toguna(*words, expect=expect)

    def from_node(self, code, name="part"):
        """A node's view, copied to where nobody knows the node."""
        told = self.ask_node(code, "export", self.at / name)
        return told

    def doctor(self, change):
        """Signs the log again with one dossier changed: what a hub with all its keys could have logged. Its key as --key."""
        seed = base.sha(b"the hub's own key")
        records, leaves = [], []
        for path in sorted((self.at / "copy/openings").rglob("[0-9][0-9][0-9]")):
            records += dossiers(path)
        for record in records:
            change(record)
        leaves = [log.leaf(salt, papers[1]) for _, salt, papers in records]
        origin = (self.at / "copy/checkpoint").read_text().split("\n")[0]
        key = log.Key(origin, log.NOTE, base.public_of(seed))
        shutil.rmtree(self.at / "copy/tile")
        for name, data in folder.tiles(leaves):
            path = self.at / "copy" / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(data)
        for bundle in range((len(records) + 255) // 256):
            (self.at / f"copy/openings/000000/{bundle:03}").write_bytes(packed(records[bundle * 256:bundle * 256 + 256]))
        text = log.checkpoint_text(origin, len(leaves), base.root(leaves))
        (self.at / "copy/checkpoint").write_text(text + "\n" + log.note_line(key, seed, text))
        return key

    def doctored(self, *args, key, expect=3):
        return kit.toguna("audit", *args, "--log", "copy", "--key", key, "--index", "index.db", cwd=self.at, expect=expect)


def root_of(test):
    return test.place.path
