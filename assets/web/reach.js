// The numbers of a chart without pointing at a dot: the mouse, a finger or the arrow keys move a line along the chart, and what was
// counted there stands below it. Without script the table below the chart says the same.
for (const drawing of document.querySelectorAll(".chart .drawing")) {
  const svg = drawing.querySelector("svg");
  const told = new Map();
  for (const spot of svg.querySelectorAll("circle")) {
    const at = Number(spot.getAttribute("cx"));
    told.set(at, [...(told.get(at) ?? []), spot.textContent]);
  }
  const places = [...told.keys()].sort((a, b) => a - b);
  if (!places.length) continue;
  const line = document.createElementNS("http://www.w3.org/2000/svg", "line");
  line.setAttribute("y1", 16);
  line.setAttribute("y2", 260);
  line.setAttribute("class", "at");
  svg.append(line);
  const list = document.createElement("div");
  list.className = "told small";
  list.setAttribute("role", "status");
  // As high as it gets, so that nothing below it moves.
  const most = Math.max(...[...told.values()].map((words) => words.length));
  list.style.minHeight = `${most * 1.6}em`;
  const hint = document.createElement("p");
  hint.className = "small muted screen";
  hint.textContent = drawing.dataset.hint;
  drawing.after(list, hint);
  let now = places.length - 1;
  const show = (next) => {
    now = Math.min(Math.max(next, 0), places.length - 1);
    line.setAttribute("x1", places[now]);
    line.setAttribute("x2", places[now]);
    list.replaceChildren(...told.get(places[now]).map((words) => {
      const one = document.createElement("p");
      one.textContent = words;
      return one;
    }));
  };
  show(now);
  const point = (event) => {
    const x = new DOMPoint(event.clientX, 0).matrixTransform(svg.getScreenCTM().inverse()).x;
    const nearest = places.reduce((best, at, n) => (Math.abs(at - x) < Math.abs(places[best] - x) ? n : best), 0);
    if (nearest !== now) show(nearest);
  };
  drawing.addEventListener("pointermove", point);
  drawing.addEventListener("pointerdown", point);
  drawing.addEventListener("keydown", (event) => {
    const next = { ArrowLeft: now - 1, ArrowRight: now + 1, Home: 0, End: places.length - 1 }[event.key];
    if (next === undefined) return;
    event.preventDefault();
    show(next);
  });
}
