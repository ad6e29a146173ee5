// Colours of tags (the policy forbids style attributes), marking with I and O, links to a second, and ordering by drag and keyboard.
"use strict";
(() => {
  const paint = (root) => {
    for (const swatch of root.querySelectorAll("[data-colour]")) swatch.style.backgroundColor = swatch.dataset.colour;
  };

  const media = () => document.querySelector("[data-player] [data-media]");
  const seconds = (value) => String(Math.round(value * 1000) / 1000);

  const copy = async (button) => {
    const to = button.dataset.copyLink || `${location.pathname}?t=${seconds(media()?.currentTime ?? 0)}`;
    const words = button.textContent;
    await navigator.clipboard.writeText(new URL(to, location.href).href);
    button.textContent = "Copied";
    setTimeout(() => { button.textContent = words; }, 1500);
  };

  // Seconds as the server reads them: `83.4`, `1:23.4`.
  const read = (text) => text.trim().split(":").reduce((total, part) => total * 60 + Number(part), 0);
  const marked = (form) => {
    const [from, to] = ["start_s", "end_s"].map((name) => form.elements[name].value);
    const range = { start: read(from), end: read(to) };
    const isGood = from.trim() && to.trim() && range.end > range.start;
    form.querySelector("[data-range-said]").textContent = isGood ? "" : "Mark where the range begins and ends first.";
    return isGood ? range : null;
  };
  const takeRange = async (button) => {
    const range = marked(button.form);
    if (!range) return;
    if (button.dataset.downloadRange) {
      location.assign(`${button.dataset.downloadRange}?start_s=${seconds(range.start)}&end_s=${seconds(range.end)}`);
      return;
    }
    const link = `${location.pathname}?t=${seconds(range.start)}&to=${seconds(range.end)}`;
    await navigator.clipboard.writeText(new URL(link, location.href).href);
    button.form.querySelector("[data-range-said]").textContent = "Copied";
  };

  const markForm = () => document.querySelector("[data-mark-form]");
  const put = (selector) => {
    const field = markForm()?.querySelector(selector);
    if (!field || !media()) return false;
    field.value = seconds(media().currentTime);
    if (selector === "[data-mark-out]") markForm().querySelector("[data-mark-name]").focus();
    return true;
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input:not([type=range]), textarea, select, dialog, [contenteditable]")) return;
    const action = { i: () => put("[data-mark-in]"), o: () => put("[data-mark-out]") }[event.key];
    if (action?.()) event.preventDefault();
  });

  document.addEventListener("click", (event) => {
    const button = event.target.closest("[data-copy-link]");
    if (button) copy(button);
    const taking = event.target.closest("[data-download-range], [data-copy-range]");
    if (taking) takeRange(taking);
  });

  // A moment opened by its link plays to its end, once.
  const stopAt = Number(new URL(location.href).searchParams.get("to"));
  const player = media();
  if (player && stopAt) {
    const stop = () => {
      if (player.currentTime < stopAt || player.currentTime > stopAt + 1) return;
      player.pause();
      player.removeEventListener("timeupdate", stop);
    };
    player.addEventListener("timeupdate", stop);
  }

  const list = document.querySelector("[data-order] .ordered");
  const save = async (said) => {
    const form = list.closest("form");
    const body = new FormData();
    body.append("csrfmiddlewaretoken", form.querySelector("[name=csrfmiddlewaretoken]").value);
    for (const row of list.children) body.append("n", row.dataset.n);
    const answer = await fetch(form.dataset.order, { method: "POST", body, headers: { "HX-Request": "true" } });
    const status = document.querySelector("[data-order-said]");
    status.textContent = answer.ok ? said : "The order could not be saved. Reload the page.";
    if (!answer.ok) location.reload();
  };
  const place = (row) => `Now item ${[...list.children].indexOf(row) + 1} of ${list.children.length}`;

  if (list) {
    let dragged = null;
    list.addEventListener("dragstart", (event) => {
      dragged = event.target.closest("li");
      dragged?.classList.add("dragged");
      event.dataTransfer.effectAllowed = "move";
    });
    list.addEventListener("dragover", (event) => {
      const over = event.target.closest("li");
      if (!dragged || !over || over === dragged) return;
      event.preventDefault();
      const box = over.getBoundingClientRect();
      over[event.clientY < box.top + box.height / 2 ? "before" : "after"](dragged);
    });
    list.addEventListener("drop", (event) => event.preventDefault());
    list.addEventListener("dragend", () => {
      if (!dragged) return;
      dragged.classList.remove("dragged");
      save(place(dragged));
      dragged = null;
    });
    list.addEventListener("click", (event) => {
      const button = event.target.closest("[data-move]");
      if (!button) return;
      event.preventDefault();
      const row = button.closest("li");
      const other = button.dataset.move === "1" ? row.nextElementSibling : row.previousElementSibling;
      if (!other) return;
      other[button.dataset.move === "1" ? "after" : "before"](row);
      button.focus();
      save(place(row));
    });
  }

  for (const button of document.querySelectorAll("[data-copy-link], [data-copy-range]")) button.hidden = !navigator.clipboard;
  for (const button of document.querySelectorAll("[data-download-range]")) button.hidden = false;
  paint(document);
  document.addEventListener("htmx:load", (event) => paint(event.detail.elt));
})();
