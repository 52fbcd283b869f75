"""The sentences of the page's scripts are those that words.c translates: none is missing there, none is left over."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2] / "client/console"
SPOKEN = re.compile(r'\bt\("((?:[^"\\]|\\.)*)"')
TABLES = {  # labels that stand in tables and are spoken later
    "main.js": r'\["\w+", "([^"]+)", \w+\]',
    "views.js": r'\["(?:accepted|refused|receipts|other)", "([^"]+)"\]|(?:minute|hour|day|week): "([^"]+)"'
    r'|(?:stored|read|acknowledged|purged|retained|"recall-refused"|unreadable|"import-refused"): "([^"]+)"',
    "check.js": r'(?:good|bad|absent|unable): \["\w+", "([^"]+)"\]',
}

said = set()
for script in (ROOT / "web").glob("*.js"):
    text = script.read_text(encoding="utf-8")
    said.update(SPOKEN.findall(text))
    for found in re.finditer(TABLES.get(script.name, "(?!)"), text):
        said.add(next(filter(None, found.groups())))
known = set(re.findall(r'N_\("((?:[^"\\]|\\.)*)"\)', (ROOT / "words.c").read_text(encoding="utf-8")))
for sentence in sorted(said - known):
    print(f"words.c lacks: {sentence}")
for sentence in sorted(known - said):
    print(f"no script says: {sentence}")
sys.exit(said != known)
