"""The policy language once more, deliberately naive: every rule is looked at for every member, nothing is compiled, nothing is
remembered. Written from policy/GRAMMAR.md alone. What it says is compared with what the engine says (differential.py)."""

import datetime

LEVELS = ["UNCLASSIFIED", "RESTRICTED", "CONFIDENTIAL", "SECRET", "TOP-SECRET"]
COLOURS = ["clear", "green", "amber", "amber+strict", "red"]
CLAUSES = {"for", "to", "from", "hub-in", "except", "as-of", "up-to", "tlp", "max-size", "when", "until", "at"}
FOREVER = 1 << 70


def moment(text):
    """Milliseconds since 1970, and how long what is written lasts."""
    if len(text) == 10:
        parsed, length = datetime.datetime.strptime(text, "%Y-%m-%d"), 86400000
    else:
        parsed, length = datetime.datetime.strptime(text, "%Y-%m-%dT%H:%M:%SZ"), 1
    since = parsed - datetime.datetime(1970, 1, 1)
    return (since.days * 86400 + since.seconds) * 1000, length


def size(text):
    for unit, factor in (("KiB", 1 << 10), ("MiB", 1 << 20), ("GiB", 1 << 30)):
        if text.endswith(unit):
            return int(text[:-3]) * factor
    return int(text)


def duration(text):
    return int(text[:-1]) * {"s": 1000, "m": 60000, "h": 3600000, "d": 86400000}[text[-1]]


class Rule:
    def __init__(self, words):
        self.patterns, self.names, self.excepted, self.agencies = [], None, [], []
        self.outside, self.as_of = False, None
        self.low, self.high, self.low_tlp, self.high_tlp = 0, 4, 0, 4
        self.size, self.begin, self.end = FOREVER, -FOREVER, FOREVER
        self.count, self.retain, self.label = 0, None, None
        self.words = list(words)
        self.kind = self.words.pop(0)
        if self.kind == "label":
            self.label = self.words.pop(0)
            self.words.pop(0)
            self.high = LEVELS.index(self.words.pop(0))
            return
        self.kind += " " + self.words.pop(0)
        if self.kind == "export require":
            self.kind += " " + self.words.pop(0)
        if self.kind == "export require approvals":
            self.count = int(self.words.pop(0))
            del self.words[:2]
        if self.kind == "export retain":
            self.retain = duration(self.words.pop(0))
        if self.words[0] not in CLAUSES:
            self.what()
        while self.words:
            self.clause(self.words.pop(0))

    def listed(self):
        found = []
        while self.words and self.words[0] not in CLAUSES:
            found.append(self.words.pop(0))
        return found

    def what(self):
        while self.words and self.words[0] not in CLAUSES and self.words[0] not in LEVELS:
            self.patterns.append(self.words.pop(0))
        if self.words and self.words[0] == "at":
            self.words.pop(0)
        if self.words and self.words[0] in LEVELS:
            self.low = LEVELS.index(self.words.pop(0))
            del self.words[:2]

    def clause(self, word):
        if word == "for":
            self.what()
        elif word in ("to", "hub-in") or (word == "from" and not self.words[0][0].isdigit()):
            if self.words[0] == "outside":
                self.outside = True
                self.words.pop(0)
            self.names = self.listed()
        elif word == "except":
            self.excepted = self.listed()
        elif word == "as-of":
            self.as_of = moment(self.words.pop(0))[0]
        elif word == "up-to":
            self.high = LEVELS.index(self.words.pop(0))
        elif word == "tlp":
            colour = COLOURS.index(self.words.pop(0))
            if self.words[:2] == ["and", "above"]:
                self.low_tlp = colour
                del self.words[:2]
            else:
                self.high_tlp = colour
        elif word == "max-size":
            self.size = size(self.words.pop(0))
        elif word == "when":
            del self.words[:2]
            self.agencies = self.listed()
        elif word == "from":
            self.begin = moment(self.words.pop(0))[0]
        elif word == "until":
            begin, length = moment(self.words.pop(0))
            self.end = begin + length
        else:
            raise ValueError(word)

    def permits(self):
        return self.kind.split()[-1] in ("allow", "ask")


class Policy:
    def __init__(self, text, start):
        self.rules, self.expires, self.serial = [], FOREVER, 0
        for line in text.split("\n")[1:]:
            line = line.strip()
            if not line or line.startswith("#"):
                continue
            if '"' in line:
                before, label, after = line.split('"')
                words = before.split() + [label] + after.split()
            else:
                words = line.split()
            if words[0] == "member":
                self.member = words[1]
            elif words[0] == "serial":
                self.serial = int(words[1])
            elif words[0] == "effective":
                self.start = max(start, moment(words[1])[0])
            elif words[0] == "expires":
                self.expires = moment(words[1])[0]
            elif words[0] in ("export", "import", "transit", "onward", "label", "pin"):
                self.rules.append(Rule(words))


def topic_matches(pattern, topic):
    if not pattern:
        return not topic
    if pattern[0] == "**":
        return any(topic_matches(pattern[1:], topic[i:]) for i in range(len(topic) + 1))
    return bool(topic) and pattern[0] in ("*", topic[0]) and topic_matches(pattern[1:], topic[1:])


class World:
    """members: code -> (originates, receives, connects, ceiling 0..4); blocs: [(name, since, exists, codes)]."""

    def __init__(self, at, members, blocs, suites):
        self.at, self.members, self.blocs, self.suites = at, members, blocs, suites
        self.policies = []

    def bloc(self, name, at):
        found = None
        for other, since, exists, codes in self.blocs:
            if other == name and since <= at and (found is None or since > found[0]):
                found = (since, exists, codes)
        return set(found[2]) if found and found[1] else None

    def named(self, names, at, everyone):
        """Who is named, and whether a bloc among them does not exist."""
        who, lost = set(), False
        for name in names:
            if name == "*":
                who |= everyone
            elif len(name) == 2:
                who.add(name)
            else:
                bloc = self.bloc(name, at)
                lost = lost or bloc is None
                who |= bloc or set()
        return who, lost

    def covers(self, rule, code, everyone):
        at = self.at if rule.as_of is None else rule.as_of
        if rule.names is None:
            return True
        who, lost = self.named(rule.names, at, everyone)
        excepted, lost_except = self.named(rule.excepted, at, everyone)
        if rule.permits():
            if lost_except or (lost and rule.outside):
                return False
        elif lost:
            return True
        return (code in who) != rule.outside and code not in excepted

    def rules(self, code, time):
        """The rules of a member's policy in force."""
        begun = [p for p in self.policies if p.member == code and p.start <= time]
        if not begun or code not in self.members:
            return []
        newest = max(begun, key=lambda p: p.serial)
        return newest.rules if time < newest.expires else []

    def applies(self, rule, request, portion, topic):
        agency = request["from"] + "/" + request["agency"]
        return (rule.begin <= request["time"] < rule.end
                and rule.low <= portion["level"] <= rule.high
                and rule.low_tlp <= portion["tlp"] <= rule.high_tlp
                and portion["size"] <= rule.size
                and (not rule.agencies or agency in rule.agencies)
                and (not rule.patterns or any(topic_matches(p.split("."), topic.split(".")) for p in rule.patterns)))

    def any(self, kind, rules, request, portion, code, topics):
        """The rules of a kind that apply to a member under one of the topics."""
        return [r for r in rules if r.kind == kind and self.covers(r, code, set(self.members))
                and any(self.applies(r, request, portion, t) for t in topics)]

    def both(self, direction, rules, request, portion, code):
        if self.any(direction + " deny", rules, request, portion, code, request["topics"]):
            return False
        return all(self.any(direction + " allow", rules, request, portion, code, [t]) for t in request["topics"])

    def counted(self, request, portion):
        """The portion with the level that counts; None when its label is not mapped."""
        if not portion["label"]:
            return portion
        for rule in self.rules(request["from"], request["time"]):
            if rule.kind == "label" and rule.label == portion["label"]:
                return dict(portion, level=max(portion["level"], rule.high))
        return None

    def stages(self, request, stated, code):
        """The stages that fail, and what is lacking."""
        portion = self.counted(request, stated)
        mapped, portion = portion is not None, portion or stated
        own, theirs = self.rules(request["from"], request["time"]), self.rules(code, request["time"])
        sender, receiver = self.members[request["from"]], self.members.get(code)
        failed = []
        stands = receiver and ((sender[2] and receiver[2]) if request["owed"] else (sender[0] and receiver[1]))
        if not (stands and portion["level"] <= min(sender[3], receiver[3]) and request["suite"] in self.suites):
            failed.append(1)
        if not (mapped and request["time"] < request["expires"] and code in portion["release"]):
            failed.append(2)
        if not self.both("export", own, request, portion, code):
            failed.append(3)
        needed = [r.count for r in self.any("export require approvals", own, request, portion, code, request["topics"])
                  if r.count > request["approvals"]]
        orcon = not portion["orcon"] and bool(
            self.any("export require orcon", own, request, portion, code, request["topics"]))
        if needed or orcon:
            failed.append(4)
        for rule in own:
            if rule.kind == "transit deny" and any(self.applies(rule, request, portion, t) for t in request["topics"]):
                if any(self.stands_in(rule, hub) for hub in request["hubs"]):
                    failed.append(5)
        if not self.both("import", theirs, request, portion, request["from"]):
            failed.append(6)
        if not all(code in release | granted for release, granted in request["sources"]):
            failed.append(7)
        return failed, max(needed or [0]), orcon

    def stands_in(self, rule, hub):
        at = self.at if rule.as_of is None else rule.as_of
        every = {hub}
        who, lost = self.named(rule.names, at, every)
        excepted, _ = self.named(rule.excepted, at, every)
        return lost or ((hub in who) != rule.outside and hub not in excepted)

    def decide(self, request, stated):
        """permitted, unmet, approvals, orcon, retain, stages by member, onward allow, onward ask"""
        permitted, unmet, approvals, orcon, stages = set(), set(), 0, False, {}
        for code in self.members:
            failed, needed, lacks = self.stages(request, stated, code)
            stages[code] = min(failed or [0])
            if not failed:
                permitted.add(code)
            if failed == [4]:
                unmet.add(code)
                approvals, orcon = max(approvals, needed), orcon or lacks
        own, portion = self.rules(request["from"], request["time"]), self.counted(request, stated)
        retain = [r.retain for r in own if r.kind == "export retain"
                  and any(self.applies(r, request, portion or stated, t) for t in request["topics"])]
        allow, ask = set(), set()
        for code in self.members if portion else []:
            may = [bool(self.any("onward allow", own, request, portion, code, [t])) for t in request["topics"]]
            asked = [m or bool(self.any("onward ask", own, request, portion, code, [t]))
                     for m, t in zip(may, request["topics"])]
            denied = self.any("export deny", own, request, portion, code, request["topics"])
            if all(may) and not denied and not portion["orcon"]:
                allow.add(code)
            elif all(asked):
                ask.add(code)
        return permitted, unmet, approvals, orcon, min(retain or [0]), stages, allow, ask
