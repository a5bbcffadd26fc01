// An article beside what is made of it: what a line or a number was taken from lights up in the source, and the other way
// round; the scenes of a clip follow its player. Without script every piece is a link to its paragraph.
const source = document.querySelector(".source");
let pieces = [];

// Where an offset of a block's text is in the document.
function spot(block, offset) {
  const texts = document.createTreeWalker(block, NodeFilter.SHOW_TEXT);
  for (let node = texts.nextNode(); node; node = texts.nextNode()) {
    if (offset <= node.length) return [node, offset];
    offset -= node.length;
  }
  return null;
}

function range({ block, start, end }) {
  const node = document.getElementById(`b${block}`);
  const [from, to] = node ? [spot(node, start), spot(node, end)] : [];
  if (!from || !to) return null;
  const found = new Range();
  found.setStart(...from);
  found.setEnd(...to);
  return found;
}

const lit = window.Highlight ? new Highlight() : null;
if (lit) CSS.highlights.set("source", lit);

function light(piece) {
  lit?.clear();
  const found = piece && range(piece);
  if (!found) return;
  lit?.add(found);
  const [seen, wanted] = [source.getBoundingClientRect(), found.getBoundingClientRect()];
  // Only the column moves, not the page.
  if (source.scrollHeight > source.clientHeight && (wanted.top < seen.top || wanted.bottom > seen.bottom)) {
    const calm = matchMedia("(prefers-reduced-motion: reduce)").matches;
    source.scrollBy({ top: wanted.top - seen.top - seen.height / 3, behavior: calm ? "auto" : "smooth" });
  }
}

// The line that is being written stays lit while the pointer passes over others.
const written = () => pieces.find(({ node }) => node.contains(document.activeElement));

function wire(root) {
  pieces = pieces.filter(({ node }) => node.isConnected);
  for (const node of root.querySelectorAll("[data-at]")) {
    const [block, start, end] = node.dataset.at.split(":").map(Number);
    const piece = { node, block, start, end };
    pieces.push(piece);
    for (const event of ["pointerenter", "focusin"]) node.addEventListener(event, () => light(piece));
    node.addEventListener("pointerleave", () => light(written()));
    node.addEventListener("focusout", () => light(null));
  }
  for (const film of root.querySelectorAll(".film.told")) play(film);
}

const back = (event) => {
  const caret = document.caretPositionFromPoint?.(event.clientX, event.clientY);
  const block = caret?.offsetNode.parentElement?.closest("[id^=b]");
  let at = -1;
  if (block && source.contains(block)) {
    const before = new Range();
    before.setStart(block, 0);
    before.setEnd(caret.offsetNode, caret.offset);
    at = before.toString().length;
  }
  for (const { node, block: number, start, end } of pieces) {
    node.classList.toggle("lit", at >= 0 && block.id === `b${number}` && start <= at && at < end);
  }
};

// A player and its scenes: a click or Enter on a scene goes there, and the scene that is seen is marked.
function play(film) {
  const player = film.querySelector("video, audio");
  const rows = [...film.querySelectorAll(".times > li")];
  const bar = film.querySelector(".ticks");
  if (!player || rows.length === 0) return;
  const whole = Number(film.dataset.ms);
  const times = rows.map((row) => [Number(row.dataset.from), Number(row.dataset.to)]);
  const go = (ms) => {
    const seek = () => (player.currentTime = ms / 1000 + 0.01);
    if (player.readyState > 0) return seek();
    player.addEventListener("loadedmetadata", seek, { once: true });
    player.preload = "metadata";
    player.load();
  };
  const bits = times.map(([from, to], index) => {
    const bit = document.createElement("i");
    bit.style.flexGrow = to - from;
    bit.addEventListener("click", () => go(from));
    bit.title = rows[index].querySelector("b").textContent;
    return bit;
  });
  bar.replaceChildren(...bits);
  bar.hidden = false;
  for (const [index, row] of rows.entries()) {
    const words = row.querySelector(".seek");
    const button = Object.assign(document.createElement("button"), { type: "button", className: "seek" });
    button.append(...words.childNodes);
    button.addEventListener("click", () => go(times[index][0]));
    words.replaceWith(button);
  }
  const mark = () => {
    const ms = Math.min(player.currentTime * 1000, whole - 1);
    const now = player.readyState > 0 ? times.findLastIndex(([from]) => from <= ms) : -1;
    for (const [index, row] of rows.entries()) {
      row.toggleAttribute("aria-current", index === now);
      if (index === now) row.setAttribute("aria-current", "true");
      bits[index].classList.toggle("seen", index === now);
      bits[index].classList.toggle("past", index < now);
    }
  };
  for (const event of ["timeupdate", "seeking", "loadedmetadata"]) player.addEventListener(event, mark);
}

wire(document);
document.addEventListener("loa:fresh", ({ detail }) => wire(detail));
source.addEventListener("pointermove", back);
source.addEventListener("pointerleave", () => pieces.forEach(({ node }) => node.classList.remove("lit")));
