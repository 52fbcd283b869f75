// Begins: words, navigation, one view at a time, chosen by the address behind '#'.
import { ask, el, language, number, speak, state, t } from "./page.js";
import { checkpoints, entries, entry, bulletin, matrix, overview, refusals, verify } from "./views.js";

const VIEWS = [
  ["overview", "Timeline", overview], ["matrix", "Who shares with whom", matrix], ["entries", "Entries", entries],
  ["refusals", "Refusals", refusals], ["checkpoints", "Checkpoints and witnesses", checkpoints], ["verify", "Verify", verify],
];
const HIDDEN = { bulletin, entry };

function place() {
  const [path, query] = location.hash.replace(/^#\/?/, "").split("?");
  return { path: path || "overview", args: Object.fromEntries(new URLSearchParams(query)) };
}

let shown = 0;
async function show(first) {
  const { path, args } = place(), mine = ++shown, view = document.getElementById("view");
  const draw = HIDDEN[path] ?? VIEWS.find((v) => v[0] === path)?.[2] ?? overview;
  for (const a of document.querySelectorAll("nav a")) a.toggleAttribute("aria-current", a.hash === `#/${path}`);
  for (const a of document.querySelectorAll("nav a[aria-current]")) a.setAttribute("aria-current", "page");
  view.setAttribute("aria-busy", "true");
  let content;
  try {
    content = await draw(args);
  } catch (error) {
    content = [el("h1", {}, t("That cannot be shown")), el("p", { class: "bad", role: "alert" }, error.message)];
  }
  if (mine !== shown) return; // the reader has gone on
  view.replaceChildren(...content);
  view.removeAttribute("aria-busy");
  document.title = `${view.querySelector("h1")?.textContent ?? ""} – Toguna`;
  if (!first) view.focus({ preventScroll: true });
  window.scrollTo(0, 0);
}

async function frame() {
  const about = await ask("about");
  document.getElementById("source").textContent = about.log;
  document.getElementById("skip").textContent = t("To the content");
  document.getElementById("nav").setAttribute("aria-label", t("Views"));
  document.getElementById("nav").replaceChildren(...VIEWS.map(([path, name]) => el("a", { href: `#/${path}` }, t(name))));
  const other = language === "fr" ? ["en", "English"] : ["fr", "Français"];
  const button = document.getElementById("language");
  button.textContent = other[1];
  button.lang = other[0];
  button.onclick = async () => { await speak(other[0]); await frame(); await show(); };
  state(t("%1$s entries, read from %2$s; times are UTC", number(about.size), about.place ?? ""));
}

try {
  await speak();
  await frame();
  window.addEventListener("hashchange", () => show());
  matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => show());
  await show(true);
} catch (error) {
  document.getElementById("view").replaceChildren(el("p", { class: "bad", role: "alert" }, error.message));
}
