// A form's key makes it one trip, however often it is sent. Another trip needs another key.
"use strict";

const renew = (form) => {
  const bytes = crypto.getRandomValues(new Uint8Array(16));
  const key = Array.from(bytes, (byte) => byte.toString(16).padStart(2, "0")).join("");
  form.elements.idempotency_key.value = key;
};

// Going back and changing something means another trip; only sending the form again does not.
document.getElementById("trip").addEventListener("input", (event) => renew(event.currentTarget));

// Going back and choosing a ready-made trip means another trip.
addEventListener("pageshow", (event) => {
  if (event.persisted) document.querySelectorAll("form.choice").forEach(renew);
});
