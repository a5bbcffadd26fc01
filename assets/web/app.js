// Live progress of running jobs, and what happens around a card that htmx replaced. Without script the page still says
// what runs, its buttons are plain forms, and a reload shows the latest.
for (const card of document.querySelectorAll("[data-progress]")) {
  const bar = card.querySelector("progress");
  const step = card.querySelector("[data-step]");
  const events = new EventSource(card.dataset.progress);
  events.addEventListener("progress", (event) => {
    const { step: name, done, total, eta_ms: left } = JSON.parse(event.data);
    if (total > 0) bar.value = Math.round((100 * done) / total);
    const parts = [name];
    if (total > 0) parts.push(`${done}/${total}`);
    if (left) parts.push(`${Math.ceil(left / 1000)} s ${card.dataset.words}`);
    step.textContent = parts.join(" · ");
  });
  events.addEventListener("done", () => {
    events.close();
    location.reload();
  });
}

// The button that was pressed is gone with its card: the keyboard goes on from the new one.
document.addEventListener("htmx:afterSwap", (event) => {
  document.getElementById(event.detail.target.id)?.focus();
});

// No answer, or one that is no card: say so where the button is.
for (const name of ["htmx:sendError", "htmx:responseError"]) {
  document.addEventListener(name, (event) => {
    const card = event.detail.elt.closest(".post");
    card.querySelector(".failed")?.remove();
    const notice = document.createElement("p");
    notice.className = "alert failed";
    notice.setAttribute("role", "alert");
    notice.textContent = document.body.dataset.failed;
    card.append(notice);
  });
}

// Who works in several agencies may change to another one in another tab. What this page sends would then be done for that
// one: it says so, and sends nothing until the person is back.
const { agency, moved } = document.body.dataset;
if (agency) {
  const tabs = new BroadcastChannel("loa-agency");
  tabs.addEventListener("message", (event) => {
    document.querySelector(".moved")?.remove();
    if (event.data === agency) return;
    const notice = document.createElement("p");
    notice.className = "alert moved";
    notice.setAttribute("role", "alert");
    notice.tabIndex = -1;
    notice.textContent = moved;
    document.getElementById("main").prepend(notice);
  });
  tabs.postMessage(agency);
  document.addEventListener("submit", (event) => {
    const notice = document.querySelector(".moved");
    if (!notice || !event.target.closest("main")) return;
    event.preventDefault();
    event.stopPropagation();
    notice.focus();
  }, true);
}
