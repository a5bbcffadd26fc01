// What editing a card and editing a clip have in common: lines that a person wrote are marked and can be taken back, and the
// form is sent without leaving the page.
export const form = document.getElementById("edit");
export const words = JSON.parse(form.dataset.words);
export const field = (name) => form.elements.namedItem(name);
const said = document.getElementById("sent");
const unsent = document.getElementById("unsent");
const written = () => form.querySelectorAll("textarea[data-words]");

// Marks the lines that are not the article's. Whose they are is known of those that were kept.
function mark() {
  for (const area of written()) {
    const isEdited = area.value.trim() !== area.dataset.words.trim();
    const beside = area.nextElementSibling;
    area.classList.toggle("edited", isEdited);
    beside.hidden = !isEdited;
    const writer = beside.querySelector("[data-writer]");
    if (writer) writer.hidden = area.value !== area.defaultValue;
  }
}

let changed = false;
const undo = form.querySelector("[data-undo]");
export const isChanged = () => {
  changed = true;
  undo.hidden = false;
  said.textContent = "";
  unsent.hidden = true;
};

// Wires what both have. `order` is what is asked for; `mistake` says what keeps the form from being sent.
export function desk(order, mistake = () => undefined) {
  for (const hidden of document.querySelectorAll("[data-script]")) hidden.hidden = false;
  for (const area of written()) {
    area.nextElementSibling.querySelector("[data-restore]").addEventListener("click", () => {
      area.value = area.dataset.words;
      area.dispatchEvent(new Event("input", { bubbles: true }));
      area.focus();
    });
  }
  mark();
  form.addEventListener("input", mark);
  form.noValidate = true;
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const wrong = mistake();
    if (wrong) return refuse(wrong);
    send(order());
  });
  undo.addEventListener("click", () => {
    changed = false;
    location.reload();
  });
  addEventListener("beforeunload", (event) => changed && event.preventDefault());
  document.addEventListener("loa:fresh", ({ detail }) => {
    if (detail.matches(".now:has(.state.rendered)")) said.textContent = words.done;
  });
}

function refuse(why) {
  unsent.textContent = why;
  unsent.hidden = false;
}

async function send(order) {
  const button = form.querySelector(".make .primary");
  button.disabled = true;
  unsent.hidden = true;
  const body = JSON.stringify({ kind: form.dataset.kind, ...order });
  const headers = { "content-type": "application/json" };
  try {
    const answer = await fetch(`/api/v1/articles/${form.dataset.article}/variants`, { method: "POST", headers, body });
    const told = await answer.json();
    if (answer.ok) {
      changed = false;
      undo.hidden = true;
      for (const area of written()) {
        // Whoever wrote before wrote something else.
        if (area.value !== area.defaultValue) area.nextElementSibling.querySelector("[data-writer]")?.remove();
        area.defaultValue = area.value;
      }
      said.textContent = told.job ? words.queued : words.same;
      document.dispatchEvent(new Event("loa:refresh"));
    } else {
      refuse(told.detail ?? words.failed);
    }
  } catch {
    refuse(words.failed);
  }
  button.disabled = false;
}

// The words of both buttons that move a row, which have a name of their own for each row.
export function mover(row, sign, word, press) {
  const one = Object.assign(document.createElement("button"), { type: "button", textContent: sign });
  one.setAttribute("aria-label", `${word} ${row.dataset.name}`);
  one.addEventListener("click", () => press(one));
  return one;
}
