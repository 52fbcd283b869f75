"""The window of the hub, from outside: anybody reads the log there, and nobody gets more, or holds the hub up."""
import errno
import contextlib
import http.client
import os
import pathlib
import socket
import time
import unittest

import kit
from exchange_test import Story

TILE = "public, max-age=31536000, immutable"


class Window(Story):
    def hub_lines(self):
        self.window = kit.free_port()
        return (f"serve-log 127.0.0.1:{self.window}",)

    # ---- what visitors do

    def get(self, path, method="GET", headers=None, body=None):
        c = http.client.HTTPConnection("127.0.0.1", self.window, timeout=20)
        with contextlib.closing(c):
            c.request(method, path, body=body, headers=headers or {})
            r = c.getresponse()
            return r.status, r.headers, r.read()

    def raw(self, request):
        """Sends bytes and reads to the end: the status line, or b"" when the connection was closed without a word."""
        with socket.create_connection(("127.0.0.1", self.window), timeout=20) as s:
            answer = b""
            try:
                s.sendall(request)
                s.shutdown(socket.SHUT_WR)
                while part := s.recv(65536):
                    answer += part
            except OSError as why:  # closed in our face, at whatever moment
                if not isinstance(why, ConnectionError) and why.errno != errno.ENOTCONN:
                    raise
            return answer.split(b"\r\n")[0]

    def answers(self):
        try:
            return self.get("/health")[0] == 200
        except OSError:
            return False

    def size(self):
        """Of the log as it is shown; 0 before the window is open, and before the first checkpoint is published."""
        try:
            status, _, note = self.get("/checkpoint")
        except ConnectionRefusedError:
            return 0
        return int(note.splitlines()[1]) if status == 200 else 0

    def published(self):
        """Waits until the window shows all that the hub has signed."""
        kit.until(lambda: self.size() >= self.e["ML"].status()["hub"]["log_size"], "the log to be published")

    def fetch(self, folder):
        """Copies the log as a monitor does: checkpoint first, then the tiles that it covers."""
        note = self.get("/checkpoint")[2]
        size = int(note.splitlines()[1])
        self.assertLess(size, 256)
        for name in (f"tile/0/000.p/{size}", f"tile/entries/000.p/{size}"):
            status, headers, tile = self.get("/" + name)
            self.assertEqual((status, headers["Cache-Control"], headers["Content-Type"]), (200, TILE, "application/octet-stream"))
            path = pathlib.Path(folder) / name
            path.parent.mkdir(parents=True)
            path.write_bytes(tile)
        (folder / "checkpoint").write_bytes(note)
        return size

    def pass_on(self, text):
        """The hub is at work: a bulletin goes through it."""
        self.e["SN"].receives(self.send(text=text))

    # ---- stories

    def test_a_log_fetched_there_verifies(self):
        self.send(wait="delivered")
        self.published()
        size = self.fetch(self.place.path / "copy")
        told = kit.toguna_json("audit", "verify", self.place.path / "copy", "--charter", next(self.e.at.rglob("charter*.note")))
        self.assertEqual(told["entries"], size)
        status, headers, note = self.get("/checkpoint")
        self.assertEqual((headers["Cache-Control"], headers["Content-Type"]), ("no-cache", "text/plain; charset=utf-8"))
        self.assertEqual(self.get("/checkpoint", "HEAD")[1]["Content-Length"], str(len(note)))
        self.assertEqual(self.get("/health")[2], b"ok\n")

    def figures(self):
        """The metrics, by name; every line as Prometheus reads it."""
        status, headers, text = self.get("/metrics")
        self.assertEqual((status, headers["Content-Type"]), (200, "text/plain; version=0.0.4; charset=utf-8"))
        found, typed = {}, {}
        for line in text.decode().splitlines():
            if line.startswith("# TYPE "):
                name, kind = line[7:].split(" ")
                typed[name] = kind
            elif not line.startswith("# HELP "):
                self.assertRegex(line, r"^toguna_[a-z_]+ [0-9]+$")
                name, value = line.split(" ")
                found[name] = int(value)
        self.assertEqual(found.keys(), typed.keys())
        self.assertTrue(all(kind == ("counter" if name.endswith("_total") else "gauge") for name, kind in typed.items()))
        return found

    def test_monitors_learn_how_the_hub_is_and_not_what_it_decides(self):
        kit.until(lambda: self.answers() and self.get("/metrics")[0] == 200 and self.figures()["toguna_sessions"] == 2, "both nodes to be counted")
        before = self.figures()
        self.send()
        kit.until(lambda: self.figures()["toguna_log_entries"] > before["toguna_log_entries"], "the log to have grown")
        self.e["SN"].stop()
        self.send(text="waits")
        after = kit.until(lambda: (f := self.figures())["toguna_sessions"] == 1 and f["toguna_queued_bulletins"] == 1 and f, "it to wait")
        self.assertLess(abs(after["toguna_written_seconds"] - time.time()), 60)
        self.assertFalse([name for name in after if "accepted" in name or "refused" in name])

    def test_nothing_else_is_to_be_had(self):
        secret = self.e.at / "hub/data/signer"
        self.published()
        os.symlink(secret, self.e.at / "hub/data/log/tile/0/001")
        size = self.size()
        for path in ("/", "/tile", "/tile/0", "/tile/0/", "/tile/entries/", "/lock", "/../hub/hub.db", "/tile/../../hub/hub.db",
                     "/tile/0/%2e%2e/%2e%2e/%2e%2e/hub/hub.db", "/tile/0/..%2f..%2f..%2fhub/hub.db", "//etc/passwd", "/%2fetc/passwd",
                     "/checkpoint/", "/metrics/", "/metrics.new", "/tile/../metrics", "/checkpoint%00", "/%63heckpoint", "/tile/0/001", "/tile/00/000.p/1", f"/tile/0/000.p/{size + 1}",
                     f"/tile/0/%30%30%30.p/{size}", "/tile/0/000.p/0", "/tile/0/000.p/256", "/tile/64/000", "/tile/0/x000/000",
                     "/tile/0/999999", "/tile/-1/000", "/tile/entries/000.p/" + "9" * 400, "/tile/0/" + "x123/" * 200 + "000"):
            with self.subTest(path=path):
                self.assertEqual(self.get(path)[0], 404)
        for method in ("POST", "PUT", "DELETE", "OPTIONS", "TRACE", "CONNECT", "PATCH", "BREW"):
            with self.subTest(method=method):
                status, headers, _ = self.get("/checkpoint", method)
                self.assertEqual((status, headers["Allow"]), (405, "GET, HEAD"))
        self.assertEqual(self.get("/checkpoint", body=b"x" * 100_000)[0], 400)
        self.assertEqual(self.get("/checkpoint?what=%zz&%00")[0], 200)
        self.assertEqual(self.raw(b"GET /../hub/hub.db HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"), b"HTTP/1.1 404 Not Found")

    def test_rude_visitors_cost_the_hub_nothing(self):
        self.published()
        before = self.e.hub.pids()
        for request in (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\n\r\n", b"GET / HTTP/1.1\r\n" + b"X: " + b"a" * 100_000 + b"\r\n\r\n",
                        b"GET / HTTP/1.1\r\n" + b"X: y\r\n" * 20_000 + b"\r\n", os.urandom(50_000), b"\0" * 5000, b"\r\n" * 5000,
                        b"GET / HTTP/1.1\r\nContent-Length: -1\r\n\r\n", b"GET / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nffffffffffffffff\r\n"):
            self.assertNotIn(b" 200 ", self.raw(request) + b" ")
        with contextlib.ExitStack() as crowd:
            for n in range(190):  # more than the window takes at once; half of them speak, slowly
                s = crowd.enter_context(socket.create_connection(("127.0.0.1", self.window), timeout=20))
                if n % 2:
                    s.sendall(b"GET /checkpoint HTTP/1.1\r\nX-Slow: ")
            self.pass_on("in the crowd")
            self.assertLess(len(os.listdir(f"/proc/{before['window']}/fd")), 200)
            # A drop at a time never falls silent; its time is up all the same, and those behind get their turn.
            drip = crowd.enter_context(socket.create_connection(("127.0.0.1", self.window), timeout=20))
            drip.sendall(b"GET /checkpoint HTTP/1.1\r\n")
            kit.until(lambda: self.is_cut(drip), "a visitor that never ends its request to be sent away", 120)
        kit.until(self.answers, "the window to be free again")
        self.pass_on("after the crowd")
        self.assertEqual(self.e.hub.pids(), before)

    def is_cut(self, drip):
        try:
            drip.sendall(b"X: y\r\n")
            return False
        except OSError:
            return True

    def test_a_window_that_dies_comes_back_and_the_hub_goes_on(self):
        before = self.e.hub.pids()
        self.e.hub.kill("window")
        self.pass_on("without a window")
        kit.until(lambda: self.e.hub.pids().get("window", before["window"]) != before["window"], "the window to be back")
        kit.until(self.answers, "the window to answer again")
        after = self.e.hub.pids()
        self.published()
        self.assertEqual({**after, "window": 0}, {**before, "window": 0})
        self.e.stop()


if __name__ == "__main__":
    unittest.main(verbosity=2)
