"""Key files: made, shown, opened, given another passphrase; and every way in which that must not work."""
import unittest

from kitchen import Kitchen

NAME = "sahel.example/ML/policy-3"


class Key(Kitchen):
    def make(self):
        self.made("key", "new", "officer", NAME, "officer.key")
        return self.at / "officer.key"

    def test_a_new_key_can_be_shown_and_opened(self):
        file = self.make()
        self.assertEqual(file.stat().st_mode & 0o777, 0o600)
        shown = self.json("key", "show", "officer.key")
        self.assertEqual((shown["kind"], shown["name"]), ("officer", NAME))
        self.assertTrue(shown["vkey"].startswith(NAME + "+"))
        self.assertIn("opens", self.keyed("key", "check", "officer.key"))

    def test_a_file_that_is_there_is_left_alone(self):
        before = self.make().read_bytes()
        self.refuses(3, "key", "new", "officer", NAME, "officer.key", "--passphrase-file", self.secret, "--kdf", "test",
                     says="officer.key")
        self.assertEqual((self.at / "officer.key").read_bytes(), before)

    def test_a_wrong_passphrase_and_a_damaged_file_are_told(self):
        file = self.make()
        other = self.passphrase("other", "not this one\n")
        self.refuses(3, "key", "check", "officer.key", "--passphrase-file", other, says=["officer.key", "passphrase", NAME])
        text = file.read_text()
        file.write_text(text[:-10])
        self.refuses(3, "key", "check", "officer.key", "--passphrase-file", self.secret, says="officer.key")

    def test_the_passphrase_can_be_changed(self):
        self.make()
        other = self.passphrase("other", "another one\n")
        self.made("key", "passphrase", "officer.key", "--new-passphrase-file", other)
        self.refuses(3, "key", "check", "officer.key", "--passphrase-file", self.secret, says="passphrase")
        self.toguna("key", "check", "officer.key", "--passphrase-file", other)

    def test_a_wrong_passphrase_changes_nothing(self):
        before = self.make().read_bytes()
        other = self.passphrase("other", "another one\n")
        self.refuses(3, "key", "passphrase", "officer.key", "--passphrase-file", other, "--new-passphrase-file", other)
        self.assertEqual((self.at / "officer.key").read_bytes(), before)

    def test_secrets_that_others_can_read_are_not_taken(self):
        file = self.make()
        (self.at / "secret").chmod(0o644)
        self.refuses(3, "key", "check", "officer.key", "--passphrase-file", self.secret, says="chmod 600")
        (self.at / "secret").chmod(0o600)
        file.chmod(0o640)
        self.refuses(3, "key", "show", "officer.key", says="chmod 600")

    def test_without_a_terminal_the_way_out_is_told(self):
        self.make()
        self.refuses(2, "key", "check", "officer.key", says="passphrase-file", stdin="")

    def test_what_cannot_be_made_leaves_nothing(self):
        for args, word in [(("president", NAME, "x.key"), "president"), (("officer", "two words", "x.key"), "two words"),
                           (("officer", NAME, "nowhere/x.key"), "nowhere")]:
            code = {"president": 2}.get(word, 3)
            self.refuses(code, "key", "new", *args, "--passphrase-file", self.secret, "--kdf", "test", says=word)
        self.assertEqual(self.files(), ["secret"])


unittest.main()
