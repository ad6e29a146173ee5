// Colour scheme: automatic, light or dark. Loaded in <head> and not deferred, so that no page flashes in the wrong scheme.
// The key and the values are the stock admin's own, so that one choice serves both.
"use strict";
(() => {
  const ORDER = ["auto", "light", "dark"];
  const WORDS = { auto: "automatic", light: "light", dark: "dark" };
  const root = document.documentElement;

  const stored = () => {
    try {
      const mode = localStorage.getItem("theme");
      return ORDER.includes(mode) ? mode : "auto";
    } catch {
      return "auto"; // storage is closed in some private windows
    }
  };

  const show = (mode) => {
    root.dataset.theme = mode;
    const next = ORDER[(ORDER.indexOf(mode) + 1) % ORDER.length];
    for (const button of document.querySelectorAll("[data-theme-toggle]")) {
      button.hidden = false;
      button.setAttribute("aria-label", `Colours: ${WORDS[mode]}. Change to ${WORDS[next]}`);
      button.title = button.getAttribute("aria-label");
    }
  };

  document.addEventListener("click", (event) => {
    if (!event.target.closest("[data-theme-toggle]")) return;
    const next = ORDER[(ORDER.indexOf(root.dataset.theme) + 1) % ORDER.length];
    try {
      localStorage.setItem("theme", next);
    } catch {
      // the choice then lasts for this page only
    }
    show(next);
  });
  document.addEventListener("DOMContentLoaded", () => show(stored()));
  root.dataset.theme = stored();
})();
