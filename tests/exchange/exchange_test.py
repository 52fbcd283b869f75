"""Real daemons over real sockets and disks, killed and cut at bad moments: what was said is kept, once, in order."""
import json
import os
import pathlib
import random
import shutil
import subprocess
import threading
import unittest

import kit
from exchange import Exchange, files_with

PAIR = {"ML": "ML/dgse/n1", "SN": "SN/cigs/n1"}
ALERT = ["--topic", "alert.test", "--class", "RESTRICTED", "--tlp", "amber"]


class Story(unittest.TestCase):
    """One exchange of two states for each test, torn down whatever becomes of it; its folder stays when it failed."""

    nodes = PAIR

    def setUp(self):
        self.place = kit.Folder("exchange")
        self.e = Exchange(self.place.path, self.nodes, members=list(self.nodes), policies=self.policies(self.place.path / "policies"),
                          hub_lines=self.hub_lines(), node_lines=self.node_lines(), endpoints=self.endpoints(), limits=self.limits())
        self.addCleanup(self.clean)
        self.start()

    def start(self):
        self.e.start()

    def policies(self, folder):
        """A folder of policies, written there; None: everything may pass."""
        return None

    def hub_lines(self):
        return ()

    def node_lines(self):
        return ()

    def endpoints(self):
        """More addresses of the hub, for the charter."""
        return ()

    def limits(self):
        """NAME=VALUE of the charter's, which are not as unless stated."""
        return ()

    def clean(self):
        self.e.kill()
        ended = self._outcome.result
        bad = any(test is self for test, _ in [*ended.failures, *ended.errors])
        self.place.__exit__(bad or None, None, None)

    def send(self, code="ML", to="SN", text="Bonjour", wait="accepted", precedence="ROUTINE"):
        return self.e[code].publish(*ALERT, "--to", to, "--precedence", precedence, wait=wait, stdin=text)["bulletin"]


class Traffic(threading.Thread):
    """Publishes at one node until told to stop; `ids` are those that the node said it has spooled."""

    def __init__(self, node, to):
        super().__init__(daemon=True)
        self.node, self.to, self.ids, self.ended, self.error = node, to, [], threading.Event(), None

    def run(self):
        n = 0
        while not self.ended.is_set():
            n += 1
            try:
                sent = self.node.publish(*ALERT, "--to", self.to, wait="spooled", stdin=f"message {n}\n")
                self.ids.append(sent["bulletin"])
            except kit.Failed as why:
                # A node that is down says so; anything else is an error of the story.
                if "ended with 4" not in str(why):
                    self.error = why
                    return

    def __enter__(self):
        self.start()
        return self

    def __exit__(self, *ignored):
        self.ended.set()
        self.join(60)

    def goes_on(self, more=5):
        """Waits until some more were spooled from now on."""
        until = len(self.ids) + more
        kit.until(lambda: len(self.ids) >= until or self.error, "traffic to go on", 40)
        if self.error:
            raise self.error


class Killed(Story):
    """Every process, at bad moments, under traffic both ways."""

    def all_arrive(self, traffic, code):
        """What was spooled is in the inbox once, in the order of its numbers."""
        node = self.e[code]
        wanted = set(traffic.ids)
        try:
            items = kit.until(lambda: (lambda i: i if wanted <= {x["id"] for x in i} else None)(node.inbox()),
                              f"{len(wanted)} bulletins at {code}", 60)
        except kit.Failed as why:
            have = {x["id"] for x in node.inbox()}
            raise kit.Failed(f"{why}: {len(wanted - have)} did not come") from None
        ids = [item["id"] for item in items]
        self.assertEqual(len(ids), len(set(ids)), "shown twice")
        numbers = [item["number"] for item in items]
        self.assertEqual(numbers, sorted(numbers))
        self.assertFalse(any(item["missing_before"] for item in items))

    def story(self, daemon, role, times=3):
        """Kills one process several times while bulletins go both ways; who ends with it is started again, as systemd would."""
        chance = random.Random(role)
        with Traffic(self.e["ML"], "SN") as out, Traffic(self.e["SN"], "ML") as back:
            for _ in range(times):
                for traffic in (out, back):
                    traffic.goes_on(chance.randrange(1, 6))
                old = daemon.pids()
                if role == "parent":
                    daemon.kill()
                else:
                    self.assertIn(role, old)
                    daemon.kill(role)
                    kit.until(lambda: daemon.process.poll() is not None or daemon.pids().get(role, old[role]) != old[role],
                              f"{role} to be gone")
                if daemon.process.poll() is None:
                    kit.until(lambda: role in daemon.pids(), f"{role} to be back")
                else:
                    daemon.start()
        for traffic in (out, back):
            if traffic.error:
                raise traffic.error
        self.all_arrive(out, "SN")
        self.all_arrive(back, "ML")
        for node in self.e.nodes.values():
            kit.until(node.is_open, f"{node.country} to meet the hub again", 40)
        self.e.stop()

    def test_hub_front(self):
        self.story(self.e.hub, "front")

    def test_hub_core(self):
        self.story(self.e.hub, "core")

    def test_hub_signer(self):
        self.story(self.e.hub, "signer")

    def test_hub_whole(self):
        self.story(self.e.hub, "parent")

    def test_node_link(self):
        self.story(self.e["SN"], "link")

    def test_node_core(self):
        self.story(self.e["SN"], "core")

    def test_node_whole(self):
        self.story(self.e["SN"], "parent")


class Offline(Story):
    def test_what_is_published_without_a_hub_goes_out_later_the_urgent_first(self):
        self.e.hub.stop()
        slow = [self.send(wait="spooled", text=f"{n}") for n in range(5)]
        fast = self.send(wait="spooled", precedence="FLASH", text="urgent")
        self.e["ML"].stop()
        self.e["ML"].start()
        self.e.hub.start()
        for bulletin in (*slow, fast):
            self.e["SN"].receives(bulletin, 40)
        def sent():
            """All, once ML was told where in the log each is: SN may have them before."""
            items = self.e["ML"].json("sent")
            return items if all(item["leaf"] is not None for item in items) else None
        order = sorted(kit.until(sent, "ML to be told of all"), key=lambda item: item["leaf"])
        self.assertEqual(order[0]["id"], fast)

    def test_a_hub_restored_from_an_older_copy_does_not_start(self):
        self.send(wait="delivered")
        self.e.hub.stop()
        store = self.e.at / "hub/data/hub"
        older = self.place.path / "older"
        shutil.copytree(store, older)
        self.e.hub.start()
        kit.until(self.e["ML"].is_open, "ML to be back", 40)
        self.send(wait="delivered", text="newer")
        self.e.hub.stop()
        shutil.rmtree(store)
        shutil.copytree(older, store)
        self.e.hub.start(wait=False)
        self.e.hub.process.wait(60)
        self.assertNotEqual(self.e.hub.process.returncode, 0)
        self.assertIn("older", self.e.hub.text())


class Hostile(Story):
    """The network and the host, from outside."""

    def test_strangers_cannot_keep_members_out(self):
        import socket
        open_ones = []
        for n in range(400):
            s = socket.create_connection(("127.0.0.1", self.e.port), timeout=5)
            s.sendall(os.urandom(64) if n % 2 else b"\xff" + bytes(8) + b"\x7f\x03")
            open_ones.append(s)
        front = self.e.hub.pids()["front"]
        for n in range(3):
            self.e["SN"].receives(self.send(text=f"{n}"))
        self.assertLess(len(os.listdir(f"/proc/{front}/fd")), 1100)
        for s in open_ones:
            s.close()
        self.e["SN"].receives(self.send(text="after"))
        self.assertEqual(self.e.hub.pids()["front"], front)

    def test_secrets_are_nowhere_the_host_looks(self):
        self.send(text="le convoi est parti", wait="delivered")
        passphrase = self.e.passphrase.read_text().strip().encode()
        for daemon in (self.e.hub, *self.e.nodes.values()):
            for role, pid in daemon.pids().items():
                with self.subTest(daemon=daemon.name, role=role):
                    for file in ("cmdline", "environ"):
                        self.assertNotIn(passphrase, pathlib.Path(f"/proc/{pid}/{file}").read_bytes())
                    limits = pathlib.Path(f"/proc/{pid}/limits").read_text(encoding="utf-8")
                    self.assertRegex(limits, r"Max core file size +0 +0")
            log = daemon.log.read_bytes()
            self.assertNotIn(passphrase, log)
            self.assertNotIn(b"convoi", log)
        self.assertEqual(files_with(self.e.at / "hub", "le convoi est parti"), [])
        for node in self.e.nodes.values():
            self.assertEqual(files_with(node.folder / "data", "le convoi est parti"), [])


class Programs(Story):
    """What docs/programmers.md shows: the example, and a hook."""

    def node_lines(self):
        folder = self.place.path
        return (f"hook file /usr/bin/tee {folder}/hooked.json", f"hook-folder {folder}")

    def run_example(self, code, *args, program="forward", text=None):
        env = {**os.environ, "TOGUNA_SOCKET": str(self.e[code].socket)}
        done = subprocess.run([kit.program(program), *args], env=env, input=text, capture_output=True, text=True, timeout=60)
        self.assertEqual((done.returncode, done.stderr), (0, ""))
        return done.stdout

    def test_the_example_publishes_and_follows(self):
        self.assertRegex(self.run_example("ML", "0", "SN", "alert.test", "Pont coupé à Kayes"), "^published [0-9a-f]{64}, entry [0-9]+")
        self.assertEqual(self.run_example("SN", "1"), "ML/dgse/n1: Pont coupé à Kayes\n")
        self.assertTrue(self.e["SN"].inbox()[0]["acknowledged"])

    def test_the_other_example_says_and_reads_many_at_once(self):
        lines = [f"Ligne {i}" for i in range(600)]  # more than may be outstanding
        self.assertEqual(self.run_example("ML", "SN", "alert.test", program="stream", text="\n".join(lines)), "600 spooled\n")
        read = self.run_example("SN", "600", program="stream").splitlines()
        self.assertEqual(read, [f"ML/dgse/n1 {line}" for line in lines])
        self.assertTrue(all(item["read"] for item in self.e["SN"].inbox()))

    def test_a_hook_gets_each_bulletin(self):
        bulletin = self.send(text="un pont est coupé")
        def told():
            try:
                return json.loads((self.place.path / "hooked.json").read_text())
            except json.JSONDecodeError:
                return None  # the hook is still writing
        told = kit.until(told, "the hook to run")
        self.assertEqual((told["bulletin"], told["member"]), (bulletin, "ML"))
        self.assertEqual(told["portions"][0]["content"], "un pont est coupé")


class Settled(Story):
    def test_both_camps_cosign_and_one_alone_does_not(self):
        ml, sn = self.e["ML"], self.e["SN"]
        sent = ml.publish(*ALERT, "--to", "SN", wait="settled", stdin="Bonjour")
        self.assertEqual(sent["state"], "settled")
        self.settled(ml)
        self.settled(sn)
        note = self.e.at / "hub/data/log/checkpoint"
        kit.until(lambda: len([line for line in note.read_text().splitlines() if line.startswith("\u2014 ")]) == 3,
                  "the published checkpoint to carry the log's signature and two cosignatures")
        sn.stop()
        self.send()
        kit.until(lambda: self.log_of(ml)[0] > self.log_of(ml)[1], "the log to grow beyond what is settled")
        self.assertIn("settled", ml.toguna("status"))
        self.assertNotIn("peer-refused", self.e.hub.text())  # nor does its own self-test sound like a stranger
        self.unsettled_is_visible_until_it_is_settled(ml, sn)

    def unsettled_is_visible_until_it_is_settled(self, ml, sn):
        """One camp's witness is away: its bulletin is accepted, and everywhere called unsettled."""
        alone = ml.publish(*ALERT, "--to", "SN", wait="accepted", stdin="Bonsoir")["bulletin"]
        row = next(line for line in ml.toguna("sent").splitlines() if line.startswith(alone[:8]))
        self.assertIn("unsettled", row)
        self.assertIn("not settled: the hub alone vouches for it", ml.toguna("track", alone))
        self.assertIn("not settled: the hub alone vouches for it", ml.toguna("read", alone))
        self.assertFalse(ml.json("track", alone)["bulletin"]["settled"])
        ml.toguna("publish", *ALERT, "--to", "SN", "--wait", "settled", "--timeout", "2s", stdin="x", expect=4)
        sn.start()
        self.settled(ml)
        sn.receives(alone)
        self.settled(sn)
        kit.until(lambda: "unsettled" not in ml.toguna("sent"), "all that ML sent to be settled")
        for node in (ml, sn):
            self.assertIn("settled: as many witnesses have seen it", node.toguna("read", alone))
        self.assertIn("settled: as many witnesses have seen it", ml.toguna("track", alone))
        kit.until(lambda: "unsettled" not in sn.toguna("inbox"), "all that came to SN to be settled")

    def log_of(self, node):
        hub = node.status()["hub"]
        return hub["log_size"], hub["log_settled"]

    def settled(self, node):
        kit.until(lambda: len(set(self.log_of(node))) == 1, f"the log to be settled at {node.country}; it is {self.log_of(node)}")


class Large(Story):
    def test_a_large_body_arrives_through_kills(self):
        picture = self.place.path / "big"
        picture.write_bytes(random.Random(1).randbytes(8_000_000))
        bulletin = self.e["ML"].publish(picture, *ALERT, "--to", "SN", wait="spooled")["bulletin"]
        for daemon, role in ((self.e["ML"], "link"), (self.e.hub, "front"), (self.e["SN"], "link")):
            old = daemon.pids()[role]
            daemon.kill(role)
            kit.until(lambda d=daemon, r=role, o=old: d.pids().get(r, o) != o, f"{role} to be back")
        self.e["SN"].receives(bulletin, 60)
        copy = self.place.path / "copy"
        self.e["SN"].toguna("read", bulletin[:12], "--output", copy)
        self.assertEqual(copy.read_bytes(), picture.read_bytes())


if __name__ == "__main__":
    unittest.main(verbosity=2)
