// Looks at pages for people in a browser, as the addresses on the command line give them: with axe for whoever reads
// them by ear, by keys or enlarged; for a horizontal scroll bar on a small screen; and printed to PDF. Ends with 1 if
// anything is found. PAGES_MODULES is where the modules are, PAGES_OUT where the pictures and PDFs go.
import { createRequire } from "node:module";
import { mkdirSync, statSync } from "node:fs";

const require = createRequire(`${process.env.PAGES_MODULES}/`);
const { chromium } = require("playwright-core");
const axe = require("axe-core");
const out = process.env.PAGES_OUT;
mkdirSync(out, { recursive: true });

const browser = await chromium.launch({
  executablePath: process.env.PAGES_CHROMIUM,
  args: ["--no-sandbox", "--disable-dev-shm-usage"],
});
let faults = 0;
const fault = (address, text) => {
  faults += 1;
  console.error(`${address}\n  ${text}`);
};

for (const [number, address] of process.argv.slice(2).entries()) {
  // The page's own policy lets no script run; axe is put in from outside.
  const context = await browser.newContext({
    bypassCSP: true,
    viewport: { width: 1100, height: 900 },
    extraHTTPHeaders: { Accept: "text/html" },
  });
  const page = await context.newPage();
  page.on("console", (message) => {
    // A browser asks every site for an icon of its own accord; this one has none.
    if (!message.location().url.endsWith("/favicon.ico")) fault(address, `the console says: ${message.text()}`);
  });
  page.on("request", (request) => {
    if (request.url() !== address) fault(address, `asks for ${request.url()}`);
  });
  const answer = await page.goto(address);
  if (answer && !answer.ok()) fault(address, `answers ${answer.status()}`);
  await page.evaluate(axe.source);
  const found = await page.evaluate(() =>
    globalThis.axe.run(document, {
      runOnly: ["wcag2a", "wcag2aa", "wcag2aaa", "wcag21a", "wcag21aa", "wcag22aa", "best-practice"],
    }),
  );
  for (const one of found.violations) {
    fault(address, `${one.id} (${one.impact}): ${one.help}\n    ${one.nodes.map((node) => node.html).join("\n    ")}`);
  }
  await page.screenshot({ path: `${out}/${number}.png`, fullPage: true });
  await page.setViewportSize({ width: 360, height: 740 });
  const wider = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  if (wider > 0) fault(address, `is ${wider} px wider than a small screen`);
  await page.screenshot({ path: `${out}/${number}-small.png`, fullPage: true });
  await page.pdf({ path: `${out}/${number}.pdf`, preferCSSPageSize: true, tagged: true });
  const size = statSync(`${out}/${number}.pdf`).size;
  if (size < 5000) fault(address, `prints to ${size} bytes`);
  console.log(`${address}: ${found.passes.length} rules of axe passed, ${found.violations.length} violated; PDF of ${size} bytes`);
  await context.close();
}
await browser.close();
process.exit(faults ? 1 : 0);
