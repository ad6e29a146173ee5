// Keys for every page: / search, j and k next and previous, x select, ? help. The player has its own (player.js).
"use strict";
(() => {
  const isTyping = (element) =>
    element.isContentEditable || element.matches("textarea, select, input:not([type=checkbox], [type=radio], [type=range], [type=button], [type=submit])");

  // A browser empties a search box on Escape, which would ask for nothing and wipe the answer: the words stay.
  const leave = (event) => {
    if (event.target.type === "search" && !event.target.closest("dialog")) event.preventDefault();
    event.target.blur();
  };

  const visible = (element) => element.offsetParent !== null;
  const items = () => [...document.querySelectorAll("[data-key-item]")].filter(visible);
  let last = -1;

  // On the page of a file these keys belong to its player, as editors know them (player.js).
  const hasPlayer = () => Boolean(document.querySelector("[data-editor-keys] [data-media]"));

  const move = (step) => {
    const all = items();
    if (!all.length) return false;
    const focused = all.indexOf(document.activeElement?.closest("[data-key-item]"));
    const current = all.findIndex((item) => item.getAttribute("aria-current") === "true");
    const from = focused >= 0 ? focused : current >= 0 ? current : Math.min(last, all.length - 1);
    last = Math.min(Math.max(from + step, 0), all.length - 1);
    all[last].focus();
    all[last].scrollIntoView({ block: "nearest" });
    if (all[last].hasAttribute("data-key-follow")) all[last].click();
    return true;
  };

  const select = () => {
    const card = document.activeElement?.closest("[data-key-card]");
    const box = card?.querySelector("input[type=checkbox]");
    if (box) box.click();
    return Boolean(box);
  };

  const search = () => {
    const box = [...document.querySelectorAll("[data-key-search], input[type=search]")].find(visible);
    if (!box) return false;
    box.focus();
    box.select();
    return true;
  };

  const help = () => {
    const dialog = document.getElementById("keys-help");
    if (!dialog?.showModal) return false;
    if (dialog.open) dialog.close();
    else dialog.showModal();
    return true;
  };

  // From the files to what can be done with the ticked ones, however many tab stops lie between.
  const act = () => {
    const button = [...document.querySelectorAll("[data-selection-bar] [data-action]")].find((one) => !one.disabled && visible(one));
    button?.focus();
    return Boolean(button);
  };

  const KEYS = { "/": search, j: () => !hasPlayer() && move(1), k: () => !hasPlayer() && move(-1), "]": () => move(1), "[": () => move(-1), x: select, a: act, "?": help };

  // Where the row of pages is wider than the screen, the current one is in sight.
  const here = document.querySelector(".site-nav [aria-current]");
  const row = here?.closest("ul");
  if (row) row.scrollLeft = here.offsetLeft - row.offsetLeft - (row.clientWidth - here.offsetWidth) / 2;

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (isTyping(event.target)) {
      if (event.key === "Escape") leave(event);
      return;
    }
    if (document.querySelector("dialog[open]") && event.key !== "?") return;
    const action = KEYS[event.key];
    if (action?.()) event.preventDefault();
  });
})();
