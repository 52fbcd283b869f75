#!/usr/bin/env python3
"""A hub that is struck at its very beginning: whatever was written of its first log, the next start needs no help.

    beginning_test.py          some of the calls
    beginning_test.py --all    each of them
"""
import argparse
import random
import shutil
import sys

import points
import kit
from exchange import Exchange
from page import Page


class Hub:
    """One hub, whose folder is emptied before each blow, and nobody who connects to it."""

    def __init__(self):
        self.place = kit.Folder("beginning")
        self.e = Exchange(self.place.path, points.PAIR, members=list(points.PAIR))
        self.data, self.hub = self.e.at / "hub/data", self.e.hub
        self.page = Page(self.place.path / "hub.page")
        self.hub.env = {"LD_PRELOAD": points.library(), "TOGUNA_FAULTS": str(self.page.path), "ASAN_OPTIONS": "detect_leaks=0:verify_asan_link_order=0"}

    def signed(self):
        """Ready, and its first checkpoint is out; or ended."""
        return self.hub.process.poll() is not None or (self.hub.ready() and (self.data / "log/checkpoint").exists())

    def start(self):
        self.hub.start(wait=False)
        kit.until(self.signed, f"the hub to begin, or to end; its log ends: {self.hub.tail()}", 60)

    def calls(self, role):
        """How many there are in one beginning."""
        before = self.page.count(role)
        self.begin_anew()
        self.hub.kill()
        return self.page.count(role) - before

    def begin_anew(self):
        shutil.rmtree(self.data, ignore_errors=True)
        self.start()

    def strike(self, role, fault, n):
        """True when it was struck. It must come back by itself, and sign."""
        self.page.arm(role, n, fault, torn=n % 2)
        self.begin_anew()
        call = self.page.disarm(role)
        if self.hub.process.poll() is None:
            self.hub.kill()
        elif self.hub.process.returncode in points.NOT_AGAIN:
            raise points.Wrong(f"{role}/{fault}/{n} at {call}: it would stay down: {self.hub.tail()}")
        if self.page.is_dark():
            kit.until(lambda: not self.page.living(), "its processes to be gone")
            self.page.power(True)
        self.start()
        if self.hub.process.poll() is not None:
            raise points.Wrong(f"{role}/{fault}/{n} at {call}: it does not begin: {self.hub.tail()}")
        self.hub.kill()
        return bool(call)


def strike_some(hub, every):
    todo = [(role, fault, n) for role in ("core", "signer") for most in [hub.calls(role)] for fault in ("kill", "cut", "power") for n in range(1, most + 1)]
    chosen = todo if every else random.Random(1).sample(todo, min(24, len(todo)))
    struck = sum(hub.strike(*point) for point in chosen)
    print(f"{len(todo)} points, {len(chosen)} tried, {struck} struck")
    if struck < len(chosen) // 2:
        sys.exit("most blows fell nowhere")


def main():
    arguments = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    arguments.add_argument("--all", action="store_true")
    every = arguments.parse_args().all
    hub = Hub()
    try:
        strike_some(hub, every)
    finally:
        hub.e.kill()
    shutil.rmtree(hub.place.path, ignore_errors=True)


if __name__ == "__main__":
    main()
