// A chart as PNG: the drawing of the page on white, twice as large as it is measured.
for (const button of document.querySelectorAll("[data-png]")) {
  const svg = button.closest("figure").querySelector("svg");
  button.hidden = !svg;
  button.addEventListener("click", () => {
    const drawing = svg.cloneNode(true), [, , width, height] = svg.getAttribute("viewBox").split(" ").map(Number);
    drawing.setAttribute("width", 2 * width); drawing.setAttribute("height", 2 * height); drawing.setAttribute("color", "#16181d");
    const image = new Image();
    image.onload = () => {
      const canvas = document.createElement("canvas");
      canvas.width = 2 * width; canvas.height = 2 * height;
      const pen = canvas.getContext("2d");
      pen.fillStyle = "#fff"; pen.fillRect(0, 0, canvas.width, canvas.height); pen.drawImage(image, 0, 0);
      const link = document.createElement("a");
      link.href = canvas.toDataURL("image/png"); link.download = button.dataset.png; link.click();
    };
    image.src = "data:image/svg+xml;charset=utf-8," + encodeURIComponent(new XMLSerializer().serializeToString(drawing));
  });
}
