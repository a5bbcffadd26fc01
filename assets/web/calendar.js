// A post is drawn to another day, hour or free slot. Without script, and by keyboard, each post has a form that does the same.
const words = document.getElementById("words").dataset;
const trouble = document.getElementById("trouble");
const SOON = 5 * 60 * 1000;
let held = null;

function say(text) {
  trouble.textContent = text;
  trouble.hidden = false;
  trouble.scrollIntoView({ block: "nearest" });
}

// Wall time of the newsroom as an instant: Vietnam has one zone and no clock changes.
const instant = (day, time) => `${day}T${time}:00+07:00`;

async function move(entry, day, time) {
  const { id, version } = entry.dataset;
  const at = instant(day, time);
  const left = new Date(at) - Date.now();
  if ("approved" in entry.dataset && left >= 0 && left < SOON && !confirm(words.soon)) return;
  entry.classList.add("moving");
  document.getElementById("told").textContent = words.moving;
  try {
    const answer = await fetch(`/api/v1/posts/${id}/schedule`, {
      method: "POST",
      headers: { "content-type": "application/json", "if-match": `"${version}"` },
      body: JSON.stringify({ at }),
    });
    if (answer.ok) {
      const back = words.back;
      location.assign(`${back}${back.includes("?") ? "&" : "?"}da-doi=${id}`);
      return;
    }
    const problem = await answer.json();
    say(problem.detail);
  } catch {
    say(words.failed);
  }
  entry.classList.remove("moving");
}

// Where it would go: a slot says day and time, an hour too; a day of the month keeps the time.
function place(target) {
  const spot = target.closest?.(".ghost, td[data-day]");
  return spot && { spot, day: spot.dataset.day, time: spot.dataset.time ?? held.dataset.time };
}

document.addEventListener("dragstart", (event) => {
  held = event.target.closest?.(".entry[draggable]") ?? null;
  if (!held) return;
  event.dataTransfer.effectAllowed = "move";
  event.dataTransfer.setData("text/plain", held.dataset.id);
  held.classList.add("drawn");
  trouble.hidden = true;
});

function leave() {
  for (const spot of document.querySelectorAll(".here")) spot.classList.remove("here");
}

document.addEventListener("dragover", (event) => {
  const to = held && place(event.target);
  if (!to) return;
  event.preventDefault();
  event.dataTransfer.dropEffect = "move";
  if (!to.spot.classList.contains("here")) {
    leave();
    to.spot.classList.add("here");
  }
});

document.addEventListener("drop", (event) => {
  const to = held && place(event.target);
  if (!to) return;
  event.preventDefault();
  const same = to.day === held.dataset.day && to.time === held.dataset.time;
  if (!same) move(held, to.day, to.time);
});

document.addEventListener("dragend", () => {
  leave();
  held?.classList.remove("drawn");
  held = null;
});
