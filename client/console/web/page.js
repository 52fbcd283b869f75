// What all views share: the console's answers, words in the reader's language, elements without markup.

let words = {};
export let language = "en";

// One answer of the console. Throws Error with the console's own sentence.
export async function ask(what, args = {}) {
  const query = new URLSearchParams({ lang: language });
  for (const [key, value] of Object.entries(args)) if (value !== undefined && value !== null && value !== "") query.set(key, value);
  let answer;
  try {
    answer = await fetch(`api/${what}?${query}`, { cache: "no-store" });
  } catch {
    throw new Error(t("The console does not answer any more. Start it again: toguna console"));
  }
  if (answer.headers.get("Content-Type")?.startsWith("application/json")) {
    const value = await answer.json();
    if (!answer.ok) throw new Error(value.message);
    return value;
  }
  if (!answer.ok) throw new Error(`${answer.status}`);
  return new Uint8Array(await answer.arrayBuffer());
}

export async function speak(wanted) {
  language = wanted ?? "";
  const told = await ask("words");
  words = told.words;
  language = told.language;
  document.documentElement.lang = language;
}

// The sentence in the reader's language; %1$s, %2$s stand for the arguments.
export function t(sentence, ...args) {
  return (words[sentence] ?? sentence).replace(/%(\d)\$s/g, (_, n) => args[n - 1] ?? "");
}

// An element: attributes, then children; text is only ever text.
export function el(tag, attributes = {}, ...children) {
  const e = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) {
    if (value === undefined || value === null || value === false) continue;
    if (name.startsWith("on")) e.addEventListener(name.slice(2), value);
    else e.setAttribute(name, value === true ? "" : value);
  }
  e.append(...children.flat(3).filter((c) => c !== undefined && c !== null && c !== false));
  return e;
}

export const number = (n) => new Intl.NumberFormat(language).format(n);

// A moment, as milliseconds or as text in UTC: shown in UTC, as the command line and the reports do (the footer says so).
export function time(moment) {
  if (!moment) return "–";
  return new Intl.DateTimeFormat(language, { dateStyle: "medium", timeStyle: "medium", hourCycle: "h23", timeZone: "UTC" }).format(new Date(moment));
}

// A table in a frame that scrolls; columns: {head, cell(row), class}.
export function table(caption, columns, rows) {
  return el("div", { class: "frame", role: "region", "aria-label": caption, tabindex: "0" },
    el("table", {},
      el("thead", {}, el("tr", {}, columns.map((c) => el("th", { scope: "col", class: c.class }, c.head)))),
      el("tbody", {}, rows.map((row) => el("tr", {}, columns.map((c) => el("td", { class: c.class }, c.cell(row) ?? "")))))));
}

export function facts(pairs) {
  return el("dl", {}, pairs.filter(([, value]) => value !== undefined && value !== null && value !== "")
    .map(([name, value]) => [el("dt", {}, name), el("dd", {}, value)]));
}

export const short = (id) => el("code", { title: id }, id.slice(0, 12));
export const bulletinLink = (id) => el("a", { href: `#/bulletin?id=${id}` }, short(id));
export const entryLink = (index) => el("a", { href: `#/entry?index=${index}` }, number(index));
export const tag = (entry) => el("span", { class: `tag ${entry.type}` }, entry.sentence);

export function state(text) {
  document.getElementById("state").textContent = text;
}
