// Optional improvements; the page works without them. The password leaves the
// page only with the form, and stays in the field until the server accepted it.
"use strict";

const bytes = (text) => new TextEncoder().encode(text).length;

// Lower-cases each character on its own, as the server does.
const lower = (text) => Array.from(text, (c) => [...c.toLowerCase()][0]);

// The length of the longest common substring, as the server counts it: a
// non-ASCII character ends a substring.
function common(a, b) {
  let most = 0, runs = [];
  for (const x of a) {
    runs = b.map((y, j) => (x === y ? 1 + (j && b[j - 1] < "\x80" ? runs[j - 1] ?? 0 : 0) : 0));
    most = Math.max(most, ...runs);
  }
  return most;
}

// The edit distance: insertions, deletions and replacements that turn a into b.
function distance(a, b) {
  let row = [...b.keys(), b.length];
  for (const [i, x] of a.entries()) {
    const next = [i + 1];
    for (const [j, y] of b.entries()) next.push(x === y ? row[j] : 1 + Math.min(row[j], next[j], row[j + 1]));
    row = next;
  }
  return row[b.length];
}

function similar(account, password) {
  const a = lower(account), b = lower(password), [n, m] = [a, b].map((c) => bytes(c.join("")));
  if (!n || Math.max(n, m, bytes(password)) > 256) return false;
  return distance(a, b) < 5 || common(a, b) > m / 2;
}

// Each rule reports whether a password satisfies it. Leaks are checked by the
// server only.
const rules = {
  min: (password, limit) => bytes(password) >= limit,
  max: (password, limit) => bytes(password) <= limit,
  similar: (password, _, item) => {
    const accounts = JSON.parse(item.dataset.identifiers || "null") ?? [];
    return ![...accounts, document.querySelector("#username")?.value ?? ""].some((account) => similar(account, password));
  },
};

// mark marks each rule as met or broken and returns the feedback text.
function mark(field) {
  let say = "";
  for (const item of document.querySelectorAll("[data-rule]")) {
    const rule = rules[item.dataset.rule];
    if (!rule) continue;
    const kept = rule(field.value, Number(item.dataset.limit), item);
    if (item.dataset.rule === "max") item.hidden = kept; // affects few users
    item.classList.toggle("met", field.value !== "" && kept);
    item.classList.toggle("broken", field.value !== "" && !kept && item.dataset.rule !== "min");
    if (!kept) say ||= item.dataset.broken;
  }
  return field.value === "" ? "" : say || document.querySelector(".feedback")?.dataset.good;
}

let speaking;

// judge updates the feedback after a pause in typing, so that a screen reader
// does not read a sentence for each key.
function judge(field) {
  const text = mark(field);
  clearTimeout(speaking);
  speaking = setTimeout(() => {
    const feedback = document.querySelector(".feedback");
    if (feedback && feedback.textContent !== text) feedback.textContent = text;
  }, 700);
}

// ready shows controls that need this script, and enables buttons that the
// browser restored as disabled from when the page was left.
function ready() {
  for (const button of document.querySelectorAll("main button")) button.disabled = false;
  const show = document.querySelector(".show");
  if (!show) return;
  show.hidden = false;
  show.setAttribute("aria-label", show.dataset.label);
}

// complain shows a problem where the server would show its own.
function complain(form, submitter, text) {
  let box = form.querySelector(".faults");
  if (!box) {
    box = document.createElement("div");
    box.className = "faults";
    box.setAttribute("role", "alert");
    (form.querySelector(".feedback") || submitter).before(box);
  }
  box.textContent = text;
}

// exchange replaces this page's main element by that of the response.
function exchange(answer, typed) {
  const main = answer.querySelector("main");
  main.querySelector("[autofocus]")?.removeAttribute("autofocus"); // the focus is set below
  document.querySelector("main").replaceWith(document.adoptNode(main));
  document.title = answer.title;
  const on = main.querySelector("[data-follow]");
  if (on) return on.tagName === "FORM" ? on.submit() : on.click();
  ready();
  const field = main.querySelector("#password");
  if (field) {
    field.value = typed;
    mark(field);
  }
  (field || main.querySelector("[aria-invalid]") || main.querySelector("h1")).focus();
  main.querySelector(".faults")?.scrollIntoView({ block: "nearest" });
}

// The server responds within 90 seconds or not at all.
const timeout = () => AbortSignal.timeout?.(90_000);

async function send(form, submitter) {
  if (form.querySelector(".show")) reveal(form, false); // otherwise browsers store it as plain text
  const body = new URLSearchParams(new FormData(form));
  if (submitter.name) body.append(submitter.name, submitter.value);
  const label = submitter.textContent;
  submitter.disabled = true;
  submitter.textContent = form.dataset.busy;
  try {
    const response = await fetch(location.href, {
      method: "POST", body, headers: { Accept: "text/html" }, credentials: "same-origin", signal: timeout(),
    });
    const answer = new DOMParser().parseFromString(await response.text(), "text/html");
    const heading = answer.querySelector("main h1");
    if (!heading) throw new Error("not our page");
    if (!answer.querySelector("main.unavailable")) return exchange(answer, form.querySelector("#password")?.value ?? "");
    fail(heading.textContent);
  } catch {
    fail(form.dataset.offline);
  }
  function fail(text) {
    complain(form, submitter, text);
    submitter.disabled = false;
    submitter.textContent = label;
    (form.querySelector("#password") || submitter).focus();
  }
}

document.addEventListener("submit", (event) => {
  // A custom page without these elements works as a plain form.
  // One that leads to another page is sent as it is.
  if (event.target.hasAttribute("data-follow")) return;
  if (!window.fetch || event.submitter?.tagName !== "BUTTON" || !document.querySelector("main h1")) return;
  event.preventDefault();
  if (!event.submitter.disabled) send(event.target, event.submitter);
});

document.addEventListener("input", (event) => {
  const field = event.target;
  if (field.id !== "password") return;
  field.removeAttribute("aria-invalid");
  field.form.querySelector(".faults")?.remove();
  judge(field);
});

function reveal(form, shown) {
  form.querySelector("#password").type = shown ? "text" : "password";
  form.querySelector(".show").setAttribute("aria-pressed", String(shown));
}

document.addEventListener("click", (event) => {
  const show = event.target.closest?.(".show");
  if (show) reveal(show.form, show.getAttribute("aria-pressed") !== "true");
});

addEventListener("pageshow", ready);
