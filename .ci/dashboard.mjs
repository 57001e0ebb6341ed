// Signs in to the dashboard in a browser from another origin, waits until it is drawn, changes something by the API and
// waits until that appears without a reload; then axe in both languages, and a small screen.
//
// usage: node .ci/dashboard.mjs ORIGIN API SIGN_INS     Serves the page at ORIGIN, which the API must let in. Ends with 1
// if anything is found. Needs PAGES_* as pages.mjs does.
import { createRequire } from "node:module";
import { createServer } from "node:http";
import { existsSync, mkdirSync, readFileSync } from "node:fs";

const require = createRequire(`${process.env.PAGES_MODULES}/`);
const { chromium } = require("playwright-core");
const axe = require("axe-core");
const [origin, api, signs] = process.argv.slice(2);
const out = process.env.PAGES_OUT;
mkdirSync(out, { recursive: true });
const accounts = JSON.parse(readFileSync(signs, "utf8")).accounts;
const folder = new URL("../examples/dashboard/", import.meta.url);
const types = { html: "text/html", css: "text/css", js: "text/javascript" };
const server = createServer((request, response) => {
  const file = new URL(`.${new URL(request.url, origin).pathname.replace(/\/$/, "/index.html")}`, folder);
  if (!existsSync(file)) return response.writeHead(404).end();
  response.writeHead(200, { "Content-Type": types[file.pathname.split(".").at(-1)] ?? "text/plain" }).end(readFileSync(file));
});
server.listen(Number(new URL(origin).port), new URL(origin).hostname);

const programme = `${api}/api/v1/programs/jakarta-berketahanan`;

let faults = 0;
const fault = (text) => {
  faults += 1;
  console.error(text);
};

async function ask(address, body, token, headers = {}) {
  const answer = await fetch(address, {
    method: body ? "POST" : "GET",
    headers: { "Content-Type": "application/json", ...(token ? { Authorization: `Bearer ${token}` } : {}), ...headers },
    ...(body ? { body: JSON.stringify(body) } : {}),
  });
  if (!answer.ok) throw new Error(`${address}: ${answer.status} ${await answer.text()}`);
  return answer.json();
}
const signIn = async (role) => (await ask(`${api}/api/v1/auth/login`, accounts[role])).access_token;

const browser = await chromium.launch({
  executablePath: process.env.PAGES_CHROMIUM,
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
// The page's own policy lets no other script run; axe is put in from outside.
const context = await browser.newContext({ bypassCSP: true, viewport: { width: 1280, height: 900 }, locale: "en-GB" });
const page = await context.newPage();
let expected = 0;
page.on("console", (message) => {
  if (message.type() === "error" && expected > 0) expected -= 1;
  else fault(`the console says: ${message.text()}`);
});
page.on("pageerror", (error) => fault(`an error in the page: ${error}`));

async function axed(what) {
  if (!(await page.evaluate("!!globalThis.axe"))) await page.evaluate(axe.source);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  for (const one of found.violations) {
    fault(`${what}: ${one.id} (${one.impact}): ${one.help}\n    ${one.nodes.map((node) => node.html).slice(0, 5).join("\n    ")}`);
  }
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wider > 0) fault(`${what}: is ${wider} px wider than its screen`);
  console.log(`${what}: ${found.passes.length} rules of axe passed, ${found.violations.length} violated`);
}

await page.goto(`${origin}/?api=${encodeURIComponent(api)}`);
await axed("sign-in");
await page.screenshot({ path: `${out}/dashboard-sign-in.png` });
const enter = async (password) => {
  await page.fill("#email", accounts.lead.email);
  await page.fill("#password", password);
  await page.press("#password", "Enter");
};
expected = 1; // A browser tells of every 401 by itself.
await enter("not the password");
await page.waitForFunction(() => document.querySelector("#refusal").textContent !== "");
await enter(accounts.lead.password);
await page.waitForSelector("#board[data-head] #areas li .bar i");
await page.waitForSelector("#standing.live");
for (const [what, selector] of [["area", "#areas li"], ["node", "#coverage .validated"], ["change", "#changes li"]]) {
  if ((await page.locator(selector).count()) === 0) fault(`no ${what} is drawn`);
}

// What the API changes appears by itself.
await page.evaluate(() => { globalThis.stays = true; });
const partner = await signIn("partner");
const said = `Air naik di Kali Contoh, ${Date.now()}.`;
const sent = { kind: "evidence", text: said, language: "id", external_ref: `dashboard-${Date.now()}` };
await ask(`${programme}/inputs`, sent, partner);
await page.waitForFunction((text) => document.querySelector("#inputs").textContent.includes(text), said, { timeout: 10000 });
const facilitator = await signIn("facilitator");
const area = (await ask(`${programme}/focus-areas`, null, facilitator)).items[0].id;
const text = { id: "Siapa yang pertama terendam?", en: "Who floods first, as seen live?" };
await ask(`${programme}/questions`, { focus_area_id: area, text }, facilitator);
await page.waitForFunction(() => document.querySelector("#changes li.new")?.textContent.includes("as seen live"), null, { timeout: 10000 });
if (!(await page.evaluate(() => globalThis.stays))) fault("the page was loaded anew");

// Nothing is overdue in a demo of today: one answer is changed on its way.
await page.route(/\/inputs\?/, async (route) => {
  const answer = await route.fetch();
  const body = await answer.json();
  body.items[0].due_on = "2020-01-01";
  await route.fulfill({ response: answer, json: body });
});
await page.selectOption("#framework", "CRI");
await page.waitForSelector("#inputs tr.late .mark");
await page.selectOption("#framework", "CRF-100RC");
await page.waitForFunction(() => document.querySelector("#coverage").textContent.includes("DRV-1"));

await axed("dashboard");
await page.screenshot({ path: `${out}/dashboard.png`, fullPage: true });
await page.click('[data-language="id"]');
await page.waitForFunction(() => document.querySelector("#questions-heading").textContent === "Pertanyaan menurut fokus area");
await page.setViewportSize({ width: 360, height: 740 });
await axed("dashboard, small and in Indonesian");
await page.screenshot({ path: `${out}/dashboard-small.png`, fullPage: true });
await page.setViewportSize({ width: 1280, height: 900 });
await page.click("#sign-out");
await page.waitForSelector("#sign-in:not([hidden])");
await browser.close();
process.exit(faults ? 1 : 0);
