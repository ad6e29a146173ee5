// The search page: the moment in the player is marked in the list, and what was chosen (a moment, or Enter) wins over
// what typing still had to ask. Requests wait for each other (hx-sync), so that answers come in the order of the asking.
"use strict";
(() => {
  let asked = null;
  let typing = null;
  let unwanted = null;

  const isBox = (element) => element.matches("[data-search] input[name=q]");

  // Where the player cannot stand beside the list, a moment opens its file: a player far below would be out of sight.
  const isNarrow = matchMedia("(max-width: 959px)");
  const isPlain = (event) => !(event.ctrlKey || event.metaKey || event.shiftKey);

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-moment]");
    if (!link || !isNarrow.matches || !isPlain(event)) return;
    event.preventDefault();
    event.stopPropagation();
    location.href = link.dataset.moment;
  }, true);

  document.addEventListener("click", (event) => {
    const poster = event.target.closest("[data-moment-poster]");
    if (!poster || !isPlain(event)) return;
    event.preventDefault();
    poster.parentElement.querySelector("[data-moment]").click();
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-moment]");
    if (!link) return;
    for (const other of document.querySelectorAll("[data-moment][aria-current]")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
    asked = document.querySelector("[data-search] input[name=q]").value;
    unwanted = typing;
    // A moment of a list that went meanwhile does not come into the player of the next.
    link.addEventListener("htmx:beforeOnLoad", (loaded) => { if (!link.isConnected) loaded.preventDefault(); });
  });

  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-search]")) asked = event.target.elements.q.value;
  }, true);

  // Comes for what waits in the queue too, when its turn has come.
  document.addEventListener("htmx:confirm", (event) => {
    if (!isBox(event.target)) return;
    if (event.target.value === asked) event.preventDefault();
    else asked = null;
  });

  document.addEventListener("htmx:beforeSend", (event) => {
    if (isBox(event.target)) typing = event.detail.xhr;
  });

  document.addEventListener("htmx:beforeSwap", (event) => {
    if (unwanted && event.detail.xhr === unwanted) event.detail.shouldSwap = false;
  });
})();
