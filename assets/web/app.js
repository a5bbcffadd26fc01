// Live progress of running jobs. Without script the page still says what runs; a reload shows the latest.
for (const card of document.querySelectorAll("[data-progress]")) {
  const bar = card.querySelector("progress");
  if (!bar) continue;
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
