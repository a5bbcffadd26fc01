// Lighthouse scores of the main pages of the three people: score.mjs PAGES starts the newsroom PAGES serves (the example `pages`,
// with measured posts) and prints rows for `make bench`. The value of a category is the lowest of the pages, of each the median of
// the runs, as a phone sees it. web.first_load_kib is what the heaviest of them makes an empty browser fetch, without the pictures
// and clips of its article.
import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync } from "node:fs";
import { launch } from "chrome-launcher";
import lighthouse from "lighthouse";

const newsroom = spawn(process.argv[2], ["0", "measured"], { stdio: ["ignore", "pipe", "inherit"] });
const [said] = await once(newsroom.stdout, "data");
const [, base, password] = /(http:\/\/\S+).*quantri\s+(.+)/.exec(said.toString());
const [, article] = /article: (\S+)/.exec(said.toString());
const login = "soan";
const paths = ["/", article, "/duyet", "/lich", "/bao-cao"];
const MOST_KIB = 200;
const RUNS = 3;
const LEAST = 95;
const CATEGORIES = ["performance", "accessibility", "best-practices", "seo"];

const signed = await fetch(`${base}/dang-nhap`, {
  method: "POST",
  redirect: "manual",
  headers: { "content-type": "application/x-www-form-urlencoded", origin: base, "sec-fetch-site": "same-origin" },
  body: new URLSearchParams({ login, password }),
});
const cookie = signed.headers.getSetCookie().map((line) => line.split(";")[0]).join("; ");
if (!cookie.includes("loa=")) throw new Error(`nobody could sign in: ${signed.status}`);

const chromePath = [process.env.CHROMIUM, "/usr/bin/chromium", "/usr/bin/chromium-headless-shell"].find((path) => path && existsSync(path));
const chrome = await launch({ chromePath, chromeFlags: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage"] });
const median = (list) => [...list].sort((a, b) => a - b)[Math.floor(list.length / 2)];
const pages = [];
try {
  for (const path of paths) {
    const runs = [];
    for (let run = 0; run < RUNS; run++) {
      const { lhr } = await lighthouse(`${base}${path}`, { port: chrome.port, onlyCategories: CATEGORIES, extraHeaders: { Cookie: cookie }, logLevel: "error" });
      if (lhr.runtimeError) throw new Error(`${path}: ${lhr.runtimeError.message}`);
      if (new URL(lhr.finalDisplayedUrl).pathname !== new URL(base + path).pathname) throw new Error(`${path} led to ${lhr.finalDisplayedUrl}`);
      runs.push(lhr);
    }
    const page = Object.fromEntries(CATEGORIES.map((name) => [name, runs.map((lhr) => Math.round(lhr.categories[name].score * 100))]));
    const requests = runs[0].audits["network-requests"].details.items.filter((item) => !item.url.includes("/tep/"));
    const weight = requests.reduce((sum, item) => sum + item.transferSize, 0) / 1024;
    console.error(`bench: ${path} ${weight.toFixed(0)} KiB`, JSON.stringify(page));
    for (const name of CATEGORIES) {
      const lost = runs[0].categories[name].auditRefs.filter((ref) => ref.weight > 0 && (runs[0].audits[ref.id].score ?? 1) < 0.9);
      for (const ref of lost) console.error(`bench:   ${name} ${ref.id}: ${runs[0].audits[ref.id].title} ${runs[0].audits[ref.id].displayValue ?? ""}`);
    }
    pages.push({ page, weight });
  }
} finally {
  chrome.kill();
  newsroom.kill("SIGINT");
}
const rows = CATEGORIES.map((name) => {
  const worst = pages.map(({ page }) => page[name]).sort((a, b) => median(a) - median(b))[0];
  const value = median(worst);
  const spread = (Math.max(...worst) - Math.min(...worst)) / value;
  return { name: `web.lighthouse_${name.replace("-", "_")}`, value, unit: "points", least: LEAST, ok: value >= LEAST, n: paths.length * RUNS, spread };
});
const weight = Math.max(...pages.map((page) => page.weight));
rows.push({ name: "web.first_load_kib", value: weight, unit: "KiB", bound: MOST_KIB, ok: weight <= MOST_KIB, n: paths.length, spread: null });
console.log(JSON.stringify(rows));
