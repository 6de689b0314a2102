// The page that a one-time link opens: whose link it is, then a password. The link's secret stands behind
// '#', which browsers send to nobody; it leaves the address bar at once.
"use strict";

const secret = location.hash.slice(1);
history.replaceState(null, "", location.pathname);
const about = document.getElementById("about");
const form = document.getElementById("form");
const problem = document.getElementById("problem");

async function post(path, body) {
  const answer = await fetch(path, {
    method: "POST",
    headers: { "content-type": "application/json" },
    body: JSON.stringify(body),
  });
  const document = await answer.json();
  if (!answer.ok) {
    throw new Error(document.hint ? `${document.detail}: ${document.hint}` : document.detail);
  }
  return document;
}

async function look() {
  if (!secret) {
    about.textContent = "This page is opened by a one-time link; the server shows one at its first start.";
    return;
  }
  try {
    const link = await post("/api/v1/links/look", { secret });
    if (link.user) {
      about.textContent = `Choose a password for ${link.user}.`;
      form.elements.name.value = link.user;
      form.elements.name.readOnly = true;
    } else {
      about.textContent = "There is no user yet. You become the first admin.";
    }
    form.hidden = false;
    (link.user ? form.elements.password : form.elements.name).focus();
  } catch (error) {
    about.textContent = error.message;
  }
}

form.addEventListener("submit", async (event) => {
  event.preventDefault();
  problem.textContent = "";
  const { name, password, again } = form.elements;
  if (password.value !== again.value) {
    problem.textContent = "The two passwords differ.";
    return;
  }
  try {
    const session = await post("/api/v1/links/use", { secret, name: name.value, password: password.value });
    form.hidden = true;
    about.textContent = `Signed in as ${session.name} (${session.roles.join(", ")}). The API is open to this browser.`;
    document.getElementById("next").hidden = false;
  } catch (error) {
    problem.textContent = error.message;
  }
});

look();
