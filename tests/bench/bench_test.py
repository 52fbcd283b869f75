"""What toguna-bench does when it cannot, or may not, measure: python3 bench_test.py PROGRAM

A run that is interrupted leaves no daemon behind, which would disturb the next one's figures; what cannot be measured is refused before anything runs.
"""
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

PROGRAM = sys.argv.pop(1)
LIMIT = 60  # seconds, of a busy machine


def daemons_of(folder):
    """Process numbers whose command line names the folder, but for the bench itself."""
    found = set()
    for process in pathlib.Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended
            continue
        if b"--config" in words and any(w.startswith(str(folder).encode()) for w in words):
            found.add(int(process.name))
    return found


def until(what):
    end = time.monotonic() + LIMIT
    while not what() and time.monotonic() < end:
        time.sleep(0.05)
    return what()


class Bench(unittest.TestCase):
    def refused(self, *words):
        done = subprocess.run([PROGRAM, *words], capture_output=True, text=True, timeout=LIMIT)
        self.assertEqual((done.returncode, done.stdout), (2, ""), done.stderr)
        return done.stderr

    def test_refused(self):
        self.assertIn("there is no such workload", self.refused("w9"))
        self.assertIn("does not measure a running exchange", self.refused("W5", "--from", "/a", "--at", "/b", "--to", "ML"))
        self.assertIn("/nowhere: No such file", self.refused("w1", "--folder", "/nowhere"))
        self.assertIn("/nowhere: No such file", self.refused("growth", "--plots", "/nowhere"))

    def removed(self, folder):
        """What the daemons forked ends a moment after them, and may still be writing."""
        shutil.rmtree(folder, ignore_errors=True)
        return not os.path.exists(folder)

    def test_interrupted(self):
        folder = tempfile.mkdtemp()
        self.addCleanup(until, lambda: self.removed(folder))
        bench = subprocess.Popen([PROGRAM, "w1", "--count", "1000000", "--folder", folder], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
        try:
            self.assertTrue(until(lambda: len(daemons_of(folder)) == 3), "hub and two nodes do not run")
            bench.send_signal(signal.SIGTERM)
            said = bench.communicate(timeout=LIMIT)[1]
        finally:
            bench.kill()
        self.assertEqual(bench.returncode, 128 + signal.SIGTERM)
        self.assertIn(f"interrupted; what it left is in {folder}/", said)
        self.assertTrue(until(lambda: not daemons_of(folder)), "daemons are left behind")


unittest.main()
