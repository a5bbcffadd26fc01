// An article beside its brief: what a line or a number was taken from lights up in the source, and the other way round. Without
// script every piece is a link to its paragraph.
const source = document.querySelector(".source");
const pieces = [...document.querySelectorAll("[data-at]")].map((node) => {
  const [block, start, end] = node.dataset.at.split(":").map(Number);
  return { node, block, start, end };
});

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

if (source) {
  for (const piece of pieces) {
    for (const event of ["pointerenter", "focusin"]) piece.node.addEventListener(event, () => light(piece));
    for (const event of ["pointerleave", "focusout"]) piece.node.addEventListener(event, () => light(null));
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
  source.addEventListener("pointermove", back);
  source.addEventListener("pointerleave", () => pieces.forEach(({ node }) => node.classList.remove("lit")));
}
