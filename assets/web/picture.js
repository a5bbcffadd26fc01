// The card follows the form: half a size, drawn by the same engine that draws the real one. Without script the form is sent
// as it is and the card is seen once it is made.
import { desk, field, form, isChanged, mover, words } from "./desk.js";

const look = document.getElementById("look");
const frame = document.getElementById("look-at");
const told = document.getElementById("told");
const wrong = document.getElementById("wrong");
const lists = [...form.querySelectorAll(".points")];
const rows = (list) => [...list.children];

function choices() {
  const said = {};
  if (field("template").value) said.template = field("template").value;
  said.title = field("title").value;
  for (const list of lists)
    said[list.dataset.list] = rows(list)
      .filter((row) => row.querySelector("[type=checkbox]").checked)
      .map((row) => ({ of: Number(row.querySelector("[type=checkbox]").value), text: row.querySelector("textarea")?.value }));
  const photo = form.querySelector("[name=photo]:checked").value;
  said.photo = photo === "first" || photo === "without" ? photo : { at: Number(photo) };
  const [x, y] = [field("x"), field("y")].map((input) => input?.value);
  if (x && y && photo !== "without") said.focus = { x: x / 100, y: y / 100 };
  return said;
}

const order = () => ({ brand: field("brand").value, choices: choices() });

let asked;
async function draw() {
  asked?.abort();
  asked = new AbortController();
  told.textContent = words.drawing;
  frame.classList.add("drawing");
  const size = document.querySelector("[name=size]:checked").value;
  const body = JSON.stringify({ article: form.dataset.article, size, ...order() });
  const headers = { "content-type": "application/json" };
  try {
    const answer = await fetch("/api/v1/preview", { method: "POST", headers, body, signal: asked.signal });
    const said = await answer.json();
    show(answer.ok ? said : { violations: [], why: said.detail });
  } catch (error) {
    if (error.name !== "AbortError") show({ violations: [], why: words.failed });
  }
}

function show({ picture, alt, violations, why, left_out: left, focus }) {
  frame.classList.remove("drawing");
  if (picture) {
    look.src = picture;
    look.alt = alt;
    look.hidden = false;
  }
  const what = (v) => (v.problem === "count" ? "" : `: “${v.is.slice(0, 120)}”`);
  const lines = violations.map((v) => `${words[v.problem] ?? v.problem}${what(v)}`);
  if (why) lines.push(why);
  wrong.replaceChildren(...lines.map((line) => Object.assign(document.createElement("li"), { textContent: line })));
  wrong.hidden = lines.length === 0;
  look.classList.toggle("old", lines.length > 0);
  const without = (left ?? []).filter((field) => /^(points|actions)\./.test(field)).length;
  const shows = focus || form.querySelector("[name=photo]:checked").value === "without";
  const small = (left ?? []).includes("photos.0");
  const notes = [words.drawn, without > 0 ? `${words.left} ${without}.` : "", shows ? "" : small ? words.small : words.no_photo];
  told.textContent = lines.length > 0 ? "" : notes.filter(Boolean).join(" ");
  if (focus) spot(focus);
}

// Where the crop looks: set by a click on the photo, by the numbers, or found by the engine.
function spot({ x, y }) {
  for (const mark of form.querySelectorAll(".spot i")) {
    mark.hidden = !mark.closest(".photo").querySelector("input").checked;
    mark.style.left = `${x * 100}%`;
    mark.style.top = `${y * 100}%`;
  }
}

let later;
const soon = () => {
  clearTimeout(later);
  later = setTimeout(draw, 250);
};

function renumber(list) {
  const all = rows(list);
  for (const [index, row] of all.entries()) {
    row.querySelector("[type=number]").value = index + 1;
    const [up, down] = row.querySelectorAll(".moves button");
    up.setAttribute("aria-disabled", index === 0);
    down.setAttribute("aria-disabled", index === all.length - 1);
  }
}

function shift(row, step, button) {
  const other = step < 0 ? row.previousElementSibling : row.nextElementSibling;
  if (!other) return;
  if (step < 0) other.before(row);
  else other.after(row);
  const list = row.parentElement;
  renumber(list);
  button.focus();
  document.getElementById("moved").textContent = `${row.dataset.name}: ${rows(list).indexOf(row) + 1} ${words.of} ${rows(list).length}`;
  isChanged();
  soon();
}

for (const row of lists.flatMap(rows)) {
  const place = row.querySelector(".place");
  place.hidden = true;
  const moves = document.createElement("span");
  moves.className = "moves";
  moves.append(mover(row, "↑", words.up, (one) => shift(row, -1, one)), mover(row, "↓", words.down, (one) => shift(row, 1, one)));
  place.after(moves);
}

for (const image of form.querySelectorAll(".spot img")) {
  image.addEventListener("click", (event) => {
    const box = image.getBoundingClientRect();
    field("x").value = Math.min(100, Math.max(0, (100 * (event.clientX - box.left)) / box.width)).toFixed(1);
    field("y").value = Math.min(100, Math.max(0, (100 * (event.clientY - box.top)) / box.height)).toFixed(1);
    image.closest(".photo").querySelector("input").checked = true;
    event.preventDefault();
    isChanged();
    soon();
  });
}
const auto = form.querySelector("[data-auto]");
if (auto) {
  auto.hidden = false;
  auto.addEventListener("click", () => {
    field("x").value = "";
    field("y").value = "";
    isChanged();
    soon();
  });
}
for (const photo of form.querySelectorAll("[name=photo]")) {
  photo.addEventListener("change", () => {
    // Another photo has its own place to look at.
    if (field("x")) field("x").value = field("y").value = "";
    for (const mark of form.querySelectorAll(".spot i")) mark.hidden = true;
  });
}
form.addEventListener("input", () => {
  isChanged();
  soon();
});
for (const size of document.querySelectorAll("[name=size]")) size.addEventListener("change", draw);
desk(order);
lists.forEach(renumber);
draw();
