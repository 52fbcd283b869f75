"""The demonstration: six of eighteen states exchange bulletins through a hub that can read none of them.

  demo.py run       plays the whole scenario, then leaves the exchange running
  demo.py --check   the same, unattended; every outcome is verified, everything is torn down
  demo.py stop      ends what was left running, and removes its folder
  demo.py status    is it running, and where

Everything is done with the programs that users have: what is shown is what they would see. Any outcome that
is not as told ends the demonstration with exit code 1. LANG decides between English and French.
"""
import json
import os
import pathlib
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import urllib.request

import kit
from exchange import Exchange, files_with, pids_memory

STATE = kit.ROOT / "run" / "demo.json"
TEXTS = kit.ROOT / "docs/demo/bulletins"
POLICIES = kit.ROOT / "docs/demo/policies"
SECRET_WORDS = ["camions-citernes", "convoi de carburant", "Crue du fleuve", "pick-up", "passage observé",
                "Demonstration incident response team"]
BIG = 20 * 1000 * 1000


def speaks_french():
    words = [os.environ.get(name, "") for name in ("LANGUAGE", "LC_ALL", "LC_MESSAGES", "LANG")]
    return next((w for w in words if w), "").startswith("fr")


FRENCH = speaks_french()
BOLD, DIM, PLAIN = ("\033[1m", "\033[2m", "\033[0m") if sys.stdout.isatty() else ("", "", "")
NAMES = {"ML": ("Mali", "le Mali"), "BF": ("Burkina Faso", "le Burkina Faso"), "NE": ("Niger", "le Niger"),
         "SN": ("Senegal", "le Sénégal"), "NG": ("Nigeria", "le Nigéria"), "TD": ("Chad", "le Tchad")}
ANSWERS = {"purged": "effacé", "retained": "gardé"}


def say(english, french):
    print(f"   {french if FRENCH else english}", flush=True)


def name(code):
    return NAMES[code][FRENCH]


def quoted(word):
    """A word as a person would type it: double quotes around an apostrophe."""
    return f'"{word}"' if "'" in word and not set(word) & set('"$`\\!') else shlex.quote(word)


def number(n):
    """Thousands apart, as the language has it."""
    return f"{n:,}".replace(",", "\u202f") if FRENCH else f"{n:,}"


def seconds(took):
    """With one decimal, behind a comma, as French has it."""
    return f"{took:.1f}".replace(".", ",")


def holds(true, english, french):
    """An outcome: shown when it is as it should be, the end of the demonstration when not."""
    if not true:
        raise kit.Failed(f"not so: {english}")
    print(f" ✓ {french if FRENCH else english}", flush=True)


class Demo:
    def __init__(self, folder):
        self.folder, self.step = pathlib.Path(folder), 0
        self.language = {"LANGUAGE": "fr" if FRENCH else "en"}
        self.exchange = self.console = None

    def chapter(self, english, french):
        self.step += 1
        print(f"\n{BOLD}{self.step}. {french if FRENCH else english}{PLAIN}", flush=True)

    def show(self, code, *args, **more):
        """Runs a command as the people of a node would, and shows both: the command and its output."""
        words = [quoted(str(a).replace(str(kit.ROOT) + "/", "")) for a in args]
        print(f"{DIM}   {code}$ toguna {' '.join(words)}{PLAIN}")
        text = self.exchange[code].toguna(*args, env=self.language, **more)
        print("".join(f"   │ {line}\n" for line in text.rstrip().splitlines()), end="", flush=True)

    def arrivals(self, code, bulletin, recipients, limit=60.0):
        """Waits until all have it; says in how long, by the clock of each node."""
        sender = self.exchange[code]
        created = milliseconds(next(i for i in sender.json("sent") if i["id"] == bulletin)["created"])
        tracked = kit.until(lambda: (lambda t: t if all("stored" in t.get(r, {}) for r in recipients) else None)
                            (sender.track(bulletin)), f"receipts of {', '.join(recipients)}", limit)
        for r in recipients:
            took = milliseconds(tracked[r]["stored"]) - created
            holds(self.exchange[r].holds(bulletin), f"{name(r)} has it after {took} ms", f"{name(r)} l'a reçu en {took} ms")

    def publish(self, code, *args, **more):
        """Publishes, with every reason in the reader's language."""
        return self.exchange[code].publish(*args, env=self.language, **more)

    # ---- the chapters

    def welcome(self):
        """Who is who, and the words that come up, before anything happens."""
        if FRENCH:
            print("Des États se transmettent des bulletins. Chacun fait tourner un nœud, qui scelle et signe ce qu'il envoie ; un hub, entre eux,\n"
                  "les transmet sans pouvoir en lire aucun. Chaque État écrit dans sa politique ce qu'il dit et ce qu'il accepte. Tout se passe ici,\n"
                  "sur cette machine, avec les vrais programmes ; les États sont réels, les nouvelles et les politiques inventées.\n"
                  "  AES            l'Alliance des États du Sahel : Mali, Burkina Faso, Niger\n"
                  "  RESTRICTED     à quel point c'est secret ; TLP:AMBER : jusqu'où le lecteur peut le faire circuler\n"
                  "  FLASH          la plus urgente de quatre priorités\n"
                  "  ML$ toguna …   ce que tape quelqu'un au Mali, et dessous ce qu'il voit ; ✓ : vérifié à l'instant")
        else:
            print("States pass bulletins to each other. Each runs a node, which seals and signs what it sends; a hub between them passes the\n"
                  "bulletins on and can read none. Each state writes into its policy what it tells and what it accepts. All of it happens here, on\n"
                  "this machine, with the real programs; the states are real, the news and the policies invented.\n"
                  "  AES            the Alliance of Sahel States: Mali, Burkina Faso, Niger\n"
                  "  RESTRICTED     how secret it is; TLP:AMBER: how far its reader may spread it\n"
                  "  FLASH          the most urgent of four precedences\n"
                  "  ML$ toguna …   what somebody in Mali types, and below it what they see; ✓: verified this moment")

    def found(self):
        self.chapter("Eighteen states found an exchange", "Dix-huit États fondent un échange")
        begun = time.monotonic()
        self.exchange = e = Exchange(self.folder, policies=POLICIES)
        with open(e["SN"].config, "a", encoding="utf-8") as conf:
            conf.write("on-recall retain\n")
        charter = kit.toguna_json("charter", "show", e.at / "charter.note")
        holds(len(charter["members"]) == 18 and charter["quorum"] == "2 of AES and 4 of ECOWAS",
              "a charter signed by all 18: ECOWAS, AES, Mauritania, Chad, Algeria; it changes only by 2 of AES and 4 of ECOWAS",
              "une charte signée par les 18 : CEDEAO, AES, Mauritanie, Tchad, Algérie ; elle ne change que par 2 de l'AES et 4 de la CEDEAO")
        e.start()
        took = time.monotonic() - begun
        holds(all(n.is_open() for n in e.nodes.values()),
              f"the hub stands in Senegal; the nodes of {', '.join(e.nodes)} have met it ({took:.1f} s for everything)",
              f"le hub est au Sénégal ; les nœuds de {', '.join(e.nodes)} l'ont joint ({seconds(took)} s en tout)")

    def flash(self):
        self.chapter("Mali warns of a blocked fuel convoy: FLASH", "Le Mali signale un convoi de carburant bloqué : FLASH")
        say("Before anything leaves, the analyst sees exactly who will be able to read it, who not, and why.",
            "Avant que rien ne parte, l'analyste voit exactement qui pourra le lire, qui ne pourra pas, et pourquoi.")
        draft = [TEXTS / "blocus.txt", "--topic", "alert.convoy.blockade", "--to", "AES,SN,NG,TD", "--class", "RESTRICTED", "--tlp",
                 "amber", "--precedence", "FLASH", "--title", "Blocus d'un convoi de carburant", "--language", "fr"]
        self.show("ML", "publish", *draft, "--dry-run")
        sent = self.publish("ML", *draft)
        self.blockade = sent["bulletin"]
        lines = {line["member"]: line for line in sent["audience"]}
        holds([c for c in sorted(lines) if lines[c]["permitted"]] == ["BF", "NE", "SN"], "sealed to Burkina Faso, Niger and Senegal only",
              "scellé pour le Burkina Faso, le Niger et le Sénégal seulement")
        for code in ("NG", "TD"):
            rule = lines[code]["rule"]
            where = f"{rule['file']}:{rule['line']}  {rule['text']}" if rule else lines[code]["reason"]
            holds(not lines[code]["permitted"], f"refused for {name(code)}: {where}", f"refusé pour {name(code)} : {where}")
        holds(lines["NG"]["rule"] and "deny" in lines["NG"]["rule"]["text"], "the refusal for Nigeria names the line of Mali's own policy",
              "le refus pour le Nigéria nomme la ligne de la politique du Mali lui-même")
        self.arrivals("ML", self.blockade, ["BF", "NE", "SN"])
        holds(not any(self.exchange[c].holds(self.blockade) for c in ("NG", "TD")), "Nigeria and Chad have nothing, and cannot tell that it exists",
              "le Nigéria et le Tchad n'ont rien, et ne peuvent savoir qu'il existe")
        say("What Burkina Faso reads. The list For is what Mali asked for; who really has it stands above.",
            "Ce que lit le Burkina Faso. La liste « Pour » est ce qu'a demandé le Mali ; qui l'a vraiment est dit plus haut.")
        self.show("BF", "read", self.blockade[:12])

    def standards(self):
        self.chapter("A flood warning (CAP 1.2) and a cyber indicator (STIX 2.1)", "Une alerte de crue (CAP 1.2) et un indicateur cyber (STIX 2.1)")
        flood = self.publish("NE", TEXTS / "crue.cap.xml", "--topic", "alert.flood", "--to", "AES,SN,NG,TD", "--class", "UNCLASSIFIED",
                                            "--tlp", "clear", "--precedence", "IMMEDIATE", "--title", "Crue du fleuve Niger")
        self.arrivals("NE", flood["bulletin"], ["ML", "BF", "SN", "NG", "TD"])
        item = self.exchange["TD"].holds(flood["bulletin"])
        holds("cap" in item["portions"][0]["content_type"], "recognised as CAP without being told: " + item["portions"][0]["content_type"],
              "reconnu comme CAP sans qu'on le dise : " + item["portions"][0]["content_type"])
        stix = self.publish("NG", TEXTS / "hameconnage.stix.json", "--topic", "report.cyber.phishing", "--to", "AES,SN,TD", "--class",
                                           "RESTRICTED", "--tlp", "green", "--title", "Phishing kit")
        lines = {line["member"]: line for line in stix["audience"]}
        holds(not lines["BF"]["permitted"], f"Burkina Faso does not accept it: {lines['BF']['reason']}",
              f"le Burkina Faso ne l'accepte pas : {lines['BF']['reason']}")
        holds(lines["BF"]["rule"] is None, "but Nigeria is not shown Burkina Faso's rules", "mais le Nigéria ne voit pas les règles du Burkina Faso")
        self.arrivals("NG", stix["bulletin"], ["ML", "NE", "SN", "TD"])

    def tear_line(self):
        self.chapter("Burkina Faso: one bulletin, a summary for many, details for the AES", "Burkina Faso : un bulletin, un résumé pour beaucoup, le détail pour l'AES")
        sent = self.publish("BF", "--topic", "alert.patrol", "--precedence", "PRIORITY", "--portion", TEXTS / "patrouille-resume.txt", "--class",
                                           "RESTRICTED", "--tlp", "amber", "--to", "AES,SN,TD", "--portion", TEXTS / "patrouille-detail.txt", "--class",
                                           "SECRET", "--tlp", "red", "--to", "AES")
        self.arrivals("BF", sent["bulletin"], ["ML", "NE", "SN", "TD"])
        seen = {c: [p["portion"] for p in self.exchange[c].holds(sent["bulletin"])["portions"]] for c in ("ML", "NE", "SN", "TD")}
        holds(seen == {"ML": [1, 2], "NE": [1, 2], "SN": [1], "TD": [1]}, "Mali and Niger read both portions, Senegal and Chad the summary: under one signature",
              "le Mali et le Niger lisent les deux portions, le Sénégal et le Tchad le résumé : sous une seule signature")

    def killed(self):
        self.chapter("Chad's node is killed; 20 MB and a FLASH are on their way to it", "Le nœud du Tchad est tué ; 20 Mo et un FLASH sont en route vers lui")
        e, chad = self.exchange, self.exchange["TD"]
        chad.kill()
        holds(chad.process.poll() is not None, "kill -9: every process of the node is gone", "kill -9 : tous les processus du nœud ont disparu")
        picture = self.folder / "imagerie-lac-tchad.bin"
        with open(picture, "wb") as f:
            f.write(os.urandom(BIG))
        begun = time.monotonic()
        big = e["NE"].publish(picture, "--topic", "report.lake.imagery", "--to", "TD,NG", "--class", "RESTRICTED", "--tlp", "amber", "--title",
                              "Imagerie du lac Tchad")["bulletin"]
        flash = e["SN"].publish("--topic", "alert.convoy.movement", "--to", "TD,ML", "--class", "RESTRICTED", "--tlp", "amber", "--precedence", "FLASH",
                                "--title", "Mouvement signalé", stdin="Mouvement de motos signalé à l'est. (Texte inventé.)\n")["bulletin"]
        e["NG"].receives(big, 60)
        took = time.monotonic() - begun
        holds(True, f"Nigeria has the 20 MB after {took:.1f} s", f"le Nigéria a les 20 Mo en {seconds(took)} s")
        holds("stored" not in e["SN"].track(flash).get("TD", {}), "both wait for Chad, and Senegal and Niger can see that they do",
              "tous deux attendent le Tchad, et le Sénégal et le Niger le voient")
        chad.start()
        chad.receives(flash)
        item = chad.receives(big, 60)
        copy = self.folder / "copy.bin"
        chad.toguna("read", big[:12], "--output", copy)
        holds(copy.read_bytes() == picture.read_bytes(), "back again: both arrived, the 20 MB bit for bit", "de retour : tout est arrivé, les 20 Mo au bit près")
        ids = [i["id"] for i in chad.inbox()]
        holds(len(ids) == len(set(ids)) == 5 and not item["missing_before"], "nothing is lost, nothing came twice", "rien de perdu, rien en double")

    def hub_killed(self):
        self.chapter("The hub is killed in the middle", "Le hub est tué en plein travail")
        e = self.exchange
        e.hub.kill()
        waiting = e["ML"].publish("--topic", "alert.convoy.update", "--to", "BF", "--class", "RESTRICTED", "--tlp", "amber", "--title", "Suite",
                                  wait="spooled", stdin="Convoi toujours bloqué. (Texte inventé.)\n")
        holds(waiting["state"] == "spooled", "Mali publishes all the same: on its own disk, signed and sealed", "le Mali publie quand même : sur son propre disque, signé et scellé")
        e.hub.start()
        e["BF"].receives(waiting["bulletin"], 40)
        holds(True, "the hub is back where it was, and Burkina Faso has it", "le hub est revenu où il était, et le Burkina Faso l'a reçu")
        for node in e.nodes.values():
            kit.until(node.is_open, f"{node.country} to be back", 40)

    def recall(self):
        self.chapter("Mali takes its FLASH back", "Le Mali reprend son FLASH")
        e = self.exchange
        e["ML"].json("recall", self.blockade[:12], "--reason", "Le convoi n'était pas où nous l'avions dit.", "--yes", "--wait", "delivered", "--timeout", "60s")
        wanted = {"BF": "purged", "NE": "purged", "SN": "retained"}
        tracked = kit.until(lambda: (lambda t: t if all(w in t.get(c, {}) for c, w in wanted.items()) else None)(e["ML"].track(self.blockade)),
                            "signed answers to the recall")
        for code, answer in wanted.items():
            holds(answer in tracked[code], f"{name(code)} answers, signed: {answer}", f"{name(code)} répond, signé : {ANSWERS[answer]}")
        e["BF"].toguna("read", self.blockade[:12], "--output", self.folder / "gone", expect=3)
        holds(e["BF"].holds(self.blockade)["state"] == "recalled-purged" and not (self.folder / "gone").exists(),
              "Burkina Faso cannot read it any more: the key is erased", "le Burkina Faso ne peut plus le lire : la clé est effacée")

    def revoked(self):
        self.chapter("Nigeria's node is stolen: its state revokes the key", "Le nœud du Nigéria est volé : l'État révoque sa clé")
        e = self.exchange
        note = e.revoke("NG", "the post was taken")
        begun = time.monotonic()
        e["SN"].toguna("document", "send", note)
        kit.until(lambda: not e["NG"].is_open(), "Nigeria's node to be cut off")
        took = 1000 * (time.monotonic() - begun)
        holds(took < 10000, f"cut off {took:.0f} ms after the note was handed in", f"coupé {took:.0f} ms après la remise de la note")
        lost = e["NG"].json("publish", "--topic", "alert.test", "--to", "SN", "--class", "RESTRICTED", "--tlp", "green", "--wait", "accepted", "--timeout",
                            "2s", stdin="from the thief\n", expect=None)
        holds(not lost or lost.get("state") != "accepted", "what the thief publishes stays where it is", "ce que publie le voleur reste chez lui")
        after = self.publish("SN", "--topic", "alert.convoy.test", "--to", "ECOWAS,AES", "--class", "RESTRICTED", "--tlp", "amber", "--title", "Essai",
                                stdin="Essai. (Texte inventé.)\n")
        line = next(line for line in after["audience"] if line["member"] == "NG")
        holds(not line["permitted"], f"nobody seals to it any more: {line['reason']}", f"personne ne scelle plus pour lui : {line['reason']}")

    def log(self):
        self.chapter("The log, verified", "Le journal, vérifié")
        e = self.exchange
        log = e.at / "hub/data/log"
        documents = e.at / "hub/documents"
        size = e["ML"].status()["hub"]["log_size"]
        checked = kit.until(lambda: (lambda r: r if r["size"] >= size and r["settled"] else None)
                            (kit.toguna_json("audit", "verify", log, "--charter", documents)), "the log's files to be up to date and settled")
        holds(checked["verified"], f"{checked['size']} entries: one for every decision of the hub; every hash recomputed from the files, its signature good",
              f"{checked['size']} entrées, une par décision du hub ; chaque empreinte recalculée, sa signature est bonne")
        holds(checked["settled"], f"settled up to entry {checked['size']}: witnesses of AES and of ECOWAS have cosigned it",
              f"établi jusqu'à l'entrée {checked['size']} : des témoins de l'AES et de la CEDEAO l'ont cosigné")
        bad = self.folder / "log-copy"
        shutil.copytree(log, bad)
        victim = max((p for p in (bad / "tile/entries").rglob("*") if p.is_file()), key=lambda p: p.stat().st_size)
        data = bytearray(victim.read_bytes())
        data[len(data) // 2] ^= 1
        victim.write_bytes(data)
        said = kit.toguna("audit", "verify", bad, "--charter", documents, expect=3, env=self.language).strip().splitlines()[-1]
        holds(True, f"one bit changed in a copy is found: {said}", f"un bit changé dans une copie est trouvé : {said}")

    def disk(self):
        self.chapter("What the hub's disk knows", "Ce que sait le disque du hub")
        e = self.exchange
        holds(all(files_with(TEXTS, w) for w in SECRET_WORDS), "the search finds these words in the bulletins as they were written: " + ", ".join(SECRET_WORDS[:3]) + " …",
              "la recherche trouve ces mots dans les bulletins tels qu'ils ont été écrits : " + ", ".join(SECRET_WORDS[:3]) + " …")
        found = files_with(e.at / "hub", *SECRET_WORDS)
        size = sum(p.stat().st_size for p in (e.at / "hub").rglob("*") if p.is_file())
        holds(not found, f"it finds none of them in the {number(size // 1000)} kB on the hub's disk", f"elle n'en trouve aucun dans les {number(size // 1000)} ko du disque du hub")
        found = [p for n in e.nodes.values() for p in files_with(n.folder / "data", *SECRET_WORDS)]
        holds(not found, "nor on the disks of the nodes, which keep what they have under keys of their own", "ni sur les disques des nœuds, qui gardent tout sous leurs propres clés")
        memory = pids_memory(e.hub.pids().values()) // 1000000
        say(f"(The hub's processes take {memory} MB of memory.)", f"(Les processus du hub occupent {memory} Mo de mémoire.)")

    def review(self):
        """The console stays for the reader; here it is asked what it shows."""
        e = self.exchange
        self.chapter("Anybody who may look can review it all in a browser", "Qui en a le droit peut tout revoir dans un navigateur")
        log = open(self.folder / "console.log", "wb")
        self.console = subprocess.Popen([kit.program("toguna"), "console", e.at / "hub/data", "--charter", e.at / "hub/documents",
                                         "--index", self.folder / "console.db", "--json"],  # the reader's own commands find theirs free
                                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=log, start_new_session=True,
                                        env={**os.environ, "LC_ALL": "C.UTF-8", **self.language})
        log.close()
        line = self.console.stdout.readline()
        if not line:
            raise kit.Failed(f"toguna console ended: {(self.folder / 'console.log').read_text()}")
        self.address = json.loads(line)["address"]
        with urllib.request.urlopen(self.address + "api/about", timeout=30) as answer:
            about = json.load(answer)
        holds(about["size"] > 0 and about["opened"] == about["size"], f"all {about['size']} entries were held against the signed log and can be looked at",
              f"les {number(about['size'])} entrées ont toutes été confrontées au journal signé et peuvent être regardées")

    def end_console(self):
        if self.console and self.console.poll() is None:
            self.console.terminate()
            holds(self.console.wait(20) == 0, "the console ended cleanly", "la console s'est arrêtée proprement")

    def play(self):
        self.welcome()
        for part in (self.found, self.flash, self.standards, self.tear_line, self.killed, self.hub_killed, self.recall, self.revoked, self.log, self.review, self.disk):
            part()

    # ---- what stays

    def leave(self):
        e = self.exchange
        STATE.parent.mkdir(exist_ok=True)
        STATE.write_text(json.dumps({"folder": str(self.folder), "groups": [d.process.pid for d in [e.hub, *e.nodes.values()]] + [self.console.pid]}))
        toguna = quoted(kit.program("toguna"))
        print(f"\n{BOLD}{'La console de revue, dans un navigateur sur cette machine :' if FRENCH else 'The review console, in a browser on this machine:'}{PLAIN}"
              f"\n\n   {self.address}")
        print(f"\n{BOLD}{'À vous. L’échange tourne toujours :' if FRENCH else 'Your turn. The exchange is still running:'}{PLAIN}\n")
        for line, english, french in (
                (f"alias toguna={toguna}", "", ""), (f"export TOGUNA_SOCKET={e['ML'].socket}", "you are in Mali", "vous êtes au Mali"),
                ("toguna inbox", "what came to Mali", "ce qui est venu au Mali"), ("toguna status", "", ""),
                ("toguna directory", "who is in the exchange", "qui est dans l'échange"),
                ("echo 'Essai' | toguna publish --topic alert.convoy.test --to AES,SN --class RESTRICTED --tlp amber --wait delivered", "", ""),
                (f"toguna inbox --socket {e['SN'].socket}", "what came to Senegal", "ce qui est venu au Sénégal"),
                (f"toguna track {self.blockade[:12]}", "what became of Mali's FLASH", "ce qu'est devenu le FLASH du Mali"),
                (f"toguna audit verify {e.at}/hub/data/log --charter {e.at}/hub/documents", "", ""),
                (f"toguna audit export copy --log {e.at}/hub/data --charter {e.at}/hub/documents", "a copy for an inspector, docs/audit-guide.md",
                 "une copie pour un inspecteur, docs/guide-audit.md"),
                (quoted(str(kit.ROOT / "demo")) + " stop", "ends it all", "met fin à tout")):
            note = french if FRENCH else english
            print(f"   {line}" + (f"{DIM}   # {note}{PLAIN}" if note else ""))


def milliseconds(text):
    """A Z time of --json as milliseconds since 1970."""
    import calendar
    whole, _, fraction = text.rstrip("Z").partition(".")
    return calendar.timegm(time.strptime(whole, "%Y-%m-%dT%H:%M:%S")) * 1000 + int((fraction + "000")[:3])


def running():
    """The state of an exchange that was left running, or None."""
    try:
        state = json.loads(STATE.read_text())
    except (OSError, ValueError):
        return None
    def is_ours(pid):
        try:
            return b"toguna" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes()
        except OSError:
            return False
    state["groups"] = [pid for pid in state["groups"] if is_ours(pid)]
    return state


def stop():
    state = running()
    if not state:
        print("Nothing of the demonstration is running." if not FRENCH else "Rien de la démonstration ne tourne.")
        return 0
    for pid in state["groups"]:
        os.kill(pid, signal.SIGTERM)
    for pid in state["groups"]:
        try:
            kit.until(lambda p=pid: not pathlib.Path(f"/proc/{p}").exists(), f"process {pid} to end", 20)
        except kit.Failed:
            os.killpg(pid, signal.SIGKILL)
    shutil.rmtree(state["folder"], ignore_errors=True)
    STATE.unlink(missing_ok=True)
    print("The demonstration has ended; its folder is removed." if not FRENCH else "La démonstration est terminée ; son dossier est effacé.")
    return 0


def status():
    state = running()
    if state and state["groups"]:
        print(f"L'échange de la démonstration tourne dans {state['folder']} ({len(state['groups'])} démons). ./demo stop y met fin." if FRENCH else
              f"The exchange of the demonstration is running in {state['folder']} ({len(state['groups'])} daemons). ./demo stop ends it.")
        return 0
    print("La démonstration ne tourne pas. ./demo la lance." if FRENCH else "The demonstration is not running. ./demo starts it.")
    return 1


def play(check):
    if not check and running():
        stop()
    folder = tempfile.mkdtemp(prefix="toguna-demo-")
    demo = Demo(folder)
    begun = time.monotonic()
    kept = False
    try:
        demo.play()
        if check:
            demo.end_console()
            demo.exchange.stop()
            holds(True, f"everything was as told, and every daemon stopped cleanly ({time.monotonic() - begun:.0f} s)",
                  f"tout s'est passé comme annoncé, et chaque démon s'est arrêté proprement ({time.monotonic() - begun:.0f} s)")
        else:
            demo.leave()
            kept = True
    except kit.Failed as why:
        print(f"\ndemo: {why}", file=sys.stderr)
        keep = pathlib.Path(folder)
        print(f"demo: the logs of all daemons are in {keep}/*.log", file=sys.stderr)
        kept = "logs"
        return 1
    except KeyboardInterrupt:
        return 130
    finally:
        if kept is not True and demo.console and demo.console.poll() is None:
            demo.console.kill()
        if kept is not True and demo.exchange:
            demo.exchange.kill()
        if not kept:
            shutil.rmtree(folder, ignore_errors=True)
    return 0


def main():
    word = sys.argv[1] if len(sys.argv) > 1 else "run"
    if word == "stop":
        return stop()
    if word == "status":
        return status()
    return play(word == "--check")


if __name__ == "__main__":
    sys.exit(main())
