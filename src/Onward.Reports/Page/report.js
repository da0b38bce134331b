"use strict";
// Marks a table that is wider than the window, so that what is cut has a sign.
const markCut = () => {
  for (const box of document.querySelectorAll(".scroll")) {
    box.classList.toggle("cut", box.scrollWidth > box.clientWidth + 1);
  }
};
addEventListener("resize", markCut);
markCut();
// Shows, under a chart, the values at the epoch that the pointer is over.
for (const svg of document.querySelectorAll("svg[data-chart]")) {
  const chart = JSON.parse(svg.dataset.chart);
  const cursor = svg.querySelector(".cursor");
  const readout = svg.parentElement.querySelector(".readout");
  svg.addEventListener("pointermove", event => {
    const box = svg.getBoundingClientRect();
    const x = (event.clientX - box.left) / box.width * svg.viewBox.baseVal.width;
    const share = (x - chart.left) / (chart.right - chart.left);
    const drawn = Math.max(1, Math.round((1 + share * (chart.epochs - 1)) / chart.every));
    const epoch = Math.min(Math.floor(chart.epochs / chart.every), drawn) * chart.every;
    const at = chart.epochs === 1 ? (chart.left + chart.right) / 2 : chart.left + (chart.right - chart.left) * (epoch - 1) / (chart.epochs - 1);
    cursor.setAttribute("x1", at);
    cursor.setAttribute("x2", at);
    cursor.setAttribute("visibility", "visible");
    const values = chart.lines.filter(line => epoch / chart.every <= line.values.length).map(line => `${line.name} ${line.values[epoch / chart.every - 1]}`);
    readout.textContent = `epoch ${epoch}: ${values.join(", ")}`;
  });
  svg.addEventListener("pointerleave", () => {
    cursor.setAttribute("visibility", "hidden");
    readout.textContent = "\u00a0";
  });
}
