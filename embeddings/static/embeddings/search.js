// The search page: the moment in the player is marked in the list, and Enter wins over what typing still had to ask.
"use strict";
(() => {
  let asked = null;

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-moment]");
    if (!link) return;
    for (const other of document.querySelectorAll("[data-moment][aria-current]")) other.removeAttribute("aria-current");
    link.setAttribute("aria-current", "true");
  });

  document.addEventListener("submit", (event) => {
    if (event.target.matches("[data-search]")) asked = event.target.elements.q.value;
  }, true);

  // htmx:confirm comes before htmx aborts the request in flight, which is the one that Enter sent.
  document.addEventListener("htmx:confirm", (event) => {
    if (!event.target.matches("[data-search] input[name=q]")) return;
    if (event.target.value === asked) event.preventDefault();
    else asked = null;
  });
})();
