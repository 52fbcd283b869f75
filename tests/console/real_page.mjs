// Every view of a real console (address and what its source is called: arguments) in Chromium: nothing fails, nothing is asked elsewhere, and the
// browser finds entry, checkpoint and whole log as they were signed. Screenshots go to $SHOTS.
import assert from "node:assert/strict";
import { mkdirSync } from "node:fs";
import { createRequire } from "node:module";

const { chromium } = createRequire(import.meta.url)(process.env.PLAYWRIGHT);
const [address, name] = process.argv.slice(2), shots = process.env.SHOTS, trouble = [];
mkdirSync(shots, { recursive: true });
const browser = await chromium.launch({ executablePath: process.env.CHROMIUM, args: ["--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
  "--disable-background-networking", "--disable-component-update", "--disable-sync"] });
try {
  const page = await browser.newPage({ viewport: { width: 1280, height: 800 } });
  page.setDefaultTimeout(60000);
  page.on("console", (m) => ["error", "warning"].includes(m.type()) && trouble.push(m.text()));
  page.on("pageerror", (e) => trouble.push(String(e)));
  page.on("request", (r) => r.url().startsWith(address) || r.url().startsWith("data:") || trouble.push(`asked ${r.url()}`));
  const go = async (path) => {
    await page.goto(`${address}#/${path}`);
    await page.waitForFunction(() => document.querySelector("main h1") && !document.querySelector("main[aria-busy]"));
    assert.equal(await page.locator("main [role=alert]").count(), 0, `${path}: ${await page.locator("main").textContent()}`);
    assert.ok(!/undefined|\[object|NaN|Invalid Date/.test(await page.locator("main").textContent()), `${path} shows what nobody can read`);
    await page.screenshot({ path: `${shots}/${name}-${path.split("?")[0]}.png`, fullPage: true });
  };
  const proven = async () => {
    await page.waitForSelector("#checks .good, #checks .bad");
    await page.waitForFunction(() => !document.querySelector("#checks")?.textContent.includes("…"));
    assert.deepEqual(await page.locator("#checks .bad").allTextContents(), []);
    return page.locator("#checks .good").count();
  };
  await go("overview");
  await go("matrix");
  await go("entries?type=accepted");
  const link = async (what) => (await page.locator(`main a[href*="${what}"]`).first().getAttribute("href")).slice(2);
  const entry = await link("entry?index="), bulletin = await link("bulletin?id=");
  await go(bulletin);
  await go(entry);
  assert.equal(await proven(), 2, "the entry and the log's signature");
  await go("refusals");
  await go("checkpoints");
  assert.ok((await proven()) >= 1);
  await go("verify");
  assert.equal(await page.locator("#whole").count(), name === "node" ? 0 : 1, "a node has no whole log to offer");
  if (name !== "node") {
    await page.locator("#whole").click();
    await page.waitForSelector("main .good, main .bad");
  }
  assert.equal(await page.locator("main .bad").count(), 0, await page.locator("main").textContent());
  assert.deepEqual(trouble, []);
} finally {
  await browser.close();
}
