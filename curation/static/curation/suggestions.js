// Suggestions of a tag: a accepts, r refuses the one with the focus (else the first), u undoes the last answer.
"use strict";
(() => {
  const list = document.querySelector("[data-suggestions]");
  if (!list) return;
  const said = document.querySelector("[data-said]");
  const rows = () => [...list.querySelectorAll("[data-suggestion]:not([hidden])")];
  const answered = [];

  const send = async (form, address) => {
    const answer = await fetch(address, { method: "POST", body: new FormData(form), headers: { "HX-Request": "true" } });
    if (!answer.ok) said.textContent = (await answer.text()).slice(0, 300) || "That did not work. Reload the page.";
    return answer.ok;
  };

  const settle = async (row, name) => {
    const form = row?.querySelector(`[data-answer="${name}"]`);
    if (!form) return;
    const all = rows();
    const next = all[all.indexOf(row) + 1] || all[all.indexOf(row) - 1];
    const file = row.querySelector("[data-key-item]").textContent;
    row.hidden = true;
    next?.querySelector("[data-key-item]").focus();
    if (await send(form, form.action)) {
      answered.push({ row, form });
      said.textContent = `${name === "accept" ? "Accepted" : "Refused"} ${file}. ${rows().length} left.`;
    } else {
      row.hidden = false;
    }
  };

  const undo = async () => {
    const last = answered.pop();
    if (!last || !(await send(last.form, last.form.action.replace(/(accept|refuse)\/$/, "take-back/")))) return;
    last.row.hidden = false;
    last.row.querySelector("[data-key-item]").focus();
    said.textContent = `${last.row.querySelector("[data-key-item]").textContent} is as before.`;
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    if (event.target.closest("input, textarea, select, dialog, [contenteditable]")) return;
    const row = event.target.closest("[data-suggestion]") || rows()[0];
    const action = { a: () => settle(row, "accept"), r: () => settle(row, "refuse"), u: undo }[event.key];
    if (!action) return;
    event.preventDefault();
    action();
  });

  list.addEventListener("submit", (event) => {
    event.preventDefault();
    settle(event.target.closest("[data-suggestion]"), event.target.dataset.answer);
  });
})();
