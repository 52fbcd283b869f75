// One function per view: asks the console, gives elements. What can be checked here is checked in check.js.
import { ask, bulletinLink, el, entryLink, facts, number, short, table, tag, time, t } from "./page.js";
import { chart } from "./chart.js";
import { checkpointChecks, entryChecks, wholeLog, proofFile } from "./check.js";

const KINDS = [
  ["accepted", "Accepted"], ["refused", "Refused"], ["receipts", "Receipts"], ["other", "Other entries"],
];

// ---- timeline

export async function overview({ step }) {
  const [about, line] = await Promise.all([ask("about"), ask("timeline", { step })]);
  const series = KINDS.map(([name, label]) => ({ name, label: t(label), values: line[name] }));
  return [
    el("h1", {}, t("What happened, and when")),
    about.vouched ? null : el("p", { class: "warn" }, t("Nobody vouched for the charter: it is the one that this place has itself. Start the console with --charter to be sure.")),
    el("ul", { class: "cards" },
      card(number(about.size), t("entries in the log")),
      card(number(about.opened), t("of them open to this place")),
      ...series.slice(0, 3).map((s) => card(number(s.values.reduce((a, b) => a + b, 0)), s.label)),
      card(about.settled ? t("settled") : t("not settled yet"), t("by the witnesses"))),
    isView(about) ? el("p", {}, t("This is what one node can prove, %1$s: what it sent and received. What passed between others is not for it to know.", about.node)) : null,
    about.gaps ? el("p", { class: "warn" }, about.gaps === 1 ? t("At one place nothing here proves that one checkpoint extends the one before.") : t("At %1$s places nothing here proves that one checkpoint extends the one before.", number(about.gaps))) : null,
    about.unproven ? el("p", { class: "warn" }, about.unproven === 1 ? t("One entry is under checkpoints that the node no longer has, or of another hub's log: it is left out.") : t("%1$s entries are under checkpoints that the node no longer has, or of another hub's log: they are left out.", number(about.unproven))) : null,
    el("form", { onsubmit: (e) => e.preventDefault() },
      el("label", {}, t("Step"), choice(line.step, line.steps.map((s) => [s, t(STEPS[s] ?? s)]), (value) => { location.hash = `#/overview?step=${value}`; }))),
    ...(line.times.length ? chart(t("Entries over time"), line.times, series, line.step_ms) : []),
    table(t("Entries over time"), [
      { head: t("From"), class: "time", cell: (i) => time(line.times[i]) },
      ...series.map((s) => ({ head: s.label, class: "number", cell: (i) => number(s.values[i]) })),
      { head: "", cell: (i) => el("a", { href: `#/entries?from=${line.times[i]}&to=${line.times[i] + line.step_ms}` }, t("Show")) },
    ], busy(line, series)),
  ].filter(Boolean);
}

const isView = (about) => about.kind.startsWith("node");
const settledAt = (about, index) => (about.settled === null ? t("not known without a charter") : about.settled_size !== null && index < about.settled_size ? t("yes") : t("not yet"));
const STEPS = { minute: "a minute", hour: "an hour", day: "a day", week: "a week" };
const card = (value, label) => el("li", {}, el("b", {}, value), label);
const busy = (line, series) => line.times.map((_, i) => i).filter((i) => series.some((s) => s.values[i] > 0)).reverse().slice(0, 200);

function choice(value, options, then) {
  return el("select", { onchange: (e) => then(e.target.value) },
    options.map(([v, label]) => el("option", { value: v, selected: String(v) === String(value ?? "") }, label)));
}

// ---- who shares with whom

export async function matrix() {
  const [about, m] = await Promise.all([ask("about"), ask("matrix")]);
  const pairs = new Map(m.pairs.map((p) => [`${p.from} ${p.to}`, p]));
  const most = Math.max(1, ...m.pairs.map((p) => p.given));
  const heat = (n) => (n ? `h${Math.min(4, 1 + Math.floor((n / most) * 3.999))}` : "");
  const detail = el("div", { id: "detail", "aria-live": "polite" });
  const tell = (from, to) => {
    const p = pairs.get(`${from} ${to}`), back = pairs.get(`${to} ${from}`);
    detail.replaceChildren(el("h2", {}, `${m.names[from]} → ${m.names[to]}`), facts([
      [t("Bulletins given"), number(p?.given ?? 0)], [t("confirmed by a receipt"), number(p?.stored ?? 0)], [t("read there"), number(p?.read ?? 0)],
      [t("refused to this state"), p?.denied ? number(p.denied) : ""], [t("given in return"), number(back?.given ?? 0)]]),
    el("p", {}, el("a", { href: `#/entries?state=${from}` }, t("Show the entries"))));
  };
  const cell = (from, to, tab) => {
    if (from === to) return el("td", { class: "self" });
    const given = pairs.get(`${from} ${to}`)?.given ?? 0;
    return el("td", { class: heat(given) }, el("button", {
      type: "button", tabindex: tab ? "0" : "-1", "aria-label": `${m.names[from]} → ${m.names[to]}: ${number(given)}`,
      onfocus: () => tell(from, to), onclick: () => tell(from, to), onkeydown: walk,
    }, given ? number(given) : "–"));
  };
  return [
    el("h1", {}, t("Who shares with whom")),
    el("p", {}, t("Each row is a state that gives, each column one that receives; the number is how many bulletins went. Move with the arrow keys.")),
    el("div", { class: "frame" }, el("table", { class: "matrix" },
      el("thead", {}, el("tr", {}, el("td"), m.states.map((to) => el("th", { scope: "col", title: m.names[to] }, to)))),
      el("tbody", {}, m.states.map((from, y) => el("tr", {}, el("th", { scope: "row", title: m.names[from] }, from),
        m.states.map((to, x) => cell(from, to, y === 0 && x === 1))))))),
    detail,
    el("h2", {}, t("Reciprocity")),
    el("p", {}, t("Counted from receipts alone: what the other side itself said it has stored."), isView(about) ? ` ${t("What the node itself received counts by its own word.")}` : ""),
    table(t("Reciprocity"), [
      { head: t("State"), cell: (r) => m.names[r.a] }, { head: t("With"), cell: (r) => m.names[r.b] },
      { head: t("Given"), class: "number", cell: (r) => number(r.given) }, { head: t("Received"), class: "number", cell: (r) => number(r.received) },
    ], reciprocity(m)),
  ];
}

function reciprocity(m) {
  const rows = [], stored = new Map(m.pairs.map((p) => [`${p.from} ${p.to}`, p.stored]));
  m.states.forEach((a, i) => m.states.slice(i + 1).forEach((b) => {
    const given = stored.get(`${a} ${b}`) ?? 0, received = stored.get(`${b} ${a}`) ?? 0;
    if (given + received) rows.push({ a, b, given, received });
  }));
  return rows.sort((x, y) => y.given + y.received - x.given - x.received);
}

function walk(e) {
  const step = { ArrowUp: [-1, 0], ArrowDown: [1, 0], ArrowLeft: [0, -1], ArrowRight: [0, 1] }[e.key];
  if (!step) return;
  e.preventDefault();
  const td = e.target.closest("td"), rows = td.closest("table").rows;
  for (let y = td.parentElement.rowIndex + step[0], x = td.cellIndex + step[1]; rows[y]?.cells[x]; y += step[0], x += step[1]) {
    const next = rows[y].cells[x].querySelector("button");
    if (!next) continue;
    e.target.tabIndex = -1;
    next.tabIndex = 0;
    next.focus();
    return;
  }
}

// ---- entries

const entryColumns = () => [
  { head: t("Entry"), class: "number", cell: (e) => entryLink(e.index) },
  { head: t("Time"), class: "time", cell: (e) => time(e.time) },
  { head: t("State"), cell: (e) => e.state ?? "" },
  { head: t("What"), cell: (e) => tag(e) },
  { head: t("About"), cell: (e) => about(e) },
];
const ABOUT_BULLETINS = ["accepted", "refused", "expired", "recalled", "held", "overdue"];
const about = (e) => (!e.subject ? e.actor ?? "" : ABOUT_BULLETINS.includes(e.type) ? [bulletinLink(e.subject), " ", (e.topics ?? []).join(", ")] : short(e.subject));

export async function entries(args) {
  const [told, found] = await Promise.all([ask("about"), ask("entries", args)]);
  const go = (more) => { location.hash = `#/entries?${new URLSearchParams(Object.entries({ ...args, cursor: undefined, ...more }).filter(([, v]) => v !== undefined && v !== ""))}`; };
  const none = ["", t("all")];
  return [
    el("h1", {}, t("Entries of the log")),
    el("form", { onsubmit: (e) => { e.preventDefault(); go({ subject: e.target.elements.subject.value.trim().toLowerCase(), topic: e.target.elements.topic.value.trim() }); } },
      el("label", {}, t("What"), choice(args.type, [none, ...told.types.map((x) => [x.name, x.sentence])], (type) => go({ type }))),
      el("label", {}, t("State"), choice(args.state, [none, ...told.states.map((m) => [m, m])], (state) => go({ state }))),
      el("label", {}, t("Precedence"), choice(args.precedence, [none, ...["flash", "immediate", "priority", "routine"].map((p) => [p, p.toUpperCase()])], (precedence) => go({ precedence }))),
      el("label", {}, t("Topic"), el("input", { name: "topic", value: args.topic ?? "", size: 14, spellcheck: "false" })),
      el("label", {}, t("Bulletin"), el("input", { name: "subject", value: args.subject ?? "", size: 14, spellcheck: "false", autocomplete: "off" })),
      el("button", { type: "submit" }, t("Search"))),
    args.from ? el("p", {}, t("Between %1$s and %2$s", time(Number(args.from)), args.to ? time(Number(args.to)) : "…"), " · ", el("a", { href: "#/entries" }, t("all"))) : null,
    found.entries.length ? table(t("Entries of the log"), entryColumns(), found.entries) : el("p", {}, t("Nothing was found.")),
    found.next !== null ? el("p", {}, el("a", { href: `#/entries?${new URLSearchParams({ ...args, cursor: found.next })}` }, t("Older entries"))) : null,
  ].filter(Boolean);
}

export async function entry({ index }) {
  const [about, e] = await Promise.all([ask("about"), ask("entry", { index })]);
  const checks = el("div", { id: "checks", "aria-live": "polite" });
  const isBulletin = e.subject && ABOUT_BULLETINS.includes(e.type);
  const code = (text) => (text ? el("code", {}, text) : "");
  const view = [
    el("h1", {}, t("Entry %1$s: %2$s", number(e.index), e.sentence)),
    facts([
      [t("Time"), time(e.time_ms)], [t("State"), e.state], [t("Node"), e.actor], [isBulletin ? t("Bulletin") : t("Subject"), isBulletin ? bulletinLink(e.subject) : code(e.subject)],
      [t("Number"), e.number ? number(e.number) : ""], [t("Reason"), e.reason_sentence ?? e.reason], [t("Detail"), e.detail], [t("Charter"), e.charter_version ? number(e.charter_version) : ""],
      [t("Policies in force"), code(e.policy_set)], [t("Decision"), code(e.decision_hash)], [t("Settled"), settledAt(about, e.index)]]),
    ...(e.receipts?.length ? [el("h2", {}, t("Receipts")), table(t("Receipts"), [
      { head: t("Bulletin"), cell: (r) => bulletinLink(r.bulletin) }, { head: t("What"), cell: (r) => t(EVENTS[r.event] ?? r.event) }, { head: t("Node"), cell: (r) => r.node }, { head: t("Time"), class: "time", cell: (r) => time(r.time) }], e.receipts)] : []),
    e.document?.text ? el("details", {}, el("summary", {}, t("The document")), el("pre", { tabindex: "0" }, e.document.text)) : null,
    el("h2", {}, t("Checked in this browser")), checks,
  ].filter(Boolean);
  entryChecks(e, checks);
  return view;
}

const EVENTS = { stored: "it has it", read: "a person read it", acknowledged: "a person confirmed it", purged: "removed after a recall",
  retained: "kept in spite of a recall", "recall-refused": "the recall was refused", unreadable: "could not be opened", "import-refused": "refused by the recipient's own policy" };

// ---- one bulletin

export async function bulletin({ id }) {
  const [about, b] = await Promise.all([ask("about"), ask("story", { id })]);
  const rows = [...b.recipients.map((r) => ({ ...r, permitted: true })), ...b.denied.map((d) => ({ ...d, permitted: false }))];
  const h = b.header ?? {};
  return [
    el("h1", {}, t("Bulletin %1$s", b.bulletin.slice(0, 12))),
    facts([
      [t("Identity"), el("code", {}, b.bulletin)], [t("From"), b.originator ?? b.state], [t("Number"), h.number ? number(h.number) : ""],
      [t("Made"), h.created ? time(h.created) : ""], [t("Expires"), h.expires ? time(h.expires) : ""], [t("Precedence"), h.precedence?.toUpperCase()],
      [t("Topics"), h.topics?.join(", ")], [t("Marking"), [...new Set((h.portions ?? []).map(marking))].join("; ")], [t("Settled"), settledAt(about, b.index)]]),
    el("h2", {}, t("Who got it, and who did not")),
    b.recipients.some((r) => r.proven === false) ? el("p", {}, b.audience.signed === 1 ? t("The originator signed it for one node: the one that received it here.") : t("The originator signed it for %1$s nodes; this node received it, and does not know which are the others.", number(b.audience.signed)))
      : b.audience && !b.audience.complete ? el("p", { class: "warn" }, t("This place knows %1$s of the %2$s recipients that the originator signed.", number(b.audience.known), number(b.audience.signed))) : null,
    rows.length ? table(t("Who got it, and who did not"), [
      { head: t("State"), cell: (r) => r.node ?? r.state },
      { head: t("Verdict"), cell: (r) => verdict(r) },
      { head: t("Stored"), class: "time", cell: (r) => (r.stored ? time(r.stored) : "") },
      { head: t("Read"), class: "time", cell: (r) => (r.read ? time(r.read) : "") },
      { head: t("Acknowledged"), class: "time", cell: (r) => (r.acknowledged ? time(r.acknowledged) : "") },
      { head: t("Rule"), class: "text", cell: (r) => reasoned(r) },
    ], rows) : el("p", {}, t("This place may not know the audience.")),
    el("h2", {}, t("Its story in the log")),
    el("ol", { class: "story" }, b.entries.map((e) => el("li", { class: e.type }, time(e.time_ms), " · ", tag(e), " ", e.state ?? "", " · ", entryLink(e.index),
      e.reason ? el("div", {}, e.reason_sentence ?? e.reason) : null, e.detail ? el("div", { class: "dim" }, e.detail) : null))),
  ].filter(Boolean);
}

const marking = (p) => [p.level, p.tlp && `TLP:${p.tlp.toUpperCase()}`, p.orcon && "ORCON"].filter(Boolean).join(" ");
const rule = (r) => (r.permitted ? "" : [r.rule, r.file && `${r.file}:${r.line}`, !r.rule && r.policy_of].filter(Boolean).join(" · ") || r.sentence || "");
const reasoned = (r) => [rule(r), !r.permitted && r.sentence && r.sentence !== rule(r) && el("div", { class: "dim" }, r.sentence)].filter(Boolean);
const verdict = (r) => (!r.permitted ? el("span", { class: "bad" }, r.stage ? t("denied: %1$s", r.stage) : t("denied"))
  : r.stored ? el("span", { class: "good" }, r.proven === false ? t("has it, by its own word") : t("has it")) : el("span", { class: "warn" }, t("permitted, no receipt yet")));

// ---- refusals

export async function refusals(args) {
  const found = await ask("refusals", args);
  return [
    el("h1", {}, t("What was refused, and by which rule")),
    found.refusals.length ? table(t("Refusals"), [
      { head: t("Entry"), class: "number", cell: (e) => entryLink(e.index) }, { head: t("Time"), class: "time", cell: (e) => time(e.time) },
      { head: t("State"), cell: (e) => e.state ?? "" }, { head: t("About"), cell: (e) => (e.subject ? bulletinLink(e.subject) : e.actor ?? "") },
      { head: t("Reason"), class: "text", cell: (e) => e.reason_sentence ?? e.reason ?? "" }, { head: t("Detail"), cell: (e) => e.detail ?? "" },
    ], found.refusals) : el("p", {}, t("Nothing was refused.")),
    el("h2", {}, t("Who did not get what was accepted")),
    found.denials.length ? table(t("Who did not get what was accepted"), [
      { head: t("Bulletin"), cell: (d) => bulletinLink(d.subject) }, { head: t("Time"), class: "time", cell: (d) => time(d.time) },
      { head: t("From"), cell: (d) => d.from ?? "" }, { head: t("Not to"), cell: (d) => d.state },
      { head: t("Stage"), cell: (d) => d.stage }, { head: t("Rule"), class: "text", cell: (d) => reasoned({ ...d, permitted: false }) },
    ], found.denials) : el("p", {}, t("Nobody was left out.")),
    found.next !== null ? el("p", {}, el("a", { href: `#/refusals?cursor=${found.next}` }, t("Older entries"))) : null,
  ].filter(Boolean);
}

// ---- checkpoints and witnesses

export async function checkpoints() {
  const [about, c, all] = await Promise.all([ask("about"), ask("checkpoint"), ask("checkpoints")]);
  const checks = el("div", { id: "checks", "aria-live": "polite" });
  const view = [
    el("h1", {}, t("Checkpoints and witnesses")),
    el("p", {}, t("A checkpoint is the hub's signed word about its whole log. Witnesses in each camp sign only what extends what they saw before; a checkpoint with enough of them is settled.")),
    facts([
      [t("Log"), c.origin], [t("Entries"), number(c.size)], [t("Root"), el("code", {}, c.root)],
      [t("Settled"), c.settled === null ? t("not known without a charter") : c.settled ? t("yes") : t("not yet")], [t("Key of the log"), el("code", {}, c.vkey)]]),
    el("h2", {}, t("Checked in this browser")), checks,
    el("h2", {}, t("The checkpoint, as it was signed")), el("pre", { tabindex: "0" }, c.note),
    el("h2", {}, t("Checkpoints that were seen from here")),
    table(t("Checkpoints that were seen from here"), [
      { head: t("Time"), class: "time", cell: (x) => time(x.seen) }, { head: t("Entries"), class: "number", cell: (x) => number(x.size) },
      { head: t("Root"), cell: (x) => el("code", {}, x.root.slice(0, 16)) },
      { head: t("Settled"), cell: (x) => (x.settled ? t("yes") : about.settled_size !== null && x.size <= about.settled_size ? t("by a later one") : t("not yet")) },
      { head: t("Cosigned by"), cell: (x) => (x.cosigned ?? []).map((w) => w.state ?? w.witness).join(", ") },
    ], all.checkpoints),
  ];
  checkpointChecks(c, checks);
  return view;
}

// ---- verify

export async function verify() {
  const [about, c] = await Promise.all([ask("about"), ask("checkpoint")]);
  const log = el("div", { "aria-live": "polite" }), file = el("div", { "aria-live": "polite" }), name = el("span", { class: "dim" });
  return [
    el("h1", {}, t("Verify")),
    el("p", {}, t("All of this is computed in your browser, with its own SHA-256 and Ed25519; the console only hands over the bytes.")),
    el("h2", {}, t("The whole log")),
    isView(about) ? el("p", {}, t("A node keeps its own entries, not those of the whole log. Each of them was held against a signed checkpoint; open one to see it computed here."))
      : el("button", { type: "button", id: "whole", onclick: (e) => { e.target.disabled = true; wholeLog(c, log).finally(() => { e.target.disabled = false; }); } }, t("Recompute the root from all %1$s entries", number(c.size))),
    log,
    el("h2", {}, t("A proof file")),
    el("p", {}, el("input", { type: "file", id: "proof", class: "hidden", onchange: (e) => { name.textContent = e.target.files[0]?.name ?? ""; proofFile(c, e.target.files[0], file); } }),
      el("label", { for: "proof", class: "button" }, t("Choose a file ending in .tlog-proof")), " ", name),
    file,
  ];
}
