// Keeps the columns and the states up to date, each for itself: one that waits delays no other.
"use strict";

const EVERY = 1000; // ms between two questions
const PATIENCE = 10_000; // ms for an answer

const GONE = "This page’s own process does not answer. Is make run still running?";

const trip = new URLSearchParams(location.search).get("trip") ?? "";
const silent = new Set(); // the questions that were not answered
let refusal = ""; // why the last button did nothing

const parsed = (text) => new DOMParser().parseFromString(text, "text/html");

function tell() {
  // Screen readers read out every write, so write only changes.
  const notice = document.getElementById("notice");
  const words = silent.size ? GONE : refusal;
  if (notice.textContent !== words) notice.textContent = words;
}

async function follow(url) {
  try {
    const answer = await fetch(url, { signal: AbortSignal.timeout(PATIENCE) });
    if (!answer.ok) throw new Error(answer.statusText);
    for (const part of parsed(await answer.text()).querySelectorAll("[id]")) {
      const old = document.getElementById(part.id);
      if (!part.isEqualNode(old)) old.replaceWith(part);
    }
    silent.delete(url);
  } catch {
    silent.add(url);
  }
  tell();
  setTimeout(follow, EVERY, url);
}

async function press(event) {
  event.preventDefault();
  const form = event.currentTarget;
  const body = new URLSearchParams(new FormData(form));
  const answer = await fetch(form.action, { method: "POST", body }).catch(() => null);
  const why = answer && !answer.ok && parsed(await answer.text()).getElementById("why");
  refusal = answer?.ok ? "" : (why?.textContent ?? GONE);
  tell();
  if (answer?.ok && answer.url !== location.href) location = answer.url; // another trip
}

for (const column of document.querySelectorAll("[data-name]"))
  follow(`/columns/${column.dataset.name}?trip=${trip}`);
follow("/states");
for (const form of document.querySelectorAll("form")) form.addEventListener("submit", press);
