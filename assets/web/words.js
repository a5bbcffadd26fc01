// While somebody writes, the server counts by the channel's rules and draws the post in its frame. Without script the same is
// said when the form is sent.
const form = document.querySelector("[data-check]");
const frame = document.querySelector("[data-frame]");
const problems = form.querySelector("[data-problems]");
const all = (name) => [...form.querySelectorAll(`[name="${name}"]`)].map((field) => field.value);
const first = (name) => form.querySelector(`[name="${name}"]`)?.value;

function words() {
  const said = {};
  for (const name of ["title", "author", "text"]) if (first(name) !== undefined) said[name] = first(name);
  if (first("tags") !== undefined) said.tags = first("tags").split(/[,#\n]/).map((tag) => tag.trim()).filter(Boolean);
  const blocks = [...form.querySelectorAll("[data-block]")];
  if (blocks.length > 0) said.body = blocks.map((block) => block.value);
  const [roles, alts] = [all("role"), all("alt")];
  const files = all("file").map((sha256, at) => ({ role: roles[at], sha256, alt: alts[at] }));
  if (files.length > 0) said.files = files;
  if (first("cue") !== undefined) said.captions = all("cue");
  return said;
}

const make = (name, text, more = {}) => Object.assign(document.createElement(name), { textContent: text }, more);

function tell(found) {
  const box = make("div", "", { className: "alert" });
  const list = make("ul", "", { className: "problems" });
  for (const { field, problem, what, todo, fix } of found) {
    const item = document.createElement("li");
    const said = document.createElement("p");
    said.append(make("strong", what), ` ${todo}`);
    item.append(said);
    if (fix && form.dataset.fix) {
      const button = make("button", form.dataset.fix, { name: "fix", value: `${field} ${problem}` });
      button.setAttribute("aria-label", `${form.dataset.fix}: ${what}`);
      item.append(button);
    }
    list.append(item);
  }
  box.append(list);
  // What has not changed is not said again to whoever listens.
  const now = found.length > 0 ? box.textContent : "";
  if (problems.dataset.said === now) return;
  problems.dataset.said = now;
  problems.replaceChildren(...(found.length > 0 ? [box] : []));
}

// The frame as it is now; a clip that plays and pictures that are there are kept.
function draw(html) {
  const next = document.createElement("template");
  next.innerHTML = html;
  const here = [...frame.querySelectorAll("video, img")];
  for (const fresh of next.content.querySelectorAll("video, img")) {
    const at = here.findIndex((node) => node.tagName === fresh.tagName && node.getAttribute("src") === fresh.getAttribute("src"));
    if (at < 0) continue;
    const [kept] = here.splice(at, 1);
    if (fresh.hasAttribute("alt")) kept.alt = fresh.alt;
    fresh.replaceWith(kept);
  }
  frame.replaceChildren(next.content);
}

function show({ limits, problems: found, frame: html }) {
  for (const { name, shown, over } of limits) {
    const counter = form.querySelector(`[data-count="${name}"]`);
    if (!counter) continue;
    counter.textContent = `${shown} ${counter.dataset.unit}`;
    counter.classList.toggle("over", over);
  }
  tell(found);
  if (html && html !== frame.dataset.last) {
    draw(html);
    frame.dataset.last = html;
    speak();
  }
}

let asked;
async function check() {
  asked?.abort();
  asked = new AbortController();
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ words: words() });
  try {
    const answer = await fetch(form.dataset.check, { method: "POST", headers, body, signal: asked.signal });
    const said = await answer.json();
    if (answer.ok) show(said);
    else tell([{ what: said.detail, todo: "" }]);
  } catch (error) {
    if (error.name !== "AbortError") tell([{ what: form.dataset.failed, todo: "" }]);
  }
}

// Captions as they are written, over the clip.
const cues = [...form.querySelectorAll("[name=cue]")];
let track;
function speak() {
  const video = frame.querySelector("video");
  if (!video || cues.length === 0) return;
  if (track?.video !== video) {
    track = { video, text: video.addTextTrack("captions", "", form.querySelector("[name=cue]").lang) };
    track.text.mode = "showing";
    video.addEventListener("timeupdate", () => {
      const at = video.currentTime * 1000;
      for (const cue of cues) cue.closest("li").classList.toggle("now", cue.dataset.from <= at && at < cue.dataset.to);
    });
  }
  while (track.text.cues?.length > 0) track.text.removeCue(track.text.cues[0]);
  for (const { value, dataset } of cues) {
    const plain = value.replace(/&/g, "&amp;").replace(/</g, "&lt;");
    if (value.trim()) track.text.addCue(new VTTCue(dataset.from / 1000, dataset.to / 1000, plain));
  }
}
for (const cue of cues) {
  // The clip goes to the place that is written about.
  cue.addEventListener("focus", () => {
    const video = frame.querySelector("video");
    if (video?.paused && video.readyState > 0) video.currentTime = cue.dataset.from / 1000;
  });
}

let later;
form.addEventListener("input", (event) => {
  if (event.target.name === "alt") {
    const counter = event.target.closest(".file").querySelector("[data-alt]");
    if (counter) counter.textContent = `${[...event.target.value.normalize("NFC")].length} ${counter.dataset.unit}`;
  }
  clearTimeout(later);
  later = setTimeout(check, 250);
});
speak();
document.getElementById("h-proposal")?.scrollIntoView({ block: "center" });
