// Opens an action's page in a <dialog> over the library. Without this script the same page simply opens.
"use strict";
(() => {
  const open = async (url) => {
    const answer = await fetch(url, { headers: { "X-Requested-With": "fetch" } });
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    const form = page.querySelector("[data-action-form]");
    if (!answer.ok || !form) {
      location.href = url; // the server has something else to say: let it
      return;
    }
    const dialog = document.createElement("dialog");
    dialog.className = form.classList.contains("narrow") ? "dialog narrow" : "dialog";
    dialog.setAttribute("aria-labelledby", "action-title");
    form.classList.remove("panel");
    dialog.append(form);
    document.body.append(dialog);
    dialog.addEventListener("close", () => dialog.remove());
    form.querySelector("[data-dialog-close]").addEventListener("click", (event) => {
      event.preventDefault();
      dialog.close();
    });
    dialog.showModal();
    (form.querySelector("[autofocus]") ?? form.querySelector("input:not([type=hidden]), select, button"))?.focus();
    htmx.process(dialog);
  };

  document.addEventListener("submit", (event) => {
    const button = event.submitter;
    if (!button?.matches("[data-action]") || !HTMLDialogElement.prototype.showModal) return;
    event.preventDefault();
    const fields = new URLSearchParams();
    const everything = event.target.querySelector("[data-pick-everything]")?.checked;
    for (const [name, value] of new FormData(event.target)) {
      if (name === "file" ? !everything : name !== "all" || everything) fields.append(name, value);
    }
    const url = new URL(button.formAction, location.href);
    url.search = fields;
    open(url);
  });

  document.addEventListener("click", (event) => {
    const link = event.target.closest("a[data-action]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    event.preventDefault();
    open(new URL(link.href));
  });
})();
