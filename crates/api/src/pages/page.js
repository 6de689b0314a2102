// Opens what an address points at, and narrows lists to what is typed. Pages work without it.
"use strict";

function reveal() {
  const target = document.getElementById(decodeURIComponent(location.hash.slice(1)));
  if (!target) return;
  for (let part = target; part; part = part.parentElement) {
    if (part.tagName === "DETAILS") part.open = true;
  }
  target.scrollIntoView();
}

function narrow(words, list) {
  for (const group of list.querySelectorAll("[data-group]")) group.hidden = false;
  for (const one of list.querySelectorAll("[data-one]")) {
    const text = (one.querySelector("summary") || one).textContent.toLowerCase();
    one.hidden = !words.every((word) => text.includes(word));
  }
  for (const group of list.querySelectorAll("[data-group]")) {
    group.hidden = words.length > 0 && !group.querySelector("[data-one]:not([hidden])");
  }
}

const search = document.getElementById("search");
if (search) {
  search.parentElement.hidden = false;
  search.addEventListener("input", () => {
    const words = search.value.toLowerCase().split(/\s+/).filter(Boolean);
    for (const list of document.querySelectorAll("[data-search]")) narrow(words, list);
  });
}
addEventListener("hashchange", reveal);
if (location.hash) reveal();
