#!/usr/bin/python3
"""Random exchanges, policies and bulletins through the engine and through naive.py: both must say the same.

differential.py ANSWER [--count N] [--seed S]   ANSWER is the program policy_answer; N bulletins (default 2000)
A difference is shown with everything needed to repeat it; the exit status is then 1."""

import argparse
import random
import subprocess
import sys
import time

import naive

CODES = ["BF", "ML", "NE", "NG", "SN", "TD", "CI", "GH", "MR", "DZ"]
BLOCS = ["AES", "ECOWAS", "LCBC", "G5-SAHEL"]
AGENCIES = ["dgse", "dnrt", "dss"]
LABELS = ["SECRET-DEFENSE", "DIFFUSION RESTREINTE", "a"]
WORDS = ["alert", "report", "a", "b", "x"]
DAY = 86400000
NOW = 1796083200000  # 2026-12-01
DAYS = ["2026-11-29", "2026-11-30", "2026-12-01", "2026-12-02T00:00:00Z", "2026-12-03"]


class Chance(random.Random):
    def some(self, pool, low, high):
        return self.sample(pool, min(len(pool), self.randint(low, high)))

    def perhaps(self, chance, text):
        return text if self.random() < chance else ""


def pattern(c):
    parts = []
    for _ in range(c.randint(1, 3)):
        part = c.choice(WORDS + ["*", "**", "**"])
        if not (part == "**" and parts and parts[-1] == "**"):
            parts.append(part)
    return ".".join(parts)


def names(c):
    pool = CODES + BLOCS + ["*", "*"]
    text = c.perhaps(0.15, "outside ") + " ".join(c.some(pool, 1, 3))
    if c.random() < 0.2:
        text += " except " + " ".join(c.some(pool[:-2], 1, 2))
    if c.random() < 0.15:
        text += " as-of " + c.choice(["2020-01-01", "2026-06-01", "2030-01-01"])
    return text


def topics(c):
    return " ".join(pattern(c) for _ in range(c.randint(1, 2)))


def what(c):
    level = c.choice(naive.LEVELS) + " and above"
    return c.choice([topics(c), topics(c), level, topics(c) + " at " + level])


def common(c, member, foreign):
    text = ""
    if c.random() < 0.15:
        owners = CODES if foreign else [member]
        text += " when origin agency " + " ".join(c.choice(owners) + "/" + a for a in c.some(AGENCIES, 1, 2))
    if c.random() < 0.15:
        text += " from " + c.choice(DAYS)
    if c.random() < 0.15:
        text += " until " + c.choice(DAYS)
    return text


def upper(c):
    return c.perhaps(0.4, " up-to " + c.choice(naive.LEVELS)) + c.perhaps(0.25, " tlp " + c.choice(naive.COLOURS))


def lower(c):
    return c.perhaps(0.15, " tlp " + c.choice(naive.COLOURS) + " and above")


def limit(c):
    return c.perhaps(0.2, " max-size " + c.choice(["10", "1KiB", "2KiB"]))


def rule(c, member):
    kind = c.choices(["export allow", "import allow", "export deny", "import deny", "approvals", "orcon", "retain", "transit",
                      "onward ask", "onward allow", "pin"], [8, 8, 3, 3, 1, 1, 1, 1, 1, 2, 1])[0]
    if kind == "export allow":
        return f"export allow {topics(c)} to {names(c)}{upper(c)}{limit(c)}{common(c, member, False)}"
    if kind == "import allow":
        return f"import allow {topics(c)} from {names(c)}{upper(c)}{limit(c)}{common(c, member, True)}"
    if kind == "export deny":
        return f"export deny {what(c)} to {names(c)}{lower(c)}{common(c, member, False)}"
    if kind == "import deny":
        return f"import deny {what(c)} from {names(c)}{lower(c)}{common(c, member, True)}"
    to = c.perhaps(0.5, " to " + names(c))
    if kind == "approvals":
        return f"export require approvals {c.randint(1, 4)} by release for {what(c)}{to}{lower(c)}{common(c, member, False)}"
    if kind == "orcon":
        return f"export require orcon for {what(c)}{to}{lower(c)}{common(c, member, False)}"
    if kind == "retain":
        return f"export retain {c.choice(['30s', '2h', '7d'])} for {what(c)}{lower(c)}{common(c, member, False)}"
    if kind == "transit":
        return f"transit deny hub-in {names(c)} for {what(c)}{lower(c)}{common(c, member, False)}"
    if kind == "onward ask":
        return f"onward ask for {topics(c)}{to}{upper(c)}{common(c, member, False)}"
    if kind == "onward allow":
        return f"onward allow {topics(c)} to {names(c)}{upper(c)}{common(c, member, False)}"
    return f"pin never {what(c)} to {names(c)}"


def policy(c, member, serial, effective):
    lines = ["toguna/policy v1", f"member {member}", f"serial {serial}", f"effective {effective}T00:00:00Z"]
    if c.random() < 0.1:
        lines.append("expires " + c.choice(["2026-12-02T00:00:00Z", "2026-11-30T00:00:00Z"]))
    if c.random() < 0.7:
        lines += ["export allow ** to *", "import allow ** from *"]
    lines += [rule(c, member) for _ in range(c.randint(0, 7))]
    lines += [f'label "{text}" is {c.choice(naive.LEVELS)}' for text in c.some(LABELS, 0, 2)]
    c.shuffle(body := lines[1:])
    return "\n".join(lines[:1] + body) + "\n"


def exchange(c, out):
    """Writes an exchange; returns it as naive.py sees it."""
    members = {}
    for code in c.some(CODES, 2, len(CODES)):
        connects = c.random() < 0.95
        receives = connects and c.random() < 0.95
        members[code] = (receives and c.random() < 0.95, receives, connects, c.choice([4, 4, 4, 4, 4, 3, 2, 1]))
    blocs = []
    for name in c.some(BLOCS, 0, 4):
        for since in sorted(c.some([0, NOW - 300 * DAY, NOW + DAY], 1, 3)):
            blocs.append((name, since, c.random() < 0.85, c.some(list(members), 1, 6)))
    blocs.sort(key=lambda b: (b[0], b[1]))
    suites = c.choice([[1], [1], [1, 2]])
    out.append(f"W {NOW}")
    for code, (o, r, k, ceiling) in members.items():
        out.append(f"M {code} {o:d} {r:d} {k:d} {ceiling + 1}")
    for name, since, exists, codes in blocs:
        out.append(f"B {name} {since} {exists:d} {','.join(codes)}")
    out += [f"S {s}" for s in suites] + [f"G {NOW}"]
    world = naive.World(NOW, members, blocs, suites)
    for code in members:
        for serial in range(1, c.choice([1, 2, 2, 2, 3, 4])):
            text = policy(c, code, serial, c.choice(["2026-01-01", "2026-01-01", "2026-12-02"]))
            start = c.choice([0, 0, NOW + DAY])
            out.append(f"P {start} {text.count(chr(10))}\n{text[:-1]}")
            world.policies.append(naive.Policy(text, start))
    return world


def listed(codes):
    return ",".join(codes) or "-"


def bulletin(c, world, out):
    members = list(world.members)
    portion = {"level": c.choice([0, 0, 1, 1, 2, 3, 4]), "tlp": c.choice([0, 0, 1, 2, 3, 4]), "orcon": c.random() < 0.3,
               "size": c.choice([0, 10, 11, 1024, 1025, 2048, 99999]),
               "release": set(members) if c.random() < 0.6 else set(c.some(members, 1, 5)),
               "label": c.choice([""] * 12 + ["unknown"] + LABELS)}
    request = {"from": c.choice(members), "agency": c.choice(AGENCIES + ["other"]), "suite": c.choice([1] * 15 + [2]),
               "owed": c.random() < 0.1,
               "time": NOW + c.choice([0] * 20 + [-1, 1, DAY - 1, DAY, DAY + 1, -DAY, 2 * DAY, 3 * DAY, -400 * DAY]),
               "expires": NOW + c.choice([1, DAY + 1, 30 * DAY, 30 * DAY, 30 * DAY]), "approvals": c.choice([0, 0, 1, 2, 3, 8]),
               "topics": [".".join(c.choice(WORDS + ["other"]) for _ in range(c.randint(1, 4)))
                          for _ in range(c.choice([1, 1, 1, 2]))],
               "hubs": c.some(CODES + ["FR", "DE"], 0, 2),
               "sources": [(set(c.some(members, 1, 9)), set(c.some(members, 0, 5))) for _ in range(c.choice([0, 0, 0, 1, 2]))]}
    sources = ";".join(listed(sorted(r)) + "/" + listed(sorted(g)) for r, g in request["sources"]) or "-"
    out.append(f"Q {request['from']} {request['agency']} {request['suite']} {request['owed']:d} {request['time']} "
               f"{request['expires']} {request['approvals']} {','.join(request['topics'])} {listed(request['hubs'])} {sources} "
               f"{portion['level'] + 1} {portion['tlp'] + 1} {portion['orcon']:d} {portion['size']} "
               f"{listed(sorted(portion['release']))} {portion['label'] or '-'}")
    permitted, unmet, approvals, orcon, retain, stages, allow, ask = world.decide(request, portion)
    in_order = lambda codes: listed([m for m in members if m in codes])
    return (f"{in_order(permitted)} {in_order(unmet)} {approvals} {orcon:d} {retain} "
            f"{''.join(str(stages[m]) for m in members)} {in_order(allow)} {in_order(ask)}")


def run(answer, seed, exchanges, each):
    """One batch. Returns bulletins, those with somebody permitted, and the first difference."""
    c, out, expected, where = Chance(seed), [], [], []
    for _ in range(exchanges):
        begin = len(out)
        world = exchange(c, out)
        for _ in range(each):
            expected.append(bulletin(c, world, out))
            where.append((begin, len(out)))
    done = subprocess.run([answer], input="\n".join(out) + "\n", capture_output=True, text=True)
    if done.returncode:
        return 0, 0, done.stderr[-3000:] or f"{answer} died with {done.returncode}"
    got = [line.strip() for line in done.stdout.splitlines()]
    for i, (a, b) in enumerate(zip(expected, got + [""] * len(expected))):
        if a != b:
            begin, end = where[i]
            story = [l for l in out[begin:end - 1] if not l.startswith("Q ")] + [out[end - 1]]
            return 0, 0, f"seed {seed}, bulletin {i}\n" + "\n".join(story) + f"\nnaive:  {a}\nengine: {b}"
    return len(expected), sum(not e.startswith("- ") for e in expected), None


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("answer")
    parser.add_argument("--count", type=int, default=2000)
    parser.add_argument("--seed", type=int, default=20261201)
    options = parser.parse_args()
    done, permitted, seed, begin = 0, 0, options.seed, time.time()
    while done < options.count:
        n, some, difference = run(options.answer, seed, 50, 20)
        if difference:
            print(difference)
            return 1
        done, permitted, seed = done + n, permitted + some, seed + 1
        if done % 50000 == 0:
            print(f"{done} bulletins, {time.time() - begin:.0f} s", file=sys.stderr)
    print(f"{done} bulletins agree ({permitted} of them reach somebody), {time.time() - begin:.1f} s")
    return 0 if permitted else 1


if __name__ == "__main__":
    sys.exit(main())
