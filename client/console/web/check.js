// Shows what proof.js finds: one line per check, with what was compared.
import { ask, el, facts, number, t, time, state } from "./page.js";
import { Tree, base64, checkSignature, leafHash, leafOf, openNote, readCheckpoint, readKey, readProof, rootFromPath, same } from "./proof.js";

const hex = (b) => Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");
const line = (verdict, text) => el("p", { class: verdict }, text);

async function guarded(place, work) {
  place.replaceChildren(el("p", { class: "dim" }, t("Computing…")));
  try {
    place.replaceChildren(...(await work()).filter(Boolean));
  } catch (error) {
    place.replaceChildren(line("bad", t("These bytes are not what they should be: %1$s", error.message)));
  }
}

const SIGNED = {
  good: ["good", "signed by %1$s"], bad: ["bad", "the signature of %1$s is false"], absent: ["warn", "not signed by %1$s"],
  unable: ["warn", "this browser knows no Ed25519, so the signature of %1$s was not checked here; toguna audit verify does it"],
};
function signed(result, name) {
  const [verdict, sentence] = SIGNED[result.verdict];
  return line(verdict, t(sentence, name) + (result.time ? ` · ${time(result.time)}` : ""));
}

async function checkNote(text, vkey) {
  const note = openNote(text), checkpoint = readCheckpoint(note.text);
  if (!vkey) return { note, checkpoint, lines: [line("warn", t("nobody said whose signature it must have: start the console with --charter"))] };
  const key = await readKey(vkey);
  if (checkpoint.origin !== key.name) throw new Error(checkpoint.origin);
  return { note, checkpoint, lines: [signed(await checkSignature(note, key), key.name)] };
}

// ---- checkpoints and witnesses

export function checkpointChecks(c, place) {
  return guarded(place, async () => {
    const { note, lines } = await checkNote(c.note, c.vkey);
    for (const w of c.witnesses) lines.push(signed(await checkSignature(note, await readKey(w.vkey)), `${w.name} (${w.state})`));
    return lines;
  });
}

// ---- an entry: its opening leads to the signed root

export function entryChecks(e, place) {
  return guarded(place, async () => {
    const text = new TextDecoder().decode(await ask("proof", { index: e.index }));
    const { vkey } = await ask("checkpoint");
    return proofLines(text, vkey);
  });
}

async function proofLines(text, vkey) {
  const proof = readProof(text);
  const { checkpoint, lines } = await checkNote(proof.note, vkey);
  if (proof.extra.length <= 16) return [line("warn", t("the file carries no entry")), ...lines];
  const root = await rootFromPath(await leafOf(proof.extra), proof.index, checkpoint.size, proof.path);
  const fields = decodeEntry(proof.extra.slice(16));
  return [
    same(root, checkpoint.root) ? line("good", t("the entry is number %1$s of %2$s in the tree; %3$s hashes lead to the root", number(proof.index), number(checkpoint.size), number(proof.path.length)))
      : line("bad", t("the entry does not lead to the signed root")),
    ...lines,
    facts([[t("Root as computed"), el("code", {}, base64(root))], [t("Root as signed"), el("code", {}, base64(checkpoint.root))], [t("What the proven bytes say"), el("code", {}, fields)]]),
    el("details", {}, el("summary", {}, t("The proof, to be kept")), el("pre", { tabindex: "0" }, text)),
  ];
}

// The Entry message (docs/protocol.md §7), flat: read here so that what is shown is what was proven.
const FIELDS = ["", "type", "time", "subject", "actor", "member", "number", "charter_version", "policy_set", "decision", "reason", "detail"];
function decodeEntry(b) {
  const said = [];
  for (let at = 0; at < b.length;) {
    const field = b[at] >> 3, kind = b[at++] & 7;
    let value = 0, factor = 1, x;
    do { x = b[at++]; value += (x & 127) * factor; factor *= 128; } while (x > 127);
    if (kind === 2) {
      const bytes = b.slice(at, at + value);
      at += value;
      value = ["member", "detail"].includes(FIELDS[field]) ? new TextDecoder().decode(bytes) : hex(bytes);
    } else if (kind !== 0) throw new Error("entry");
    said.push(`${FIELDS[field] ?? field} ${FIELDS[field] === "time" ? new Date(value).toISOString() : value}`);
  }
  return said.join(" · ");
}

// ---- the whole log, from its lowest tiles up

export function wholeLog(c, place) {
  return guarded(place, async () => {
    const { checkpoint, lines } = await checkNote(c.note, c.vkey);
    const bar = el("progress", { max: checkpoint.size, value: 0 }), tree = new Tree(), began = performance.now();
    place.replaceChildren(bar);
    for (let n = 0; n * 256 < checkpoint.size; n++) {
      const width = Math.min(256, checkpoint.size - n * 256);
      const leaves = await ask("leaves", { index: n, width });
      if (leaves.length !== width * 32) throw new Error(t("leaves from %1$s on are missing", number(n * 256)));
      for (let i = 0; i < width; i++) await tree.add(await leafHash(leaves.subarray(i * 32, i * 32 + 32)));
      bar.value = tree.size;
    }
    const root = await tree.root(), ms = performance.now() - began;
    state(t("%1$s entries hashed in %2$s ms", number(tree.size), number(Math.round(ms))));
    return [
      same(root, checkpoint.root) ? line("good", t("all %1$s entries lead to the signed root", number(tree.size))) : line("bad", t("the entries do not lead to the signed root")),
      ...lines,
      facts([[t("Root as computed"), el("code", {}, base64(root))], [t("Root as signed"), el("code", {}, base64(checkpoint.root))]]),
    ];
  });
}

export function proofFile(c, file, place) {
  return file && guarded(place, async () => proofLines(await file.text(), c.vkey));
}
