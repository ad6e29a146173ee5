// The search page: the moment that is in the player is marked in the list.
"use strict";
document.addEventListener("click", (event) => {
  const link = event.target.closest("[data-moment]");
  if (!link) return;
  for (const other of document.querySelectorAll("[data-moment][aria-current]")) other.removeAttribute("aria-current");
  link.setAttribute("aria-current", "true");
});
