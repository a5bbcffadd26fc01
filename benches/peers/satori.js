// The card by satori and resvg: satori.js FOLDER.
import { readFileSync } from "node:fs";
import { Resvg } from "@resvg/resvg-js";
import satori from "satori";
import { WEIGHTS, fontFile, read, serve } from "./card.js";

const card = read(process.argv[2]);
const { theme } = card;
const data = (name, type) => `data:${type};base64,${readFileSync(`${card.folder}/${name}`).toString("base64")}`;
const pictures = { photo: data("photo.jpg", "image/jpeg"), code: data("code.png", "image/png"), logo: data("logo.svg", "image/svg+xml") };
const fonts = Object.keys(WEIGHTS).map((weight) => ({ name: "Be Vietnam Pro", weight: Number(weight), style: "normal", data: readFileSync(fontFile(weight)) }));

const box = (style, ...children) => ({ type: "div", props: { style: { display: "flex", ...style }, children } });
const text = (fontSize, fontWeight, color, words, more) => box({ fontSize, fontWeight, color, ...more }, words);
const picture = (src, width, height, style) => ({ type: "img", props: { src, width, height, style } });
const at = (left, top, more) => ({ position: "absolute", left, top, ...more });

function chip(words, backgroundColor) {
  return box({ backgroundColor, height: 48, padding: "0 16px", borderRadius: 6, alignItems: "center" }, text(28, 700, theme["brand-dark"], words, { letterSpacing: 0.56 }));
}

function point(words, index) {
  return box(
    { marginTop: index === 0 ? 0 : 12.5 },
    box({ width: 46.5, height: 46.5, borderRadius: 23.25, backgroundColor: theme.brand, alignItems: "center", justifyContent: "center" }, text(28, 800, "#fff", String(index + 1))),
    text(31, 500, theme.ink, words, { width: 888.5, margin: "3px 0 3px 17px" }),
  );
}

function tree(run) {
  const { width, height, photoHeight, figure } = card;
  return box(
    { width, height, backgroundColor: theme.paper, fontFamily: "Be Vietnam Pro", lineHeight: 1.265 },
    picture(pictures.photo, width, photoHeight, at(0, 0)),
    box(at(0, photoHeight - 10, { width, height: 10, backgroundColor: theme.brand })),
    box(
      at(56, 44, { height: 80, padding: "0 32px 0 8px", borderRadius: 40, backgroundColor: `${theme["brand-dark"]}f0`, alignItems: "center" }),
      picture(pictures.logo, 64, 64),
      text(30, 700, "#fff", card.agency, { marginLeft: 16 }),
    ),
    box(at(64, photoHeight - 29, { gap: 14 }), chip(card.category, theme.accent), chip(card.date, "#fff")),
    text(52, 800, theme["brand-dark"], card.title(run), at(64, 477, { width: 952 })),
    box(
      at(59, 702, { right: 64, height: 161, paddingLeft: 30, borderLeft: `10px solid ${theme.brand}`, borderRadius: "0 14px 14px 0", backgroundColor: `${theme.accent}47`, alignItems: "center" }),
      text(73, 900, theme.brand, figure.value, { letterSpacing: -1.46, whiteSpace: "nowrap", marginRight: 30 }),
      box({ flexDirection: "column", width: 370 }, text(32, 800, theme["brand-dark"], figure.unit), text(32, 600, theme.ink, figure.label)),
    ),
    box(at(64, 891, { flexDirection: "column" }), ...card.points.map(point)),
    box(
      at(0, height - 156, { right: 0, height: 156, padding: "0 64px", backgroundColor: theme["brand-dark"], alignItems: "center", justifyContent: "space-between" }),
      box({ flexDirection: "column" }, text(30, 500, "#fff", card.scan, { marginBottom: 6 }), text(32, 700, theme.accent, card.address), text(28, 500, "#fff", card.source)),
      picture(pictures.code, card.code, card.code, { borderRadius: 4 }),
    ),
  );
}

const version = (name) => JSON.parse(readFileSync(new URL(`node_modules/${name}/package.json`, import.meta.url), "utf8")).version;

/// CPU milliseconds of this process.
function cpuMs() {
  const { user, system } = process.cpuUsage();
  return (user + system) / 1000;
}

await serve(`satori ${version("satori")}, resvg-js ${version("@resvg/resvg-js")}`, async ({ run }) => {
  const begun = cpuMs();
  const svg = await satori(tree(run), { width: card.width, height: card.height, fonts });
  const laid = cpuMs();
  const pixels = new Resvg(svg, { font: { loadSystemFonts: false } }).render();
  const drawn = cpuMs();
  const png = pixels.asPng();
  return { png, steps: { layout: laid - begun, raster: drawn - laid, encode_png: cpuMs() - drawn } };
});
