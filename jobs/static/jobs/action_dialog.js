// Opens admin actions with options in a dialog, and works the plan out again when an option changes.
// Without it the same form is a page of its own.
(() => {
  "use strict";
  const PREFIX = "dialog_";
  const HEADERS = {"X-Action-Dialog": "1"};

  const ask = async (form, step) => {
    const data = new FormData(form);
    if (step) data.set("dialog_step", step);
    const answer = await fetch(form.getAttribute("action") || location.href, {
      method: "POST", body: data, headers: HEADERS, credentials: "same-origin",
    });
    if (!answer.ok || answer.redirected) throw new Error(`The server answered ${answer.status}.`);
    const page = new DOMParser().parseFromString(await answer.text(), "text/html");
    return page.querySelector("[data-action-form]");
  };

  const watch = (form, close) => {
    let newest = 0;
    for (const button of form.querySelectorAll("[data-without-script]")) button.remove();
    if (close) {
      for (const link of form.querySelectorAll("[data-close]")) {
        link.addEventListener("click", (event) => { event.preventDefault(); close(); });
      }
    }
    form.addEventListener("change", async () => {
      const mine = ++newest;
      const go = form.querySelector("[data-go]");
      form.setAttribute("aria-busy", "true");
      go.disabled = true;
      try {
        const fresh = await ask(form, "plan");
        if (mine !== newest || !fresh) return;
        form.querySelector("[data-plan]").replaceWith(fresh.querySelector("[data-plan]"));
        go.replaceWith(fresh.querySelector("[data-go]"));
      } catch {
        go.disabled = false; // the server works the plan out again on submit
      } finally {
        form.removeAttribute("aria-busy");
      }
    });
  };

  const open = (form) => {
    const dialog = document.createElement("dialog");
    dialog.className = "dialog page";
    dialog.setAttribute("aria-labelledby", "action-title");
    dialog.append(form);
    document.body.append(dialog);
    dialog.addEventListener("close", () => dialog.remove());
    watch(form, () => dialog.close());
    dialog.showModal();
  };

  const start = () => {
    const list = document.getElementById("changelist-form");
    if (list) {
      list.addEventListener("submit", async (event) => {
        const choice = list.querySelector("select[name=action]");
        const any = list.querySelector("input.action-select:checked");
        if (!choice || !choice.value.startsWith(PREFIX) || !any || event.defaultPrevented) return;
        if (event.submitter && event.submitter.name === "_save") return;
        event.preventDefault();
        const index = document.createElement("input");
        Object.assign(index, {type: "hidden", name: "index", value: "0"});
        list.append(index);
        try {
          const form = await ask(list);
          if (!form) throw new Error("The server sent no form.");
          index.remove();
          open(form);
        } catch {
          HTMLFormElement.prototype.submit.call(list); // the page without the dialog says what is wrong
        }
      });
    }
    const page = document.querySelector("[data-action-form]");
    if (page) watch(page, null);
  };
  // The admin loads scripts in its head, before the list is there.
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", start); else start();
})();
