// Keys of the approver: j and k go through the queue, a and r go to the button that signs and to the reason, ? tells them.
// Nothing is decided by a key alone. Without script every one of them is a link, a button or a field of the page.
const target = (name) => document.querySelector(`[data-key="${name}"]`);
document.addEventListener("keydown", (event) => {
  const writing = event.target.closest("input:not([type=checkbox]), textarea, select, [contenteditable]");
  if (writing || event.ctrlKey || event.metaKey || event.altKey || event.isComposing) return;
  const follow = (name) => target(name)?.click();
  const reach = (name) => {
    const there = target(name);
    // What is seen already stays where it is, and so does the post under review.
    const box = there?.getBoundingClientRect();
    if (box && (box.top < 0 || box.bottom > innerHeight)) there.scrollIntoView({ block: "center" });
    there?.focus({ preventScroll: true });
    return there;
  };
  const act = {
    j: () => follow("next"),
    k: () => follow("before"),
    a: () => reach("approve"),
    r: () => reach("return"),
    "?": () => {
      const help = reach("help");
      if (help) help.parentElement.open = !help.parentElement.open;
    },
  }[event.key];
  if (!act) return;
  event.preventDefault();
  act();
});
// One press is one answer: a second one would reach a page that nobody has read.
for (const form of document.querySelectorAll(".answers form")) {
  form.addEventListener("submit", (event) => {
    if (form.dataset.sent) event.preventDefault();
    form.dataset.sent = "1";
  });
}
addEventListener("pageshow", () => document.querySelectorAll(".answers form").forEach((form) => delete form.dataset.sent));
