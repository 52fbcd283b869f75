"""Instructions of the hot path per bulletin, counted by callgrind: a slow-down shows without a clock, on a busy machine too.

    hot_path.py PROGRAM FILE             compare with FILE, which lies beside this; REGOLD=1 writes it anew
    hot_path.py PROGRAM FILE --profile   print where they go, for docs/performance.md

More than TOLERANCE above FILE fails; much less is told, so that somebody writes the file anew. The counts depend on compiler, libraries and on what the processor
offers to libsodium, which is why the tolerance is wide. Exit 77, which ctest shows as skipped, where there is no valgrind.
"""
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile

COUNT = 128
TOLERANCE = 0.15
HUB = {"hub_time", "hub_frame", "hub_commit", "hub_signed", "hub_gone"}
NODE = {"node_time", "node_frame", "node_turn", "node_client_frame", "node_link"}
# What lies between two marks, and whose functions count in it.
PARTS = {"publish": (6, NODE, "node: seal, sign, spool; groups of 64"),
         "accept": (7, HUB, "hub: verify, decide, log, queue; groups of 64"),
         "send": (7, NODE, "node: submit, hear the outcomes"),
         "deliver": (8, HUB, "hub: hand out, log, take receipts"),
         "receive": (8, NODE, "nodes: verify, open, store, receipt; and the originator hears of it")}


def functions(dump):
    """{function: instructions with all that it calls} of one dump."""
    text = subprocess.run(["callgrind_annotate", "--inclusive=yes", "--threshold=100", str(dump)], capture_output=True, text=True, check=True).stdout
    found = {}
    for count, name in re.findall(r"^\s*([\d,]+) (?:\([^)]*\)\s+)?\S*?:([\w.@']+) ", text, re.M):
        found[name] = max(found.get(name, 0), int(count.replace(",", "")))
    return found


def measure(program):
    with tempfile.TemporaryDirectory() as folder:
        out = pathlib.Path(folder) / "out"
        done = subprocess.run(["valgrind", "--tool=callgrind", f"--callgrind-out-file={out}", "--dump-before=hot_mark", program, str(COUNT)],
                              capture_output=True, text=True, check=False)
        if done.returncode:
            sys.exit(f"hot_path failed under valgrind:\n{done.stdout}{done.stderr}")
        return {n: functions(f"{out}.{n}") for n in {part[0] for part in PARTS.values()}}


def main():
    program, name = sys.argv[1:3]
    if not shutil.which("valgrind"):
        print("skipped: there is no valgrind here; ./test all installs it")
        sys.exit(77)
    dumps = measure(program)
    file = pathlib.Path(__file__).with_name(name)
    counts = {part: sum(c for f, c in dumps[dump].items() if f in wanted) // COUNT for part, (dump, wanted, _) in PARTS.items()}
    if "--profile" in sys.argv:
        for part, (dump, wanted, what) in PARTS.items():
            print(f"\n{part}: {counts[part]:,} instructions per bulletin ({what})")
            for function, c in sorted(dumps[dump].items(), key=lambda item: -item[1])[:45]:
                print(f"  {c // COUNT:>9,} {function}")
        return
    if os.environ.get("REGOLD"):
        head = "# Instructions per bulletin of 1 KiB to one node, by tests/bench/hot_path.py. REGOLD=1 ctest --preset release -R bench_hot_path writes it anew.\n"
        file.write_text(head + "".join(f"{part} {count}   # {PARTS[part][2]}\n" for part, count in counts.items()), encoding="utf-8")
    old = {w[0]: int(w[1]) for w in (line.split() for line in file.read_text(encoding="utf-8").splitlines()) if w and w[0] != "#"}
    slow = []
    for part, count in counts.items():
        change = count / old[part] - 1
        print(f"{part}: {count:,} instructions per bulletin, {change:+.1%} of what {name} says")
        if change > TOLERANCE:
            slow.append(part)
        elif change < -TOLERANCE:
            print(f"  faster: write {name} anew with REGOLD=1, so that it stays so")
    if slow:
        sys.exit(f"slower by more than {TOLERANCE:.0%}: {', '.join(slow)}; if that must be, REGOLD=1 writes {name} anew")


if __name__ == "__main__":
    main()
