// Uploads one file after another with a bar each. Without this script the form posts as usual.
"use strict";
(() => {
  const form = document.querySelector("[data-upload]");
  const list = form?.querySelector("[data-upload-list]");
  if (!list) return;

  const row = (name) => {
    const item = document.createElement("li");
    item.className = "job-row";
    const label = document.createElement("span");
    label.className = "strong";
    label.textContent = name;
    const state = document.createElement("span");
    state.className = "small quiet";
    const bar = document.createElement("progress");
    bar.max = 1;
    bar.value = 0;
    bar.setAttribute("aria-label", `Upload of ${name}`);
    item.append(label, state, bar);
    list.append(item);
    return { item, label, state, bar };
  };

  const finish = (shown, answer, status) => {
    shown.bar.remove();
    if (status === 201) {
      const link = document.createElement("a");
      link.href = `/files/${answer.id}/`;
      link.textContent = answer.name;
      shown.label.replaceChildren(link);
      shown.state.textContent = "in the library";
    } else {
      shown.state.className = "small bad-text";
      shown.state.textContent = answer.file?.join(" ") || answer.detail || "was not taken; try again";
    }
  };

  const send = (file) =>
    new Promise((done) => {
      const shown = row(file.name);
      const data = new FormData();
      data.append("file", file);
      data.append("make_proxy", form.elements.make_proxy.checked ? "true" : "false");
      const request = new XMLHttpRequest();
      request.open("POST", form.dataset.upload);
      request.setRequestHeader("X-CSRFToken", form.elements.csrfmiddlewaretoken.value);
      request.setRequestHeader("Accept", "application/json");
      request.upload.addEventListener("progress", (event) => {
        if (!event.lengthComputable) return;
        shown.bar.value = event.loaded / event.total;
        shown.state.textContent = `${Math.floor((100 * event.loaded) / event.total)} %`;
      });
      request.upload.addEventListener("load", () => {
        shown.bar.removeAttribute("value");
        shown.state.textContent = "looking at it";
      });
      request.addEventListener("loadend", () => {
        let answer = {};
        try {
          answer = JSON.parse(request.responseText);
        } catch {
          answer = { detail: request.status ? "the server refused it" : "the connection was lost" };
        }
        finish(shown, answer, request.status);
        done();
      });
      request.send(data);
    });

  form.addEventListener("submit", async (event) => {
    event.preventDefault();
    const button = form.querySelector("[type=submit]");
    const files = [...form.elements.file.files];
    button.disabled = true;
    list.hidden = false;
    for (const file of files) await send(file);
    button.disabled = false;
    form.elements.file.value = "";
  });
})();
