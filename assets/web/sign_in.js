// The password can be looked at while it is typed; without script the field stays as it is.
const show = document.querySelector("[data-show]");
show.hidden = false;
show.querySelector("input").addEventListener("change", (event) => {
  document.getElementById("password").type = event.target.checked ? "text" : "password";
});
