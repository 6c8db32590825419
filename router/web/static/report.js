// What makes the reporters' pages easier for those who have scripts; every page works without. All words come from the
// page, in its language. Builds no markup, keeps nothing in the browser, and sends nothing anywhere.
"use strict";

const all = (selector) => document.querySelectorAll(selector);

// Words are said to those who do not see: <p role="status"> that is there from the start, and filled.
function say(box, words) {
  box.textContent = "";
  setTimeout(() => { box.textContent = words; }, 50); // The same words again are news, too.
}

// ---- Leaving: <a data-leave data-two="..." data-one="..." data-gone="..." href="/leave">, pressed, or Escape three times
// within a few seconds. The page is emptied at once and its place in the history taken by the next.

const TIMES = 3;
const WITHIN_MS = 5000;
const leave = document.querySelector("a[data-leave]");
const countdown = document.querySelector("[data-countdown]");
let pressed = 0;
let forget;

function away() {
  document.title = "";
  document.body.replaceChildren();
  location.replace(leave.href);
}

function escape(event) {
  if (event.key !== "Escape" || event.repeat || event.isComposing) return;
  clearTimeout(forget);
  pressed += 1;
  if (pressed >= TIMES) {
    away();
    return;
  }
  say(countdown, pressed === 1 ? leave.dataset.two : leave.dataset.one);
  forget = setTimeout(() => {
    pressed = 0;
    countdown.textContent = "";
  }, WITHIN_MS);
}

if (leave && countdown) {
  leave.addEventListener("click", (event) => {
    event.preventDefault();
    away();
  });
  document.addEventListener("keydown", escape);
}

// A page that the browser kept whole is asked for anew when somebody comes back to it; what it was the answer to is not sent again.
addEventListener("pageshow", (event) => {
  if (event.persisted) location.replace(location.href);
});

// ---- Copying and printing: buttons that are hidden where there are no scripts.
// <button type="button" data-copy="receipt" data-done="Copied." data-failed="..." hidden>, [data-copied] says how it went.

function pick(part) {
  const range = document.createRange();
  range.selectNodeContents(part);
  getSelection().removeAllRanges();
  getSelection().addRange(range);
}

all("button[data-copy]").forEach((button) => {
  const part = document.getElementById(button.dataset.copy);
  const told = document.querySelector("[data-copied]");
  button.hidden = false;
  button.addEventListener("click", async () => {
    try {
      await navigator.clipboard.writeText(part.textContent.trim());
      say(told, button.dataset.done);
    } catch { // No clipboard without https, or it was refused: it is marked, for the person's own keys.
      pick(part);
      say(told, button.dataset.failed);
    }
  });
});

all("button[data-print]").forEach((button) => {
  button.hidden = false;
  button.addEventListener("click", () => print());
});

// ---- Characters left: <p data-left-of="narrative" data-words="Characters left: {n}" hidden>; it is said when the
// person pauses, and shown at once.

const PAUSE_MS = 1000;

all("[data-left-of]").forEach((box) => {
  const field = document.getElementById(box.dataset.leftOf);
  const most = Number(box.dataset.most || field.maxLength);
  const spoken = box.nextElementSibling;
  let pause;
  const show = () => {
    // As the server counts: characters, of which some take two units here.
    const left = most - [...field.value].length;
    box.textContent = box.dataset.words.replace("{n}", left.toLocaleString(`${document.documentElement.lang}-u-nu-latn`));
    box.classList.toggle("mistake", left < 0);
    clearTimeout(pause);
    if (spoken) pause = setTimeout(() => { spoken.textContent = box.textContent; }, PAUSE_MS);
  };
  box.hidden = false;
  field.addEventListener("input", show);
  show();
  clearTimeout(pause);
});
