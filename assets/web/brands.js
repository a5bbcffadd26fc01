// A brand kit while it is made: the sample cards and the contrast of every pair follow the form. Without script the button that
// looks does the same.
const form = document.getElementById("kit");
const words = form.dataset;
const names = document.getElementById("roles");
const name = (role) => names.querySelector(`[data-role="${role}"]`).textContent;
const told = document.getElementById("told");
const wrong = document.getElementById("wrong");
const verdict = document.getElementById("verdict");
const list = document.getElementById("pairs");
const looks = document.querySelector(".looks");
const problem = document.getElementById("problem");
const colour = /^#[0-9a-f]{6}$/i;
const roles = [...form.querySelectorAll("[type=color]")].map((input) => input.dataset.of);
let file = null;
let asked = null;
let wait = 0;

// Nothing is sent while a colour is half typed.
function body(look) {
  const text = (name) => form.elements[name].value;
  const colours = Object.fromEntries(roles.map((role) => [role, text(role)]));
  if (!Object.values(colours).every((value) => colour.test(value))) return null;
  const kit = { title_vi: text("title_vi"), title_en: text("title_en"), tagline: text("tagline"), colours, look };
  if (text("was")) kit.name = text("was");
  if (form.elements.without_logo?.checked) kit.logo = null;
  else if (file ?? text("carried")) kit.logo = file ?? text("carried");
  return kit;
}

async function ask(look, signal) {
  const headers = { "content-type": "application/json" };
  const answer = await fetch("/api/v1/preview/brand", { method: "POST", headers, body: JSON.stringify(body(look)), signal });
  const said = await answer.json();
  if (!answer.ok) throw new Error(said.detail);
  return said;
}

async function draw() {
  asked?.abort();
  if (!body(0)) return;
  asked = new AbortController();
  const { signal } = asked;
  told.textContent = words.drawing;
  for (const picture of looks.querySelectorAll("img")) picture.classList.add("old");
  try {
    for (let look = 0; look < 3; look += 1) {
      const said = await ask(look, signal);
      show(look, said);
      if (look === 0) {
        pairs(said.pairs);
        const why = said.problem?.split(" / ")[document.documentElement.lang === "en" ? 1 : 0];
        refuse(why ?? "");
      }
    }
    told.textContent = words.drawn;
  } catch (error) {
    if (error.name === "AbortError") return;
    told.textContent = "";
    refuse(error instanceof TypeError ? words.failed : error.message);
  }
}

function refuse(why) {
  problem?.remove();
  wrong.textContent = why;
  wrong.hidden = !why;
}

function show(look, { picture, width, height, template }) {
  let image = looks.querySelector(`[data-look="${look}"]`);
  if (!image) {
    if (look === 0) looks.replaceChildren();
    image = Object.assign(document.createElement("img"), { width, height, alt: template });
    image.dataset.look = look;
    looks.append(image);
  }
  image.src = picture;
  image.classList.remove("old");
}

// Each text on its ground; of one that cannot be read, the nearest colour that can is one press away.
function pairs(all) {
  const faint = all.filter((pair) => !pair.readable).length;
  const mark = Object.assign(document.createElement(faint ? "strong" : "span"), { className: faint ? "bad" : "good" });
  mark.textContent = faint ? `${words.faint} ${faint}` : words.readable;
  verdict.replaceChildren(mark);
  const old = list.querySelector("svg");
  if (!old) return;
  list.replaceChildren(...all.map((pair) => {
    const line = document.createElement("li");
    if (!pair.readable) line.className = "faint";
    const sign = old.cloneNode(true);
    sign.querySelector("rect").setAttribute("fill", pair.on);
    sign.querySelector("path").setAttribute("fill", pair.of);
    const says = document.createElement("span");
    says.textContent = `${name(pair.ink)} ${names.dataset.on} ${name(pair.ground)} `;
    if (pair.better) {
      const press = Object.assign(document.createElement("button"), { type: "button" });
      press.textContent = `${words.better} ${pair.better}`;
      press.addEventListener("click", () => {
        set(pair.ink, pair.better);
        form.elements[pair.ink].focus();
      });
      says.append(press);
    }
    const ratio = Object.assign(document.createElement("span"), { className: "ratio" });
    const digits = (Math.floor(pair.ratio * 10) / 10).toFixed(1);
    ratio.append(`${document.documentElement.lang === "en" ? digits : digits.replace(".", ",")}:1 `);
    ratio.append(Object.assign(document.createElement("span"), { className: "mark", textContent: pair.readable ? words.ok : words.bad }));
    line.append(sign, says, ratio);
    return line;
  }));
}

const picker = (role) => form.querySelector(`[data-of="${role}"]`);
function set(role, value) {
  form.elements[role].value = value;
  picker(role).value = value;
  soon();
}
function soon() {
  clearTimeout(wait);
  wait = setTimeout(draw, 350);
}

for (const role of roles) {
  picker(role).hidden = false;
  picker(role).addEventListener("input", () => set(role, picker(role).value));
}
form.addEventListener("input", ({ target }) => {
  if (target.type === "color" || target.type === "file") return;
  if (roles.includes(target.name) && colour.test(target.value)) picker(target.name).value = target.value.toLowerCase();
  soon();
});
form.elements.logo.addEventListener("change", () => {
  const [chosen] = form.elements.logo.files;
  file = null;
  if (!chosen) return soon();
  const reader = new FileReader();
  reader.addEventListener("load", () => {
    // What follows the comma of a `data:` address is the file.
    file = reader.result.slice(reader.result.indexOf(",") + 1);
    if (form.elements.without_logo) form.elements.without_logo.checked = false;
    soon();
  });
  reader.readAsDataURL(chosen);
});
document.getElementById("look").hidden = true;
