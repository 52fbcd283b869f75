"""Bulletins on a stick: the hub is cut, a bundle goes there, receipts come back, and when the hub is there again everybody agrees. And a
stick that was altered, stolen, carried to the wrong place, or read by a machine whose clock is wrong."""
import json
import os
import pathlib
import random
import subprocess
import unittest

import kit
from exchange_test import ALERT, Story


CONVERT = next((c for c in ("/usr/bin/convert", "/usr/bin/convert-im6") if os.access(c, os.X_OK)), None)


class Bundle(Story):
    nodes = {"ML": "ML/dgse/n1", "SN": "SN/cigs/n1", "BF": "BF/anr/n1"}

    def stick(self, name="stick.bundle"):
        return self.place.path / name

    def export(self, *ids, code="ML", to="SN", name="stick.bundle", **more):
        self.e[code].json("export", "--replace", "--to", to, "-o", self.stick(name), *ids, **more)
        return self.stick(name)

    def read_in(self, code, bundle):
        return self.e[code].json("import", bundle)

    def cut(self):
        self.e.hub.stop()
        for node in self.e.nodes.values():
            kit.until(lambda n=node: not n.is_open(), f"{node.country} to notice that the hub is gone", 60)

    def test_there_and_back_and_then_the_hub(self):
        before = self.send(wait="delivered", text="with a hub")
        self.cut()
        first = self.send(wait="spooled", text="le pont est coupe", precedence="FLASH")
        big = self.e["ML"].publish(*ALERT, "--to", "SN", self.large(), wait="spooled")["bulletin"]
        other = self.send(wait="spooled", to="BF", text="not for SN")
        bundle = self.export()
        self.assertNotIn(b"le pont", bundle.read_bytes())

        said = self.read_in("SN", bundle)
        self.assertEqual({s["id"]: s["outcome"] for s in said if "id" in s}, {first: "taken", big: "taken"})
        item = self.e["SN"].holds(first)
        self.assertTrue(item["carried"])
        self.assertFalse(item["settled"])
        self.assertFalse(item["missing_before"])
        self.assertIn("le pont est coupe", self.e["SN"].toguna("read", first))
        self.assertIsNone(self.e["SN"].holds(other))
        self.e["SN"].toguna("ack", first)

        # Carried twice: nothing is shown twice, and what was acknowledged meanwhile goes back.
        again = self.read_in("SN", bundle)
        self.assertEqual({s["id"]: s["outcome"] for s in again if "id" in s}, {first: "known", big: "known"})
        self.assertEqual(len([i for i in self.e["SN"].inbox() if i["id"] in (first, big)]), 2)
        back = pathlib.Path(f"{bundle}.receipts")
        heard = self.read_in("ML", back)
        self.assertEqual({s["event"] for s in heard if s.get("id") == first}, {"stored", "read", "acknowledged"})
        self.assertEqual({s["event"] for s in heard if s.get("id") == big}, {"stored"})
        self.assertLessEqual({"stored", "acknowledged"}, set(self.e["ML"].track(first)["SN"]))
        self.read_in("ML", back)  # receipts twice are receipts once
        self.a_file_that_is_there_stays(bundle)

        # The hub is back: it hears of everything, nobody shows anything twice, everybody is settled.
        self.e.hub.start()
        for bulletin in (first, big):
            kit.until(lambda b=bulletin: self.sent("ML", b)["state"] in ("delivered", "settled"), "ML to know it delivered", 60)
        kit.until(lambda: not self.e["SN"].holds(first)["carried"] and not self.e["SN"].holds(big)["carried"], "the hub to deliver", 60)
        kit.until(lambda: self.e["SN"].holds(first)["settled"], "SN to see it settled", 60)
        items = self.e["SN"].inbox()
        self.assertEqual(sorted(i["id"] for i in items), sorted([before, first, big]))
        self.assertEqual(len({i["number"] for i in items}), 3)
        self.assertFalse(any(i["missing_before"] for i in items))
        self.e["BF"].receives(other)
        after = self.send(wait="delivered", text="after")
        last = self.e["SN"].receives(after)
        self.assertGreater(last["number"], max(i["number"] for i in items))
        self.assertFalse(last["missing_before"])
        # The hub has the receipts too, with a place in the log: its originator can prove them.
        kit.until(lambda: set(self.e["ML"].track(first)["SN"]) >= {"stored", "read", "acknowledged"}, "receipts of the hub", 40)
        for code in ("ML", "SN"):
            log = self.e[code].log.read_text(encoding="utf-8")
            for alarm in ("forged", "number-twice", "chain-broken", "receipt-of-a-stranger"):
                self.assertNotIn(alarm, log)
        self.e.stop()

    def a_file_that_is_there_stays(self, bundle):
        mine = self.place.path / "mine.txt"
        mine.write_text("not receipts", encoding="utf-8")
        was = bundle.read_bytes()
        for words, code, sentence in ((["--receipts", mine], 3, "there is such a file already"), (["--replace"], 2, "--receipts only"),
                                      (["--receipts", bundle, "--replace"], 2, "the bundle itself"),
                                      (["--receipts", self.place.path], 3, "this is a folder"),
                                      (["--receipts", self.place.path / ("a/" * 2100)], 2, "too long")):
            with self.subTest(words=words):
                self.assertIn(sentence, self.e["SN"].toguna("import", bundle, *words, expect=code))
                self.assertEqual(mine.read_text(encoding="utf-8"), "not receipts")
                self.assertEqual(bundle.read_bytes(), was)
        self.e["SN"].json("import", bundle, "--receipts", mine, "--replace")
        self.read_in("ML", mine)

    def test_what_is_no_bundle_of_receipts_is_not_replaced(self):
        """Nothing is taken in, or what was taken in is said, whatever becomes of the receipts."""
        self.cut()
        first = self.send(wait="spooled", text="one")
        bundle = self.export()
        there = pathlib.Path(f"{bundle}.receipts")
        there.write_text("a report", encoding="utf-8")
        self.assertIn("there is such a file already", self.e["SN"].toguna("import", bundle, expect=3))
        self.assertEqual(there.read_text(encoding="utf-8"), "a report")
        self.assertIsNone(self.e["SN"].holds(first))
        said = self.e["SN"].toguna("import", bundle, "--receipts", self.place.path / "nowhere" / "r", "--json", expect=None)
        self.assertEqual(json.loads(said.splitlines()[0])[0]["outcome"], "taken")
        said = self.e["SN"].toguna("import", bundle, "--receipts", self.place.path / "nowhere" / "r", expect=3)
        self.assertIn("The bulletins are taken in", said)
        self.assertIsNotNone(self.e["SN"].holds(first))
        # To standard output goes the bundle, and nothing else.
        for words in ([], ["--json"]):
            self.stick("out.bundle").write_bytes(self.e["ML"].toguna("export", "--to", "SN", "-o", "-", *words, binary=True))
            self.assertEqual(self.read_in("SN", self.stick("out.bundle"))[0]["id"], first)

    def large(self):
        path = self.place.path / "large.bin"
        if not path.exists():
            path.write_bytes(random.Random(1).randbytes(700_000))
        return path

    def sent(self, code, bulletin):
        return next(i for i in self.e[code].json("sent") if i["id"] == bulletin)

    def test_what_the_hub_has_already_travels_with_its_proof(self):
        self.e["SN"].stop()
        accepted = self.send(wait="accepted", text="logged")
        self.cut_hub_only()
        self.e["SN"].start()
        bundle = self.export()
        self.assertEqual(self.read_in("SN", bundle)[0]["outcome"], "taken")
        self.assertTrue(self.e["SN"].holds(accepted)["carried"])
        self.read_in("ML", f"{bundle}.receipts")
        self.assertIn(self.sent("ML", accepted)["state"], ("delivered", "settled"))
        self.e.hub.start()
        kit.until(lambda: not self.e["SN"].holds(accepted)["carried"], "the hub to deliver", 60)
        self.assertEqual(len(self.e["SN"].inbox()), 1)

    def cut_hub_only(self):
        self.e.hub.stop()
        kit.until(lambda: not self.e["ML"].is_open(), "ML to notice that the hub is gone", 60)

    def refused(self, code, bundle, sentence):
        """One clear sentence, and nothing of it stays."""
        shown = len(self.e[code].inbox())
        done = subprocess.run([kit.program("toguna"), "import", str(bundle), "--socket", str(self.e[code].socket)], capture_output=True,
                              text=True, env={**os.environ, "LC_ALL": "C.UTF-8", "LANGUAGE": "en"}, timeout=60, check=False)
        self.assertIn(sentence, done.stderr)
        self.assertEqual(done.returncode, 3, done.stderr)
        self.assertEqual(done.stdout, "")
        self.assertEqual(len(self.e[code].inbox()), shown)
        self.assertFalse(pathlib.Path(f"{bundle}.receipts").exists())

    def test_a_stick_that_was_altered_or_strays(self):
        self.cut()
        self.send(wait="spooled", text="one")
        self.send(wait="spooled", text="two")
        good = self.export().read_bytes()
        bad = self.stick("bad.bundle")
        chance = random.Random(5)
        for place in [0, 20, len(good) - 1, *(chance.randrange(len(good)) for _ in range(25))]:
            altered = bytearray(good)
            altered[place] ^= 1 << chance.randrange(8)
            bad.write_bytes(altered)
            with self.subTest(place=place):
                self.refused("SN", bad, "bundle")
        bad.write_bytes(good[:-1])
        self.refused("SN", bad, "not whole")
        bad.write_bytes(good[:len(good) // 2])
        self.refused("SN", bad, "not whole")
        bad.write_bytes(good + b"\0")
        self.refused("SN", bad, "follows the end")
        bad.write_bytes(b"not a bundle at all, but long enough to be looked at")
        self.refused("SN", bad, "no bundle")
        bad.write_bytes(good)
        self.refused("BF", bad, "for nodes of SN, and this is one of BF")
        self.refused("ML", bad, "for nodes of SN, and this is one of ML")
        self.assertEqual(self.e["SN"].inbox(), [])
        self.assertEqual({s["outcome"] for s in self.read_in("SN", bad) if "id" in s}, {"taken"})

    def test_who_may_export_what_to_whom(self):
        got = self.send(code="SN", to="ML", wait="delivered")
        self.cut()
        mine = self.send(wait="spooled")
        out = self.stick("no.bundle")
        for code, words, sentence in (
                ("ML", ["--to", "BF", mine], "not sealed to any node of that name"),
                ("ML", ["--to", "SN", got], "no such bulletin among those this node sent"),
                ("ML", ["--to", "NG", mine], "no node of that name"),
                ("ML", ["--to", "BF"], "nothing waits for their answer")):
            with self.subTest(words=words):
                said = self.e[code].toguna("export", "-o", out, *words, expect=3)
                self.assertIn(sentence, said)
                self.assertFalse(out.exists())
        out = self.export(mine[:12], to="SN/cigs/n1")
        before = out.read_bytes()
        self.assertIn("there is such a file already", self.e["ML"].toguna("export", "--to", "SN", "-o", out, mine, expect=3))
        said = self.e["ML"].toguna("export", "--qr", "--to", "SN", "-o", out, mine, expect=3)
        self.assertTrue("there is such a file already" in said or "without QR codes" in said, said)
        self.assertEqual(out.read_bytes(), before)

    # What a telephone does to a picture: another angle, perspective, blur, noise, its own compression.
    PHOTOS = {
        "as it is": [],
        "turned": ["-background", "gray70", "-rotate", "9"],
        "upside down, small": ["-rotate", "180", "-resize", "60%"],
        "from the side": ["-virtual-pixel", "White", "-distort", "Perspective", "0,0 60,40  %w,0 %[fx:w-20],0  0,%h 0,%h  %w,%h %[fx:w-50],%[fx:h-30]"],
        "blurred and noisy": ["-blur", "0x2", "-attenuate", "0.4", "+noise", "Gaussian"],
        "dim": ["-level", "0,160%", "-blur", "0x1"],
    }

    @unittest.skipUnless(CONVERT, "ImageMagick spoils the pictures")
    def test_a_flash_as_a_qr_code(self):
        self.cut()
        words = "".join(random.Random(3).choices("abcdefghijklmnopqrstuvwxyz      ", k=1000))
        flash = self.send(wait="spooled", text=words, precedence="FLASH")
        code = self.stick("flash.png")
        if "without QR codes" in self.e["ML"].toguna("export", "--qr", "--to", "SN", "-o", code, flash, expect=None):
            self.skipTest("this build has no QR codes")
        self.assertTrue(code.exists())
        for n, (name, words_) in enumerate(self.PHOTOS.items()):
            photo = self.stick(f"photo{n}.jpg")
            subprocess.run([CONVERT, str(code), "-bordercolor", "white", "-border", "60", *words_, "-quality", "75", str(photo)], check=True)
            with self.subTest(photo=name):
                said = self.read_in("SN", photo)
                self.assertEqual(said[0], {**said[0], "id": flash, "outcome": "known" if n else "taken"})
        self.assertIn(words[:200].split(" ")[0], self.e["SN"].toguna("read", flash))
        self.read_in("ML", self.stick("photo0.jpg.receipts"))
        self.assertIn("stored", self.e["ML"].track(flash)["SN"])
        self.assertEqual(len(self.e["SN"].inbox()), 1)
        # No code, two codes, no picture, half a picture, and more than a code holds.
        bad = self.stick("bad.jpg")
        subprocess.run([CONVERT, "-size", "300x300", "plasma:", str(bad)], check=True)
        self.refused("SN", bad, "no QR code")
        subprocess.run([CONVERT, str(code), str(code), "+append", str(bad)], check=True)
        self.refused("SN", bad, "more than one")
        whole = code.read_bytes()
        bad.write_bytes(whole[:len(whole) // 2])
        self.refused("SN", bad, "no QR code")
        bad.write_bytes(b"\xff\xd8\xff" + bytes(1000))
        self.refused("SN", bad, "no QR code")
        long = self.send(wait="spooled", text="".join(random.Random(4).choices("abcdefghijklmnopqrstuvwxyz0123456789", k=4000)))
        self.assertIn("into a file", self.e["ML"].toguna("export", "--qr", "--to", "SN", "-o", "-", flash, expect=2))
        self.assertIn("holds 2953", self.e["ML"].toguna("export", "--qr", "--to", "SN", "-o", self.stick("long.png"), long, expect=3))

    def test_a_stolen_key(self):
        self.cut_hub_only()
        self.send(wait="spooled")
        bundle = self.export()
        # Its state takes the key back, and the hub tells everybody but the thief's machine.
        self.e["ML"].kill()
        note = self.e.revoke("ML", "stolen")
        self.e.hub.start()
        kit.until(self.e["SN"].is_open, "SN to meet the hub", 60)
        self.e["SN"].toguna("document", "send", note)
        kit.until(lambda: self.knows_revoked("SN"), "SN to know", 40)
        self.refused("SN", bundle, "revoked")

    def knows_revoked(self, code):
        return any(n["revoked"] for m in self.e[code].json("directory")["members"] for n in m["nodes"])


if __name__ == "__main__":
    unittest.main(verbosity=2)
