"use strict";
// Runs before the page is drawn: colours and fonts are the host's, which is Airflow when this is framed in it.
const host = (() => {
  try {
    return window.parent !== window && window.parent.document ? window.parent : null;
  } catch {
    return null; // framed by another site
  }
})();

const COPIED = { bg: "--bg", "bg-subtle": "--bg-subtle", "bg-muted": "--bg-muted", fg: "--fg",
  "fg-muted": "--fg-muted", border: "--border", "brand-solid": "--brand", "brand-contrast": "--brand-contrast" };

function isDark() {
  if (host) {
    const shown = host.document.documentElement;
    if (shown.classList.contains("dark") || shown.dataset.theme === "dark") return true;
    if (shown.classList.contains("light") || shown.dataset.theme === "light") return false;
  }
  let kept = null;
  try { kept = localStorage.getItem("theme"); } catch { /* storage is switched off */ }
  return kept === "dark" || (kept !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
}

function followTheme() {
  const own = document.documentElement;
  own.dataset.theme = isDark() ? "dark" : "light";
  if (!host) return;
  const theirs = host.getComputedStyle(host.document.documentElement);
  for (const [name, variable] of Object.entries(COPIED)) {
    const value = theirs.getPropertyValue(`--chakra-colors-${name}`).trim();
    if (value) own.style.setProperty(variable, value);
  }
  if (host.document.body) own.style.setProperty("--font", host.getComputedStyle(host.document.body).fontFamily);
}

followTheme();
matchMedia("(prefers-color-scheme: dark)").addEventListener("change", followTheme);
window.addEventListener("storage", followTheme);
if (host) {
  const watch = new MutationObserver(followTheme);
  watch.observe(host.document.documentElement, { attributes: true, attributeFilter: ["class", "style", "data-theme"] });
  window.addEventListener("pagehide", () => watch.disconnect());
}

// Times in the zone that the user has chosen in Airflow.
function localTimes(root) {
  let zone;
  try { zone = localStorage.getItem("timezone") || undefined; } catch { /* the browser's own zone */ }
  let format;
  try {
    format = new Intl.DateTimeFormat("sv-SE", { dateStyle: "short", timeStyle: "medium", timeZone: zone });
  } catch {
    return;
  }
  for (const time of root.querySelectorAll("time")) {
    const shown = format.format(new Date(time.dateTime));
    if (time.classList.contains("clock")) {
      time.textContent = shown.slice(11, 16);
      continue;
    }
    if (time.classList.contains("ago")) time.title = shown;
    else time.textContent = shown;
  }
}

let timer = 0;

function schedule(least = 0) {
  clearTimeout(timer);
  const live = document.getElementById("live");
  if (live?.dataset.refresh) timer = setTimeout(refresh, Math.max(Number(live.dataset.refresh), least) * 1000);
}

async function refresh() {
  let least = 0; // seconds that a busy server asks for
  if (!document.hidden && !document.querySelector("dialog[open]") && getSelection().isCollapsed) {
    try {
      const answer = await fetch(location.href, { headers: { Accept: "text/html" } });
      least = Number(answer.headers.get("Retry-After")) || 0;
      const fresh = new DOMParser().parseFromString(await answer.text(), "text/html");
      const old = document.getElementById("live");
      const now = fresh.getElementById("live");
      if (answer.ok && now) show(old, now);
      else if (answer.status === 401) location.reload();
    } catch {
      say("Airflow does not answer; trying again.", true);
    }
  }
  schedule(least);
}

function show(old, now) {
  const focused = old.contains(document.activeElement) ? document.activeElement.id : "";
  const scrolled = [...old.querySelectorAll(".scroll")].map((part) => part.scrollLeft);
  localTimes(now);
  for (const { id } of old.querySelectorAll("details[open]")) now.querySelector(`#${id}`)?.setAttribute("open", "");
  old.replaceWith(document.adoptNode(now));
  now.querySelectorAll(".scroll").forEach((part, n) => { part.scrollLeft = scrolled[n] || 0; });
  if (focused) document.getElementById(focused)?.focus({ preventScroll: true });
}

function say(text, isError = false) {
  const said = document.getElementById("said");
  said.textContent = text;
  said.className = isError ? "bad" : "";
  said.hidden = false;
  clearTimeout(say.timer);
  say.timer = setTimeout(() => { said.hidden = true; }, 6000);
}

async function send(address, method, body) {
  const answer = await fetch(address, {
    method,
    headers: { "Content-Type": "application/json", Accept: "application/json" },
    body: JSON.stringify(body),
  });
  const told = await answer.json();
  if (!answer.ok) throw new Error(typeof told.detail === "string" ? told.detail : JSON.stringify(told.detail));
  return told;
}

// The clear is Airflow's own: its API asks for the right to it, and writes it to the audit log.
async function clear(form) {
  const { address, body } = JSON.parse(form.dataset.clear);
  try {
    await send(address, "POST", body);
  } catch (error) {
    throw new Error(`Airflow did not clear it, and the request stands for the next attempt: ${error.message}`);
  }
}

async function announce(form) {
  const shown = form.querySelector(".cleared");
  const { address, body } = JSON.parse(form.dataset.clear);
  try {
    const told = await send(address, "POST", { ...body, dry_run: true });
    const names = [...new Set(told.task_instances.map((one) => one.task_display_name || one.task_id))];
    const number = told.total_entries;
    shown.textContent = `Airflow clears ${number} task instance${number === 1 ? "" : "s"}: ${names.join(", ")}.`;
  } catch (error) {
    shown.textContent = `Airflow does not tell what it would clear: ${error.message}`;
  }
}

async function act(form) {
  const refused = form.querySelector(".refused");
  const button = form.querySelector("button:not([data-close])");
  const body = JSON.parse(form.dataset.body);
  for (const field of form.elements) {
    if (field.name) body[field.name] = field.type === "checkbox" ? field.checked : field.value.trim();
  }
  refused.hidden = true;
  button.disabled = true;
  try {
    const told = await send(form.dataset.to, form.dataset.method, body);
    if (form.dataset.clear) await clear(form);
    form.closest("dialog").close();
    form.reset();
    getSelection().removeAllRanges(); // of a double click; while something is selected, nothing is refreshed
    say(told.message);
    await refresh();
  } catch (error) {
    refused.textContent = error.message;
    refused.hidden = false;
  } finally {
    button.disabled = false;
  }
}

// The way back leads to the list as it was filtered.
function keepList() {
  try {
    const back = document.getElementById("back");
    if (back) back.href = `./${sessionStorage.getItem("checkpoint-list") || ""}`;
    else if (document.querySelector("form[role=search]")) sessionStorage.setItem("checkpoint-list", location.search);
  } catch { /* storage is switched off */ }
}

async function copy(button) {
  const text = button.dataset.copy ?? new URL(button.dataset.copyLink, location.href).href;
  try {
    await navigator.clipboard.writeText(text);
    say("Copied.");
  } catch {
    say("The browser does not let this page copy.", true);
  }
}

document.addEventListener("DOMContentLoaded", () => {
  keepList();
  localTimes(document);
  schedule();
  document.getElementById("dag")?.addEventListener("change", (event) => event.target.form.submit());
});

document.addEventListener("visibilitychange", () => { if (!document.hidden) refresh(); });

document.addEventListener("click", (event) => {
  const copier = event.target.closest("button.copy");
  if (copier) copy(copier);
  const opener = event.target.closest("[data-dialog]");
  if (opener) {
    const dialog = document.getElementById(`dialog-${opener.dataset.dialog}`);
    dialog?.showModal();
    const form = dialog?.querySelector("form[data-clear]");
    if (form) announce(form);
  }
  if (event.target.closest("[data-close]")) {
    event.target.closest("dialog").close();
    refresh();
  }
  const link = event.target.closest("a[data-top]");
  if (link && host) {
    // The frame itself may not leave for another page of Airflow: let Airflow's own document follow the link.
    event.preventDefault();
    const theirs = host.document.createElement("a");
    theirs.href = link.href;
    if (link.download) theirs.download = link.download;
    host.document.body.append(theirs);
    theirs.click();
    theirs.remove();
  }
});

document.addEventListener("submit", (event) => {
  if (!event.target.dataset.to) return;
  event.preventDefault();
  act(event.target);
});
