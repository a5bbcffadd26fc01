// The clip follows the form: the engine that will encode it tells its scenes and draws any moment of it. Without script the
// form is sent as it is and the finished clip is seen instead.
import { desk, field, form, isChanged, mover, words } from "./desk.js";

const player = document.getElementById("player");
const tiles = document.getElementById("tiles");
const list = form.querySelector(".scenes");
const at = (id) => document.getElementById(id);
const rows = () => [...list.children];
const part = (row, name) => row.querySelector(`[name^="${name}-"]`);
const isOn = (row) => part(row, "on").checked;
const isEnd = (row) => row.dataset.kind === "end";
const digits = (whole) => new Intl.NumberFormat(document.documentElement.lang, { minimumFractionDigits: 1, maximumFractionDigits: 1, minimumIntegerDigits: whole });
const [tenths, twoDigits] = [digits(1), digits(2)];
const mark = tenths.format(0.5).charAt(1);
const seconds = (ms) => tenths.format(ms / 1000);
// Whole tenths first: 59,96 seconds are a minute, not 0:60,0.
const clock = (ms) => `${Math.floor(Math.round(ms / 100) / 600)}:${twoDigits.format((Math.round(ms / 100) % 600) / 10)}`;
const millis = (text) => Math.round(1000 * Number(text.trim().replace(",", ".")));

let film; // What was drawn: the answer, with the rows it was asked for.
let now = 0; // Where the player stands, milliseconds.
let touched; // The row that was changed last: the player shows it once it is drawn.

// What is asked for.

function beat(row) {
  let of = JSON.parse(part(row, "topic").value);
  if (of.cut) {
    of = { cut: { video: of.cut.video, from_ms: millis(part(row, "from").value), to_ms: millis(part(row, "to").value) } };
    if (part(row, "fit").value === "crop") of.cut.fit = "crop";
  }
  const said = { of };
  const [ms, photo, x, y, enter] = ["s", "photo", "x", "y", "enter"].map((name) => part(row, name)?.value.trim());
  if (ms) said.ms = millis(ms);
  if (photo && photo !== "next") said.photo = photo === "without" ? photo : { at: Number(photo) };
  if (x && y && photo !== "without") said.focus = { x: x / 100, y: y / 100 };
  if (enter) said.enter = enter;
  return said;
}

function storyboard(told) {
  const said = { beats: told.map(beat) };
  for (const name of ["voice", "music"]) if (field(name).value) said[name] = field(name).value;
  return said;
}

// Headline and lists as they are written now, in the order in which scenes tell their parts by their place.
function lines() {
  const areas = [...form.querySelectorAll("textarea[data-words]")];
  const written = (list, of) => areas.find(({ dataset }) => dataset.list === list && dataset.of === of)?.value;
  const said = { title: written() };
  for (const [list, parts] of Object.entries(JSON.parse(form.dataset.lists)))
    said[list] = parts.map(({ of, text }) => ({ of, text: written(list, String(of)) ?? text }));
  return said;
}

const order = () => ({ brand: field("brand").value, choices: { ...lines(), clip: storyboard(rows().filter(isOn)) } });

// What keeps the form from being read at all; everything else is for the engine to judge.
function mistake(told) {
  for (const row of told.filter((row) => part(row, "to"))) {
    const isBackward = millis(part(row, "to").value) <= millis(part(row, "from").value);
    part(row, "to").setCustomValidity(isBackward ? words.backward : "");
  }
  const field = told.map((row) => row.querySelector(":invalid")).find(Boolean);
  if (field) return { why: field.validity.customError ? words.backward : words.no_number, field };
  if (told.every(isEnd)) return { why: words.nothing, field: rows().map((row) => part(row, "on"))[0] };
  return undefined;
}

let asked;
async function draw() {
  if (!player) return;
  const told = rows().filter(isOn);
  asked?.abort();
  const wrong = mistake(told);
  if (wrong) return refuse(wrong.why);
  const mine = (asked = new AbortController());
  player.classList.add("drawing");
  at("refused").hidden = true;
  at("told").textContent = words.drawing;
  const body = JSON.stringify({ article: form.dataset.article, kind: form.dataset.kind, brand: field("brand").value, ...lines(), clip: storyboard(told) });
  const headers = { "content-type": "application/json" };
  try {
    const answer = await fetch("/api/v1/preview/clip", { method: "POST", headers, body, signal: mine.signal });
    const said = await answer.json();
    if (answer.ok) show({ ...said, rows: told });
    else refuse(said.detail ?? words.failed, answer.status !== 422);
  } catch (error) {
    if (error.name !== "AbortError") refuse(words.failed, true);
  }
}

let later;
function soon(row) {
  touched = row;
  isChanged();
  clearTimeout(later);
  later = setTimeout(draw, 300);
}

function refuse(why, again = false) {
  player.classList.remove("drawing");
  player.classList.add("old");
  at("told").textContent = "";
  at("refused").querySelector("p").textContent = why;
  at("refused").querySelector("button").hidden = !again;
  at("refused").hidden = false;
}

// What was drawn.

const scenesOf = (row) => (film ? film.scenes.filter((scene) => film.rows[scene.beat] === row) : []);
const sceneAt = (ms) => Math.max(0, film.scenes.findLastIndex((scene) => scene.from_ms <= ms));

function show(drawn) {
  const stood = film?.scenes[sceneAt(now)];
  const row = touched ?? film?.rows[stood?.beat];
  const offset = stood ? now - stood.from_ms : 0;
  const isFirst = !film;
  film = drawn;
  player.classList.remove("drawing", "old");
  at("refused").hidden = true;
  at("waits").hidden = film.voice !== "waiting";
  const left = film.left_out.length > 0 ? `, ${words.left_out_note} ${film.left_out.length}` : "";
  const long = film.duration_ms < 60000 ? `${seconds(film.duration_ms)} ${words.unit}` : clock(film.duration_ms);
  const count = film.rows.length - film.left_out.length;
  at("told").textContent = `${words.drawn} ${count} ${count === 1 ? words.scene_low : words.scenes_low}, ${long}${left}. ${words.mute}`;
  at("long").textContent = `/ ${clock(film.duration_ms)}`;
  at("total").textContent = `${words.total} ${long}`;
  at("moment").max = film.duration_ms;
  at("moment").disabled = false;
  segments();
  const scene = scenesOf(row)[0];
  if (playing) seek(now);
  else if (isFirst) seek(film.scenes[0]?.still_ms ?? 0);
  else if (scene && row === touched) seek(scene.still_ms);
  else seek(scene ? Math.min(scene.from_ms + offset, scene.to_ms - 1) : now);
  touched = undefined;
  rows().forEach(tell);
}

const share = (ms) => `${(100 * ms) / film.duration_ms}%`;
function segments() {
  const line = (scene) => {
    const one = document.createElement("i");
    one.style.left = share(scene.from_ms);
    return one;
  };
  at("bits").replaceChildren(document.createElement("b"), ...film.scenes.slice(1).map(line));
}

// What the engine made of a row: when it is shown, how long, where its camera looks.
function tell(row) {
  const scenes = scenesOf(row);
  const left = film.left_out.some((index) => film.rows[index] === row);
  const [first, last] = [scenes[0], scenes.at(-1)];
  row.classList.toggle("left", left);
  const when = row.querySelector(".when");
  if (left) when.replaceChildren(Object.assign(document.createElement("span"), { className: "state held", textContent: words.left_out }));
  else when.textContent = first ? `${clock(first.from_ms)} – ${clock(last.to_ms)} · ${seconds(last.to_ms - first.from_ms)} ${words.unit}` : "";
  if (part(row, "s")) part(row, "s").placeholder = first && !part(row, "s").value ? seconds(last.to_ms - first.from_ms) : "";
  row.querySelector(".peek").disabled = scenes.length === 0;
  if (first) queue(row);
  look(row);
}

// The player.

const lastMoment = () => film.duration_ms - Math.ceil(1000 / film.fps);
let lit;
function seek(ms) {
  now = Math.min(Math.max(0, Math.round(ms)), film.duration_ms);
  if (playing) started = performance.now() - now;
  moved(true);
  ask(now);
}

// Everything beside the picture: the bar, the clock, the caption, the row that is on.
function moved(says) {
  const index = sceneAt(now);
  const scene = film.scenes[index];
  const row = film.rows[scene?.beat];
  at("moment").value = now;
  at("bits").style.setProperty("--at", share(now));
  at("time").textContent = clock(now);
  const caption = film.captions.find((one) => one.from_ms <= now && now < one.to_ms)?.text ?? "";
  if (at("says").textContent !== caption) at("says").textContent = caption;
  const isOther = lit?.film !== film || lit.index !== index;
  if (isOther && scene) {
    lit = { film, index };
    for (const other of rows()) other.toggleAttribute("aria-current", other === row);
    row.setAttribute("aria-current", "true");
    const style = at("bits").querySelector("b").style;
    Object.assign(style, { left: share(scene.from_ms), width: share(scene.to_ms - scene.from_ms) });
    at("which").textContent = `${words.scene} ${scene.beat + 1}/${film.rows.length} · ${row.dataset.name}`;
    at("frame").setAttribute("aria-label", `${row.dataset.name}: ${scene.words}`);
  }
  // While it plays, a reader of the screen hears of new scenes only.
  if (scene && (says || isOther)) {
    const which = `${words.scene_low} ${scene.beat + 1} ${words.of} ${film.rows.length}: ${row.dataset.name}`;
    at("moment").setAttribute("aria-valuetext", `${seconds(now)} ${words.of} ${seconds(film.duration_ms)} ${words.unit}, ${which}`);
  }
}

function jump(step) {
  const index = Math.min(Math.max(0, sceneAt(now) + step), film.scenes.length - 1);
  const scene = film.scenes[index];
  if (!scene) return;
  seek(playing ? scene.from_ms : scene.still_ms);
  reveal(film.rows[scene.beat]);
}

// Only where list and player stand side by side does the page follow a scene that was asked for.
const isWide = matchMedia("(min-width: 801px)");
function reveal(row) {
  if (isWide.matches) row.scrollIntoView({ block: "nearest" });
}

function select(row) {
  const scene = scenesOf(row)[0];
  if (scene) seek(playing ? scene.from_ms : scene.still_ms);
}

let playing = 0;
let started = 0;
function play() {
  if (!film) return;
  if (now >= lastMoment()) now = 0;
  started = performance.now() - now;
  playing = requestAnimationFrame(tick);
  button("play", words.pause);
}

function pause() {
  cancelAnimationFrame(playing);
  playing = 0;
  button("play", words.play);
  if (film) seek(now);
}

function tick(time) {
  now = Math.min(Math.max(0, time - started), film.duration_ms);
  moved(false);
  // Eight moments a second, always the same ones, so that what was seen once need not be asked for again.
  ask(Math.floor(now / 125) * 125);
  if (now >= film.duration_ms) pause();
  else playing = requestAnimationFrame(tick);
}

function button(go, name) {
  const one = player.querySelector(`[data-go="${go}"]`);
  one.setAttribute("aria-label", name);
  one.title = name;
  player.classList.toggle("playing", playing !== 0);
}

const does = {
  before: () => jump(-1),
  back: () => seek(Math.ceil(now / 100) * 100 - 100),
  play: () => (playing ? pause() : play()),
  forward: () => seek(Math.floor(now / 100) * 100 + 100),
  after: () => jump(1),
};

// Pictures: one request at a time. The moment that was asked for last goes first, then thumbnails of rows in view.

let wanted = null;
let painted;
let isBusy = false;
let isAgain = false;
const waiting = new Set();

function ask(ms) {
  const one = Math.min(ms, lastMoment());
  if (painted?.film === film && painted.ms === one) wanted = null;
  else wanted = one;
  pump();
}

function queue(row) {
  if (row.isSeen) waiting.add(row);
  pump();
}

async function pump() {
  if (isBusy || !film) return;
  isBusy = true;
  while (wanted !== null || waiting.size > 0) {
    const isFrame = wanted !== null;
    const [row] = isFrame ? [] : waiting;
    waiting.delete(row);
    const ms = isFrame ? wanted : scenesOf(row)[0]?.still_ms;
    if (isFrame) wanted = null;
    if (ms === undefined || row?.peek?.film === film) continue;
    const of = film;
    try {
      if (!(await paint(isFrame ? at("frame") : row.querySelector(".peek canvas"), ms, of))) continue;
      if (isFrame) [painted, isAgain] = [{ film: of, ms }, false];
      else row.peek = { film: of };
    } catch (error) {
      if (of !== film) continue;
      wanted = null;
      waiting.clear();
      // The server keeps a few previews only: asked for once more, it draws this one again.
      if (error.cause === 404 && !isAgain) {
        isAgain = true;
        draw();
      } else {
        if (playing) pause();
        wanted = null;
        refuse(words.failed, true);
      }
    }
  }
  isBusy = false;
}

async function paint(canvas, ms, of) {
  const answer = await fetch(`/api/v1/preview/clip/${encodeURIComponent(of.id)}/${Math.round(ms)}.jpg`);
  if (!answer.ok) throw new Error("no frame", { cause: answer.status });
  const picture = await createImageBitmap(await answer.blob());
  if (of !== film) return false;
  const scale = canvas === at("frame") ? 1 : Math.min(1, (canvas.clientWidth * devicePixelRatio) / picture.width || 1);
  const [width, height] = [picture.width, picture.height].map((side) => Math.max(1, Math.round(side * scale)));
  if (canvas.width !== width || canvas.height !== height) Object.assign(canvas, { width, height });
  const brush = canvas.getContext("2d");
  brush.imageSmoothingQuality = "high";
  brush.drawImage(picture, 0, 0, width, height);
  picture.close();
  canvas.classList.add("drawn");
  return true;
}

const seen = new IntersectionObserver((entries) => {
  for (const { target, isIntersecting } of entries) {
    target.isSeen = isIntersecting;
    if (isIntersecting && film && target.peek?.film !== film && scenesOf(target).length > 0) queue(target);
    else if (!isIntersecting) waiting.delete(target);
  }
});

// Rows.

function renumber() {
  const all = rows();
  const free = all.filter((row) => !isEnd(row));
  let number = 0;
  for (const row of all) {
    row.querySelector(".no").textContent = isOn(row) ? `${(number += 1)}` : "";
    const place = free.indexOf(row);
    if (place < 0) continue;
    part(row, "place").value = place + 1;
    const [up, down] = row.querySelectorAll(".moves button");
    up.setAttribute("aria-disabled", place === 0);
    down.setAttribute("aria-disabled", place === free.length - 1);
  }
}

function shift(row, step) {
  const other = step < 0 ? row.previousElementSibling : row.nextElementSibling;
  if (!other || isEnd(other)) return false;
  // The other one goes round, so that a row that is held keeps its pointer.
  if (step < 0) row.after(other);
  else row.before(other);
  renumber();
  return true;
}

function say(row) {
  at("moved").textContent = `${row.dataset.name}: ${part(row, "place").value} ${words.of} ${rows().filter((one) => !isEnd(one)).length}`;
}

function move(row, step, button) {
  if (!shift(row, step)) return;
  say(row);
  button.focus();
  soon(row);
}

function grip(row) {
  const one = Object.assign(document.createElement("span"), { className: "grip", title: words.drag });
  one.setAttribute("aria-hidden", "true");
  let before;
  one.addEventListener("pointerdown", (event) => {
    if (event.button !== 0) return;
    event.preventDefault();
    one.setPointerCapture(event.pointerId);
    before = { place: rows().indexOf(row), y: event.clientY, hold: event.clientY - row.getBoundingClientRect().top };
    row.classList.add("held");
  });
  one.addEventListener("pointermove", ({ clientY: y }) => {
    if (!before) return;
    const middle = (other) => (other ? other.getBoundingClientRect().top + other.offsetHeight / 2 : NaN);
    while (y - before.hold < middle(row.previousElementSibling) && shift(row, -1));
    while (y - before.hold + row.offsetHeight > middle(row.nextElementSibling) && shift(row, 1));
    const top = isWide.matches ? 0 : player?.getBoundingClientRect().bottom ?? 0;
    if (y < top + 60 && y < before.y) scrollBy(0, -14);
    else if (y > innerHeight - 110 && y > before.y) scrollBy(0, 14);
  });
  const drop = () => {
    if (!before) return;
    row.classList.remove("held");
    if (before.place !== rows().indexOf(row)) {
      say(row);
      soon(row);
    }
    before = undefined;
  };
  one.addEventListener("pointerup", drop);
  one.addEventListener("pointercancel", drop);
  return one;
}

function wire(row) {
  // Numbers as people here write them; a point is read as well.
  for (const field of ["s", "from", "to"].map((name) => part(row, name)).filter(Boolean)) field.value = field.value.replace(".", mark);
  const place = part(row, "place");
  if (place) {
    place.closest("label").hidden = true;
    const moves = Object.assign(document.createElement("span"), { className: "moves" });
    moves.append(mover(row, "↑", words.up, (one) => move(row, -1, one)), mover(row, "↓", words.down, (one) => move(row, 1, one)), grip(row));
    place.closest("label").after(moves);
  }
  if (!player) return;
  const peek = Object.assign(document.createElement("button"), { type: "button", className: "peek", disabled: true });
  peek.setAttribute("aria-label", `${words.go}: ${row.dataset.name}`);
  peek.append(document.createElement("canvas"));
  peek.addEventListener("click", () => select(row));
  row.querySelector(".check").after(peek);
  row.addEventListener("click", (event) => {
    if (!event.target.closest("button, input, select, textarea, label, summary, details, a, .moves")) select(row);
  });
  row.addEventListener("focusin", (event) => {
    const isHere = film && film.rows[film.scenes[sceneAt(now)]?.beat] === row;
    if (!playing && !isHere && event.target.matches("input:not([type=checkbox]), select, summary, textarea")) select(row);
  });
  const shot = row.querySelector(".shot");
  if (shot) {
    shot.addEventListener("toggle", () => open(row, shot));
    part(row, "photo").closest("label").hidden = true;
  }
  row.querySelector(".reel")?.addEventListener("toggle", (event) => reel(row, event.target));
  look(row);
  seen.observe(row);
}

// The photo of a row: chosen among all, and where its camera looks by a click on it.
function open(row, shot) {
  if (!shot.open || shot.querySelector(".tiles")) return;
  shot.querySelector("summary").after(tiles.content.cloneNode(true));
  const [x, y] = [part(row, "x"), part(row, "y")];
  for (const tile of shot.querySelectorAll(".tiles button")) {
    tile.addEventListener("click", () => {
      part(row, "photo").value = tile.value;
      // Another photo has its own place to look at.
      if (x) x.value = y.value = "";
      look(row);
      soon(row);
    });
  }
  const auto = shot.querySelector("[data-auto]");
  if (auto) {
    auto.hidden = false;
    auto.addEventListener("click", () => {
      x.value = y.value = "";
      look(row);
      soon(row);
    });
    shot.querySelector(".spot img").addEventListener("click", (event) => {
      const box = event.target.getBoundingClientRect();
      const hundredths = (from, all) => Math.min(100, Math.max(0, (100 * from) / all)).toFixed(1);
      x.value = hundredths(event.clientX - box.left, box.width);
      y.value = hundredths(event.clientY - box.top, box.height);
      look(row);
      soon(row);
    });
  }
  look(row);
}

function look(row) {
  const photo = part(row, "photo");
  if (!photo) return;
  const [chosen] = photo.selectedOptions;
  row.querySelector("[data-chosen]").textContent = chosen.dataset.name ?? chosen.textContent;
  const shot = row.querySelector(".shot");
  const spot = shot.querySelector(".spot");
  if (!spot) return;
  for (const tile of shot.querySelectorAll(".tiles button")) tile.setAttribute("aria-pressed", tile.value === photo.value);
  const scene = scenesOf(row).find((one) => one.photo !== null && one.photo !== undefined);
  const index = photo.value === "next" ? scene?.photo : photo.value;
  const image = shot.querySelector(`.tiles button[value="${index}"] img`);
  spot.hidden = !image;
  const hasNoSlot = Boolean(film) && scenesOf(row).length > 0 && !scene && photo.value !== "without";
  shot.querySelector("[data-slot]").hidden = !hasNoSlot;
  if (!image) return;
  const picture = spot.querySelector("img");
  const whole = image.getAttribute("src").replace("/nho", "");
  if (picture.getAttribute("src") !== whole) Object.assign(picture, { src: whole, alt: image.alt });
  const [x, y] = ["x", "y"].map((name) => part(row, name)?.value);
  const isShown = scene && String(scene.photo) === String(index);
  const place = x && y ? { x: x / 100, y: y / 100 } : isShown ? scene.focus : undefined;
  const ring = spot.querySelector("i");
  ring.hidden = !place || !part(row, "x");
  ring.classList.toggle("found", !(x && y));
  if (place) Object.assign(ring.style, { left: `${place.x * 100}%`, top: `${place.y * 100}%` });
}

// A piece of a video: its ends are taken from where the video stands.
function reel(row, box) {
  if (!box.open || box.querySelector("video")) return;
  const video = Object.assign(document.createElement("video"), { controls: true, preload: "metadata", playsInline: true, src: box.dataset.src });
  video.addEventListener("loadedmetadata", () => (video.currentTime = millis(part(row, "from").value) / 1000 || 0), { once: true });
  const ends = [["from", words.from_here], ["to", words.to_here]].map(([name, text]) => {
    const one = Object.assign(document.createElement("button"), { type: "button", textContent: text });
    one.addEventListener("click", () => {
      part(row, name).value = tenths.format(video.currentTime).replace(/[^0-9.,]/g, "");
      soon(row);
    });
    return one;
  });
  const pair = Object.assign(document.createElement("p"), { className: "pair" });
  pair.append(...ends);
  box.querySelector("summary").after(video, pair);
}

const pieces = new Map();
function piece(video) {
  const row = pieces.get(video).cloneNode(true);
  const number = rows().length;
  for (const field of row.querySelectorAll("[name]")) field.name = field.name.replace(/[0-9]+$/, number);
  part(row, "topic").value = JSON.stringify({ cut: { video: Number(video), from_ms: 0, to_ms: 5000 } });
  for (const [name, value] of [["from", "0"], ["to", "5"], ["fit", "pad"], ["enter", ""], ["x", ""], ["y", ""]]) if (part(row, name)) part(row, name).value = value;
  part(row, "on").checked = true;
  const end = rows().find(isEnd);
  if (end) end.before(row);
  else list.append(row);
  wire(row);
  renumber();
  row.scrollIntoView({ block: "nearest" });
  part(row, "from").focus();
  soon(row);
}

// The page.

for (const plain of document.querySelectorAll("[data-plain]")) plain.hidden = true;
document.querySelector(".desk").classList.add("live");
for (const row of rows()) {
  if (row.dataset.video !== undefined && !pieces.has(row.dataset.video)) pieces.set(row.dataset.video, row.cloneNode(true));
  wire(row);
}
renumber();

form.addEventListener("input", (event) => {
  const row = event.target.closest(".scene");
  if (event.target.matches("[type=checkbox]")) renumber();
  if (row) look(row);
  soon(row ?? undefined);
});
// What is left out must not keep the form from being sent: its fields are not seen.
desk(order, () => {
  const wrong = mistake(rows().filter(isOn));
  wrong?.field.focus();
  return wrong?.why;
});
for (const add of form.querySelectorAll("[data-piece]")) add.addEventListener("click", () => piece(add.dataset.piece));

if (player) {
  for (const one of player.querySelectorAll("[data-go]")) one.addEventListener("click", () => film && does[one.dataset.go]());
  at("frame").addEventListener("click", () => {
    at("moment").focus();
    does.play();
  });
  at("moment").addEventListener("input", () => seek(Math.round(at("moment").value / 100) * 100));
  player.addEventListener("keydown", (event) => {
    if (!film || event.ctrlKey || event.altKey || event.metaKey) return;
    const isButton = event.target.matches("button");
    const act = {
      " ": isButton ? undefined : does.play,
      ArrowLeft: event.shiftKey ? does.before : does.back,
      ArrowRight: event.shiftKey ? does.after : does.forward,
      Home: () => seek(0),
      End: () => seek(film.duration_ms),
    }[event.key];
    if (!act) return;
    event.preventDefault();
    act();
  });
  document.addEventListener("visibilitychange", () => document.hidden && playing && pause());
  at("refused").querySelector("button").addEventListener("click", draw);
  draw();
}
