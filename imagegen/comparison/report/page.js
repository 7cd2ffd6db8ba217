"use strict";
(() => {
  const records = JSON.parse(document.getElementById("records").textContent);
  const form = document.getElementById("filter");
  const sheet = document.querySelector(".sheet");
  const dialog = document.querySelector("dialog");
  const rows = [...sheet.tBodies[0].rows].map((row) => ({
    row,
    places: [...row.cells].slice(1).map((place) => ({ place, tiles: [...place.querySelectorAll(".tile")] })),
  }));
  const tiles = rows.flatMap((each) => each.places.flatMap((place) => place.tiles));
  const control = (name) => document.getElementById("filter-" + name);
  let current = tiles[0];
  let enlarged;

  // Sorting: what is not known is last in both directions.
  function sort(table, column, descending) {
    const body = table.tBodies[0];
    const key = (row) => row.cells[column].dataset.order;
    const compare = (a, b) => {
      const one = key(a), other = key(b);
      if (one === undefined || other === undefined) return (one === undefined) - (other === undefined);
      const order = isNaN(one) || isNaN(other) ? one.localeCompare(other) : one - other;
      return descending ? -order : order;
    };
    body.append(...[...body.rows].sort(compare));
    [...table.tHead.rows[0].cells].forEach((head, place) =>
      head.setAttribute("aria-sort", place !== column ? "none" : descending ? "descending" : "ascending"));
  }
  for (const table of document.querySelectorAll(".sortable"))
    table.tHead.addEventListener("click", (event) => {
      const head = event.target.closest("th");
      if (event.target.closest("button")) sort(table, head.cellIndex, head.getAttribute("aria-sort") === "ascending");
    });

  // Filtering.
  const chosenModels = () => new Set([...form.querySelectorAll("[name=model]:checked")].map((box) => box.value));
  function wanted() {
    const marks = ["outcome", "verdict"].map((name) => control(name)?.value).filter(Boolean);
    const tag = control("tag")?.value;
    const words = control("text").value.toLowerCase().split(/\s+/).filter(Boolean);
    const models = chosenModels();
    return (record) => {
      const { prompt, tags } = records.cases[record.case];
      const said = prompt.toLowerCase();
      return models.has(String(record.model)) && marks.every((mark) => record.marks.includes(mark))
        && (!tag || tags.includes(tag)) && words.every((word) => said.includes(word));
    };
  }
  function filter() {
    const wants = wanted(), models = chosenModels();
    let shown = 0;
    for (const { row, places } of rows) {
      let any = false;
      for (const { place, tiles: here } of places) {
        place.hidden = !models.has(place.dataset.model);
        for (const tile of here) {
          tile.hidden = !wants(records.tiles[tile.dataset.tile]);
          if (!tile.hidden) { any = true; shown += 1; }
        }
      }
      row.hidden = !any;
    }
    sheet.style.setProperty("--models", Math.max(1, models.size));
    for (const each of document.querySelectorAll("[data-model]"))
      if (!each.closest(".sheet tbody"))
        each.toggleAttribute("hidden", !models.has(each.dataset.model)
          || (each.dataset.other !== undefined && !models.has(each.dataset.other)));
    document.getElementById("found").value = shown === tiles.length
      ? `${shown} shown` : shown ? `${shown} of ${tiles.length} shown` : "Nothing is like this";
    if (current && current.hidden) aim(tiles.find((tile) => !tile.hidden));
  }
  let soon;
  form.addEventListener("input", () => { clearTimeout(soon); soon = setTimeout(filter, 80); });
  form.addEventListener("reset", () => setTimeout(filter));
  form.addEventListener("submit", (event) => event.preventDefault());

  // One tile of the sheet is reached with Tab, the others from it with the arrow keys.
  function aim(tile) {
    if (current) current.tabIndex = -1;
    current = tile;
    if (tile) tile.tabIndex = 0;
  }
  function neighbour(tile, key) {
    const step = { ArrowLeft: -1, ArrowRight: 1, ArrowUp: -1, ArrowDown: 1 }[key];
    const shown = (each) => !each.hidden;
    if (key === "Home") return tiles.find(shown);
    if (key === "End") return tiles.findLast(shown);
    if (key === "ArrowLeft" || key === "ArrowRight") {
      let at = tiles.indexOf(tile);
      do at += step; while (tiles[at] && tiles[at].hidden);
      return tiles[at];
    }
    const { case: line, model } = records.tiles[tile.dataset.tile];
    const nth = rows[line].places[model].tiles.filter(shown).indexOf(tile);
    for (let at = line + step; rows[at]; at += step) {
      const there = rows[at].places[model].tiles.filter(shown);
      if (there.length) return there[Math.min(nth, there.length - 1)];
    }
    return undefined;
  }
  sheet.addEventListener("keydown", (event) => {
    const tile = event.target.closest(".tile");
    if (!tile || event.altKey || event.ctrlKey || event.metaKey) return;
    if (!/^(Arrow(Left|Right|Up|Down)|Home|End)$/.test(event.key)) return;
    event.preventDefault();
    const next = neighbour(tile, event.key);
    if (next) next.focus();
  });
  sheet.addEventListener("focusin", (event) => {
    const tile = event.target.closest(".tile");
    if (tile) aim(tile);
  });

  // Enlarging. All text comes in as text, never as markup.
  const made = (name, text) => Object.assign(document.createElement(name), { textContent: text });
  function show(tile) {
    enlarged = tile;
    const record = records.tiles[tile.dataset.tile];
    dialog.querySelector("h2").textContent = record.title;
    const stage = dialog.querySelector(".stage");
    const picture = Object.assign(new Image(), { alt: record.title });
    picture.addEventListener("error", () => stage.replaceChildren(made("p", "The original is not beside this page.")));
    if (record.source) picture.src = record.source;
    const none = made("p", tile.querySelector(".no-picture strong")?.textContent.trim() || "no picture");
    stage.replaceChildren(record.source ? picture : none);
    dialog.querySelector(".prompt").textContent = records.cases[record.case].prompt;
    dialog.querySelector("dl").replaceChildren(
      ...record.facts.flatMap(([label, text]) => [made("dt", label), made("dd", text)]));
    const open = dialog.querySelector(".open");
    open.hidden = !(record.source && record.link);
    if (record.source) open.firstChild.href = record.source;
    for (const button of dialog.querySelectorAll("[data-go^=Arrow]"))
      button.disabled = !neighbour(tile, button.dataset.go);
    if (!dialog.open) dialog.showModal();
    dialog.querySelector(".two").scrollTop = 0;
  }
  function go(key) {
    if (key === "Escape") return dialog.close();
    const next = neighbour(enlarged, key);
    if (next) show(next);
  }
  sheet.addEventListener("click", (event) => {
    const tile = event.target.closest(".tile");
    if (tile) show(tile);
  });
  dialog.addEventListener("click", (event) => {
    const button = event.target.closest("[data-go]");
    if (button) go(button.dataset.go);
    else if (event.target === dialog) dialog.close();
  });
  dialog.addEventListener("keydown", (event) => {
    if (!event.key.startsWith("Arrow") || event.altKey || event.ctrlKey || event.metaKey) return;
    event.preventDefault();
    go(event.key);
  });
  dialog.addEventListener("close", () => enlarged.focus());

  aim(tiles[0]);
  filter();
})();
