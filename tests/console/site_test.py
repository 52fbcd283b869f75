"""The console from outside: only who has the whole address gets anything, and pages get no further than this site."""
import http.client
import subprocess
import sys
import unittest
from urllib.parse import urlsplit

STAGE = sys.argv.pop(1)


class Site(unittest.TestCase):
    @classmethod
    def setUpClass(cls):
        cls.stage = subprocess.Popen([STAGE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
        address = urlsplit(cls.stage.stdout.readline().strip())
        cls.port, cls.base = address.port, address.path

    @classmethod
    def tearDownClass(cls):
        cls.stage.stdin.close()
        assert cls.stage.wait(20) == 0
        cls.stage.stdout.close()

    def get(self, path, method="GET", host=None):
        c = http.client.HTTPConnection("127.0.0.1", self.port, timeout=20)
        c.putrequest(method, path, skip_host=True)
        c.putheader("Host", host or f"127.0.0.1:{self.port}")
        c.endheaders()
        r = c.getresponse()
        body = r.read()
        c.close()
        return r.status, r.headers, body

    def test_who_has_the_address_sees_the_page(self):
        status, headers, body = self.get(self.base)
        self.assertEqual((status, headers["Content-Type"]), (200, "text/html; charset=utf-8"))
        self.assertIn(b'<script type="module" src="main.js">', body)
        for file, kind in (("main.js", "text/javascript"), ("style.css", "text/css"), ("api/about", "application/json"),
                           ("api/words?lang=fr", "application/json")):
            status, headers, _ = self.get(self.base + file)
            self.assertEqual((status, headers["Content-Type"].split(";")[0]), (200, kind))
        for host in (f"localhost:{self.port}", f"[::1]:{self.port}"):
            self.assertEqual(self.get(self.base, host=host)[0], 200)

    def test_who_has_not_the_whole_address_gets_nothing(self):
        token = self.base.strip("/")
        self.assertGreaterEqual(len(token), 43)
        wrong = [token[:-1] + ("A" if token[-1] != "A" else "B"), "B" + token[1:] if token[0] != "B" else "C" + token[1:], token[:-1], token + "A",
                 token.lower() if token.lower() != token else token.upper(), token[::-1], "", "%" + token[1:], token + "%2f"]
        seen = {self.get(path)[2] for path in ["/", "/main.js", "/api/about", "/favicon.ico", f"/{token}"]
                + [f"/{w}/" for w in wrong] + [f"/{w}/api/entries" for w in wrong] + [f"//{token}/", f"/./{token}/"]}
        self.assertEqual(seen, {b"not found\n"})

    def test_a_page_from_elsewhere_gets_nothing(self):
        for host in ("evil.example", f"evil.example:{self.port}", "127.0.0.1", f"127.0.0.1:{self.port + 1}", f"127.0.0.1.evil.example:{self.port}",
                     f"LOCALHOST.:{self.port}"):
            self.assertEqual(self.get(self.base, host=host)[0], 404, host)

    def test_the_page_may_ask_nobody_else(self):
        for path in (self.base, self.base + "api/about", self.base + "nothing", "/"):
            headers = self.get(path)[1]
            policy = dict(part.split(" ", 1) for part in headers["Content-Security-Policy"].split("; "))
            self.assertEqual(policy["default-src"], "'none'")
            for kind in ("script-src", "style-src", "connect-src"):
                self.assertEqual(policy[kind], "'self'")
            self.assertEqual(policy["frame-ancestors"], "'none'")
            self.assertEqual((headers["Referrer-Policy"], headers["X-Content-Type-Options"]), ("no-referrer", "nosniff"))
            self.assertIsNone(headers["Access-Control-Allow-Origin"])

    def test_it_only_shows(self):
        for method in ("POST", "PUT", "DELETE", "OPTIONS"):
            self.assertEqual(self.get(self.base + "api/about", method)[0], 405)

    def test_questions_that_are_none(self):
        for path in ("api/", "api/nothing", "api/entry?index=99999", "api/entry?index=-1", "api/../main.js", "../main.js", "vendor/../main.js"):
            self.assertEqual(self.get(self.base + path)[0], 404, path)
        status, _, body = self.get(self.base + "api/entry?index=99999&lang=fr")
        self.assertEqual(status, 404)
        self.assertIn('"error":"not-found"', body.decode())


if __name__ == "__main__":
    unittest.main(verbosity=2)
