// What the reader's own browser can check, with nothing but SHA-256 and Ed25519: is an entry in the tree, is the tree the
// one that was signed? RFC 6962, C2SP signed notes, checkpoints, cosignatures and proofs. Nothing here asks the console.

const LEAF = new TextEncoder().encode("toguna/leaf/v1\0"); // a label ends with a zero byte
const utf8 = new TextEncoder();

export function bytes(base64) {
  const raw = atob(base64);
  if (btoa(raw) !== base64) throw new Error("base64");
  return Uint8Array.from(raw, (c) => c.charCodeAt(0));
}
export const base64 = (b) => btoa(String.fromCharCode(...b));
const hex = (b) => Array.from(b, (x) => x.toString(16).padStart(2, "0")).join("");

function join(...parts) {
  const out = new Uint8Array(parts.reduce((n, p) => n + p.length, 0));
  let at = 0;
  for (const p of parts) { out.set(p, at); at += p.length; }
  return out;
}

export const same = (a, b) => a.length === b.length && a.every((x, i) => x === b[i]);
export const sha256 = async (...parts) => new Uint8Array(await crypto.subtle.digest("SHA-256", join(...parts)));
const leafHash = (data) => sha256(Uint8Array.of(0), data);
const nodeHash = (left, right) => sha256(Uint8Array.of(1), left, right);

// The 32 bytes that the log holds of an entry; opening: salt (16 bytes) and entry.
export const leafOf = (opening) => sha256(LEAF, opening);

// RFC 9162 §2.1.3.2. Sizes are below 2^53: they come from a log that somebody filled.
export async function rootFromPath(leaf, index, size, path) {
  if (index >= size) throw new Error("index");
  let fn = index, sn = size - 1, r = await leafHash(leaf);
  for (const p of path) {
    if (sn === 0) throw new Error("path");
    if (fn % 2 === 1 || fn === sn) {
      r = await nodeHash(p, r);
      while (fn % 2 === 0 && fn !== 0) { fn = Math.floor(fn / 2); sn = Math.floor(sn / 2); }
    } else r = await nodeHash(r, p);
    fn = Math.floor(fn / 2); sn = Math.floor(sn / 2);
  }
  if (sn !== 0) throw new Error("path");
  return r;
}

// The root over leaf hashes that come in order: only the right edge of the tree is kept.
export class Tree {
  edge = [];
  size = 0;
  async add(hash) {
    for (let n = this.size; n % 2 === 1; n = Math.floor(n / 2)) hash = await nodeHash(this.edge.pop(), hash);
    this.edge.push(hash);
    this.size++;
  }
  async root() {
    if (this.size === 0) return sha256();
    let r = this.edge.at(-1);
    for (let i = this.edge.length - 2; i >= 0; i--) r = await nodeHash(this.edge[i], r);
    return r;
  }
}
export { leafHash };

// A signed note: its text, and its signatures {name, id, bytes}.
export function openNote(note) {
  const cut = note.lastIndexOf("\n\n");
  if (cut < 0) throw new Error("note");
  const signatures = note.slice(cut + 2).split("\n").slice(0, -1).map((line) => {
    const m = /^\u2014 ([^ +]+) ([A-Za-z0-9+/=]+)$/.exec(line);
    const all = m && bytes(m[2]);
    if (!all || all.length < 5) throw new Error("note");
    return { name: m[1], id: hex(all.slice(0, 4)), bytes: all.slice(4) };
  });
  return { text: note.slice(0, cut + 1), signatures };
}

export function readCheckpoint(text) {
  const [origin, size, root] = text.split("\n");
  if (!origin || !/^(0|[1-9][0-9]{0,15})$/.test(size)) throw new Error("checkpoint");
  const hash = bytes(root);
  if (hash.length !== 32) throw new Error("checkpoint");
  return { origin, size: Number(size), root: hash };
}

// A verifier key, name+id+base64(type, key): the id is recomputed.
export async function readKey(vkey) {
  const m = /^([^ +]+)\+([0-9a-f]{8})\+([A-Za-z0-9+/=]+)$/.exec(vkey);
  const all = m && bytes(m[3]);
  if (!all || all.length !== 33) throw new Error("key");
  const id = hex((await sha256(utf8.encode(m[1] + "\n"), all)).slice(0, 4));
  if (id !== m[2]) throw new Error("key");
  return { name: m[1], id, type: all[0], key: all.slice(1) };
}

// "good", "bad", "absent" (this key has not signed), or "unable" (this browser knows no Ed25519).
export async function checkSignature(note, key) {
  const mine = note.signatures.filter((s) => s.name === key.name && s.id === key.id);
  if (mine.length === 0) return { verdict: "absent" };
  let imported;
  try {
    imported = await crypto.subtle.importKey("raw", key.key, { name: "Ed25519" }, false, ["verify"]);
  } catch {
    return { verdict: "unable" };
  }
  let when;
  for (const s of mine) {
    let message = note.text, signature = s.bytes;
    if (key.type === 4) { // cosignature/v1: eight bytes of time, then the signature
      if (signature.length !== 72) return { verdict: "bad" };
      when = Number(new DataView(signature.buffer, signature.byteOffset).getBigUint64(0));
      message = `cosignature/v1\ntime ${when}\n${note.text}`;
      signature = signature.slice(8);
    } else if (key.type !== 1) return { verdict: "bad" };
    if (!(await crypto.subtle.verify("Ed25519", imported, signature, utf8.encode(message)))) return { verdict: "bad" };
  }
  return { verdict: "good", time: when === undefined ? undefined : when * 1000 };
}

// c2sp.org/tlog-proof@v1
export function readProof(text) {
  const lines = text.split("\n");
  let at = 0, extra = new Uint8Array();
  if (lines[at++] !== "c2sp.org/tlog-proof@v1") throw new Error("proof");
  if (lines[at].startsWith("extra ")) extra = bytes(lines[at++].slice(6));
  const m = /^index (0|[1-9][0-9]{0,15})$/.exec(lines[at++]);
  if (!m) throw new Error("proof");
  const path = [];
  for (; at < lines.length && lines[at] !== ""; at++) path.push(bytes(lines[at]));
  if (path.some((h) => h.length !== 32)) throw new Error("proof");
  return { index: Number(m[1]), extra, path, note: lines.slice(at + 1).join("\n") };
}
