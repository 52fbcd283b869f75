"""A whole exchange: founded by the command line, its hub and nodes as real daemons, spoken to as their users do."""
import pathlib

import kit

ECOWAS = "BJ CV CI GM GH GN GW LR NG SN SL TG".split()
AES = "ML BF NE".split()
OTHERS = "MR TD DZ".split()
REGION = AES + ECOWAS + OTHERS
AGENCIES = {"ML": "ML/dgse/n1", "BF": "BF/anr/n1", "NE": "NE/dgdse/n1", "SN": "SN/cigs/n1", "NG": "NG/nia/n1",
            "TD": "TD/anse/n1"}


# The tests of the commands themselves look for leaks; here thousands of runs would only wait for it.
QUICK = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=1"}


class Node(kit.Daemon):
    """A node's daemon, and the command line of those who work there."""

    def __init__(self, country, folder, log):
        super().__init__("toguna-node", folder / "node.conf", log)
        self.country, self.folder, self.socket = country, folder, folder / "node.sock"

    def toguna(self, *args, env=None, **more):
        return kit.toguna(*args, "--socket", self.socket, env={**QUICK, **(env or {})}, **more)

    def json(self, *args, env=None, **more):
        return kit.toguna_json(*args, "--socket", self.socket, env={**QUICK, **(env or {})}, **more)

    def publish(self, *args, wait="accepted", **more):
        return self.json("publish", *args, "--wait", wait, *([] if wait == "spooled" else ["--timeout", "60s"]), **more)

    def inbox(self, *args):
        return self.json("inbox", *args)

    def holds(self, bulletin):
        """The item of this bulletin in the inbox, or None."""
        return next((item for item in self.inbox() if item["id"] == bulletin), None)

    def receives(self, bulletin, limit=60.0):
        """Waits until the bulletin is in the inbox with all its content."""
        def whole():
            item = self.holds(bulletin)
            return item if item and all(p["complete"] for p in item["portions"]) else None
        return kit.until(whole, f"{self.country} to receive {bulletin[:12]}", limit)

    def track(self, bulletin):
        """{country: {event: time}} of a bulletin this node sent."""
        return {r["member"]: {e["event"]: e["time"] for e in r["events"]}
                for r in self.json("track", bulletin)["recipients"]}

    def status(self):
        return self.json("status")

    def is_open(self):
        return self.status()["hub"]["state"] == "open"


class Exchange:
    """Eighteen states, six of them with a node, one hub; or fewer. Everything lies in `folder`."""

    def __init__(self, folder, nodes=AGENCIES, members=REGION, policies=None, kdf="test", hub_lines=(), node_lines=(), endpoints=(), limits=()):
        self.folder = pathlib.Path(folder)
        self.passphrase = self.folder / "passphrase"
        self.passphrase.write_text("a passphrase for tests and demonstrations\n")
        self.passphrase.chmod(0o600)
        self.port = kit.free_port()
        self.endpoints = [f"tcp://127.0.0.1:{self.port}", *endpoints]
        self.agencies = dict(nodes)
        self.at = self.folder / "exchange"
        self.make(members, policies, kdf, limits)
        with open(self.at / "hub/hub.conf", "a", encoding="utf-8") as conf:
            conf.writelines(line + "\n" for line in hub_lines)
        self.hub = kit.Daemon("togunad", self.at / "hub/hub.conf", self.folder / "hub.log")
        self.nodes = {}
        for code, name in self.agencies.items():
            folder = self.at / "nodes" / name.replace("/", "-")
            with open(folder / "node.conf", "a", encoding="utf-8") as conf:
                conf.writelines(line + "\n" for line in node_lines)
            self.nodes[code] = Node(code, folder, self.folder / f"node-{code}.log")

    def make(self, members, policies, kdf, limits):
        blocs = [f"AES={','.join(m for m in AES if m in members)}",
                 f"ECOWAS={','.join(m for m in ECOWAS if m in members)}"]
        blocs = [b for b in blocs if not b.endswith("=")]
        words = [self.agencies.get(m, m) for m in members]
        quorum = ["--quorum", "2 of AES and 4 of ECOWAS"] if members is REGION else []
        if len(blocs) == 2:
            quorum += ["--witness-quorum", "1 of AES and 1 of ECOWAS"]
        rules = ["--policies", policies] if policies else ["--open"]
        kit.toguna("init", "exchange", "sahel.example", *words, *[w for b in blocs for w in ("--bloc", b)], *quorum, *rules,
                   "--hub", "dakar", "--host", "SN" if "SN" in members else members[0],
                   *[w for e in self.endpoints for w in ("--endpoint", e)], *[w for x in limits for w in ("--limit", x)], "--folder", self.at, "--passphrase-file", self.passphrase, "--kdf", kdf)

    def __getitem__(self, code):
        return self.nodes[code]

    def start(self):
        self.hub.start()
        for node in self.nodes.values():
            node.start(wait=False)
        for node in self.nodes.values():
            kit.until(node.ready, f"the node of {node.country} to be ready")
        for node in self.nodes.values():
            kit.until(node.is_open, f"the node of {node.country} to meet the hub; its log ends: {node.tail()}")
        for node in self.nodes.values():
            kit.until(lambda n=node: self.knows_everybody(n), f"the node of {node.country} to know all sealing keys")
        return self

    def knows_everybody(self, node):
        """Has it the sealing keys of all nodes, so that its first bulletin reaches everybody?"""
        known = [n for m in node.json("directory")["members"] for n in m["nodes"] if n["sealing_key"]]
        return len(known) >= len(self.nodes)

    def stop(self):
        for node in self.nodes.values():
            node.stop()
        self.hub.stop()

    def kill(self):
        """Everything that still runs, at once; for the end of a test, whatever became of it."""
        for daemon in [*self.nodes.values(), self.hub]:
            if daemon.process and daemon.process.poll() is None:
                daemon.kill()

    def root(self, code):
        return self.at / "members" / code / "root.key"

    def keyed(self, *args, **more):
        return kit.toguna(*args, "--passphrase-file", self.passphrase, **more)

    def revoke(self, code, reason):
        """The note by which a state takes its node's key back."""
        name = self.agencies[code].replace("/", "-")
        note = self.folder / f"{code}-revoked.note"
        self.keyed("credential", "revoke", self.nodes[code].folder / "documents" / f"{name}.note", "--key", "--reason", reason,
                   "--root", self.root(code), "-o", note)
        return note


def pids_memory(pids):
    """Resident bytes of processes together."""
    total = 0
    for pid in pids:
        for line in pathlib.Path(f"/proc/{pid}/status").read_text().splitlines():
            if line.startswith("VmRSS:"):
                total += int(line.split()[1]) * 1024
    return total


def files_with(folder, *texts):
    """Files under a folder in which one of these texts stands as it is, in UTF-8 or UTF-16."""
    wanted = [t.encode(code) for t in texts for code in ("utf-8", "utf-16-le")]
    return [path for path in sorted(pathlib.Path(folder).rglob("*"))
            if path.is_file() and any(w in path.read_bytes() for w in wanted)]

