// The card by headless Chromium, its page kept open: chromium.js FOLDER BROWSER.
import { writeFileSync } from "node:fs";
import { chromium } from "playwright-core";
import { WEIGHTS, fontFile, read, serve } from "./card.js";

const [folder, executablePath] = process.argv.slice(2);
const card = read(folder);
const { theme } = card;
const faces = Object.keys(WEIGHTS).map((weight) => `@font-face { font-family: "Be Vietnam Pro"; font-weight: ${weight}; src: url("${fontFile(weight)}"); }`);
const style = `${faces.join("\n")}
* { margin: 0; box-sizing: border-box; }
body { position: relative; width: ${card.width}px; height: ${card.height}px; overflow: hidden; background: ${theme.paper}; color: ${theme.ink}; font: 500 30px/1.265 "Be Vietnam Pro"; }
body > * { position: absolute; }
img { display: block; }
.photo { left: 0; top: 0; width: ${card.width}px; height: ${card.photoHeight}px; }
.edge { left: 0; top: ${card.photoHeight - 10}px; width: 100%; height: 10px; background: ${theme.brand}; }
.agency { left: 56px; top: 44px; height: 80px; padding: 0 32px 0 8px; display: flex; align-items: center; gap: 16px; border-radius: 40px; background: ${theme["brand-dark"]}f0; color: #fff; font-weight: 700; }
.agency img { width: 64px; height: 64px; }
.tags { left: 64px; top: ${card.photoHeight - 29}px; display: flex; gap: 14px; }
.tags span { height: 48px; padding: 0 16px; display: flex; align-items: center; border-radius: 6px; background: #fff; color: ${theme["brand-dark"]}; font-size: 28px; font-weight: 700; letter-spacing: .02em; }
.tags span:first-child { background: ${theme.accent}; }
h1 { left: 64px; top: 477px; width: 952px; font-size: 52px; font-weight: 800; color: ${theme["brand-dark"]}; }
.figure { left: 59px; top: 702px; width: 957px; height: 161px; padding-left: 30px; display: flex; align-items: center; gap: 30px; border-left: 10px solid ${theme.brand}; border-radius: 0 14px 14px 0; background: ${theme.accent}47; font-size: 32px; font-weight: 600; }
.figure strong { font-size: 73px; font-weight: 900; letter-spacing: -.02em; color: ${theme.brand}; white-space: nowrap; }
.figure p { width: 370px; }
.figure b { display: block; font-weight: 800; color: ${theme["brand-dark"]}; }
ol { left: 64px; top: 891px; padding: 0; list-style: none; display: flex; flex-direction: column; gap: 12.5px; }
li { display: flex; }
li i { flex: none; width: 46.5px; height: 46.5px; display: flex; align-items: center; justify-content: center; border-radius: 50%; background: ${theme.brand}; color: #fff; font: 800 28px/1.265 "Be Vietnam Pro"; }
li p { width: 888.5px; font-size: 31px; margin: 3px 0 3px 17px; }
footer { left: 0; bottom: 0; width: 100%; height: 156px; padding: 0 64px; display: flex; align-items: center; justify-content: space-between; background: ${theme["brand-dark"]}; color: #fff; }
footer b { display: block; margin-top: 6px; font-size: 32px; font-weight: 700; color: ${theme.accent}; }
footer small { font-size: 28px; }
footer img { width: ${card.code}px; height: ${card.code}px; border-radius: 4px; }`;

const plain = (words) => words.replaceAll("&", "&amp;").replaceAll("<", "&lt;");

function page(run) {
  const points = card.points.map((words, index) => `<li><i>${index + 1}</i><p>${plain(words)}</p></li>`);
  return `<!doctype html><html lang="vi"><meta charset="utf-8"><style>${style}</style>
<img class="photo" src="photo.jpg" alt="">
<div class="edge"></div>
<div class="agency"><img src="logo.svg" alt="">${plain(card.agency)}</div>
<div class="tags"><span>${plain(card.category)}</span><span>${plain(card.date)}</span></div>
<h1>${plain(card.title(run))}</h1>
<div class="figure"><strong>${plain(card.figure.value)}</strong><p><b>${plain(card.figure.unit)}</b>${plain(card.figure.label)}</p></div>
<ol>${points.join("")}</ol>
<footer><div>${plain(card.scan)}<b>${plain(card.address)}</b><small>${plain(card.source)}</small></div><img src="code.png" alt=""></footer>`;
}

// Pictures and fonts are files beside the page: a browser takes them from its memory the second time.
writeFileSync(`${folder}/card.html`, "<!doctype html>");
const browser = await chromium.launch({ executablePath, args: ["--disable-gpu"] });
const tab = await browser.newPage({ viewport: { width: card.width, height: card.height } });
await tab.goto(`file://${folder}/card.html`);

const tools = await tab.context().newCDPSession(tab);

/// The same picture, compressed as fast as the browser can: its own switch, which the usual call does not offer.
async function fastScreenshot() {
  const { data } = await tools.send("Page.captureScreenshot", { format: "png", optimizeForSpeed: true });
  return Buffer.from(data, "base64");
}

await serve(`Chromium ${browser.version()}`, async ({ run, fast }) => {
  await tab.setContent(page(run));
  return { png: fast ? await fastScreenshot() : await tab.screenshot() };
});
await browser.close();
