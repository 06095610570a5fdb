// Replays the story of a booking that has ended: the legs change with the slider.
"use strict";

const PACE = 900; // ms from one event to the next

document.documentElement.classList.add("scripted");
let playing = null;

const slider = () => document.getElementById("moment");

function showMoment(number) {
  const events = [...document.querySelectorAll(".event")];
  const last = number >= events.length;
  document.getElementById("booking").classList.toggle("replaying", !last);
  const states = {};
  for (const [index, event] of events.entries()) {
    event.classList.toggle("later", index >= number);
    event.toggleAttribute("aria-current", false);
    if (index < number && event.dataset.leg) states[event.dataset.leg] = event.dataset.state;
  }
  if (!last) events[number - 1].setAttribute("aria-current", "step");
  slider().setAttribute("aria-valuetext", events[number - 1].querySelector("p").textContent);
  for (const leg of document.querySelectorAll(".leg"))
    showLeg(leg, states[leg.id.slice("leg-".length)] ?? "not_attempted");
}

function showLeg(leg, state) {
  if (leg.classList.contains(state)) return;
  const mark = document.getElementById("states").content.querySelector(`[data-state=${state}]`);
  leg.className = `leg ${state}`;
  leg.querySelector(".mark").replaceChildren(...mark.cloneNode(true).children);
  leg.querySelector(".pill").textContent = mark.dataset.words;
}

function stop() {
  clearInterval(playing);
  playing = null;
  document.getElementById("play").textContent = "Play";
}

function play() {
  const moment = slider();
  if (moment.value === moment.max) moment.value = moment.min;
  showMoment(Number(moment.value));
  document.getElementById("play").textContent = "Pause";
  playing = setInterval(() => {
    moment.stepUp();
    showMoment(Number(moment.value));
    if (moment.value === moment.max) stop();
  }, PACE);
}

document.addEventListener("input", (event) => {
  if (event.target.id !== "moment") return;
  stop();
  showMoment(Number(event.target.value));
});

document.addEventListener("click", (event) => {
  if (event.target.id !== "play") return;
  if (playing) stop();
  else play();
});
