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

// Pointing at a poster, or reaching its name by keyboard, plays through the small pictures of the file.
(() => {
  const STEPS = 12;
  const STEP_MS = 450;
  const still = matchMedia("(prefers-reduced-motion: reduce)");
  let timer = 0;
  let shown = null;

  const stop = () => {
    clearInterval(timer);
    if (shown) shown.image.src = shown.poster;
    shown = null;
  };

  const start = (link) => {
    const image = link?.querySelector("img");
    const length = Number(link?.dataset.preview);
    if (!image || !length || shown?.image === image) return;
    stop();
    shown = { image, poster: image.src };
    const address = new URL(image.src, location.href);
    let step = 0;
    const next = () => {
      address.searchParams.set("t", ((step + 0.5) * length / STEPS).toFixed(1));
      image.src = address.href;
      step = (step + 1) % STEPS;
    };
    next();
    if (!still.matches) timer = setInterval(next, STEP_MS);
  };

  const posterOf = (element) => element.closest("[data-key-card]")?.querySelector("[data-preview]");
  document.addEventListener("pointerover", (event) => {
    const link = event.target.closest("[data-preview]");
    if (link) start(link);
    else if (shown && !shown.image.matches(":hover")) stop();
  });
  document.addEventListener("focusin", (event) => {
    if (event.target.matches("[data-key-item]") && posterOf(event.target)) start(posterOf(event.target));
    else stop();
  });
  document.addEventListener("focusout", stop);
})();
