"""Resumed connections: the line is cut in the middle of what it carries, and neither hub nor node hears of it. Where there is nothing to resume, they meet anew."""
import os
import socket
import struct
import unittest

import kit
from badlink import BadLink
from exchange import pids_memory
from exchange_test import ALERT, Story

RATE = 12000  # ten times 9.6 kbit/s, a round trip of 0.2 s


class Resumed(Story):
    """SN sits behind a link that is cut, and reaches the hub by resume://; ML sits beside the hub."""

    def setUp(self):
        self.port = kit.free_port()
        self.link = None
        super().setUp()

    def hub_lines(self):
        return (f"listen resume://127.0.0.1:{self.port}",)

    def start(self):
        self.link = BadLink(self.port, seed=7, metered=False)
        self.addCleanup(self.link.close)
        with open(self.e["SN"].folder / "node.conf", "a", encoding="utf-8") as conf:
            conf.write(f"hub dakar resume://127.0.0.1:{self.link.port}\nline-rate {RATE}\n")
        self.e.start()

    def opened(self):
        return self.e.hub.text().count("session-opened node=SN")

    def unheard(self, before):
        """Nobody was told of a cut."""
        self.assertEqual(self.opened(), before)
        self.assertNotIn("session-closed node=SN", self.e.hub.text())
        self.assertNotIn("disconnected", self.e["SN"].text())
        self.assertNotIn("hub-silent", self.e["SN"].text())

    def through_cuts(self, code, to, size):
        before = self.opened()
        self.link.rate, self.link.delay, self.link.cut_every = RATE, 0.1, 2
        body = self.place.path / "body"
        body.write_bytes(os.urandom(size))
        bulletin = self.e[code].publish(*ALERT, "--to", to, "--precedence", "ROUTINE", str(body), wait="spooled")["bulletin"]
        self.e[to].receives(bulletin, limit=120)
        self.assertGreater(self.link.cuts, 3)
        self.link.cut_every = None
        self.unheard(before)
        self.assertEqual([item["id"] for item in self.e[to].inbox()], [bulletin])

    def test_a_body_comes_through_cuts(self):
        self.through_cuts("ML", "SN", 150_000)

    def test_a_body_goes_through_cuts(self):
        self.through_cuts("SN", "ML", 150_000)

    def test_every_message_is_cut(self):
        """Small ones, one after the other, and a cut after each was handed over."""
        before, sent = self.opened(), []
        for i in range(20):
            sent.append(self.send(code="SN" if i % 2 else "ML", to="ML" if i % 2 else "SN", text=f"message {i}", wait="spooled"))
            self.link.cut()
        for i, bulletin in enumerate(sent):
            self.e["ML" if i % 2 else "SN"].receives(bulletin)
        self.unheard(before)

    def test_a_line_that_is_dead_is_given_up(self):
        """Bytes vanish and nobody is told. What was under way comes when the line is back, over another connection, in the same session."""
        before = self.opened()
        self.link.dead = True
        bulletin = self.send(code="SN", to="ML", wait="spooled")
        kit.until(lambda: len(self.link.pairs) == 0, "SN to give the connection up", 40)
        self.link.dead = False
        self.e["ML"].receives(bulletin)
        self.unheard(before)

    def meets_anew(self, before):
        kit.until(lambda: self.opened() > before, "SN to meet the hub anew", 60)
        self.e["ML"].receives(self.send(code="SN", to="ML"))
        self.e["SN"].receives(self.send(code="ML", to="SN"))

    def test_a_hub_that_was_killed_knows_no_session(self):
        bulletin = self.send(code="SN", to="ML")
        self.e.hub.kill()
        self.e.hub.start()
        self.meets_anew(0)
        self.e["ML"].receives(bulletin)

    def test_a_front_that_was_killed_knows_none(self):
        before = self.opened()
        self.e.hub.kill("front")
        self.meets_anew(before)

    def test_a_link_process_that_was_killed_begins_another(self):
        before = self.opened()
        self.e["SN"].kill("link")
        self.meets_anew(before)

    def test_who_stops_says_goodbye(self):
        before = self.opened()
        self.e["SN"].stop()
        kit.until(lambda: "session-closed node=SN" in self.e.hub.text(), "the hub to hear it", 20)
        self.e["SN"].start()
        self.meets_anew(before)

    def test_who_is_revoked_is_cut(self):
        """Through the hub's own port to the line behind it."""
        self.e["ML"].toguna("document", "send", self.e.revoke("SN", "stolen"))
        kit.until(lambda: "session-closed node=SN" in self.e.hub.text(), "the hub to cut SN", 20)
        kit.until(lambda: "hub-refuses-us" in self.e["SN"].text(), "SN to be turned away", 30)
        self.assertRegex(self.e["SN"].text(), "hub-refuses-us .*why=.*refuses this node's key")
        self.assertEqual(self.e["SN"].status()["hub"]["refused_by"], "dakar")
        self.assertTrue([f for f in self.e["SN"].json("doctor", expect=None)["findings"] if "refuses this node's key" in f["what"]])

    def test_who_hands_in_its_own_end_is_told(self):
        said = self.e["ML"].toguna("document", "send", self.e.revoke("ML", "it is given up"))
        self.assertIn("accepted", said)
        self.assertIn("was revoked or replaced", said)

    # ---- strangers

    def opening(self, kind=0, token=None, count=0):
        return b"TGR\1" + bytes([kind]) + (token or os.urandom(16)) + struct.pack(">IQ", 0, count)

    def call(self, data):
        s = socket.create_connection(("127.0.0.1", self.port), timeout=20)
        self.addCleanup(s.close)
        s.sendall(data)
        return s

    def test_strangers_are_answered_and_bounded(self):
        before = self.opened()
        memory, hub = pids_memory([self.e.hub.pids()["front"]]), f"/proc/{self.e.hub.pids()['front']}/fd"
        self.assertEqual(self.call(self.opening(kind=1)).recv(64), b"\2" + bytes(8))  # no such session
        self.assertTrue(self.ends(self.call(b"GET / HTTP/1.1\r\nHost: hub.example\r\n\r\n")))
        begun = self.call(self.opening())
        self.assertEqual(begun.recv(9, socket.MSG_WAITALL), bytes(9))
        frame = begun.recv(11, socket.MSG_WAITALL)  # its head is even and says how long it is: libzmq's greeting begins
        self.assertEqual((frame[0] % 2, frame[1], frame[10]), (0, 0xFF, 0x7F))
        self.assertGreaterEqual(frame[0] // 2, 10)
        again = self.opening()
        first = self.call(again)
        self.assertEqual(first.recv(9, socket.MSG_WAITALL), bytes(9))
        self.assertEqual(self.call(again).recv(64), b"\2" + bytes(8))  # a token serves once
        resumed = self.call(self.opening(kind=1, token=again[5:21]))
        self.assertEqual(resumed.recv(9, socket.MSG_WAITALL), b"\1" + bytes(8))
        kit.until(lambda: self.ends(first), "the older connection of a session to end", 20)
        self.assertEqual(self.call(self.opening(kind=1, token=again[5:21], count=1 << 40)).recv(64), b"\2" + bytes(8))
        for i in range(300):
            self.call(self.opening() if i % 2 else self.opening()[: i % 33])
        self.link.cut()
        self.e["SN"].receives(self.send())
        self.unheard(before)
        self.assertLess(len(os.listdir(hub)), 350)  # 300 came: of one address 64 are seated, with two connections each, and 64 wait
        self.assertLess(pids_memory([self.e.hub.pids()["front"]]), memory + (16 << 20))

    @staticmethod
    def ends(s):
        """Does it end with what comes next?"""
        try:
            return s.recv(4096) == b""
        except ConnectionError:
            return True


class Offered(Story):
    """The charter names both addresses of the hub."""

    def setUp(self):
        self.port = kit.free_port()
        super().setUp()

    def endpoints(self):
        return (f"resume://127.0.0.1:{self.port}",)

    def start(self):
        with open(self.e["SN"].folder / "node.conf", "a", encoding="utf-8") as conf:
            conf.write(f"line-rate {RATE}\n")
        self.e.start()

    def connections(self, port):
        """Those of each node to this port of the hub, by what the kernel lists of its network's connections."""
        wanted, found, lines = f"0100007F:{port:04X}", [], []
        for name in "tcp", "tcp6":
            with open(f"/proc/net/{name}", encoding="ascii") as table:
                lines += [line.split() for line in table]
        inodes = {line[9] for line in lines if line[2].endswith(wanted) and line[3] == "01"}
        for code in self.e.nodes:
            folder = f"/proc/{self.e[code].pids()['link']}/fd"
            links = [os.readlink(f"{folder}/{fd}") for fd in os.listdir(folder)]
            found += [code for link in links if link.startswith("socket:[") and link[8:-1] in inodes]
        return found

    def test_who_states_a_rate_takes_it(self):
        self.assertEqual(self.connections(self.port), ["SN"])
        self.assertEqual(self.connections(self.e.port), ["ML"])
        self.e["SN"].receives(self.send())


if __name__ == "__main__":
    unittest.main()
