// The phone: texts the engine as a carrier would, shows what comes back, and tells the story of the last job.

const $ = (id) => document.getElementById(id);
const phone = $("phone");
const plan = phone.dataset.plan.split(" ").filter(Boolean);
const [bubbles, form, box, note] = ["bubbles", "say", "body", "note"].map($);

function make(tag, kind, text) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  return node;
}

function took(ms) {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

// ---- whose phone ----

const FIRST = ["+15550001001", "+15550001002", "+15550001003"];
let numbers = FIRST;
let number = FIRST[0];
try {
  numbers = JSON.parse(localStorage.getItem("numbers")) || FIRST;
  number = localStorage.getItem("number") || FIRST[0];
} catch {
  // A browser that keeps nothing begins anew each time.
}

function keep() {
  try {
    localStorage.setItem("numbers", JSON.stringify(numbers));
    localStorage.setItem("number", number);
  } catch {
    // As above.
  }
}

function people() {
  const buttons = numbers.map((one) => {
    const button = make("button", "", `…${one.slice(-4)}`);
    button.type = "button";
    button.title = one;
    button.setAttribute("aria-label", `Phone …${one.slice(-4)}`);
    button.setAttribute("aria-pressed", String(one === number));
    button.addEventListener("click", () => pick(one));
    return button;
  });
  const more = make("button", "", "New");
  more.type = "button";
  more.setAttribute("aria-label", "A new phone");
  more.addEventListener("click", () => {
    const last = Math.max(...numbers.map((one) => Number(one.slice(1))));
    numbers = [...numbers, `+${last + 1}`].slice(-6);
    pick(numbers.at(-1));
  });
  $("who").replaceChildren(...buttons, more);
}

function pick(one) {
  number = one;
  keep();
  people();
  sent = [];
  bubbles.replaceChildren();
  drawn.clear();
  settled = false;
  story(null);
  look();
  box.focus();
}

// ---- bubbles ----

const TICKS = { waiting: "○", sending: "○", sent: "✓", delivered: "✓✓", failed: "!", withheld: "–" };
const drawn = new Map();
let sent = [];
let settled = false;

function words(node, text, card) {
  const parts = text.split(/(https?:\/\/\S+)/);
  for (const part of parts) {
    if (/^https?:\/\//.test(part)) {
      const link = make("a", "", part.replace(/^https?:\/\//, ""));
      link.href = card?.url || part;
      link.target = "_blank";
      link.rel = "noopener";
      node.append(link);
    } else if (part) node.append(part);
  }
}

function preview(card) {
  const box = make("a", "card");
  box.href = card.url;
  box.target = "_blank";
  box.rel = "noopener";
  const shot = make("div", "shot");
  const frame = make("iframe");
  frame.setAttribute("sandbox", "allow-scripts");
  frame.setAttribute("loading", "lazy");
  frame.setAttribute("tabindex", "-1");
  frame.setAttribute("aria-hidden", "true");
  frame.src = card.url;
  shot.append(frame);
  box.append(shot, make("b", "", card.title));
  return box;
}

function bubble(item) {
  let node = drawn.get(item.id);
  if (!node) {
    node = make("li", item.way === "in" ? "mine" : "theirs");
    const text = make("p");
    words(text, item.text, item.card);
    const row = make("div", "row");
    row.append(text, make("i"));
    node.append(row);
    if (item.card) node.append(preview(item.card));
    node.append(make("small"));
    drawn.set(item.id, node);
    bubbles.append(node);
  }
  const parts = [];
  if (item.way === "in") parts.push(item.status === "sending" ? "sending" : item.status === "unsent" ? "not sent" : "delivered ✓✓");
  else {
    parts.push(`${item.status} ${TICKS[item.status] || ""}`);
    // Billed by the segment, so it stands in the margin like a price.
    const margin = node.querySelector("i");
    margin.textContent = item.segments ? `${item.segments} seg` : "";
    margin.title = item.segments === 1 ? "1 segment" : `${item.segments} segments`;
    if (item.error) parts.push(item.error);
  }
  const small = parts.join(" · ");
  if (node.lastChild.textContent !== small) node.lastChild.textContent = small;
}

// ---- the story ----

const STATE = { queued: "Waiting", running: "At work", done: "Done", failed: "Failed", refused: "Not made" };

function story(job) {
  $("hint").hidden = Boolean(job);
  $("tale").hidden = !job;
  if (!job) return;
  $("state").textContent = STATE[job.status] || job.status;
  $("state").className = job.status;
  const end = job.finished_at ? Date.parse(job.finished_at) : Date.now();
  $("took").textContent = `${job.finished_at ? "in" : "for"} ${took(Math.max(0, end - Date.parse(job.created_at)))}`;
  const ran = new Map(job.stages.map((stage) => [stage.name, stage]));
  const most = Math.max(1, ...job.stages.map((stage) => stage.ms));
  const over = ["done", "failed", "refused"].includes(job.status);
  plan.forEach((name, n) => {
    const step = $("steps").children[n] || $("steps").appendChild(make("li"));
    if (!step.firstChild) step.append(make("b", "", name), make("small", "quiet"), make("i"), make("meter"));
    const stage = ran.get(name);
    let state = stage ? (stage.outcome === "ok" ? "done" : stage.outcome === "skipped" ? "skip" : "wrong") : over ? "skip" : job.stage === name ? "now" : "wait";
    step.className = state;
    const made = stage?.plugin ? `${stage.plugin}${stage.version ? ` ${stage.version}` : ""}${stage.digest ? ` · ${stage.digest.slice(0, 8)}` : ""}` : "";
    step.children[1].textContent = state === "wrong" ? stage.outcome : made;
    step.children[2].textContent = state === "done" || state === "wrong" ? took(stage.ms) : state === "skip" ? (stage || job.status === "done" ? "not needed" : "not reached") : "";
    step.children[3].max = most;
    step.children[3].value = stage && state !== "skip" ? stage.ms : 0;
  });
  const ai = job.ai;
  $("ai").textContent = ai ? `${ai.provider} · ${ai.model} · ${ai.input_tokens} tokens in, ${ai.output_tokens} out${ai.cost ? ` · $${ai.cost.toFixed(4)}` : ""}` : "";
  $("id").textContent = `job ${job.id}`;
}

// ---- talking to the engine ----

let timer;
async function look() {
  clearTimeout(timer);
  const asked = number;
  let busy = sent.some((one) => one.status !== "unsent");
  try {
    const answer = await fetch(`/phone/texts?number=${encodeURIComponent(asked)}`, { headers: { accept: "application/json" } });
    const body = await answer.json();
    if (!answer.ok) throw new Error([body.title, body.detail].filter(Boolean).join(" "));
    if (asked !== number) return;
    note.textContent = "";
    sent = sent.filter((one) => {
      const there = body.bubbles.find((two) => two.id === one.job);
      if (there && drawn.has(one.id)) {
        drawn.set(there.id, drawn.get(one.id));
        drawn.delete(one.id);
      }
      return !there;
    });
    const low = bubbles.scrollHeight - bubbles.scrollTop - bubbles.clientHeight < 80;
    const before = bubbles.scrollHeight;
    body.bubbles.forEach(bubble);
    sent.forEach(bubble);
    if (low && (bubbles.scrollHeight !== before || !settled)) bubbles.scrollTop = bubbles.scrollHeight;
    settled = true;
    story(body.job);
    busy = sent.length > 0 || (body.job && ["queued", "running"].includes(body.job.status)) || body.bubbles.some((one) => ["waiting", "sending"].includes(one.status));
  } catch (error) {
    note.textContent = error instanceof TypeError ? "The engine does not answer. This page looks again by itself." : error.message;
  }
  timer = setTimeout(look, document.hidden ? 5_000 : busy ? 250 : 1_000);
}

async function text(words) {
  const item = { id: `own-${crypto.getRandomValues(new Uint32Array(2)).join("")}`, way: "in", text: words, status: "sending" };
  sent.push(item);
  bubble(item);
  bubbles.scrollTop = bubbles.scrollHeight;
  const sid = `SM${Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("")}`;
  const fields = { MessageSid: sid, SmsSid: sid, From: number, To: phone.dataset.to, Body: words, NumMedia: "0", NumSegments: "1" };
  try {
    const answer = await fetch("/sms/webhook", { method: "POST", headers: { accept: "text/xml" }, body: new URLSearchParams(fields) });
    if (!answer.ok) {
      const body = await answer.json();
      throw new Error([body.title, body.detail].filter(Boolean).join(" "));
    }
    item.job = answer.headers.get("x-wtaf-job");
    item.status = "taken";
  } catch (error) {
    item.status = "unsent";
    note.textContent = error instanceof TypeError ? "The engine does not answer; the text was not sent." : error.message;
  }
  bubble(item);
  look();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const words = box.value.trim();
  if (!words) return;
  box.value = "";
  text(words);
});
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
document.addEventListener("visibilitychange", () => document.hidden || look());

people();
look();
