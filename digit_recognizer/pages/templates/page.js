"use strict";
// A table with class "sortable": each heading's button sorts by its column. A cell's data-value is
// what counts where it has one, its text where not; numbers sort as numbers, the empty ones last.
for (const table of document.querySelectorAll("table.sortable")) {
  const headings = [...table.tHead.rows[0].cells];
  headings.forEach((heading, column) => {
    const button = document.createElement("button");
    button.append(...heading.childNodes);
    heading.append(button);
    button.addEventListener("click", () => {
      const down = heading.getAttribute("aria-sort") === "ascending";
      headings.forEach((other) => other.removeAttribute("aria-sort"));
      heading.setAttribute("aria-sort", down ? "descending" : "ascending");
      const valueOf = (row) => row.cells[column].dataset.value ?? row.cells[column].textContent.trim();
      const rows = [...table.tBodies[0].rows];
      rows.sort((one, other) => {
        const [a, b] = [valueOf(one), valueOf(other)];
        if (a === "" || b === "") return (a === "") - (b === "");
        const [x, y] = [Number(a), Number(b)];
        const order = Number.isNaN(x) || Number.isNaN(y) ? a.localeCompare(b) : x - y;
        return down ? -order : order;
      });
      table.tBodies[0].append(...rows);
    });
  });
}
// A button with data-show="<true>-<predicted>" opens copies of all tiles that have that data-kind.
const shown = document.getElementById("shown");
for (const button of document.querySelectorAll("button[data-show]")) {
  button.addEventListener("click", () => {
    const kind = CSS.escape(button.dataset.show);
    const tiles = [...document.querySelectorAll(`main .tile[data-kind="${kind}"]`)];
    const hidden = [...document.querySelectorAll("main template")].flatMap(
      (template) => [...template.content.querySelectorAll(`.tile[data-kind="${kind}"]`)]);
    shown.querySelector("h2").textContent = button.title;
    shown.querySelector(".tiles").replaceChildren(
      ...[...tiles, ...hidden].map((tile) => tile.cloneNode(true)));
    shown.showModal();
  });
}
