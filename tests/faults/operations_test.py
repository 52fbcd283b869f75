"""docs/operations.md says what an operator sees, word for word: every line of its boxes stands in the programs.
docs/exploitation.md shows the same boxes in French, as the programs are translated."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
LEVELS = ("alarm", "error", "notice")


def sentences():
    """All that a user can be told, from the catalogue, with what differs as …: English, and the French for it."""
    text = (ROOT / "po/fr.po").read_text(encoding="utf-8")

    def whole(strings):
        return re.sub(r"%[0-9]\$s", "…", "".join(re.findall(r'"(.*)"', strings)).replace(r"\"", '"'))

    found = {}
    for block in text.split("\n\n"):
        english = re.search(r'^msgid ((?:".*"\n?)+)', block, re.M)
        french = re.search(r'^msgstr ((?:".*"\n?)+)', block, re.M)
        if english:
            found[whole(english[1])] = whole(french[1]) if french else ""
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


def boxes_of(page):
    return re.findall(r"^```seen\n(.*?)^```", page, re.M | re.S)


def is_event(line):
    level, _, name = line.partition(" ")
    return level in LEVELS and " " not in name


def in_french(box, known):
    """A box of the French page as the English one has it. A sentence of a command stands there in French; one that the log alone
    says in English, and below it, indented, the French for it."""
    back = {french: english for english, french in known.items()}
    lines, given = [], box.splitlines()
    for line, below in zip(given, given[1:] + [""]):
        if is_event(line):
            lines.append(line)
        elif line in known:
            lines.append(line if below == f"  {known[line]}" else f"not followed by its French: {line}")
        elif not (line.startswith("  ") and lines and known.get(lines[-1]) == line[2:]):
            lines.append(back.get(line, f"not in fr.po: {line}"))
    return lines


def main():
    doc, french = ((ROOT / "docs" / name).read_text(encoding="utf-8") for name in ("operations.md", "exploitation.md"))
    known, logged = sentences(), events()
    bad, boxes = [], boxes_of(doc)
    for line in (line for box in boxes for line in box.splitlines()):
        if not (tuple(line.split(" ")) in logged if is_event(line) else line in known):
            bad.append(f"nobody says: {line}")
    theirs = [in_french(box, known) for box in boxes_of(french)]
    if len(theirs) != len(boxes):
        bad.append(f"the French page has {len(theirs)} boxes, not {len(boxes)}")
    bad += [f"in French: {box}" for ours, box in zip(boxes, theirs) if box != ours.splitlines()]
    for page in (doc, french):
        anchors = {re.sub(r"[^\w -]", "", h.lower()).replace(" ", "-") for h in re.findall(r"^## (.*)$", page, re.M)}
        bad += [f"no chapter #{a}" for a in re.findall(r"\]\(#([^)]+)\)", page) if a not in anchors]
    if len(boxes) < 15:
        bad.append("the boxes were not found")
    print("\n".join(bad) or f"{len(boxes)} boxes, every line of them said by a program")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
