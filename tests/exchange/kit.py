"""Real daemons over real sockets and disks, for whole-exchange tests and the demonstration.

A test reads as a story in the project's own verbs: hub.start(), node.publish(), node.expect_inbox(). Nothing
here waits for a fixed time: until() waits for a condition, with a limit, and says what it waited for.
Only the standard library is used. Programs are found in $TOGUNA_BIN or ../../build.
"""
import json
import os
import pathlib
import random
import shutil
import signal
import socket
import subprocess
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[2]


class Failed(Exception):
    """A command or condition did not come out as the story says."""


def program(name):
    """The path of one of our programs, from $TOGUNA_BIN (a build folder) or the release build."""
    build = pathlib.Path(os.environ.get("TOGUNA_BIN", ROOT / "build"))
    for place in (build / name, build / "bin" / name, build / "broker" / name, build / "client/node" / name,
                  build / "client/cli" / name, build / "tests/exchange" / name):
        if place.is_file() and os.access(place, os.X_OK):
            return str(place)
    found = shutil.which(name)
    if found:
        return found
    raise Failed(f"{name} is not built: run cmake --preset release && cmake --build --preset release, or set TOGUNA_BIN")


def until(condition, what, limit=60.0):
    """Calls condition() until it is true; its value. A file that it reads may not be there yet. Failed after limit seconds,
    saying what was awaited. Limits are for what never comes, not for what a busy machine brings late."""
    deadline = time.monotonic() + limit
    pause = 0.005
    while True:
        missing = None
        try:
            value = condition()
        except FileNotFoundError as e:
            value, missing = None, e
        if value:
            return value
        if time.monotonic() > deadline:
            raise Failed(f"waited {limit:.0f} s in vain for: {what}") from missing
        time.sleep(pause)
        pause = min(pause * 1.5, 0.1)


def free_port():
    """A TCP port of the loopback interface that nobody uses just now, and that the kernel gives to no client: a hub that rests gets it back."""
    while True:
        port = random.SystemRandom().randrange(16384, 32768)
        with socket.socket() as s:
            try:
                s.bind(("127.0.0.1", port))
                return port
            except OSError:
                continue


def toguna(*args, expect=0, stdin=None, env=None, cwd=None, limit=120, binary=False):
    """Runs the command line; its standard output, or what it says on failure where that is expected. Failed unless it ends
    with exit code `expect`; None: however it ends."""
    command = [program("toguna"), *map(str, args)]
    done = subprocess.run(command, input=stdin, capture_output=True, timeout=limit, cwd=cwd,
                          env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en", **(env or {})},
                          text=not binary)
    if expect is not None and done.returncode != expect:
        raise Failed(f"toguna {' '.join(command[1:])}\n  ended with {done.returncode}, not {expect}\n"
                     f"  {done.stdout!s}\n  {done.stderr!s}")
    return done.stderr if expect else done.stdout


def toguna_json(*args, **more):
    """Runs the command line with --json; the parsed answer (a list when it prints one object a line)."""
    text = toguna(*args, "--json", **more)
    try:
        return json.loads(text) if text.strip() else None
    except json.JSONDecodeError:
        return [json.loads(line) for line in text.splitlines() if line.strip()]


def runs(pid):
    """Is there such a process, and is it more than a zombie?"""
    try:
        return pathlib.Path(f"/proc/{pid}/stat").read_text(encoding="utf-8").rsplit(")", 1)[1].split()[0] not in "ZX"
    except OSError:
        return False


class Daemon:
    """One of our daemons, started on a configuration file, with its log kept beside it."""

    def __init__(self, name, config, log):
        self.name, self.config, self.log = name, pathlib.Path(config), pathlib.Path(log)
        self.process, self.env = None, {}
        self.before = []  # words of a program that becomes this one

    def start(self, wait=True):
        out = open(self.log, "ab")
        self.mark = out.tell()
        self.process = subprocess.Popen([*self.before, program(self.name), "--config", str(self.config)], stdin=subprocess.DEVNULL,
                                        stdout=out, stderr=out, start_new_session=True, env={**os.environ, **self.env})
        out.close()
        if wait:
            until(self.ready, f"{self.name} with {self.config} to be ready; its log ends: {self.tail()}")
        return self

    def text(self):
        with open(self.log, "rb") as f:
            f.seek(self.mark)
            return f.read().decode("utf-8", "replace")

    def tail(self):
        return self.text()[-800:]

    def ready(self):
        if self.process.poll() is not None:
            raise Failed(f"{self.name} with {self.config} ended with {self.process.returncode}: {self.tail()}")
        return any(" ready" in f" {line}" for line in self.text().splitlines())

    def pids(self):
        """The parent and its children, by their role: {"parent": pid, "core": pid, ...}."""
        found = {"parent": self.process.pid}
        for entry in pathlib.Path("/proc").iterdir():
            if not entry.name.isdigit():
                continue
            try:
                status = (entry / "stat").read_text().rsplit(")", 1)[1].split()
                words = (entry / "cmdline").read_bytes().split(b"\0")
            except (OSError, IndexError):
                continue
            if int(status[1]) == self.process.pid and words:
                role = words[0].decode("utf-8", "replace").split(":")[-1].strip()
                found[role] = int(entry.name)
        return found

    def kill(self, role="parent", sign=signal.SIGKILL):
        """kill -9, of one process or, for the parent, of everything it started."""
        if role == "parent":
            children = self.pids()
            try:
                os.killpg(self.process.pid, sign)
            except ProcessLookupError:
                pass
            self.process.wait(timeout=60)
            until(lambda: not any(map(runs, children.values())), f"all of {self.name} to be gone: a large one holds its port for a while")
        else:
            os.kill(self.pids()[role], sign)

    def stop(self, limit=60):
        """A clean stop by SIGTERM; Failed when it does not come about or its exit code is not 0."""
        if self.process is None or self.process.poll() is not None:
            return
        self.process.terminate()
        try:
            code = self.process.wait(timeout=limit)
        except subprocess.TimeoutExpired:
            self.kill()
            raise Failed(f"{self.name} with {self.config} did not stop within {limit} s: {self.tail()}") from None
        if code != 0:
            raise Failed(f"{self.name} with {self.config} stopped with {code}: {self.tail()}")


class Folder:
    """A temporary folder that goes with the test, or stays where it failed."""

    def __init__(self, name):
        self.path = pathlib.Path(tempfile.mkdtemp(prefix=f"toguna-{name}-"))

    def __enter__(self):
        return self.path

    def gone(self):
        """A hook outlives a node that was killed, and may write until it ends."""
        shutil.rmtree(self.path, ignore_errors=True)
        return not self.path.exists()

    def __exit__(self, kind, value, trace):
        if kind is None:
            until(self.gone, f"nothing to be written any more in {self.path}")
        else:
            print(f"what the test left is in {self.path}")
