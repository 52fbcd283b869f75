#!/usr/bin/env python3
"""Every point at which bytes leave a process of a real exchange, struck once.

    points.py                         every call of every process, with every fault
    points.py --sample 14 --seed 5    some of them
    points.py --point hub/core/cut/17 one of them
    points.py --list FILE --part 1/2 --from 40
                                      every second one, beginning with the 40th. FILE keeps the list of all: the counts differ a
                                      little each time. Parts that run side by side each need their own network (unshare -n), or one
                                      takes the port of the other's resting hub

A short story is told again and again: one daemon stops and starts, a FLASH and a ROUTINE of 300 KiB go out, arrive, run a hook, are answered
for; one is taken back; somebody reads the log at the hub's window. In each telling one process is struck at its n-th write, sync, send,
rename ...: killed (kill), its power cut so that what was not synced is lost (cut; torn: some of it survives), or the call fails once (eio,
enospc, eintr, short); or there the power of its whole daemon is cut (power). Who ends is started again, as
systemd would, and nothing else is done for it. In the end everything that was acknowledged has arrived, once, in order, answered for,
and the log verifies. What the blow did not strike in 2 tellings is counted as not reached; of a --point that is wrong.

cut and torn take the struck process' unsynced bytes: the other processes of its daemon die with it and lose nothing, as when one of several
disks fails. power takes those of all of them, at one moment, and at every second point some of them survive. What the kernel or a disk does
beyond that (reordering within what was synced) is not simulated here; tests/sim/disk.h has it.
"""
import argparse
import atexit
import collections
import http.client
import os
import pathlib
import random
import re
import subprocess
import sys
import time
import urllib.request

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "exchange"))
import kit  # noqa: E402
from exchange import Exchange  # noqa: E402
from page import Page  # noqa: E402

PAIR = {"ML": "ML/dgse/n1", "SN": "SN/cigs/n1"}
VICTIMS = [(d, r) for d, roles in (("hub", ("core", "signer", "front", "window", "parent")), ("ML", ("core", "link", "parent")),
                                   ("SN", ("core", "link", "hooks", "parent"))) for r in roles]
FAULTS = ["kill", "cut", "torn", "power", "eio", "enospc", "eintr", "short"]
ALERT = ["--topic", "alert.test", "--class", "RESTRICTED", "--tlp", "amber", "--to", "SN"]
STORIES = 60  # then another exchange, so that no inbox grows without end
NOT_AGAIN = (2, 3)  # RestartPreventExitStatus of both units: somebody must look first
LIMIT = 60.0  # seconds for everything to arrive after a fault
HOOK = "#!/bin/sh\nset -e\nnew=$(mktemp {folder}/part.XXXXXX)\ncat >$new\nmv $new $new.json\n"
STORE = re.compile(r"^(fsync|fdatasync) \S*(-wal|-end|\.db|\bstate)$")


class Wrong(Exception):
    """A promise that was not kept."""


def tile_path(n):
    """As the tiles of a log are named: 1234 is x001/234."""
    above = f"{n // 1000:09}".removeprefix("000").removeprefix("000") if n >= 1000 else ""
    return "".join(f"x{part}/" for part in re.findall("...", above)) + f"{n % 1000:03}"


def library():
    build = pathlib.Path(os.environ.get("TOGUNA_BIN", kit.ROOT / "build"))
    return str(build / "tests/faults/libtoguna_faults.so")


class Stage:
    """An exchange of two states whose three daemons can be struck, and what it has said so far. whole: with a window and a hook."""

    def __init__(self, hub_lines=(), node_lines=(), whole=False):
        self.place = kit.Folder("points")
        self.window, self.hooked = None, self.place.path / "hooked"
        if whole:
            self.window = kit.free_port()
            self.hooked.mkdir()
            hook = self.place.path / "hook"
            hook.write_text(HOOK.format(folder=self.hooked))
            hook.chmod(0o755)
            hub_lines = [*hub_lines, f"serve-log 127.0.0.1:{self.window}"]
            node_lines = [*node_lines, f"hook file {hook}", f"hook-folder {self.hooked}"]
        self.e = Exchange(self.place.path, PAIR, members=list(PAIR), hub_lines=hub_lines, node_lines=node_lines)
        self.daemons = {"hub": self.e.hub, **self.e.nodes}
        self.pages = {name: Page(self.place.path / f"{name}.page") for name in self.daemons}
        for name, daemon in self.daemons.items():
            daemon.env = {"LD_PRELOAD": library(), "TOGUNA_FAULTS": str(self.pages[name].path),
                          "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0"}
        self.big = self.place.path / "big"
        self.big.write_bytes(random.Random(5).randbytes(300 * 1024))
        self.spooled, self.told, self.deaths, self.stories, self.seen = {}, 0, [], 0, 0
        atexit.register(self.e.kill)
        self.e.start()

    def revive(self):
        """Starts whatever has ended, as systemd would: it may fail once, for the blow may fall while it starts."""
        for name, daemon in self.daemons.items():
            if daemon.process.poll() is None:
                continue
            self.deaths.append((name, daemon.process.returncode, daemon.text()))
            self.come_light(name)
            if daemon.process.returncode in NOT_AGAIN:
                raise Wrong(f"{name} ended with {daemon.process.returncode}, and would stay down: {daemon.tail()}")
            daemon.start(wait=False)

    def come_light(self, name):
        """The power comes again, when all that was running without it has gone."""
        page = self.pages[name]
        if page.is_dark():
            kit.until(lambda: not page.living(), f"the processes of {name} to be gone")
            page.power(True)

    def until(self, condition, what, limit=LIMIT):
        def turn():
            self.revive()
            try:
                return condition()
            except kit.Failed:
                return False  # a node that is being started again does not answer
        try:
            return kit.until(turn, what, limit)
        except kit.Failed as why:
            raise Wrong(str(why)) from None

    def restart(self, name):
        """Stops it in order and starts it; the blow may fall anywhere in that."""
        daemon = self.daemons[name]
        daemon.process.terminate()
        try:
            daemon.process.wait(30)
        except subprocess.TimeoutExpired:
            raise Wrong(f"{name} did not stop: {daemon.tail()}") from None
        self.struck_stopping = any(self.pages[name].struck(role) for role in ("parent", "core", "front", "signer", "window", "hooks"))
        self.deaths.append((name, daemon.process.returncode, daemon.text()))
        self.come_light(name)
        daemon.start(wait=False)
        self.ready(name)

    def ready(self, name):
        def up():
            if self.daemons[name].process.poll() is not None:
                return False
            return self.daemons[name].ready()
        self.until(up, f"{name} to be ready again: {self.daemons[name].tail()}")

    def say(self, *args, text=None):
        """Publishes until the node says that it has it; only then it counts. What it refused may have been kept all the same."""
        def publish():
            return self.e["ML"].publish(*args, *ALERT, wait="spooled", stdin=text)["bulletin"]
        bulletin = self.until(publish, "ML to take a bulletin")
        self.spooled[bulletin] = args
        return bulletin

    def shown(self, bulletin):
        item = self.e["SN"].holds(bulletin)
        return item if item and all(p["complete"] for p in item["portions"]) else None

    def answered(self, bulletin, event):
        return event in self.e["ML"].track(bulletin).get("SN", {})

    def has_run(self, bulletin):
        """Has the hook run for it, to its end? Once more after a node that died does no harm."""
        return any(bulletin in path.read_text() for path in self.hooked.glob("*.json"))

    def look(self):
        """Reads the log at the hub's window, as anybody may: the checkpoint, and a tile that holds what it names. Until it shows all that the hub has."""
        def get(path):
            with urllib.request.urlopen(f"http://127.0.0.1:{self.window}/{path}", timeout=10) as answer:
                return answer.read()
        def shown():
            try:
                size = int(get("checkpoint").split(b"\n")[1])
                width = size % 256
                tile = get("tile/0/" + tile_path(size // 256) + f".p/{width}") if width else get("tile/0/" + tile_path(size // 256 - 1))
                get("metrics")
            except (OSError, http.client.HTTPException, IndexError, ValueError):
                return None
            if len(tile) != 32 * (width or 256):
                raise Wrong(f"the window shows {len(tile)} bytes of a tile of {width}")
            return size if size >= self.seen else None  # its files are not synced each time: what a cut cost of them is written again
        self.seen = self.until(shown, f"the window to show {self.seen} entries or more")

    def recall(self, bulletin):
        """Taken back: asked again until the node has it, or says that it has it already."""
        def ask():
            if self.e["SN"].holds(bulletin)["state"].startswith("recalled"):
                return True
            try:
                self.e["ML"].json("recall", bulletin, "--reason", "a test", "--wait", "spooled")
            except kit.Failed as why:
                if "conflict" not in str(why):
                    raise
            return True
        self.until(ask, "ML to take a recall")
        self.until(lambda: self.e["SN"].holds(bulletin)["state"].startswith("recalled"), "SN to take back")

    def story(self, victim):
        """Told once. victim is stopped and started at its beginning."""
        self.stories += 1
        self.restart(victim)
        flash = self.say("--precedence", "FLASH", text=f"story {self.stories}\n")
        large = self.say(self.big)
        for bulletin in (flash, large):
            self.until(lambda b=bulletin: self.shown(b), f"SN to have {bulletin[:12]}")
        copy = self.place.path / "copy"
        copy.unlink(missing_ok=True)
        self.until(lambda: self.e["SN"].toguna("read", large, "--output", copy) is not None, "SN to read")
        if copy.read_bytes() != self.big.read_bytes():
            raise Wrong("what was read is not what was sent")
        for bulletin in (flash, large):
            self.until(lambda b=bulletin: self.answered(b, "stored"), f"ML to know that {bulletin[:12]} arrived")
        if self.window:
            self.look()
            for bulletin in (flash, large):
                self.until(lambda b=bulletin: self.has_run(b), f"SN's hook to run for {bulletin[:12]}")
            for path in self.hooked.glob("*.json"):
                path.unlink()
        self.recall(large)

    def inspect(self, overtaken=False):
        """What must hold whatever has happened: once, in order unless something was overtaken, without gaps, and nobody accused."""
        self.until(lambda: all(n.is_open() for n in self.e.nodes.values()), "both nodes to be with the hub")
        items = self.until(lambda: self.e["SN"].inbox(), "SN's inbox")
        ids = [i["id"] for i in items]
        if len(ids) != len(set(ids)):
            raise Wrong("shown twice")
        missing = set(self.spooled) - set(ids)
        if missing:
            raise Wrong(f"lost: {sorted(missing)}")
        numbers = [i["number"] for i in items]
        if (numbers != sorted(numbers) and not overtaken) or any(i["missing_before"] for i in items):
            raise Wrong(f"out of order, or with gaps: {numbers[-12:]}")
        for name, daemon in self.daemons.items():
            alarms = [line for line in daemon.log.read_text(errors="replace").splitlines() if " alarm " in line]
            if alarms:
                raise Wrong(f"{name} accuses: {alarms[-1]}")

    def verify(self):
        """The whole log, once its last checkpoint is out."""
        self.e.hub.stop()
        note = next((self.e.at / "hub/documents").glob("*charter*"))
        kit.toguna("audit", "verify", self.e.at / "hub/data/log", "--charter", note)
        self.e.hub.start()

    def end(self, bad, overtaken=False):
        if not bad:
            self.inspect(overtaken)
            self.verify()
            self.e.stop()
        self.e.kill()
        self.place.__exit__(bad or None, None, None)


def strike(stage, point):
    """One telling with one blow. What it struck, or None."""
    victim, role, fault, n = point
    page = stage.pages[victim]
    torn = fault == "torn" or (fault == "power" and n % 2)
    page.arm(role, n, "cut" if fault == "torn" else fault, torn=n * 2654435761 + 1 if torn else 0)
    for _ in range(2):
        stage.deaths.clear()
        stage.story(victim)
        if page.struck(role):
            break
    what = page.disarm(role)
    stage.inspect()
    if what is not None and fault in ("eio", "enospc", "eintr") and STORE.match(what):
        check_stop(stage, point, what)
    return what


SAID = re.compile(r"the store failed and takes nothing more|cannot be kept|cannot sync|the store cannot be written")


def check_stop(stage, point, what):
    """A sync that failed is never tried again and called a success: the daemon ended and said why. The first end is the one
    that the story asked for: what fails in it has nothing more to acknowledge."""
    deaths = [d for d in stage.deaths if d[0] == point[0]]
    if stage.struck_stopping:
        return
    if len(deaths) < 2:
        raise Wrong(f"{what} failed, and {point[0]} went on")
    if not any(code != 0 and SAID.search(text) for _, code, text in deaths):
        raise Wrong(f"{what} failed, and {point[0]} ended without saying why: {deaths[-1][2][-600:]}")


def measure():
    """The points: what each process' calls in one telling could suffer. Two more than seen, for they differ a little."""
    stage, points = Stage(whole=True), []
    for victim, role in VICTIMS:
        page = stage.pages[victim]
        before = page.count(role)
        stage.story(victim)
        most = page.count(role) - before
        print(f"{victim} {role}: {most} calls in one story", flush=True)
        for n in range(1, most + 3):
            number = before + min(n, most)
            points += [(victim, role, f, n) for f in FAULTS if can(page, role, number, f)]
    stage.end(False)
    return points


def can(page, role, number, fault):
    """A cut differs from a kill where the process has files, and some bytes can survive where any are written."""
    if fault == "torn":
        return page.can(role, number, "enospc")
    if fault == "cut":
        return role in ("core", "signer")
    return page.can(role, number, fault)


def run(points, named):
    """Strikes each; how many were wrong. Who names points means the calls: one that is not reached any more proves nothing."""
    stage, wrong, reached, began = None, [], collections.Counter(), time.monotonic()
    struck = collections.Counter()
    for done, point in enumerate(points, 1):
        name = "/".join(map(str, point))
        try:
            if stage and stage.stories >= STORIES:
                stage, old = None, stage
                old.end(False)
            stage = stage or Stage(whole=True)
            what = strike(stage, point)
            reached[point[2], what is not None] += 1
            if what is not None:
                struck[what.split(" ")[0]] += 1
            elif named:
                raise Wrong("not reached")
            print(f"{done}/{len(points)} {time.monotonic() - began:.0f}s {name}: {what or 'not reached'}"
                  f"{''.join(f'; {d} ended with {c}' for d, c, _ in stage.deaths if c)}", flush=True)
        except (Wrong, kit.Failed, subprocess.TimeoutExpired, OSError) as why:
            wrong.append(name)
            print(f"WRONG {name}: {why}", flush=True)
            if stage:
                what = stage.pages[point[0]].disarm(point[1])
                print(f"  it struck: {what}; left in {stage.place.path}", flush=True)
                stage.end(True)
            stage = None
    if stage:
        stage.end(False)
    print("struck: " + ", ".join(f"{f} {n}" for (f, hit), n in sorted(reached.items()) if hit)
          + f"; not reached: {sum(n for (_, hit), n in reached.items() if not hit)}", flush=True)
    print("calls struck: " + ", ".join(f"{c} {n}" for c, n in struck.most_common()), flush=True)
    print(f"{len(points)} points, {len(wrong)} wrong{': ' + ' '.join(wrong) if wrong else ''}", flush=True)
    return len(wrong)


# About how many calls there are: a sample need not count first.
ABOUT = {("hub", "core"): 145, ("hub", "signer"): 38, ("hub", "front"): 70, ("hub", "window"): 6, ("hub", "parent"): 10, ("ML", "core"): 80, ("ML", "link"): 35,
         ("ML", "parent"): 7, ("SN", "core"): 90, ("SN", "link"): 30, ("SN", "hooks"): 8, ("SN", "parent"): 7}


def sampled(size, seed):
    """Each victim in turn, beginning with the most eventful."""
    chance = random.Random(seed)
    victims = sorted(ABOUT, key=ABOUT.get, reverse=True)
    return [(*v, chance.choice(FAULTS), chance.randint(1, ABOUT[v])) for v in (victims[i % len(victims)] for i in range(size))]


def listed(path):
    """All points; a file keeps them, for parts that run side by side or on another day: the counts differ a little each time."""
    if path and path.exists():
        return [(d, r, f, int(n)) for d, r, f, n in (line.split("/") for line in path.read_text().split())]
    points = measure()
    if path:
        path.write_text("".join("/".join(map(str, p)) + "\n" for p in points))
    return points


def choose(options):
    if options.point:
        return [(d, r, f, int(n)) for d, r, f, n in (p.split("/") for p in options.point)]
    if options.sample:
        return sampled(options.sample, options.seed)
    points = listed(options.list)
    random.Random(options.seed).shuffle(points)
    part, of = map(int, options.part.split("/"))
    return points[part - 1::of][options.start - 1:]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sample", type=int, help="so many, chosen by the seed")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--list", type=pathlib.Path)
    parser.add_argument("--part", default="1/1")
    parser.add_argument("--from", type=int, default=1, dest="start")
    parser.add_argument("--point", nargs="+", help="DAEMON/ROLE/FAULT/NUMBER")
    options = parser.parse_args()
    sys.exit(1 if run(choose(options), bool(options.point)) else 0)


if __name__ == "__main__":
    main()
