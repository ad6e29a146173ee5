// The strip under the player: point at it or drag on it and the picture of that second is shown, cut out of the scrub
// sprite as its WebVTT says; let go and the player is there. Nothing is fetched before somebody points at it.
"use strict";
(() => {
  const BEGUN = new WeakSet();
  const SVG = "http://www.w3.org/2000/svg";

  const secondsOf = (stamp) => stamp.split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
  const clock = (at) => {
    const whole = Math.floor(at);
    const two = (number) => String(number).padStart(2, "0");
    const minutes = Math.floor(whole / 60) % 60;
    return whole >= 3600 ? `${Math.floor(whole / 3600)}:${two(minutes)}:${two(whole % 60)}` : `${minutes}:${two(whole % 60)}`;
  };

  // The cells in their order: {from, rect: "x y width height", sheet}.
  const read = (vtt, address) =>
    [...vtt.matchAll(/^([\d:.]+) --> [\d:.]+.*\n(\S+)#xywh=(\d+),(\d+),(\d+),(\d+)/gm)].map((cue) => ({
      from: secondsOf(cue[1]),
      sheet: new URL(cue[2], address).href,
      rect: cue.slice(3).map(Number),
    }));

  const picture = (address) =>
    new Promise((resolve, reject) => {
      const image = new Image();
      image.onload = () => resolve(image);
      image.onerror = reject;
      image.src = address;
    });

  // A window onto the sheet: moving it needs no style, which our policy would not let us write into the page anyway.
  const windowOnto = (sheet) => {
    const view = document.createElementNS(SVG, "svg");
    const image = document.createElementNS(SVG, "image");
    for (const [name, value] of [["href", sheet.src], ["width", sheet.naturalWidth], ["height", sheet.naturalHeight]]) {
      image.setAttribute(name, value);
    }
    view.append(image);
    return view;
  };

  const begin = (strip) => {
    const player = strip.closest("[data-player]");
    const media = player?.querySelector("[data-media]");
    if (BEGUN.has(strip) || !media) return;
    BEGUN.add(strip);
    const slider = strip.querySelector("input");
    const peek = strip.querySelector("[data-peek]");
    const label = peek.querySelector("span");
    const length = Number(slider.max);
    let cells = [];
    let view = null;
    let loading = null;
    let held = false;

    const load = () => {
      loading ??= (async () => {
        const address = new URL(strip.dataset.scrub, location.href).href;
        const answer = await fetch(address, { credentials: "same-origin" });
        if (!answer.ok) return;
        const found = read(await answer.text(), address);
        if (!found.length) return;
        view = windowOnto(await picture(found[0].sheet));
        cells = found;
        peek.prepend(view);
      })().catch(() => {}); // without pictures the strip still seeks, and says the time
      return loading;
    };

    const show = async (at) => {
      const share = Math.min(Math.max(at / length, 0), 1);
      label.textContent = clock(at);
      peek.hidden = false;
      peek.dataset.at = at;
      await load();
      if (peek.dataset.at !== String(at)) return;
      const cell = cells.findLast((one) => one.from <= at) ?? cells[0];
      if (cell) {
        view.setAttribute("viewBox", cell.rect.join(" "));
        view.setAttribute("width", cell.rect[2]);
        view.setAttribute("height", cell.rect[3]);
      }
      const room = slider.clientWidth - peek.offsetWidth;
      peek.style.left = `${Math.min(Math.max(share * slider.clientWidth - peek.offsetWidth / 2, 0), Math.max(room, 0))}px`;
    };
    const hide = () => {
      peek.hidden = true;
      peek.dataset.at = "";
    };
    const under = (event) => {
      const box = slider.getBoundingClientRect();
      return Math.min(Math.max((event.clientX - box.left) / box.width, 0), 1) * length;
    };
    const follow = () => {
      if (!held) slider.value = media.currentTime;
      slider.setAttribute("aria-valuetext", `${clock(slider.value)} of ${clock(length)}`);
    };

    slider.addEventListener("pointermove", (event) => show(held ? Number(slider.value) : under(event)));
    slider.addEventListener("pointerdown", () => { held = true; });
    for (const name of ["pointerup", "pointercancel"]) slider.addEventListener(name, () => { held = false; });
    slider.addEventListener("pointerleave", () => { if (!held) hide(); });
    slider.addEventListener("blur", () => { held = false; hide(); });
    slider.addEventListener("input", () => show(Number(slider.value)));
    slider.addEventListener("change", () => {
      held = false;
      media.dispatchEvent(new CustomEvent("player:seek", { detail: Number(slider.value) }));
      if (!slider.matches(":hover")) setTimeout(() => { if (!slider.matches(":hover") && !held) hide(); }, 900);
    });
    for (const name of ["timeupdate", "seeked", "loadedmetadata"]) media.addEventListener(name, follow);
    for (const part of player.querySelectorAll("[data-scrub-part]")) part.hidden = false;
    follow();
  };

  const beginAll = (root) => {
    for (const strip of root.querySelectorAll("[data-scrub]")) begin(strip);
  };

  document.addEventListener("htmx:load", (event) => beginAll(event.detail.elt));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => beginAll(document));
  else beginAll(document);
})();
