"""Every command explains itself, and what is mistyped gets one sentence and exit code 2."""
import json
import subprocess
import unittest

from kitchen import Kitchen, raw


def all_commands():
    lines = [line[2:].split("  ")[0].split() for line in raw("--help").stdout.splitlines() if line.startswith("  toguna ")]
    return [words[1:] for words in lines]


class Command(Kitchen):
    def test_every_command_explains_itself(self):
        commands = all_commands()
        self.assertIn(["key", "new"], commands)
        for words in commands:
            said = raw(*words, "--help")
            self.assertEqual(said.returncode, 0, words)
            self.assertTrue(said.stdout.startswith(f"Usage: toguna {' '.join(words)} "), said.stdout)
            self.assertIn("--json", said.stdout)
            self.assertEqual(said.stderr, "")
            if words != ["version"]:
                self.assertIn("Examples\n", said.stdout, words)

    def test_help_is_a_word_too(self):
        self.assertEqual(raw("help", "charter", "sign").stdout, raw("charter", "sign", "--help").stdout)
        self.assertEqual(raw("help", "publish").stdout, raw("publish", "--help").stdout)

    def test_nothing_typed_shows_the_list(self):
        said = raw()
        self.assertEqual(said.returncode, 2)
        self.assertIn("toguna key new", said.stdout)
        self.assertEqual(raw("key").returncode, 2)

    def test_mistyped_words_get_a_suggestion(self):
        self.refuses(2, "kez", says=["kez", "toguna key"])
        self.refuses(2, "key", "shwo", says=["shwo", "toguna key show"])
        self.refuses(2, "key", "show", "--jsno", "x", says="--json")
        self.refuses(2, "key", "show", says=["FILE...", "--help"])
        self.refuses(2, "version", "more", says="more")

    def test_with_json_a_failure_is_json_too(self):
        said = raw("key", "show", "--json", "absent.key", cwd=self.at)
        self.assertEqual((said.returncode, said.stdout), (3, ""))
        why = json.loads(said.stderr)
        self.assertEqual((why["error"], why["exit"], why["where"]), ("not-found", 3, "absent.key"))

    def test_whoever_speaks_french_is_answered_in_french(self):
        for env in ({"LANGUAGE": "fr"}, {"LC_ALL": "", "LANGUAGE": "", "LANG": "fr_FR.UTF-8"}):
            said = raw("key", "show", "absent.key", cwd=self.at, env=env)
            self.assertEqual(said.returncode, 3)
            self.assertIn("V\u00e9rifiez le nom", said.stderr)
        self.assertIn("Codes de sortie", raw("--help", env={"LANGUAGE": "fr"}).stdout.replace("\n", " "))

    def test_output_that_does_not_arrive_is_a_failure(self):
        with open("/dev/full", "w") as full:
            done = subprocess.run(raw("version").args, stdout=full, stderr=subprocess.PIPE, text=True)
        self.assertEqual(done.returncode, 5)
        self.assertEqual(done.stderr.count("\n"), 1)

    def test_the_completion_is_bash_and_knows_every_command(self):
        script = raw("completion", "bash").stdout
        self.assertEqual(subprocess.run(["bash", "-n"], input=script, text=True).returncode, 0)
        ask = script + '\nCOMP_WORDS=(toguna key "s"); COMP_CWORD=2; _toguna; echo "${COMPREPLY[@]}"\n'
        self.assertEqual(subprocess.run(["bash"], input=ask, text=True, capture_output=True).stdout, "show\n")
        for words in all_commands():
            self.assertIn(f'"{" ".join(words)}', script)


unittest.main()
