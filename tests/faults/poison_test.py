"""A bulletin that crashes its reader's hook, with the real daemon: tried again less and less often, set aside, and the next goes on.
Eight tries with their pauses are two minutes."""
import unittest

import points
import kit

HOOK = "#!/bin/sh\ntext=$(cat)\ncase $text in *poison*) kill -9 $$ ;; esac\nprintf '%s\\n' \"$text\" >>\"$1\"\n"


class Poison(unittest.TestCase):
    def test_the_queue_goes_on(self):
        place = kit.Folder("poison")
        hook, out = place.path / "hook", place.path / "read"
        hook.write_text(HOOK)
        hook.chmod(0o755)
        stage = points.Stage(node_lines=[f"hook file {hook} {out}", f"hook-folder {place.path}"])
        self.addCleanup(stage.e.kill)
        sn = stage.e["SN"]
        poison = stage.say(text="poison\n")
        after = stage.say(text="harmless\n")
        kit.until(lambda: " hook-retry " in sn.text(), "the hook to be tried again")
        kit.until(lambda: "hooks failed for one bulletin or alarm" in sn.toguna("doctor", expect=None), "doctor to say so")
        self.assertFalse(out.exists())  # it has its place in the queue
        sn.kill()  # a power cut does not make it begin anew for ever
        sn.start()
        kit.until(lambda: " hook-gave-up " in sn.text(), "the hook to give up", 240)
        kit.until(lambda: out.exists() and after in out.read_text(), "the next to be handed over")
        self.assertNotIn(poison, out.read_text())
        self.assertEqual(sn.status()["hooks"], {"retrying": 0, "set_aside": 1})
        self.assertIn("hooks failed for one bulletin or alarm", sn.toguna("doctor", expect=None))
        self.assertIsNotNone(stage.shown(poison))  # it is in the inbox for people
        stage.end(False)
        place.__exit__(None, None, None)


if __name__ == "__main__":
    unittest.main(verbosity=2)
