"""The systemd units: what their SystemCallFilter= leaves is enough for the daemons, and no group in it is unknown to systemd."""
import ctypes
import errno
import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import unittest

import kit
from exchange_test import Story

UNITS = {"togunad": "broker/togunad.service", "toguna-node": "client/node/shell/toguna-node.service"}
ALLOW, KILL, ERRNO = 0x7FFF0000, 0x80000000, 0x00050000  # SCMP_ACT_*
ALWAYS = {"execve", "exit", "exit_group"}  # systemd.exec(5)


def group(name):
    """The calls in a group, as systemd here knows it; nested ones too."""
    found = subprocess.run(["systemd-analyze", "syscall-filter", name], capture_output=True, text=True, check=False)
    if found.returncode:
        raise SystemExit(f"systemd does not know {name}: it would pass over it")
    calls = set()
    for line in map(str.strip, found.stdout.splitlines()):
        if line.startswith("@") and line != name:
            calls |= group(line)
        elif line and not line.startswith(("#", "@")):
            calls.add(line)
    return calls


def settings(unit, name):
    return re.findall(rf"^{name}=(.*)$", pathlib.Path(unit).read_text(encoding="utf-8"), re.M)


def allowed(unit):
    """Lines count in their order, and ~ takes away."""
    calls = group("@default") | ALWAYS
    for line in settings(unit, "SystemCallFilter"):
        named = set()
        for word in line.lstrip("~").split():
            named |= group(word) if word.startswith("@") else {word}
        calls = calls - named if line.startswith("~") else calls | named
    return calls | ({"fchown"} if os.geteuid() == 0 else set())  # SQLite's, for root alone; a unit has a user of its own


def become(unit, argv):
    """This process goes on as argv, under the unit's filter."""
    seccomp = ctypes.CDLL("libseccomp.so.2")
    seccomp.seccomp_init.restype = ctypes.c_void_p
    refused = KILL
    if number := settings(unit, "SystemCallErrorNumber"):
        refused = ERRNO | getattr(errno, number[0])
    calls = allowed(unit)
    context = ctypes.c_void_p(seccomp.seccomp_init(ctypes.c_uint32(refused)))
    for call in calls:
        number = seccomp.seccomp_syscall_resolve_name(call.encode())
        if number >= 0 and seccomp.seccomp_rule_add(context, ctypes.c_uint32(ALLOW), number, 0):
            raise SystemExit(f"{call} cannot be allowed")
    if seccomp.seccomp_load(context):
        raise SystemExit("the filter cannot be set")
    os.execv(argv[0], argv)


def built(name):
    return pathlib.Path(os.environ.get("TOGUNA_BIN", kit.ROOT / "build")) / UNITS[name]


def under(name):
    """The words before a command that has it run under that unit's filter."""
    return [sys.executable, __file__, "--under", str(built(name))]


class Unit(Story):
    def start(self):
        for daemon in (self.e.hub, *self.e.nodes.values()):
            daemon.before = under(daemon.name)
        self.e.start()

    def test_daemons_run_under_their_units(self):
        self.send(text="from one unit to the other", wait="delivered")

    def test_the_filter_is_there(self):
        """Or the other story would prove nothing."""
        for name, code in (("togunad", -signal.SIGSYS), ("toguna-node", 0)):
            with self.subTest(unit=name):
                nice = subprocess.run([*under(name), "/usr/bin/nice", "-n", "1", "/usr/bin/nice"], capture_output=True, text=True, check=False)
                self.assertEqual((nice.returncode, nice.stdout), (code, "" if code else f"{os.nice(0)}\n"))


if __name__ == "__main__":
    if sys.argv[1:2] == ["--under"]:
        become(sys.argv[2], sys.argv[3:])
    if not shutil.which("systemd-analyze"):
        print("systemd is not installed here")
        sys.exit(77)
    unittest.main(verbosity=2)
