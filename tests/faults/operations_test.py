"""docs/operations.md says what an operator sees, word for word: every line of its boxes stands in the programs."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEVELS = ("alarm", "error", "notice")


def sentences():
    """All that a user can be told, from the catalogue, with what differs as …"""
    text = (ROOT / "po/fr.po").read_text(encoding="utf-8")
    found = set()
    for block in text.split("\n\n"):
        match = re.search(r'^msgid ((?:".*"\n?)+)', block, re.M)
        if match:
            whole = "".join(re.findall(r'"(.*)"', match[1])).replace(r"\"", '"')
            found.add(re.sub(r"%[0-9]\$s", "…", whole))
    return found


def events():
    """(level, name) of every event that a daemon can log."""
    found = set()
    for room in ("broker", "client", "os"):
        for file in (ROOT / room).rglob("*.c"):
            source = file.read_text(encoding="utf-8")
            for level, name in re.findall(r'(?:LOG|NODE|HUB)_([A-Z]+),\s*"([a-z-]+)"', source):
                found.add((level.lower(), name))
            for name in re.findall(r'role_fails\("([a-z-]+)"', source):
                found.add(("error", name))
    return found


def main():
    doc = (ROOT / "docs/operations.md").read_text(encoding="utf-8")
    known, logged = sentences(), events()
    bad, boxes = [], re.findall(r"^```seen\n(.*?)^```", doc, re.M | re.S)
    for line in (line for box in boxes for line in box.splitlines()):
        level, _, name = line.partition(" ")
        told = (level, name) in logged if level in LEVELS and " " not in name else line in known
        if not told:
            bad.append(f"nobody says: {line}")
    anchors = {re.sub(r"[^a-z0-9 -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^## (.*)$", doc, re.M)}
    bad += [f"no chapter #{a}" for a in re.findall(r"\]\(#([a-z0-9-]+)\)", doc) if a not in anchors]
    if len(boxes) < 15:
        bad.append("the boxes were not found")
    print("\n".join(bad) or f"{len(boxes)} boxes, every line of them said by a program")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
