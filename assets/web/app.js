// Live progress of running jobs, and what happens around a card that htmx replaced. Without script the page still says
// what runs, its buttons are plain forms, and a reload shows the latest.

// A browser opens few connections to one host: the rest of the jobs wait for their turn to be listened to.
const MOST = 3;
const listening = new Map();
let quiet = [];

function follow(root) {
  quiet.push(...root.querySelectorAll("[data-progress]"));
  listen();
}

function listen() {
  while (listening.size < MOST && quiet.length > 0) {
    const card = quiet.shift();
    const bar = card.querySelector("progress");
    const step = card.querySelector("[data-step]");
    const events = new EventSource(card.dataset.progress);
    listening.set(card, events);
    events.addEventListener("progress", (event) => {
      const { step: name, done, total, eta_ms: left } = JSON.parse(event.data);
      if (total > 0) bar.value = Math.round((100 * done) / total);
      const parts = [name];
      if (total > 0) parts.push(`${done}/${total}`);
      if (left) parts.push(`${Math.ceil(left / 1000)} s ${card.dataset.words}`);
      step.textContent = parts.join(" · ");
    });
    // It goes on later: what it made so far is shown.
    events.addEventListener("rest", refresh);
    events.addEventListener("done", () => {
      leave(card);
      // Where a part of the page shows it, the rest stays as it is: somebody may be writing there.
      if (card.closest("[data-live]")) refresh();
      else location.reload();
    });
  }
}

function leave(card) {
  listening.get(card)?.close();
  listening.delete(card);
  quiet = quiet.filter((other) => other !== card);
  listen();
}

// Parts of the page that follow the server, as it sent them.
const sent = new Map([...document.querySelectorAll("[data-live]")].map((part) => [part.id, part.outerHTML]));

async function refresh() {
  const answer = await fetch(location.href).catch(() => null);
  if (!answer?.ok) return;
  const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
  for (const part of document.querySelectorAll("[data-live]")) {
    const next = fresh.getElementById(part.id);
    if (!next || sent.get(part.id) === next.outerHTML) continue;
    sent.set(part.id, next.outerHTML);
    for (const card of part.querySelectorAll("[data-progress]")) leave(card);
    const had = part.contains(document.activeElement);
    const here = document.adoptNode(next);
    part.replaceWith(here);
    if (had) {
      here.tabIndex = -1;
      here.focus();
    }
    follow(here);
    document.dispatchEvent(new CustomEvent("loa:fresh", { detail: here }));
  }
  // Where somebody may be writing, what is there stays and what is new comes after it.
  for (const part of document.querySelectorAll("[data-grows]")) {
    for (const card of [...(fresh.getElementById(part.id)?.children ?? [])]) {
      if (document.getElementById(card.id)) continue;
      part.append(document.adoptNode(card));
      window.htmx?.process(card);
    }
  }
}
document.addEventListener("loa:refresh", refresh);
follow(document);

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

// A form that takes its time says so, and is not sent twice. What the button is worth goes with the form, so it is not disabled.
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || !form.dataset.once) return;
  if (form.dataset.sent) {
    event.preventDefault();
    return;
  }
  form.dataset.sent = "yes";
  const button = event.submitter;
  if (!button) return;
  button.dataset.says = button.textContent;
  button.textContent = form.dataset.once;
  button.setAttribute("aria-disabled", "true");
});
// Whoever comes back to the page may press again.
addEventListener("pageshow", (event) => {
  if (!event.persisted) return;
  for (const form of document.querySelectorAll("[data-sent]")) {
    delete form.dataset.sent;
    for (const button of form.querySelectorAll("[data-says]")) {
      button.textContent = button.dataset.says;
      button.removeAttribute("aria-disabled");
    }
  }
});

// What is shown once came as the answer to a form: reloading the page shows the page, and sends no form again.
const once = document.querySelector("[data-here]");
if (once) history.replaceState(history.state, "", once.dataset.here);

// What is shown once is copied by one press; without script it is selected by hand.
for (const field of document.querySelectorAll("[data-copy]")) {
  const button = document.createElement("button");
  button.type = "button";
  button.textContent = field.dataset.copy;
  button.addEventListener("click", async () => {
    field.select();
    // Pages without https have no clipboard: the field is selected, and the keys of the browser copy it.
    if (!navigator.clipboard) return;
    await navigator.clipboard.writeText(field.value);
    button.textContent = field.dataset.copied;
  });
  field.after(button);
}

// A clip without a poster shows its first frame once somebody comes near it: a page of many posts fetches nothing of clips that nobody looks at.
const near = new IntersectionObserver((seen) => {
  for (const { isIntersecting, target } of seen) {
    if (!isIntersecting) continue;
    near.unobserve(target);
    target.preload = "metadata";
  }
}, { rootMargin: "200px" });
document.addEventListener("htmx:load", ({ target }) => {
  for (const video of target.querySelectorAll('video[preload="none"]:not([poster])')) near.observe(video);
});
