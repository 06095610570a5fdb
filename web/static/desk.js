// Keeps the desk current: asks for its page again, and replaces the parts that have changed.
"use strict";

const EVERY = 10000; // ms between two questions
const AWAY = "The desk is not responding, so this list may be out of date. Still trying …";

function announce(words) {
  // Screen readers read out every write, so write only changes.
  const notice = document.getElementById("notice");
  if (notice.textContent !== words) notice.textContent = words;
}

function show(next) {
  for (const old of document.querySelectorAll("[data-part]")) {
    const part = next.getElementById(old.id);
    if (part.isEqualNode(old)) continue;
    const focused = old.contains(document.activeElement) && document.activeElement.id;
    old.replaceWith(part);
    if (focused)
      (document.getElementById(focused) ?? document.getElementById("desk-heading")).focus();
  }
}

async function follow() {
  try {
    const answer = await fetch(location.href, {
      headers: { Accept: "text/html" },
      signal: AbortSignal.timeout(5000),
    });
    if (!answer.ok) throw new Error(answer.statusText);
    show(new DOMParser().parseFromString(await answer.text(), "text/html"));
    announce("");
  } catch {
    announce(AWAY);
  }
  setTimeout(follow, EVERY);
}

setTimeout(follow, EVERY);
