// The selection of the library: counts what is ticked, and keeps "all on this page" and "everything that matches" apart.
"use strict";
(() => {
  const form = document.querySelector("[data-selection]");
  const bar = form?.querySelector("[data-selection-bar]");
  if (!form || !bar) return;
  const picks = [...form.querySelectorAll("[data-pick]")];
  const pickAll = form.querySelector("[data-pick-all]");
  const everything = form.querySelector("[data-pick-everything]");
  const words = bar.querySelector("[data-selection-count]");
  const idle = words.textContent;
  const total = Number(form.dataset.total);
  const files = (n) => `${n.toLocaleString("en")} ${n === 1 ? "file" : "files"}`;

  const show = () => {
    const ticked = picks.filter((box) => box.checked).length;
    if (pickAll) {
      pickAll.checked = ticked === picks.length;
      pickAll.indeterminate = ticked > 0 && ticked < picks.length;
    }
    const chosen = everything.checked ? total : ticked;
    if (everything.checked) words.textContent = total === 1 ? "The one file that matches is selected" : `All ${files(total)} that match are selected`;
    else words.textContent = ticked ? `${files(ticked)} selected` : idle;
    for (const button of bar.querySelectorAll("[data-action]")) button.disabled = chosen === 0;
    bar.classList.toggle("idle", chosen === 0);
  };

  form.addEventListener("change", (event) => {
    if (event.target === pickAll) for (const box of picks) box.checked = pickAll.checked;
    if (event.target === everything) for (const box of picks) box.checked = everything.checked;
    else if (everything.checked && picks.some((box) => !box.checked)) everything.checked = false;
    show();
  });
  window.addEventListener("pageshow", show); // coming back with the browser's own memory of the ticks
  show();
})();
