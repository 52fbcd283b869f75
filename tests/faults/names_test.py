"""docs/threat-model.md names the test that attacks each promise: it is there, in the program that is named with it."""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
ROOMS = {"node": "client/node"}  # as the document has it; others are named as their folder
STORY = re.compile(r"`([a-z]+(?:_[a-z0-9]+)*)`: ((?:`[a-z0-9]+(?:_[a-z0-9]+){2,}`(?:, )?)+)")


def program(name):
    """The text of the test program with this name; None: there is none."""
    room, _, rest = name.partition("_")
    file = ROOT / "tests" / ROOMS.get(room, room) / f"{rest}_test.c"
    return file.read_text(encoding="utf-8") if file.is_file() else None


def exchanges():
    folder = ROOT / "tests/exchange"
    return "".join(p.read_text(encoding="utf-8") for p in [folder / "CMakeLists.txt", *sorted(folder.glob("*_test.py"))])


def missing(text):
    """What is named and is not there, and how many stories were looked for."""
    bad, n, real = [], 0, exchanges()
    for name, stories in STORY.findall(text):
        source = real if name.startswith("exchange_") else program(name)
        if source is None:
            bad.append(f"no test program {name}")
            continue
        for story in re.findall(r"`(\w+)`", stories):
            n += 1
            if not re.search(rf"\b{story}\b", source):
                bad.append(f"no {story} in {name}")
    for story in re.findall(r"`exchange_(?:[a-z]+_)?([A-Z]\w*)`", text):
        n += 1
        if not re.search(rf"^class {story}\b", real, re.M):
            bad.append(f"no story {story} with real daemons")
    return bad, n


def main():
    bad, n = missing((ROOT / "docs/threat-model.md").read_text(encoding="utf-8"))
    if n < 40:
        bad.append(f"only {n} names were found")
    print("\n".join(bad) or f"{n} names, every one of them a test")
    sys.exit(bool(bad))


if __name__ == "__main__":
    main()
