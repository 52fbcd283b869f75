// The console's page in a real Chromium: what a reader sees, with keyboard alone, in both languages, and that the
// page believes no console that lies. Screenshots of every view go to $SHOTS.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";
import { after, before, test } from "node:test";

const { chromium } = createRequire(import.meta.url)(process.env.PLAYWRIGHT);
const stageProgram = process.argv[2], shots = process.env.SHOTS;
let browser;

before(async () => {
  mkdirSync(shots, { recursive: true });
  browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
});
after(() => browser?.close());

// A console, and a page of it; the page must ask nobody else and report no error.
async function open(t, { lie = "honest", lang = "en", ...options } = {}) {
  const stage = spawn(stageProgram, [lie], { stdio: ["pipe", "pipe", "inherit"], env: { ...process.env, LC_ALL: "C.UTF-8", LANGUAGE: lang } });
  const address = await new Promise((resolve) => stage.stdout.once("data", (d) => resolve(String(d).trim())));
  const context = await browser.newContext({ viewport: { width: 1280, height: 800 }, locale: lang, timezoneId: "UTC", ...options });
  const page = await context.newPage();
  page.setDefaultTimeout(30000);
  const trouble = [];
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && !m.text().includes("404") && trouble.push(m.text()));
  page.on("pageerror", (e) => trouble.push(String(e)));
  page.on("request", (r) => r.url().startsWith(address) || r.url().startsWith("data:") || trouble.push(`asked ${r.url()}`));
  t.after(async () => {
    await context.close();
    stage.stdin.end();
    assert.deepEqual(trouble, []);
  });
  const go = async (path) => { await page.goto(`${address}#/${path}`); await ready(page); };
  await go("overview");
  return { page, go, address };
}

const ready = (page) => page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector("main[aria-busy]"));
const checks = async (page, what) => {
  await page.waitForSelector("#checks dl, #checks .bad, #checks .good");
  await page.waitForFunction(() => !document.querySelector("#checks")?.textContent.includes("…"));
  return page.locator(`#checks .${what}`).allTextContents();
};
const BULLETIN = async (page) => (await page.locator('main a[href*="bulletin?id="]').first().getAttribute("href")).slice(2);

test("the views say what happened", async (t) => {
  const { page, go } = await open(t);
  assert.equal(await page.locator("h1").textContent(), "What happened, and when");
  assert.ok((await page.locator("main table tbody tr").count()) > 10);
  assert.equal(await page.locator(".chart canvas").count(), 1, "the chart is drawn");
  await go("entries?type=refused");
  assert.equal(await page.locator("tbody tr").count(), 8);
  const path = await BULLETIN(page);
  await go(path);
  assert.match(await page.locator("main").textContent(), /denied: export.*deny alert\.border to DZ · ML\.policy:12/s);
  await go("refusals");
  assert.match(await page.locator("main").textContent(), /deny alert\.border to TD · BF\.policy:12/);
  await go("entry?index=99999");
  assert.match(await page.locator("[role=alert]").textContent(), /There is no such entry|there is no such entry/);
});

test("filters and pages", async (t) => {
  const { page, go } = await open(t);
  await go("entries");
  const first = await page.locator("tbody tr").first().textContent();
  await page.locator("main select").nth(1).selectOption("SN");
  await page.waitForFunction(() => location.hash.includes("state=SN"));
  await ready(page);
  assert.ok((await page.locator("tbody tr td:nth-child(3)").allTextContents()).every((m) => m === "SN"));
  await go("entries");
  await page.getByText("Older entries").click();
  await page.waitForFunction((f) => document.querySelector("tbody tr").textContent !== f, first);
});

test("an entry is proven in the browser", async (t) => {
  const { page, go } = await open(t);
  await go("entry?index=40");
  const good = await checks(page, "good");
  assert.match(good[0], /the entry is number 40 of \d+ in the tree; \d+ hashes lead to the root/);
  assert.match(good[1], /signed by sahel\.example\/dakar-log/);
  assert.deepEqual(await checks(page, "bad"), []);
  assert.match(await page.locator("#checks").textContent(), /member [A-Z]{2} · number/);
  await go("checkpoints");
  assert.equal((await checks(page, "good")).length, 3, "the log and two witnesses");
  await go("verify");
  await page.locator("#whole").click();
  await page.waitForSelector(".good");
  assert.match(await page.locator(".good").first().textContent(), /all \d+ entries lead to the signed root/);
});

test("a proof file is checked, and a doctored one is not believed", async (t) => {
  const { page, go, address } = await open(t);
  const proof = Buffer.from(await (await fetch(`${address}api/proof?index=77`)).arrayBuffer());
  await go("verify");
  const give = (buffer) => page.locator("#proof").setInputFiles({ name: "x.tlog-proof", mimeType: "text/plain", buffer });
  await give(proof);
  await page.getByText("the entry is number 77").waitFor();
  const text = String(proof);
  for (const other of [text.replace("index 77", "index 78"), text.replace(/^extra (.{20})./m, (_, a) => `extra ${a}A`),
    text.replace(/\n([A-Za-z0-9+/]{43}=)\n/, "\n"), "no proof\n"]) {
    assert.notEqual(other, text);
    await give(proof);
    await page.getByText("the entry is number 77").waitFor();
    await give(Buffer.from(other));
    await page.locator("main .bad").first().waitFor();
    await page.locator("#proof").setInputFiles([]);
  }
});

for (const [lie, where, what] of [
  ["entry", "entry?index=40", /does not lead to the signed root/], ["root", "entry?index=40", /does not lead to the signed root|is false/],
  ["signature", "checkpoints", /the signature of sahel\.example\/dakar-log is false/], ["witness", "checkpoints", /the signature of sahel\.example\/SN\/w1 .*is false/],
]) {
  test(`a console that lies about the ${lie} is caught`, async (t) => {
    const { page, go } = await open(t, { lie });
    await go(where);
    assert.match((await checks(page, "bad")).join("\n"), what);
  });
}

test("a lost or altered leaf is caught", async (t) => {
  const { page, go } = await open(t, { lie: "leaf" });
  await go("verify");
  await page.locator("#whole").click();
  await page.getByText("the entries do not lead to the signed root").waitFor();
});

test("everything is reached with the keyboard", async (t) => {
  const { page, go } = await open(t);
  await page.reload(); // where a reader begins
  await ready(page);
  await page.keyboard.press("Tab");
  assert.equal(await page.evaluate(() => document.activeElement.id), "skip");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Tab");
  await page.keyboard.press("Enter");
  await page.waitForFunction(() => document.querySelector("h1").textContent === "Who shares with whom");
  assert.equal(await page.evaluate(() => document.activeElement.id), "view");
  await page.keyboard.press("Tab");
  const where = () => page.evaluate(() => document.activeElement.getAttribute("aria-label"));
  assert.match(await where(), /Burkina Faso → Mali/);
  await page.keyboard.press("ArrowRight");
  await page.keyboard.press("ArrowDown");
  await page.keyboard.press("ArrowDown");
  assert.match(await where(), /Nigeria → Niger/);
  assert.match(await page.locator("#detail").textContent(), /Nigeria → Niger/);
  const tabbable = await page.locator(".matrix button[tabindex='0']").count();
  assert.equal(tabbable, 1, "the matrix is one stop");
  await go("checkpoints");
  const unnamed = await page.evaluate(() => [...document.querySelectorAll("button, a, input, select")].filter((e) => !(e.textContent.trim() || e.labels?.length || e.ariaLabel)).length);
  assert.equal(unnamed, 0);
});

test("French and English", async (t) => {
  const { page, go } = await open(t, { lang: "fr" });
  assert.equal(await page.evaluate(() => document.documentElement.lang), "fr");
  assert.equal(await page.locator("h1").textContent(), "Ce qui s'est passé, et quand");
  await go("entry?index=40");
  assert.match((await checks(page, "good"))[0], /l'entrée est la numéro 40/);
  await page.locator("#language").click();
  await page.waitForFunction(() => document.documentElement.lang === "en");
  await page.getByText("Checked in this browser").waitFor();
  await page.locator("#language").click();
  await page.getByText("Vérifié dans ce navigateur").waitFor();
});

test("nothing runs off the page, light and dark, narrow and wide", async (t) => {
  for (const [lang, colorScheme, width] of [["en", "light", 1280], ["fr", "dark", 1280], ["en", "dark", 390], ["fr", "light", 390]]) {
    const { page, go } = await open(t, { lang, colorScheme, viewport: { width, height: 800 } });
    await go("entries");
    for (const view of ["overview", "matrix", "entries", "refusals", "checkpoints", "verify", "entry?index=40", await BULLETIN(page)]) {
      await go(view);
      if (/^(entry\?|checkpoints)/.test(view)) await checks(page, "good");
      if (view === "overview") await page.waitForSelector(".chart canvas");
      if (view === "matrix") await page.locator(".matrix button").nth(3).focus();
      await page.screenshot({ path: `${shots}/${view.split("?")[0]}-${lang}-${colorScheme}-${width}.png`, fullPage: true });
      const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
      assert.ok(over <= 0, `${view} in ${lang} is ${over} pixels too wide for ${width}`);
    }
  }
});
