// Follows a booking: polls its page, and replaces the parts that have changed.
"use strict";

const EVERY = 600; // ms between polls
const AGAIN = 1000; // ms until the next poll after a failed one
const PATIENCE = 3000; // ms that a step may be overdue before the worker counts as down

const AWAY = "The booking service is not responding. Still trying …";
const STALLED =
  "Nothing is happening: the worker seems to be down. Your booking is safe and will continue once it is back.";

const root = document.getElementById("booking");
let tag = null;
let answered = true;
let changed = Date.now();
let ahead = 0; // ms that the server's clock is ahead of this one

// The Date header has whole seconds, so small differences mean nothing.
const serverTime = () => Date.now() + (Math.abs(ahead) > 2000 ? ahead : 0);

function announce(id, words) {
  // Screen readers read out every write, so write only changes.
  const element = document.getElementById(id);
  if (element.textContent !== words) element.textContent = words;
}

function show(next) {
  Object.assign(root.dataset, next.getElementById("booking").dataset);
  root.className = next.getElementById("booking").className;
  document.title = next.title;
  announce("now", next.getElementById("now").textContent);
  for (const old of document.querySelectorAll("[data-part]")) {
    const part = next.getElementById(old.id);
    if (part.isEqualNode(old)) continue;
    const focused = old.contains(document.activeElement) && document.activeElement.id;
    old.replaceWith(part);
    if (focused) (document.getElementById(focused) ?? document.getElementById("headline")).focus();
  }
  changed = Date.now();
}

async function ask() {
  const answer = await fetch(location.pathname, {
    headers: { Accept: "text/html", ...(tag && { "If-None-Match": tag }) },
    signal: AbortSignal.timeout(5000),
  });
  ahead = Date.parse(answer.headers.get("Date")) - Date.now();
  if (answer.status === 304) return;
  if (!answer.ok) throw new Error(answer.statusText);
  tag = answer.headers.get("ETag");
  show(new DOMParser().parseFromString(await answer.text(), "text/html"));
}

async function follow() {
  try {
    await ask();
    answered = true;
  } catch {
    answered = false;
  }
  tick();
  if (root.dataset.live) setTimeout(follow, answered ? EVERY : AGAIN);
}

function tick() {
  const overdue = () =>
    root.dataset.due &&
    serverTime() - Date.parse(root.dataset.due) > PATIENCE &&
    Date.now() - changed > PATIENCE;
  announce("notice", !root.dataset.live ? "" : !answered ? AWAY : overdue() ? STALLED : "");
  for (const time of document.querySelectorAll("time[data-since]"))
    time.textContent = span(serverTime() - Date.parse(time.dateTime));
  for (const time of document.querySelectorAll("time[data-until]")) {
    const wait = Date.parse(time.dateTime) - serverTime();
    time.textContent = wait > 0 ? `in ${span(wait + 999)}` : "is due";
  }
}

function span(ms) {
  const seconds = Math.max(0, Math.floor(ms / 1000));
  if (seconds < 60) return `${seconds} s`;
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) return `${minutes} min ${seconds % 60} s`;
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

if (root.dataset.live) {
  tick();
  setTimeout(follow, EVERY);
  setInterval(tick, 1000);
}

const copy = document.getElementById("copy");
copy.hidden = !navigator.clipboard; // browsers offer none without HTTPS, except on localhost
copy.addEventListener("click", async () => {
  await navigator.clipboard.writeText(document.getElementById("booking-id").textContent);
  copy.textContent = "Copied";
});
