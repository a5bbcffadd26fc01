// What both peers share: the card's words, the orders of the bench, and the loop that answers them.
import { readFileSync, writeFileSync } from "node:fs";
import { createInterface } from "node:readline";

/// Styles of Be Vietnam Pro that the card is set in.
export const WEIGHTS = { 500: "500Medium", 600: "600SemiBold", 700: "700Bold", 800: "800ExtraBold", 900: "900Black" };

export function fontFile(weight) {
  return new URL(`../../assets/vendor/fonts/be-vietnam-pro/BeVietnamPro_${WEIGHTS[weight]}.ttf`, import.meta.url);
}

/// The card that `bench_card cards FOLDER` has put into FOLDER.
export function read(folder) {
  const { data, agency, theme, labels, canvas, slot, code } = JSON.parse(readFileSync(`${folder}/card.json`, "utf8"));
  const [figure] = data.figures;
  return {
    folder,
    theme,
    agency,
    figure,
    code,
    width: canvas[0],
    height: canvas[1],
    photoHeight: slot[1],
    category: data.category.toLocaleUpperCase("vi"),
    date: data.date,
    points: data.points,
    scan: labels.scan,
    address: data.url_short,
    source: `${labels.source}: ${data.source}`,
    // Another headline each time, as our side does it.
    title: (run) => `${data.title} ${run}`,
  };
}

/// Says which tool this is, then draws one card for each line of stdin: {"run": 11, "file": "a.png"}. `draw` gives the picture and
/// what its steps cost, as far as it knows.
export async function serve(tool, draw) {
  const say = (value) => process.stdout.write(`${JSON.stringify(value)}\n`);
  say({ ready: tool });
  for await (const line of createInterface({ input: process.stdin })) {
    const order = JSON.parse(line);
    const { png, steps } = await draw(order);
    if (order.file) writeFileSync(order.file, png);
    say({ bytes: png.length, steps });
  }
}
