// The form's key makes one trip of it, however often it is sent. Another trip needs another key.
"use strict";

const renew = (form) => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  form.elements.idempotency_key.value = key;
};

// Who comes back and changes something wants another trip, and who only sends again does not.
document.getElementById("trip").addEventListener("input", (event) => renew(event.currentTarget));

// Who comes back and chooses a ready-made trip wants to see it happen again.
addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form.choice").forEach(renew);
});
