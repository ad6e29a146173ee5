// The player: starts at ?t=, seeks by any [data-seek] link (also when only the query changes), and lets transcript lines,
// chapters and lanes follow. Works on players that htmx brings in later.
"use strict";
(() => {
  const PLAYED = new WeakSet();

  const playerFor = (element) =>
    (element?.closest("[data-player-scope]") ?? document).querySelector("[data-player]") ?? document.querySelector("[data-player]");
  const mediaOf = (player) => player?.querySelector("[data-media]");

  const secondsOf = (text) => {
    const value = (text ?? "").split(":").reduce((sum, part) => sum * 60 + Number(part), 0);
    return Number.isFinite(value) && value >= 0 ? value : 0;
  };

  // Metadata must be there before currentTime sticks; a seek that comes earlier waits for it.
  const seek = (media, at) => {
    if (!media) return;
    if (media.readyState >= 1) {
      media.currentTime = Math.min(at, Number.isFinite(media.duration) ? media.duration : at);
      return;
    }
    media.addEventListener("loadedmetadata", () => seek(media, at), { once: true });
    if (media.preload === "none") media.load();
  };

  const follow = (player, media) => {
    const scope = player.closest("[data-player-scope]") ?? document;
    const length = Number(player.dataset.duration) || media.duration || 0;
    const now = media.currentTime;
    const like = player.querySelector("[data-like-frame]");
    if (like) like.href = `${like.dataset.likeFrame}${now.toFixed(3)}`;
    if (length) {
      const x = `${Math.min((100 * now) / length, 100).toFixed(2)}%`;
      for (const line of player.querySelectorAll("[data-cursor]")) {
        line.setAttribute("x1", x);
        line.setAttribute("x2", x);
      }
    }
    for (const rect of player.querySelectorAll("rect[data-span]")) {
      const inside = now >= Number(rect.dataset.from) && now < Number(rect.dataset.to);
      rect.classList.toggle("c1", inside);
      rect.classList.toggle("c3", !inside);
    }
    for (const link of scope.querySelectorAll("a[data-span]")) {
      const inside = now >= Number(link.dataset.from) && now < Number(link.dataset.to);
      if (inside === (link.getAttribute("aria-current") === "true")) continue;
      if (inside) link.setAttribute("aria-current", "true");
      else link.removeAttribute("aria-current");
      if (inside) keepInView(link, scope);
    }
  };

  // Scrolls the list only, never the page under the reader.
  const keepInView = (link, scope) => {
    const list = link.closest("[data-cues]");
    const wish = scope.querySelector("[data-follow]");
    if (!list || (wish && !wish.checked) || list.contains(document.activeElement)) return;
    const box = list.getBoundingClientRect();
    const row = link.getBoundingClientRect();
    if (row.top < box.top || row.bottom > box.bottom) list.scrollTop += row.top - box.top - box.height / 3;
  };

  const start = (player) => {
    const media = mediaOf(player);
    if (PLAYED.has(player) || !media) return;
    PLAYED.add(player);
    for (const name of ["timeupdate", "seeked", "loadedmetadata"]) media.addEventListener(name, () => follow(player, media));
    const fail = () => {
      if (media.error || media.networkState === HTMLMediaElement.NETWORK_NO_SOURCE) {
        player.querySelector("[data-player-failed]").hidden = false;
      }
    };
    media.addEventListener("player:seek", (event) => seek(media, event.detail)); // from the strip (scrub.js)
    media.addEventListener("error", fail);
    media.querySelector("source:last-of-type")?.addEventListener("error", () => setTimeout(fail));
    const at = secondsOf(player.dataset.start);
    if (at) seek(media, at);
  };

  const startAll = (root) => {
    if (root.matches?.("[data-player]")) start(root);
    for (const player of root.querySelectorAll("[data-player]")) start(player);
  };

  document.addEventListener("click", (event) => {
    const link = event.target.closest("[data-seek]");
    if (!link || event.ctrlKey || event.metaKey || event.shiftKey) return;
    const media = mediaOf(playerFor(link));
    if (!media) return;
    event.preventDefault();
    seek(media, Number(link.dataset.seek));
    const address = new URL(link.getAttribute("href") ?? "", location.href);
    if (address.pathname === location.pathname) history.pushState(null, "", address);
    if (matchMedia("(max-width: 959px)").matches) media.scrollIntoView({ block: "nearest" });
  });

  window.addEventListener("popstate", () => {
    const player = document.querySelector("[data-player]");
    if (player) seek(mediaOf(player), secondsOf(new URL(location.href).searchParams.get("t")));
  });

  // The keys of an editing desk. There is no playing backwards in a browser: J steps back, faster each time.
  let rewind = 0;
  let rewindSpeed = 0;
  const stopRewind = () => {
    clearInterval(rewind);
    rewind = rewindSpeed = 0;
  };
  const play = (media, rate) => {
    stopRewind();
    media.playbackRate = rate;
    media.play().catch(() => {});
  };
  const stepFrame = (media, player, frames) => {
    stopRewind();
    media.pause();
    seek(media, Math.max(0, media.currentTime + frames / (Number(player.dataset.frameRate) || 25)));
  };
  const EDITOR = {
    j: (media) => {
      const speed = Math.min(8, rewindSpeed ? rewindSpeed * 2 : 1);
      stopRewind();
      media.pause();
      rewindSpeed = speed;
      rewind = setInterval(() => {
        media.currentTime = Math.max(0, media.currentTime - 0.2 * rewindSpeed);
        if (!media.currentTime) stopRewind();
      }, 200);
    },
    k: (media) => {
      stopRewind();
      media.pause();
      media.playbackRate = 1;
    },
    l: (media) => play(media, media.paused ? 1 : Math.min(4, media.playbackRate * 2)),
    ",": (media, player) => stepFrame(media, player, -1),
    ".": (media, player) => stepFrame(media, player, 1),
    "<": (media) => { media.playbackRate = Math.max(0.25, media.playbackRate / 2); },
    ">": (media) => { media.playbackRate = Math.min(4, media.playbackRate * 2); },
    m: (media) => { media.muted = !media.muted; },
    f: (media) => { (document.fullscreenElement ? document.exitFullscreen() : media.requestFullscreen?.())?.catch?.(() => {}); },
  };

  document.addEventListener("keydown", (event) => {
    if (event.defaultPrevented || event.ctrlKey || event.metaKey || event.altKey) return;
    const onStrip = event.target.matches("input[type=range]"); // it has arrows of its own
    if (onStrip ? event.key !== " " : event.target.closest("input, textarea, select, button, summary, dialog, video, audio, [contenteditable]")) return;
    const media = mediaOf(document.querySelector("[data-player]"));
    if (!media) return;
    const player = media.closest("[data-player]");
    if (event.key === " ") {
      stopRewind();
      if (media.paused) media.play().catch(() => {});
      else media.pause();
    } else if (event.key === "ArrowRight" || event.key === "ArrowLeft") {
      seek(media, Math.max(0, media.currentTime + (event.key === "ArrowRight" ? 5 : -5)));
    } else if (player.hasAttribute("data-editor-keys") && EDITOR[event.key]) EDITOR[event.key](media, player);
    else return;
    event.preventDefault();
  });

  // A line of the transcript grows with its text; enter saves it, as in a box of one line.
  document.addEventListener("keydown", (event) => {
    if (event.key !== "Enter" || event.shiftKey || !event.target.matches("textarea[data-grows]")) return;
    event.preventDefault();
    event.target.form.requestSubmit();
  });

  document.addEventListener("htmx:load", (event) => startAll(event.detail.elt));
  if (document.readyState === "loading") document.addEventListener("DOMContentLoaded", () => startAll(document));
  else startAll(document);
})();
