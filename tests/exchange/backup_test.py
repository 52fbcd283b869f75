"""A copy is made while everything goes on, and is put back: of a hub by real processes and a signal, of a node by its user."""
import base64
import datetime
import os
import random
import re
import resource
import shutil
import signal
import subprocess
import threading
import time
import unittest

import kit
from exchange import QUICK
from exchange_test import ALERT, Story

ALARMS = ("forged", "log-forked", "number-twice", "outcome-forged", "hub-is-another", "other-history-seen")


def fill(node, to, lines, size, seed):
    """So many bulletins of so many bytes that nothing makes shorter, said by one program."""
    chance = random.Random(seed)
    text = "".join(base64.b64encode(chance.randbytes(size * 3 // 4)).decode() + "\n" for _ in range(lines))
    done = subprocess.run([kit.program("stream"), to, "alert.test"], input=text, text=True, capture_output=True, timeout=200,
                          env={**os.environ, **QUICK, "TOGUNA_SOCKET": str(node.socket)})
    if f"{lines} spooled" not in done.stdout:
        raise kit.Failed(f"stream: {done.stdout} {done.stderr}")


def moment(line):
    return datetime.datetime.fromisoformat(line.split(" ", 1)[0].replace("Z", "+00:00")).timestamp()


class Flashes(threading.Thread):
    """FLASH after FLASH between two nodes; `at` holds when each arrived, `took` its milliseconds."""

    def __init__(self, here, there, to, count):
        super().__init__(daemon=True)
        self.process = subprocess.Popen([kit.program("flash_time"), here.socket, there.socket, to, "900", str(count)], text=True,
                                        stdout=subprocess.PIPE, env={**os.environ, **QUICK})
        self.at, self.took = [], []
        self.start()

    def run(self):
        for line in self.process.stdout:
            self.at.append(time.time())
            self.took.append(float(line.split()[0]))

    def end(self):
        self.process.kill()
        self.process.wait()
        self.join(10)
        self.process.stdout.close()

    def between(self, begun, done):
        return [ms for at, ms in zip(self.at, self.took) if begun < at < done]


class OfHub(Story):
    nodes = {"ML": "ML/dgse/n1", "SN": "SN/cigs/n1", "BF": "BF/anr/n1"}

    def hub_lines(self):
        return ("flash-per-hour 100000",)

    def limits(self):
        return ("flash-per-hour=100000",)  # a quick machine says more within a copy than the charter lets pass in an hour

    def hub_folder(self):
        return self.e.at / "hub/data/hub"

    def copy(self):
        return self.hub_folder() / "backup"

    def said(self, event):
        return [line for line in self.e.hub.text().splitlines() if f" {event}" in line]

    def backup(self):
        """The lines of its begin and end."""
        before = len(self.said("backup-done")), len(self.said("backup-begun"))
        self.e.hub.process.send_signal(signal.SIGUSR1)
        kit.until(lambda: len(self.said("backup-done")) > before[0], f"a copy to be made; the hub's log ends: {self.e.hub.tail()}", 60)
        return self.said("backup-begun")[before[1]], self.said("backup-done")[before[0]]

    def refused(self, sentence):
        before = len(self.said("backup-failed"))
        self.e.hub.process.send_signal(signal.SIGUSR1)
        kit.until(lambda: len(self.said("backup-failed")) > before, f"a copy to be refused; the hub's log ends: {self.e.hub.tail()}")
        self.assertIn(sentence, self.said("backup-failed")[-1])

    def catch(self):
        """The hub stands still in the middle of a copy. Some are made sooner than anybody looks: then another is begun."""
        part = self.hub_folder() / "backup.part"
        while True:
            self.e.hub.process.send_signal(signal.SIGUSR1)
            kit.until(lambda: self.copy().exists() or (part / "hub.db").stat().st_size > 5_000_000, "a copy to be under way")
            self.e.hub.kill("core", signal.SIGSTOP)
            if not self.copy().exists():
                return part
            self.e.hub.kill("core", signal.SIGCONT)
            kit.until(lambda: not part.exists(), "the copy to be whole")
            shutil.rmtree(self.copy())

    def restore(self, copy):
        for name in ("hub.db", "hub.db-wal", "hub.db-end"):
            (self.hub_folder() / name).unlink(missing_ok=True)
        shutil.rmtree(self.hub_folder() / "bodies")
        shutil.copy(copy / "hub.db", self.hub_folder())
        shutil.copytree(copy / "bodies", self.hub_folder() / "bodies")

    def load(self):
        """Some 40 MB for SN, which is not there, in the hub's database, and one large body."""
        self.e["SN"].stop()
        fill(self.e["ML"], "SN", 700, 60000, 1)
        with open(self.place.path / "large.bin", "wb") as f:
            f.write(random.Random(2).randbytes(3_000_000))
        self.large = self.e["ML"].publish(*ALERT, "--to", "SN", self.place.path / "large.bin", wait="accepted")["bulletin"]
        kit.until(lambda: self.e["ML"].status()["sent"]["spooled"] == 0, "everything to be accepted", 120)

    def everything_arrives(self, count=701):
        self.e["SN"].start()
        kit.until(lambda: self.e["SN"].status()["inbox"]["current"] == count, "SN to receive everything once", 120)
        self.e["SN"].receives(self.large, 60)
        self.e["SN"].toguna("read", self.large, "--output", self.place.path / "came")
        self.assertEqual((self.place.path / "came").read_bytes(), (self.place.path / "large.bin").read_bytes())

    def test_made_under_traffic_and_gone_on_from(self):
        self.load()
        flashes = Flashes(self.e["ML"], self.e["BF"], "BF", 100000)
        self.addCleanup(flashes.end)
        kit.until(lambda: len(flashes.at) > 5, "FLASHes to pass")
        begun, done = self.backup()
        seen = len(flashes.at)
        kit.until(lambda: len(flashes.at) > seen + 2, "FLASHes to pass afterwards")
        flashes.end()
        meanwhile = flashes.between(moment(begun), moment(done))
        size = int(re.search(r"bytes=(\d+)", done)[1])
        print(f"copy of {size} bytes in {moment(done) - moment(begun):.2f} s; {len(meanwhile)} FLASHes meanwhile, the slowest "
              f"{max(meanwhile or [0]):.0f} ms; before and after: median {sorted(flashes.took)[len(flashes.took) // 2]:.0f} ms")
        self.assertGreater(size, 20_000_000)
        self.assertGreater(len(meanwhile), 2)
        self.assertLess(max(meanwhile), 5000)
        self.assertEqual((self.copy() / "hub.db").stat().st_size, size)
        self.assertEqual(len(list((self.copy() / "bodies").iterdir())), int(re.search(r"bodies=(\d+)", done)[1]))
        self.assertFalse(any(p.name.startswith("state") for p in self.copy().rglob("*")))
        # It is older than what the signer remembers: the hub says so and signs nothing, and its newest store is still good.
        self.e.hub.stop()
        taken, newest = self.place.path / "taken", self.place.path / "newest"
        shutil.move(self.copy(), taken)
        newest.mkdir()
        for name in ("hub.db", "bodies"):
            shutil.move(self.hub_folder() / name, newest / name)
        (self.hub_folder() / "bodies").mkdir()
        self.restore(taken)
        self.e.hub.start(wait=False)
        self.e.hub.process.wait(timeout=60)
        self.assertIn("the hub's store is older than its last signed checkpoint", self.e.hub.text())
        self.restore(newest)
        self.e.hub.start()
        for code in ("ML", "BF"):
            kit.until(self.e[code].is_open, f"{code} to be back", 60)
        # A copy after which nothing was signed is as good as the store: the hub goes on from it.
        kit.until(lambda: self.e["BF"].status()["inbox"]["current"] >= len(flashes.at), "FLASHes to have come", 60)
        self.quiet()
        self.backup()
        self.e.hub.kill()
        shutil.move(self.copy(), self.place.path / "second")
        self.restore(self.place.path / "second")
        self.e.hub.start()
        for code in ("ML", "BF"):
            kit.until(self.e[code].is_open, f"{code} to be back", 60)
        self.everything_arrives()
        self.e["SN"].receives(self.send(text="and on"), 60)
        self.e.hub.stop()
        kit.toguna("audit", "verify", self.e.at / "hub/data/log", "--charter", next((self.e.at / "hub/documents").glob("1-charter-*")), env=QUICK)
        for node in self.e.nodes.values():
            for alarm in ALARMS:
                self.assertNotIn(alarm, node.log.read_text(encoding="utf-8"))

    def test_a_copy_without_what_the_signer_remembers_is_not_started_from(self):
        self.send(wait="delivered")
        self.backup()
        taken, lost = self.place.path / "taken", self.place.path / "lost"
        shutil.move(self.copy(), taken)
        self.send(text="after the copy", wait="delivered")
        self.e.kill()
        data, documents = self.e.at / "hub/data", self.e.at / "hub/documents"
        shutil.move(data, lost)

        def refuses():
            self.e.hub.start(wait=False)
            self.assertEqual(self.e.hub.process.wait(timeout=60), 3, self.e.hub.tail())
            self.assertIn("the hub's store holds a log, and its signer remembers none", self.e.hub.text())
        (self.hub_folder() / "bodies").mkdir(parents=True)
        self.restore(taken)
        for _ in range(2):
            refuses()
        # Nor under the first state of a signer, as a hub has made it that was started on its empty disk and knew no charter.
        shutil.rmtree(data)
        documents.rename(self.place.path / "documents")
        documents.mkdir()
        self.e.hub.start()
        self.e.hub.kill()
        documents.rmdir()
        (self.place.path / "documents").rename(documents)
        self.assertIn(b"\nsize 0\n", (data / "signer/state").read_bytes())
        self.restore(taken)
        refuses()
        # With what was lost it goes on, and nobody has seen a second history.
        shutil.rmtree(data)
        shutil.move(lost, data)
        self.e.start()
        self.send(text="and on", wait="delivered")
        for node in self.e.nodes.values():
            for alarm in ALARMS:
                self.assertNotIn(alarm, node.log.read_text(encoding="utf-8"))

    def quiet(self):
        """Until the log has stood still for two looks: what it holds is signed, and nobody says more."""
        seen = []

        def still():
            seen.append(self.e["ML"].status()["hub"]["log_size"])
            return len(seen) > 20 and len(set(seen[-20:])) == 1
        kit.until(still, "the log to stand still", 60)

    def test_nothing_is_overwritten_and_nothing_half_made_stays(self):
        self.send()
        # Where the copy goes something lies already: a file, a folder, a link to nowhere.
        self.copy().write_text("precious")
        self.refused("a copy lies there already, and was left as it is")
        self.assertEqual(self.copy().read_text(), "precious")
        self.copy().unlink()
        self.copy().symlink_to(self.place.path / "nowhere")
        self.refused("a copy lies there already")
        self.copy().unlink()
        self.backup()
        there = {p: p.stat().st_mtime_ns for p in self.copy().rglob("*")}
        self.refused("a copy lies there already")
        self.assertEqual({p: p.stat().st_mtime_ns for p in self.copy().rglob("*")}, there)
        shutil.rmtree(self.copy())
        # Killed in the middle: there is no copy, and what there was of it goes at the next start.
        self.load()
        part = self.catch()
        self.e.hub.kill()
        self.assertTrue(part.exists())
        self.assertFalse(self.copy().exists())
        self.e.hub.start()
        self.assertFalse(part.exists())
        kit.until(self.e["ML"].is_open, "ML to be back", 60)
        self.backup()
        shutil.rmtree(self.copy())
        # Stopped in the middle: the same, at once.
        self.catch()
        self.e.hub.process.terminate()
        self.e.hub.kill("core", signal.SIGCONT)
        self.e.hub.stop()
        self.assertFalse(part.exists() or (self.copy().exists() and "backup-done" not in self.e.hub.text()))
        shutil.rmtree(self.copy(), ignore_errors=True)
        # Without room beyond the reserve none is begun, and the hub goes on.
        with open(self.e.hub.config, "a", encoding="utf-8") as conf:
            conf.write("disk-reserve 1048575GiB\n")
        self.e.hub.start()
        self.refused("there is no room for a copy: the disk must keep its reserve")
        self.assertFalse(part.exists() or self.copy().exists())
        self.everything_arrives(702)


class OfNode(Story):
    nodes = {"ML": "ML/dgse/n1", "SN": "SN/cigs/n1", "BF": "BF/anr/n1"}

    def hub_lines(self):
        return ("flash-per-hour 100000",)

    def limits(self):
        return ("flash-per-hour=100000",)  # a quick machine says more within a copy than the charter lets pass in an hour

    def setUp(self):
        super().setUp()
        self.keep = self.place.path / "keep"
        self.keep.mkdir()
        self.left = self.e["ML"].folder / "data/node.db-copy"

    def restore(self, code, copy):
        folder = self.e[code].folder / "data"
        for name in ("node.db-wal", "node.db-end"):
            (folder / name).unlink(missing_ok=True)
        shutil.copy(copy, folder / "node.db")

    def load(self):
        fill(self.e["ML"], "SN", 500, 60000, 3)

    def test_made_under_traffic_and_gone_on_from(self):
        ml, sn, bf = self.e["ML"], self.e["SN"], self.e["BF"]
        self.load()
        old = self.send(text="old", wait="delivered")
        flashes = Flashes(bf, ml, "ML", 100000)
        self.addCleanup(flashes.end)
        kit.until(lambda: len(flashes.at) > 5, "FLASHes to pass")
        begun = time.time()
        said = ml.json("backup", self.keep / "ml.db", limit=120)
        done = time.time()
        seen = len(flashes.at)
        kit.until(lambda: len(flashes.at) > seen + 2, "FLASHes to pass afterwards")
        flashes.end()
        meanwhile = flashes.between(begun, done)
        print(f"copy of {said['bytes']} bytes in {done - begun:.2f} s; {len(meanwhile)} FLASHes meanwhile, the slowest "
              f"{max(meanwhile or [0]):.0f} ms; before and after: median {sorted(flashes.took)[len(flashes.took) // 2]:.0f} ms")
        self.assertGreater(said["bytes"], 20_000_000)
        self.assertEqual((self.keep / "ml.db").stat().st_size, said["bytes"])
        self.assertEqual((self.keep / "ml.db").stat().st_mode & 0o777, 0o600)
        self.assertEqual([p.name for p in self.keep.iterdir()], ["ml.db"])
        self.assertGreater(len(meanwhile), 2)
        self.assertLess(max(meanwhile), 5000)
        self.assertFalse(self.left.exists())
        # Later than the copy: what ML said, what came to it, what it read.
        lost = [self.send(text=f"said later {n}", wait="delivered") for n in range(3)]
        came = [self.send("SN", "ML", text=f"came later {n}", wait="delivered") for n in range(3)]
        ml.toguna("read", came[0])
        kit.until(lambda: sn.status()["inbox"]["current"] == 504, "SN to have all", 120)
        before = {i["id"] for i in ml.inbox()}
        ml.kill()
        self.restore("ML", self.keep / "ml.db")
        ml.start()
        kit.until(ml.is_open, "ML to be back", 60)
        kit.until(lambda: "store-is-old" in ml.text(), f"ML to notice; its log ends: {ml.tail()}")
        # It is sent what it lacks as far as the hub still has it, and contradicts nothing.
        new = self.send(text="numbered above", wait="delivered")
        self.assertEqual(len({i["id"] for i in sn.inbox()} & {old, *lost, new}), 5)
        sn.receives(new)
        answer = self.send("SN", "ML", text="with the new sealing key", wait="delivered")
        ml.receives(answer, 60)
        items = [i["id"] for i in ml.inbox()]
        self.assertEqual(len(items), len(set(items)))
        print(f"of {len(before)} in the inbox {len(before & set(items))} are there again; of what came last {len(set(came) & set(items))} of 3", [i["missing_before"] for i in ml.inbox() if i["missing_before"]])
        for node in self.e.nodes.values():
            for alarm in ALARMS:
                self.assertNotIn(alarm, node.log.read_text(encoding="utf-8"))

    def test_what_an_old_copy_publishes_before_it_meets_its_hub_arrives_once(self):
        ml, sn, bf = self.e["ML"], self.e["SN"], self.e["BF"]
        old = self.send(text="old", wait="delivered")
        ml.json("backup", self.keep / "ml.db", limit=120)
        lost = [self.send(text=f"said later {n}", wait="delivered") for n in range(3)]
        self.e.hub.stop()
        ml.kill()
        self.restore("ML", self.keep / "ml.db")
        ml.start()
        # As many as the hub has that it forgot; one goes to SN on a stick as well, and one to whom it has never written.
        new = [self.send(text=f"before the hub {n}", wait="spooled") for n in range(3)]
        other = self.send(to="BF", text="for another", wait="spooled")
        ml.json("export", "--to", "SN", "-o", self.keep / "stick.bundle", new[0])
        self.assertEqual([s["outcome"] for s in sn.json("import", self.keep / "stick.bundle") if "id" in s], ["taken"])
        self.e.hub.start()
        for bulletin in (*new, other):
            kit.until(lambda b=bulletin: {i["id"]: i["state"] for i in ml.json("sent")}[b] in ("delivered", "settled"), f"{bulletin[:8]} to be delivered; ML's log ends: {ml.tail()}", 60)
        self.assertIn("store-is-old", ml.text())
        items = sn.inbox()
        self.assertEqual(sorted(i["id"] for i in items), sorted([old, *lost, *new]))
        self.assertEqual([i["id"] for i in bf.inbox()], [other])
        self.assertFalse(any(i["missing_before"] for i in (*items, *bf.inbox())))
        for said in (self.e.hub, ml, sn, bf):
            for alarm in (*ALARMS, "chain-broken", "number-missing", "error refused", "bulletin-refused", "alarm number "):
                self.assertNotIn(alarm, said.text())

    def refused(self, target, sentence, expect=3, **more):
        there = {p: p.lstat().st_size for p in self.keep.rglob("*")}
        self.assertIn(sentence, self.e["ML"].toguna("backup", target, expect=expect, **more))
        self.assertEqual({p: p.lstat().st_size for p in self.keep.rglob("*")}, there)
        kit.until(lambda: not self.left.exists(), "nothing of a copy to stay at the node")

    def catch(self, target):
        """The command that asked for a copy, standing still in the middle of it. Some are made sooner than anybody looks."""
        while True:
            asked = subprocess.Popen([kit.program("toguna"), "backup", target, "--socket", self.e["ML"].socket], text=True,
                                     stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, env={**os.environ, **QUICK, "LC_ALL": "C.UTF-8"})
            kit.until(lambda a=asked: a.poll() is not None or self.left.stat().st_size > 2_000_000, "a copy to be under way")
            asked.send_signal(signal.SIGSTOP)
            if self.left.exists() and not target.exists():
                return asked
            asked.send_signal(signal.SIGCONT)
            _, said = asked.communicate(timeout=60)
            self.assertEqual(asked.returncode, 0, said)
            target.unlink()

    def test_nothing_is_overwritten_and_nothing_half_made_stays(self):
        ml = self.e["ML"]
        self.send()
        (self.keep / "precious").write_text("precious")
        (self.keep / "folder").mkdir()
        (self.keep / "link").symlink_to(self.keep / "nowhere")
        self.refused(self.keep / "precious", "there is such a file already")
        self.refused(self.keep / "link", "there is such a file already")
        self.refused(self.keep / "folder", "this is a folder")
        self.refused(self.keep / "no/such/copy", "cannot create a file there")
        # Another file system is as good as this one.
        other = kit.pathlib.Path("/dev/shm") / f"toguna-{os.getpid()}.db"
        self.addCleanup(lambda: other.unlink(missing_ok=True))
        if os.access(other.parent, os.W_OK):
            self.assertIn("is the copy of this node", ml.toguna("backup", other))
            self.assertEqual(other.read_bytes()[:15], b"SQLite format 3")
        self.load()
        # No room where it is to be written: half of it, and then an error, whatever the file system calls it.
        self.too_small(self.keep / "half.db")
        # The node dies in the middle.
        asked = self.catch(self.keep / "cut.db")
        ml.kill()
        asked.send_signal(signal.SIGCONT)
        _, said = asked.communicate(timeout=60)
        self.assertEqual(asked.returncode, 4, said)
        self.assertFalse([p.name for p in self.keep.iterdir() if "cut" in p.name], said)
        self.assertTrue(self.left.exists())
        ml.start()
        self.assertFalse(self.left.exists())
        self.assertIn("is the copy of this node", ml.toguna("backup", self.keep / "cut.db"))
        # Whoever asked goes away: the node keeps nothing of it.
        asked = self.catch(self.keep / "gone.db")
        asked.kill()
        asked.communicate()
        kit.until(lambda: not self.left.exists(), "the node to let go of it")
        self.assertFalse((self.keep / "gone.db").exists())

    def too_small(self, target):
        def limit():
            signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
            resource.setrlimit(resource.RLIMIT_FSIZE, (4_000_000, 4_000_000))
        there = sorted(self.keep.iterdir())
        done = subprocess.run([kit.program("toguna"), "backup", target, "--socket", self.e["ML"].socket], text=True, capture_output=True,
                              preexec_fn=limit, env={**os.environ, **QUICK, "LC_ALL": "C.UTF-8"}, check=False)
        self.assertEqual(done.returncode, 5, done.stderr)
        self.assertEqual(len(done.stderr.strip().splitlines()), 1, done.stderr)
        self.assertIn(str(target), done.stderr)
        self.assertEqual(sorted(self.keep.iterdir()), there)
        kit.until(lambda: not self.left.exists(), "the node to let go of it")


if __name__ == "__main__":
    unittest.main(verbosity=2)
