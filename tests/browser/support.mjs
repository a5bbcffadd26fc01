// A newsroom that is served on loopback, and a browser that forgives nothing: an error on the console, a request that
// fails, or a rule of accessibility that is broken ends the test.
import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { existsSync, mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { dirname, join } from "node:path";
import { fileURLToPath } from "node:url";
import { chromium } from "playwright-core";

const root = join(dirname(fileURLToPath(import.meta.url)), "../..");
const axe = readFileSync(createRequire(import.meta.url).resolve("axe-core/axe.min.js"), "utf8");
const screens = join(root, "target/screens");
mkdirSync(screens, { recursive: true });

export const WIDTHS = [1440, 360];
export const LANGUAGES = ["vi", "en"];

// The newsroom of the tests in one of its kinds: "", "empty", "states". It ends with `stop`.
export async function serve(kind = "") {
  const program = process.env.PAGES ?? join(root, "target/debug/examples/pages");
  assert.ok(existsSync(program), "build it first: cargo build --workspace --examples");
  const child = spawn(program, ["0", kind], { stdio: ["ignore", "pipe", "inherit"] });
  let said = "";
  await new Promise((told, failed) => {
    child.once("exit", (code) => failed(new Error(`the newsroom ended with ${code}`)));
    child.stdout.on("data", (bytes) => {
      said += bytes;
      if (said.split("\n").length > 3) told();
    });
  });
  child.removeAllListeners("exit");
  const [first, light, article, code] = said.split("\n");
  // Address, who may sign in, the password of all of them: parted by two spaces.
  const [base, , password] = first.split("  ");
  return {
    base,
    password,
    light: light.split(": ")[1],
    article: article.split(": ")[1],
    // Only where nobody is there yet.
    code: code?.split(": ")[1],
    stop: () => child.kill(),
  };
}

export const open = () => chromium.launch({ executablePath: process.env.CHROMIUM ?? "/usr/bin/chromium", args: ["--no-sandbox"] });

// A person's browser, at a width, in a language. `faults` lists what went wrong since it was asked last.
export async function person(browser, newsroom, login, { width = 1440, lang = "vi", dark = false } = {}) {
  const viewport = { width, height: width > 500 ? 900 : 740 };
  const context = await browser.newContext({ viewport, colorScheme: dark ? "dark" : "light", hasTouch: width < 500 });
  const page = await context.newPage();
  page.setDefaultTimeout(15_000);
  const found = [];
  page.on("console", (message) => message.type() === "error" && found.push(`console: ${message.text()}`));
  page.on("pageerror", (error) => found.push(`script: ${error.message}`));
  // A stream of progress ends when its page is left.
  page.on("requestfailed", (request) => request.failure()?.errorText !== "net::ERR_ABORTED" && found.push(`${request.url()}: ${request.failure()?.errorText}`));
  page.on("response", (answer) => answer.status() >= 500 && found.push(`${answer.url()}: ${answer.status()}`));
  if (login) {
    await page.goto(`${newsroom.base}/dang-nhap`);
    await page.fill("[name=login]", login);
    await page.fill("[name=password]", newsroom.password);
    await Promise.all([page.waitForURL((url) => !url.pathname.startsWith("/dang-nhap")), page.press("[name=password]", "Enter")]);
  }
  await context.addCookies([{ name: "lang", value: lang, url: newsroom.base }]);
  return { page, context, faults: () => found.splice(0) };
}

// What is wrong with a page as it stands: words for people who read the output.
export async function wrong(page) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => window.axe.run(document, { resultTypes: ["violations"] }));
  const told = violations.map(({ id, help, nodes }) => `${id}: ${help}\n    ${nodes.slice(0, 3).map((node) => `${node.target.join(" ")}  ${node.html.slice(0, 140)}`).join("\n    ")}`);
  const [whole, seen] = await page.evaluate(() => [document.documentElement.scrollWidth, window.innerWidth]);
  if (whole > seen) {
    const wide = await page.evaluate(() => {
      const inside = (node) => node.closest(".scroll, .strip, pre, [data-scroll]");
      const late = [...document.querySelectorAll("main *, header *")].filter((node) => node.getBoundingClientRect().right > window.innerWidth + 1 && !inside(node));
      return late.slice(0, 3).map((node) => node.outerHTML.slice(0, 120)).join("\n    ");
    });
    told.push(`it scrolls sideways: ${whole} of ${seen} px\n    ${wide}`);
  }
  return told;
}

export const keep = (page, name) => page.screenshot({ path: join(screens, `${name}.png`), fullPage: true, animations: "disabled" });
