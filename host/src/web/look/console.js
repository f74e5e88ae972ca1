// The console asks for its own page again every few seconds and puts what changed in its place. It asks rather than listens: nothing is held open, an engine
// that starts anew is met again by itself, and what a reload shows is what the script shows.

const main = document.querySelector("main[data-every]");
const wait = Number(main?.dataset.every || 4) * 1000;
const sign = document.getElementById("live");
// What the server said last of each part: what somebody unfolded since is no news.
const last = new WeakMap([...document.querySelectorAll("[data-live]")].map((node) => [node, node.innerHTML]));
let failed = 0;

/** Whether somebody is busy there: reading selected words, typing, or about to do something. */
function busy(node) {
  const picked = getSelection();
  const reads = picked && !picked.isCollapsed && node.contains(picked.anchorNode);
  return reads || (node.contains(document.activeElement) && document.activeElement.matches("input, select, textarea")) || node.querySelector(".report:not(:empty), .sure[open]");
}

/** What is unfolded and where the keyboard is survive: both are known by their ids and addresses. */
function put(node, fresh) {
  for (const open of node.querySelectorAll("details[open][id]")) fresh.querySelector(`#${CSS.escape(open.id)}`)?.setAttribute("open", "");
  const at = node.contains(document.activeElement) ? address(document.activeElement) : null;
  const scrolled = [...node.querySelectorAll(".scroll, pre")].map((one) => [one.scrollLeft, one.scrollTop]);
  node.replaceChildren(...fresh.childNodes);
  node.className = fresh.className;
  [...node.querySelectorAll(".scroll, pre")].forEach((one, n) => scrolled[n] && one.scrollTo(...scrolled[n]));
  if (at) node.querySelector(at)?.focus({ preventScroll: true });
}

function address(node) {
  if (node.id) return `#${CSS.escape(node.id)}`;
  if (node.getAttribute("href")) return `[href="${CSS.escape(node.getAttribute("href"))}"]`;
  const folded = node.closest("details[id]");
  return folded && node.matches("summary") ? `#${CSS.escape(folded.id)} > summary` : null;
}

function say(words) {
  if (!sign) return;
  sign.hidden = false;
  if (sign.textContent !== words) sign.textContent = words;
}

async function look() {
  const response = await fetch(location.href, { headers: { accept: "text/html" }, cache: "no-store", signal: AbortSignal.timeout(15_000) });
  if (response.status === 401) return location.reload();
  if (!response.ok) throw new Error(`status ${response.status}`);
  const fresh = new DOMParser().parseFromString(await response.text(), "text/html");
  for (const node of document.querySelectorAll("[data-live]")) {
    const other = fresh.getElementById(node.id);
    const said = other?.innerHTML;
    if (other && said !== last.get(node) && !busy(node)) {
      last.set(node, said);
      put(node, other);
    }
  }
}

async function again() {
  if (!document.hidden) {
    try {
      await look();
      failed = 0;
      say(`Live: looked at anew every ${wait / 1000} s.`);
    } catch {
      failed += 1;
      say("The engine does not answer. This page shows what it last said, and goes on asking.");
    }
  }
  setTimeout(again, wait * Math.min(1 + failed, 5));
}

// A page that answers a form would be asked for by its address alone, and that shows something else.
if (main && !main.querySelector(".replayed")) {
  say(`Live: looked at anew every ${wait / 1000} s.`);
  setTimeout(again, wait);
  document.addEventListener("visibilitychange", () => !document.hidden && look().catch(() => {}));
}

// Another version of a plugin: the file itself is the body, and the answer is its rehearsal's report.
document.addEventListener("input", ({ target }) => {
  const form = target.closest("form[data-offer]");
  if (!form) return;
  form.querySelector("button").disabled = !form.querySelector("[type=file]").files.length;
  form.querySelector(".of").classList.toggle("on", form.elements.by.value === "share");
  form.querySelector("output").value = form.elements.share.value;
});
document.addEventListener("submit", async (event) => {
  const form = event.target;
  if (!form.matches("form[data-offer]")) return;
  event.preventDefault();
  const report = form.parentElement.querySelector(".report");
  const button = form.querySelector("button");
  button.disabled = true;
  report.textContent = "It is being compiled and rehearsed. This takes a few seconds.";
  const query = new URLSearchParams({ by: form.elements.by.value, share: form.elements.share.value });
  try {
    const body = form.querySelector("[type=file]").files[0];
    const response = await fetch(`${form.getAttribute("action")}?${query}`, { method: "POST", body, headers: { "content-type": "application/wasm", accept: "text/html" } });
    const answer = new DOMParser().parseFromString(await response.text(), "text/html");
    report.replaceChildren(...(answer.querySelector(".result") || answer.querySelector("main") || answer.body).cloneNode(true).childNodes);
    report.className = `report result ${response.ok ? "good" : "wrong"}`;
  } catch {
    report.textContent = "The engine did not answer. Look at the journal below before you offer it again.";
  }
  button.disabled = false;
});
