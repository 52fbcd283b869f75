// The page of `toguna policy matrix --html` (file: first argument; language: second) as a minister, a keyboard and a reader of screens
// meet it. Screenshots go to $SHOTS.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";

const { chromium } = createRequire(import.meta.url)(process.env.PLAYWRIGHT);
const [file, language] = process.argv.slice(2), shots = process.env.SHOTS, address = pathToFileURL(file).href, trouble = [];
const words = {
  en: { title: "Who tells whom", to: "Mali → Niger", nothing: "Nothing may pass.", only: "only with approvals or ORCON, or from some agencies", upTo: "up to", except: "except",
    label: "Mali → Niger: SECRET *", hint: "Point at a cell" },
  fr: { title: "Qui informe qui", to: "Mali → Niger", nothing: "Rien ne peut passer.", only: "seulement avec des approbations ou ORCON, ou de certains services", upTo: "jusqu'à",
    except: "sauf", label: "Mali → Niger: SECRET *", hint: "Pointez" },
}[language];
mkdirSync(shots, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"] });

async function open(options) {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 }, ...options });
  page.setDefaultTimeout(20000);
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && trouble.push(m.text()));
  page.on("pageerror", (e) => trouble.push(String(e)));
  page.on("request", (r) => r.url() === address || trouble.push(`asked ${r.url()}`));
  await page.goto(address);
  return page;
}
const cell = (page, from, to) => page.locator(`button[data-from=${from}][data-to=${to}]`);
const said = (page) => page.locator("#detail").innerText();
/* Black on white has 21; WCAG asks for 4.5. */
const contrast = (page) => page.evaluate(() => {
  const light = (rgb) => {
    const [r, g, b] = rgb.match(/[\d.]+/g).map((v) => { v /= 255; return v <= 0.04045 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4; });
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const behind = (e) => { const c = getComputedStyle(e).backgroundColor; return c === "rgba(0, 0, 0, 0)" && e.parentElement ? behind(e.parentElement) : c; };
  const worst = [...document.querySelectorAll("h1,p,label,select,th,th small,td>button,#legend b,#legend li,#detail *")].map((e) => {
    const [a, b] = [light(getComputedStyle(e).color), light(behind(e))];
    return [(Math.max(a, b) + 0.05) / (Math.min(a, b) + 0.05), e.outerHTML.slice(0, 60)];
  }).sort((a, b) => a[0] - b[0])[0];
  return worst;
});

try {
  for (const colorScheme of ["light", "dark"]) {
    const page = await open({ colorScheme });
    assert.equal(await page.title(), words.title);
    assert.equal(await page.locator("html").getAttribute("lang"), language);
    assert.ok((await said(page)).startsWith(words.hint));
    await page.screenshot({ path: `${shots}/matrix-${language}-${colorScheme}.png` });
    const [ratio, where] = await contrast(page);
    assert.ok(ratio >= 4.5, `${colorScheme}: contrast ${ratio} at ${where}`);
    await page.close();
  }

  const page = await open({});
  /* All eighteen are seen at once, and nothing is cut. */
  assert.equal(await page.locator("th[scope=row]").count(), 18);
  assert.equal(await page.locator("td>button").count(), 18 * 17);
  const frame = await page.locator(".frame").evaluate((e) => [e.scrollWidth - e.clientWidth, e.scrollHeight - e.clientHeight]);
  assert.deepEqual(frame, [0, 0], "the matrix of eighteen states fits a screen of 1280 by 800");
  assert.equal(await page.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  /* What each letter means stands there. */
  for (const level of ["UNCLASSIFIED", "RESTRICTED", "CONFIDENTIAL", "SECRET", "TOP-SECRET"])
    assert.ok((await page.locator("#legend").innerText()).includes(level));

  /* Pointing tells the rules of both sides. */
  assert.equal(await cell(page, "ML", "NE").innerText(), "S *");
  await cell(page, "ML", "NE").hover();
  let text = await said(page);
  for (const part of [words.to, `alert.** ${words.upTo} SECRET`, "ML.policy:6: export allow alert.** to AES up-to SECRET",
    "NE.policy:11: import allow ** from * up-to SECRET", `report.** ${words.except} report.humint.** ${words.upTo} CONFIDENTIAL`, `(${words.only})`])
    assert.ok(text.includes(part), `${part} in: ${text}`);
  assert.deepEqual(await page.locator("th.on").evaluateAll((l) => l.map((e) => e.firstChild.data)), ["NE", "ML"]);
  assert.match(await cell(page, "ML", "NE").getAttribute("title"), /ML\.policy:6/);
  assert.equal(await cell(page, "ML", "NE").getAttribute("aria-label"), words.label);
  await page.screenshot({ path: `${shots}/matrix-${language}-hover.png` });
  await cell(page, "SN", "CV").hover();
  assert.ok((await said(page)).includes(words.nothing));
  assert.equal(await cell(page, "SN", "CV").innerText(), "–");

  /* The filters: a denied topic, a level. */
  const shown = () => page.locator("td>button").evaluateAll((l) => l.filter((b) => b.textContent !== "–").map((b) => `${b.dataset.from}${b.dataset.to}`));
  const all = (await shown()).length;
  assert.ok((await shown()).includes("SNTG"), "health goes there");
  await page.locator("#topic").selectOption({ label: "alert.attack.**" });
  assert.ok(!(await shown()).includes("SNTG"), "alerts of attacks do not go from SN to TG");
  assert.ok((await shown()).includes("SNTD"));
  await page.locator("#level").selectOption("4");
  assert.deepEqual((await shown()).sort(), ["BFML", "BFNE", "MLBF", "MLNE", "NEBF", "NEML"]);
  await page.screenshot({ path: `${shots}/matrix-${language}-filtered.png` });
  await page.locator("#topic").selectOption("");
  await page.locator("#level").selectOption("1");
  assert.equal((await shown()).length, all);

  /* The keyboard alone: one stop in the table, arrows within it. */
  await page.locator("#level").focus();
  await page.keyboard.press("Tab");
  const at = () => page.evaluate(() => [document.activeElement.dataset.from, document.activeElement.dataset.to].join());
  assert.equal(await at(), "BF,BJ");
  for (const [key, where] of [["ArrowRight", "BF,CI"], ["ArrowDown", "BJ,CI"], ["ArrowDown", "CV,CI"], ["ArrowLeft", "CV,BJ"], ["ArrowUp", "CI,BJ"],
    ["ArrowUp", "BF,BJ"], ["ArrowUp", "BF,BJ"]]) {
    await page.keyboard.press(key);
    assert.equal(await at(), where, key);
  }
  assert.ok((await said(page)).includes("Burkina Faso"));
  assert.equal(await page.locator("td>button[tabindex='0']").count(), 1);
  await page.keyboard.press("Shift+Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "level");
  await page.close();

  /* A telephone, a sheet of paper, and no scripts at all. */
  const small = await open({ viewport: { width: 390, height: 800 } });
  assert.equal(await small.evaluate(() => document.documentElement.scrollWidth <= innerWidth), true);
  await small.screenshot({ path: `${shots}/matrix-${language}-narrow.png` });
  await small.close();
  const paper = await open({ viewport: { width: 1080, height: 760 } });
  await paper.emulateMedia({ media: "print" });
  assert.equal(await paper.locator("#detail").isVisible() || await paper.locator("#filters").isVisible(), false);
  await paper.screenshot({ path: `${shots}/matrix-${language}-print.png` });
  await paper.close();
  const plain = await open({ javaScriptEnabled: false });
  assert.equal(await cell(plain, "ML", "NE").innerText(), "S *");
  assert.equal(await plain.locator("#filters").isVisible(), false);
  await plain.close();
  assert.deepEqual(trouble, []);
} finally {
  await browser.close();
}
