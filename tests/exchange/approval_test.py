"""The two-person rule with real daemons: a bulletin waits at the node, officers approve exactly it with their key files, and it goes."""
import hashlib
import socket
import struct
import subprocess
import threading
import unittest

import exchange_test
import kit
from exchange import QUICK

RULES = """toguna/policy v1
member {}
serial 1
effective 2025-01-01T00:00:00Z

export allow ** to * up-to SECRET
import allow ** from * up-to SECRET
"""
SECRET = ["--topic", "alert.test", "--class", "SECRET", "--tlp", "amber", "--to", "SN"]


class Approval(exchange_test.Story):
    def setUp(self):
        super().setUp()
        self.officers = {}
        for name, role in (("ML/release-1", "release"), ("ML/release-2", "release"), ("ML/policy-9", "policy")):
            self.officers[name] = self.officer(name, role)

    def node_lines(self):
        return ("own-approval accept",)

    def policies(self, folder):
        folder.mkdir()
        for member in self.nodes:
            rules = RULES.format(member)
            if member == "ML":
                rules += "export require approvals 2 by release for SECRET and above\n"
            (folder / f"{member}.policy").write_text(rules)
        return folder

    def officer(self, name, role):
        """The key file of a new officer, whom everybody knows."""
        key, card = (self.place.path / (name.replace("/", "-") + end) for end in (".key", ".card"))
        self.e.keyed("key", "new", "officer", f"sahel.example/{name}", key, "--kdf", "test")
        kit.toguna("credential", "request", key, "--role", role, "-o", card)
        note = self.place.path / (name.replace("/", "-") + ".note")
        self.e.keyed("credential", "issue", card, "--root", self.e.root("ML"), "-o", note)
        self.e["ML"].toguna("credential", "publish", note)
        return key

    def publish(self, text="une source le dit", title=None, **more):
        return self.e["ML"].publish(*SECRET, *(["--title", title] if title else []), wait="spooled", stdin=text, **more)

    def approve(self, draft, officer, **more):
        return self.e["ML"].json("approve", draft[:12], "--key", self.officers[officer], "--passphrase-file", self.e.passphrase,
                                 **more)

    def test_two_officers_approve_and_it_is_received(self):
        ml, sn = self.e["ML"], self.e["SN"]
        dry = ml.json("publish", *SECRET, "--dry-run", stdin="une source le dit")
        self.assertEqual((dry["approvals"], dry["state"]), (2, None))
        sent = self.publish()
        self.assertEqual((sent["state"], sent["bulletin"], sent["approvals"]), ("waiting", None, 2))
        draft = sent["draft"]
        self.assertEqual([d["id"] for d in ml.json("approve")], [draft])
        self.assertEqual(ml.status()["sent"]["waiting"], 1)
        full = ml.toguna("approve", draft[:8])
        for words in ("une source le dit", "SECRET TLP:AMBER", "Will be able to read it:", "SN/cigs/n1", "Approvals still missing",
                      "ML/release-1, ML/release-2"):
            self.assertIn(words, full)
        self.assertIn("une source", ml.toguna("approve", draft[:8], env={"LANGUAGE": "fr", "LC_ALL": "C.UTF-8"}))
        self.assertIn("ML/release-2", ml.toguna("sent"))
        one = self.approve(draft, "ML/release-1")
        self.assertEqual((one["state"], one["lacking"], one["bulletin"]), ("waiting", 1, None))
        self.assertIn("Approved by ML/release-1", ml.toguna("track", draft[:8]))
        ml.kill()
        ml.start()
        kit.until(ml.is_open, "the node to meet the hub again")
        two = self.approve(draft, "ML/release-2")
        self.assertEqual((two["state"], two["lacking"]), ("sent", 0))
        self.assertEqual(sn.receives(two["bulletin"])["portions"][0]["class"], "SECRET")
        self.assertIn(two["bulletin"], ml.toguna("track", draft[:8]))
        self.assertEqual(ml.json("approve"), [])

    def through(self, change):
        """A socket at which the node answers, and `change` gets its hands on every answer: type, message -> message."""
        path = self.place.path / "liar.sock"
        path.unlink(missing_ok=True)
        listener = socket.socket(socket.AF_UNIX)
        listener.bind(str(path))
        listener.listen()
        self.addCleanup(listener.close)

        def exactly(s, n):
            data = b""
            while len(data) < n:
                more = s.recv(n - len(data))
                if not more:
                    raise EOFError
                data += more
            return data

        def pump(source, sink, changed):
            try:
                while True:
                    size, = struct.unpack(">I", exactly(source, 4))
                    body = exactly(source, size)
                    message = change(body[1], body[2:]) if changed else body[2:]
                    sink.sendall(struct.pack(">I", len(message) + 2) + body[:2] + message)
            except (EOFError, OSError):
                sink.close()

        def serve():
            while True:
                try:
                    program, _ = listener.accept()
                except OSError:
                    return
                node = socket.socket(socket.AF_UNIX)
                node.connect(str(self.e["ML"].socket))
                threading.Thread(target=pump, args=(program, node, False), daemon=True).start()
                threading.Thread(target=pump, args=(node, program, True), daemon=True).start()
        threading.Thread(target=serve, daemon=True).start()
        return path

    def test_an_officer_sees_what_is_sealed_whatever_the_node_shows(self):
        ml = self.e["ML"]
        draft = self.publish("une source le dit", title="vrai titre")["draft"]
        key = ["--key", self.officers["ML/release-1"], "--passphrase-file", self.e.passphrase]
        shown = ml.json("approve", draft)
        self.assertEqual(shown["portions"][0]["sha256"], hashlib.sha256(b"une source le dit").hexdigest())
        self.assertEqual(shown["portions"][0]["title"], "vrai titre")
        self.assertIn(shown["portions"][0]["sha256"], ml.toguna("approve", draft[:8]))

        def another_title(kind, message):
            return message.replace(b"vrai titre", b"faux titre") if kind == 19 else message
        told = kit.toguna("approve", draft, "--socket", self.through(another_title))
        self.assertIn("vrai titre", told)
        self.assertNotIn("faux titre", told)

        def flip(at):
            def changed(kind, message):
                if kind != 14:
                    return message
                found = bytearray(message)
                found[at] ^= 1
                return bytes(found)
            return changed
        for at in (20, -1, -40):  # in the sealed bytes, in K, and at the end of the sealed bytes
            said = kit.toguna("approve", draft, "--json", *key, "--socket", self.through(flip(at)), expect=3)
            self.assertIn("something else than what would be signed", said)
        self.assertEqual(ml.json("approve", draft)["approvals"], [])
        self.assertEqual(self.approve(draft, "ML/release-1")["lacking"], 1)

    def test_what_does_not_count_is_refused_in_words(self):
        ml = self.e["ML"]
        draft, other = self.publish("l'un")["draft"], self.publish("l'autre")["draft"]
        self.assertIn("policy-9 has the role policy", self.approve(draft, "ML/policy-9", expect=1)["message"])
        self.approve(draft, "ML/release-1")
        self.assertIn("already", self.approve(draft, "ML/release-1", expect=3)["message"])
        note = self.place.path / "revoked.note"
        self.e.keyed("credential", "revoke", self.place.path / "ML-release-1.note", "--key", "--reason", "perdue", "--root",
                     self.e.root("ML"), "-o", note)
        ml.toguna("document", "send", note)
        self.assertEqual(self.approve(draft, "ML/release-2")["lacking"], 1)
        self.assertIn("does not count", ml.toguna("track", draft[:12]))
        self.assertIn("too few officers", ml.toguna("track", draft[:12]))
        self.assertEqual(self.e["SN"].inbox(), [])
        denied = ml.json("approve", other[:12], "--deny", "--reason", "elle nomme notre source")
        self.assertEqual((denied["state"], denied["reason"]), ("denied", "elle nomme notre source"))
        self.assertIn("elle nomme notre source", ml.toguna("track", other[:12]))
        self.assertIn("any more", ml.toguna("approve", other[:12], "--key", self.officers["ML/release-2"], "--passphrase-file",
                                            self.e.passphrase, expect=3))

    def test_a_publisher_who_waits_hears_of_approval_and_denial(self):
        ml = self.e["ML"]
        for deny in (False, True):
            waiting = subprocess.Popen([kit.program("toguna"), "publish", *SECRET, "--wait", "accepted", "--timeout", "60s",
                                        "--socket", str(ml.socket)], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                       stderr=subprocess.PIPE, text=True, env={**QUICK, "LC_ALL": "C.UTF-8", "LANGUAGE": "en",
                                                                              "PATH": "/usr/bin:/bin"})
            waiting.stdin.write("j'attends")
            waiting.stdin.close()
            draft = kit.until(lambda: ml.json("approve"), "the draft to wait")[0]["id"]
            if deny:
                ml.toguna("approve", draft, "--deny", "--reason", "non")
            else:
                self.approve(draft, "ML/release-1")
                self.approve(draft, "ML/release-2")
            code = waiting.wait(timeout=60)
            out, err = waiting.stdout.read(), waiting.stderr.read()
            waiting.stdout.close()
            waiting.stderr.close()
            self.assertEqual(code, 1 if deny else 0, out + err)
            self.assertIn("waits for approvals", out)
            self.assertIn("non" if deny else "accepted", err if deny else out)


class OwnApproval(Approval):
    """As nodes are configured unless somebody says otherwise."""

    def node_lines(self):
        return ()

    def test_two_officers_approve_and_it_is_received(self):
        draft = self.publish()["draft"]
        self.assertIn("who published it may not approve it too", self.approve(draft, "ML/release-1", expect=1)["message"])

    test_what_does_not_count_is_refused_in_words = None
    test_a_publisher_who_waits_hears_of_approval_and_denial = None
    test_an_officer_sees_what_is_sealed_whatever_the_node_shows = None


if __name__ == "__main__":
    unittest.main(verbosity=2)
