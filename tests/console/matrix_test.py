"""The page of `toguna policy matrix --html`: eighteen states' policies, written by the program into one file, and shown in a real Chromium
(matrix_page.mjs). Needs TOGUNA_BIN, PLAYWRIGHT, CHROMIUM, SHOTS."""
import json
import os
import pathlib
import re
import subprocess
import sys
import tempfile
import unittest

HERE = pathlib.Path(__file__).resolve().parent
BIN = pathlib.Path(os.environ["TOGUNA_BIN"])
TOGUNA = next(p for p in (BIN / "client/cli/toguna", BIN / "bin/toguna") if p.exists())
STATES = "BF BJ CI CV DZ GH GM GN GW LR ML MR NE NG SL SN TD TG".split()
AES = ("BF", "ML", "NE")
HEAD = "toguna/policy v1\nmember {}\nserial 1\neffective 2026-01-01T00:00:00Z\n\n"
# Line 6 and on. CV says and hears nothing.
INSIDE = """export allow alert.** to AES up-to SECRET
export allow report.** to AES up-to CONFIDENTIAL
export require approvals 2 by release for SECRET and above
export require orcon for report.humint.**
export allow health.** to * up-to UNCLASSIFIED
import allow ** from * up-to SECRET
"""
OUTSIDE = """export allow alert.attack.** to * up-to RESTRICTED
export deny alert.attack.** to TG
export allow health.** to * up-to UNCLASSIFIED
import allow alert.** from * up-to RESTRICTED
import allow health.** from *
"""


class Matrix(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.place = tempfile.TemporaryDirectory(prefix="toguna-matrix-")
        cls.at = pathlib.Path(cls.place.name)
        (cls.at / "secret").write_text("a passphrase for tests\n")
        (cls.at / "secret").chmod(0o600)
        cls.toguna("init", "exchange", "sahel.example", "ML/dgse/n1", *(s for s in STATES if s != "ML"), "--bloc", "AES=" + ",".join(AES),
                   "--passphrase-file", "secret", "-f", "x", "--kdf", "test")
        cls.policies = []
        for state in STATES:
            if state != "CV":
                path = cls.at / f"{state}.policy"
                path.write_text(HEAD.format(state) + (INSIDE if state in AES else OUTSIDE))
                cls.policies.append(path.name)

    @classmethod
    def tearDownClass(cls):
        cls.place.cleanup()

    @classmethod
    def toguna(cls, *args, language="en"):
        done = subprocess.run([TOGUNA, *args], cwd=cls.at, capture_output=True, text=True, timeout=60,
                              env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": language, "TZ": "UTC"})
        assert done.returncode == 0, f"{args}\n{done.stdout}{done.stderr}"
        return done.stdout

    def page(self, name, policies, language="en", *args):
        self.toguna("policy", "matrix", *policies, "--documents", "x/charter.note", "--html", name, *args, language=language)
        return (self.at / name).read_text()

    def look(self, name, language):
        subprocess.run([os.environ.get("NODE", "node"), HERE / "matrix_page.mjs", self.at / name, language], check=True, timeout=300)

    def test_the_file_holds_all_that_the_page_needs(self):
        text = self.page("whole.html", self.policies)
        self.assertEqual(re.findall(r"\b(?:src|href)\s*=|url\(|@import|https?://", text), [])
        self.assertIn("default-src 'none'", text)
        told = json.loads(self.toguna("policy", "matrix", *self.policies, "--documents", "x/charter.note", "--json"))
        inside = re.search(r"^const F=(.*);$", text, re.M)
        self.assertEqual(json.loads(inside.group(1)), told["flows"])
        said = re.search(r'<p id="policies" class="dim">(.*?)</p>', text).group(1)
        self.assertEqual(said, "Policies: " + ", ".join(f"{s} no policy" if s == "CV" else f"{s} 1" for s in STATES))

    def test_in_english(self):
        self.page("en.html", self.policies)
        self.look("en.html", "en")

    def test_in_french(self):
        self.page("fr.html", self.policies, "fr")
        self.look("fr.html", "fr")

    def test_a_name_that_is_markup_stays_text(self):
        odd = "<!--<script><img src=x onerror=alert(1)>.policy"
        (self.at / odd).write_text((self.at / "ML.policy").read_text())
        text = self.page("odd.html", [odd, "BF.policy"])
        self.assertIn("u003cimg src=x", text)
        self.assertEqual((text.count("<script"), text.count("</script"), text.count("<img"), text.count("<!--")), (1, 1, 0, 0))


if __name__ == "__main__":
    unittest.main(argv=sys.argv)
