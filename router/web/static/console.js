// What makes the console quicker for those who have scripts; every page works without. Builds no markup out of text,
// keeps nothing in the browser but whether single keys are switched off, and sends nothing that nobody asked for but the question how many cases wait.
"use strict";

const MINUTE_MS = 60_000;
const TICK_MS = 1_000;
const SOON_MS = 60 * MINUTE_MS;
// The server's clock counts, not this machine's.
const ahead = document.body.dataset.now ? Date.parse(document.body.dataset.now) - Date.now() : 0;
const now = () => Date.now() + ahead;

// ---- Clocks: <time data-clock="label"> counts on, in the server's words (pages/words.py: left, span).

const UNITS = [["d", 86_400], ["h", 3_600], ["min", 60]];

function span(ms) {
  let rest = Math.floor(ms / 1000);
  const parts = [];
  for (const [name, seconds] of UNITS) {
    const count = Math.floor(rest / seconds);
    rest %= seconds;
    if (count || parts.length) parts.push(`${count} ${name}`);
  }
  return parts.slice(0, 2).filter((part) => !part.startsWith("0 ")).join(" ") || "less than 1 min";
}

function showClock(clock) {
  const away = Date.parse(clock.dateTime) - now();
  const label = clock.dataset.clock ? `${clock.dataset.clock} ` : "";
  const shown = label + (away > 0 ? `in ${span(away)}` : `${span(-away)} ago`);
  if (clock.textContent !== shown) clock.textContent = shown;
  clock.classList.toggle("late", away <= 0);
  clock.classList.toggle("soon", away > 0 && away < SOON_MS);
}

// ---- Claim: <p data-claim-ends="2026-11-23T10:00:00Z" data-claim-warn="300"> is shown, and said once, when less than
// that many seconds are left; <span data-claim-left> within counts them.

function showClaim(claim) {
  const away = Date.parse(claim.dataset.claimEnds) - now();
  const near = away < Number(claim.dataset.claimWarn || 300) * 1000;
  if (claim.hidden === near) claim.hidden = !near;
  const left = claim.querySelector("[data-claim-left]");
  const seconds = Math.max(0, Math.floor(away / 1000));
  const shown = `${Math.floor(seconds / 60)}:${String(seconds % 60).padStart(2, "0")}`;
  if (left && left.textContent !== shown) left.textContent = shown;
  if (away <= 0) claim.dataset.claimOver = "";
}

// A claim is kept without leaving the page: <form data-keep="1800"> is sent beside it, when somebody asks and while they
// type, so that nothing is lost; [data-claim-lost] shows when somebody else may have the case by then.

const claimed = (form, selector) => form.closest("section").querySelectorAll(selector);

async function keep(form) {
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.action, { method: "POST", body, redirect: "manual" });
  const kept = answer.type === "opaqueredirect";
  claimed(form, "[data-claim-lost]").forEach((part) => { part.hidden = kept; });
  if (!kept) return;
  const until = `${new Date(now() + Number(form.dataset.keep) * 1000).toISOString().slice(0, 19)}Z`;
  claimed(form, "[data-claim-ends]").forEach((claim) => { claim.dataset.claimEnds = until; });
  claimed(form, "[data-claim-clock] time").forEach((clock) => { clock.dateTime = until; });
  tick();
}

document.querySelectorAll("form[data-keep]").forEach((form) => {
  let asked = Date.now();
  const quietly = () => {
    asked = Date.now();
    keep(form).catch(() => {}); // The warning stays; the next one may get through.
  };
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    quietly();
  });
  document.addEventListener("input", () => Date.now() - asked > MINUTE_MS && quietly());
});

function tick() {
  document.querySelectorAll("time[data-clock]").forEach(showClock);
  document.querySelectorAll("[data-claim-ends]").forEach(showClaim);
}

tick();
setInterval(tick, TICK_MS);
document.addEventListener("visibilitychange", () => document.hidden || tick());

// ---- Veils: <details data-veil> shuts when the window is left, and by Escape.

const shutVeils = () => document.querySelectorAll("details[data-veil][open]").forEach((veil) => { veil.open = false; });
document.addEventListener("visibilitychange", () => document.hidden && shutVeils());
document.addEventListener("keydown", (event) => {
  if (event.key === "Escape" && !document.querySelector("dialog[open]")) shutVeils();
});

// ---- Counts: <body or part data-poll="/console/counts" data-poll-s="30"> asks for {"name": 3} and writes each number
// into <span data-count="name">; where one grew, <p data-count-grew="name" hidden> is shown.

function poll(part) {
  const shown = {};
  const ask = async () => {
    if (document.hidden) return;
    const answer = await fetch(part.dataset.poll, { headers: { accept: "application/json" }, redirect: "error" });
    if (!answer.ok) return;
    for (const [name, count] of Object.entries(await answer.json())) {
      for (const place of document.querySelectorAll("[data-count]")) {
        if (place.dataset.count === name) place.textContent = String(count);
      }
      for (const place of document.querySelectorAll("[data-count-grew]")) {
        if (place.dataset.countGrew === name && count > (shown[name] ?? count)) place.hidden = false;
      }
      shown[name] = count;
    }
  };
  const quietly = () => ask().catch(() => {}); // The next one may get through; the page is as good as it was.
  quietly();
  setInterval(quietly, Number(part.dataset.pollS || 30) * 1000);
}

document.querySelectorAll("[data-poll]").forEach(poll);

// ---- Forms: sent once, however often the button is pressed; and what was typed is not left by accident.

const edited = new Set();
document.addEventListener("input", (event) => {
  const form = event.target.closest("form[data-guard]");
  if (form) edited.add(form);
});
window.addEventListener("beforeunload", (event) => {
  if ([...edited].some((form) => form.isConnected)) event.preventDefault();
});
document.addEventListener("submit", (event) => {
  const form = event.target;
  if (event.defaultPrevented || form.method !== "post") return;
  if (form.dataset.sent !== undefined) {
    event.preventDefault();
    return;
  }
  edited.delete(form);
  // A download leaves the page as it is, and may be asked for again.
  if (form.dataset.again !== undefined) return;
  form.dataset.sent = "";
  form.querySelectorAll("button").forEach((button) => button.setAttribute("aria-disabled", "true"));
});
window.addEventListener("pageshow", () => {
  document.querySelectorAll("form[data-sent]").forEach((form) => {
    delete form.dataset.sent;
    form.querySelectorAll("button").forEach((button) => button.removeAttribute("aria-disabled"));
  });
});

// ---- Print: <button data-print hidden> shows where there are scripts.

document.querySelectorAll("button[data-print]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => window.print());
});

// ---- Copy: <button data-copy="id" hidden> shows where the browser lets a page fill the clipboard; what it copies is said.

if (navigator.clipboard) {
  document.querySelectorAll("button[data-copy]").forEach((button) => {
    button.hidden = false;
    button.setAttribute("aria-live", "polite");
    button.addEventListener("click", () => {
      const text = document.getElementById(button.dataset.copy).textContent;
      navigator.clipboard.writeText(text).then(
        () => { button.textContent = "Copied"; },
        () => { button.textContent = "Not copied: mark and copy it"; },
      );
    });
  });
}

// ---- Keys: j and k go through the rows of <table data-rows> by their <a data-row>, o opens one; any other key does what
// has data-key="it": a field is gone into, a button pressed, the one in the row first. ? shows <dialog data-keys>, where
// <input data-keys-on> switches all of it off: whoever speaks to a machine types without meaning to.

const KEYS_OFF = "console-keys-off";
const keys = document.querySelector("dialog[data-keys]");

function keysAreOff() {
  try {
    return localStorage.getItem(KEYS_OFF) !== null;
  } catch {
    return false; // The browser keeps nothing at all.
  }
}

function switchKeys(on) {
  try {
    on ? localStorage.removeItem(KEYS_OFF) : localStorage.setItem(KEYS_OFF, "1");
  } catch {
    // Off for this page alone is not worth saying.
  }
}

const rowOf = (element) => element?.closest("table[data-rows] tbody tr") ?? null;
let currentRow = null;

function goTo(row) {
  currentRow?.classList.remove("current");
  currentRow = row;
  row?.classList.add("current");
}

function step(by) {
  const links = [...document.querySelectorAll("table[data-rows] a[data-row]")];
  const at = links.findIndex((link) => rowOf(link) === currentRow);
  const next = links[Math.max(0, Math.min(links.length - 1, at < 0 ? 0 : at + by))];
  next?.focus();
  next?.scrollIntoView({ block: "nearest" });
}

function press(key) {
  const all = [...document.querySelectorAll("[data-key]")].filter((one) => one.dataset.key === key);
  // What stands in a row is meant for that row alone.
  const meant = all.find((one) => currentRow?.contains(one)) ?? all.find((one) => !rowOf(one));
  if (!meant) return false;
  meant.focus();
  if (!meant.matches("input")) meant.click();
  return true;
}

const ACTS = {
  j: () => step(1) ?? true,
  k: () => step(-1) ?? true,
  o: () => currentRow?.querySelector("a[data-row]")?.click() ?? true,
};

document.addEventListener("focusin", (event) => {
  const row = rowOf(event.target);
  if (row) goTo(row);
});
document.addEventListener("keydown", (event) => {
  if (event.ctrlKey || event.altKey || event.metaKey || event.isComposing) return;
  if (event.repeat && event.key !== "j" && event.key !== "k") return;
  if (document.querySelector("dialog[open]") || event.target.closest("input, textarea, select, [contenteditable]")) return;
  if (keysAreOff() || event.defaultPrevented) return;
  if (event.key === "?" && keys) {
    event.preventDefault();
    keys.showModal();
  } else if (Object.hasOwn(ACTS, event.key) ? ACTS[event.key]() : press(event.key)) {
    event.preventDefault();
  }
});
document.querySelectorAll("button[data-keys-open]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => keys?.showModal());
});
document.querySelectorAll("input[data-keys-on]").forEach((box) => {
  box.checked = !keysAreOff();
  box.addEventListener("change", () => switchKeys(box.checked));
});
