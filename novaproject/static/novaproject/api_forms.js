// The forms of the API's pages: send the JSON as it stands, and show what comes back.
"use strict";
document.addEventListener("submit", async (event) => {
  const form = event.target.closest("[data-api-form]");
  if (!form) return;
  event.preventDefault();
  const headers = { ...JSON.parse(document.body.getAttribute("hx-headers") ?? "{}"), Accept: "application/json" };
  const body = form.elements.body?.value;
  if (body !== undefined) headers["Content-Type"] = "application/json";
  const answer = await fetch(location.pathname, { method: form.dataset.apiForm, headers, body });
  const text = await answer.text();
  let shown = text;
  try {
    shown = JSON.stringify(JSON.parse(text), null, 2);
  } catch {
    shown = text; // not JSON: as it came
  }
  const badge = form.querySelector("[data-api-status]");
  badge.textContent = `${answer.status} ${answer.statusText}`;
  badge.className = `badge ${answer.ok ? "ok" : "bad"}`;
  form.querySelector("[data-api-body]").textContent = shown;
  form.querySelector("[data-api-answer]").hidden = false;
});
