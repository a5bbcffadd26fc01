// The list of articles: a file that is dropped anywhere goes into the form, and choosing several shows what can be done.
const drop = document.getElementById("drop");
const file = document.getElementById("file");
if (drop && file) {
  const carries = (event) => [...(event.dataTransfer?.types ?? [])].includes("Files");
  addEventListener("dragover", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    drop.open = true;
    drop.classList.add("over");
  });
  addEventListener("dragleave", (event) => event.relatedTarget ?? drop.classList.remove("over"));
  addEventListener("drop", (event) => {
    if (!carries(event)) return;
    event.preventDefault();
    drop.classList.remove("over");
    file.files = event.dataTransfer.files;
    file.focus();
  });
}

const many = document.getElementById("many");
const panel = many?.querySelector(".many");
if (panel) {
  many.classList.add("live");
  const show = () => {
    const count = many.querySelectorAll("[name=articles]:checked").length;
    panel.classList.toggle("idle", count === 0);
    panel.querySelector("[data-none]").hidden = count > 0;
    panel.querySelector("[data-some]").hidden = count === 0;
    panel.querySelector("[data-count]").textContent = count;
  };
  many.addEventListener("change", show);
  show();
}
