// The phone: texts the engine as a carrier would, shows what comes back and what it costs, and tells the story of the last job.

const phone = $("phone");
const plan = phone.dataset.plan.split(" ").filter(Boolean);
const [bubbles, form, box, note] = ["bubbles", "say", "body", "note"].map($);

// ---- whose phone ----

const FIRST = ["+15550001001", "+15550001002", "+15550001003"];
const MOST = 6;
const KEPT = { numbers: FIRST, number: FIRST[0], seen: {} };
// By number: { slug, standing, unread }.
const people = new Map();
let kept = { ...KEPT };
try {
  kept = { ...KEPT, ...JSON.parse(localStorage.getItem("phone") || "{}") };
} catch {
  // A browser that keeps nothing begins anew each time.
}
let { number } = kept;

function keep(change) {
  kept = { ...kept, ...change };
  try {
    localStorage.setItem("phone", JSON.stringify(kept));
  } catch {
    // As above.
  }
}

function who() {
  const items = kept.numbers.map((one) => {
    const { slug, unread } = people.get(one) || {};
    const item = make("li");
    const pick = button("", "", () => choose(one));
    pick.append(make("b", "", `…${one.slice(-4)}`), make("small", "", slug || "new"));
    if (unread) {
      const badge = make("i", "badge", unread);
      badge.append(make("span", "unseen", " unread"));
      pick.append(badge);
    }
    pick.title = one;
    pick.setAttribute("aria-pressed", String(one === number));
    item.append(pick);
    return item;
  });
  const more = make("li");
  const add = button("plain", "Add", () => {
    const last = Math.max(...kept.numbers.map((one) => Number(one.slice(1))));
    keep({ numbers: [...kept.numbers, `+${last + 1}`] });
    choose(kept.numbers.at(-1));
  });
  add.setAttribute("aria-label", "Add a phone");
  more.append(add);
  if (kept.numbers.length >= MOST) more.hidden = true;
  const held = $("who").contains(document.activeElement) && document.activeElement.title;
  $("who").replaceChildren(...items, more);
  if (held) $("who").querySelector(`[title="${held}"]`)?.focus();
  $("who").querySelector("[aria-pressed=true]")?.scrollIntoView({ block: "nearest", inline: "nearest" });
}

function choose(one) {
  number = one;
  keep({ number });
  sent = [];
  bubbles.replaceChildren();
  drawn.clear();
  low = true;
  story(null);
  who();
  look();
  box.focus();
}

// What is known of a number; drawn again only where it changed.
function meet(one, body) {
  const newest = body.bubbles.filter(({ way }) => way === "out").map(({ at }) => Date.parse(at));
  if (one === number && !document.hidden) {
    const seen = Math.max(kept.seen[one] || 0, ...newest);
    if (seen !== kept.seen[one]) keep({ seen: { ...kept.seen, [one]: seen } });
  }
  const unread = newest.filter((at) => at > (kept.seen[one] || 0)).length;
  const { slug, standing } = body.person || {};
  const known = people.get(one);
  people.set(one, { slug, standing, unread });
  if (!known || known.slug !== slug || known.unread !== unread) who();
}

// ---- bubbles ----

const TICKS = { waiting: "waiting ○", sending: "sending ○", sent: "sent ✓", delivered: "delivered ✓✓", failed: "not delivered ✗", withheld: "held back –" };
const drawn = new Map();
let sent = [];

// The newest is in view unless someone scrolled up to read.
let low = true;
const sink = () => low && (bubbles.scrollTop = bubbles.scrollHeight);
let height = 0;
bubbles.addEventListener("scroll", () => {
  // What grows below is no scrolling up.
  if (bubbles.scrollHeight - bubbles.scrollTop - bubbles.clientHeight < 80) low = true;
  else if (bubbles.scrollTop < height) low = false;
  height = bubbles.scrollTop;
});
const grown = new ResizeObserver(sink);
grown.observe(bubbles);

function outside(node, url) {
  node.href = url;
  node.target = "_blank";
  node.rel = "noopener";
  return node;
}

function words(node, text, card) {
  for (const part of text.split(/(https?:\/\/\S+)/)) {
    if (!/^https?:\/\//.test(part)) node.append(part);
    else node.append(outside(make("a", "", part.replace(/^https?:\/\//, "")), card?.url || part));
  }
}

// As a phone shows it: the page's card, or the page itself where it has none.
function preview(card) {
  const node = outside(make("a", "card"), card.url);
  const shot = make("div", "shot");
  const alive = () => {
    const frame = make("iframe");
    for (const [name, value] of Object.entries({ sandbox: "allow-scripts", loading: "lazy", tabindex: "-1", "aria-hidden": "true" })) frame.setAttribute(name, value);
    frame.src = card.url;
    shot.replaceChildren(frame);
    shot.style.aspectRatio = "";
  };
  if (card.image) {
    const image = make("img");
    image.alt = "";
    image.addEventListener("error", alive);
    image.src = card.image;
    shot.style.aspectRatio = "1200 / 630";
    shot.append(image);
  } else alive();
  node.append(shot, make("b", "", card.title), make("small", "", location.host));
  return node;
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
    grown.observe(node);
  }
  // Billed by the segment, so it stands in the margin like a price.
  const margin = node.querySelector("i");
  if (item.segments && !margin.textContent) {
    margin.append(make("b", "", `${item.segments} seg`), item.encoding);
    margin.title = `${item.segments === 1 ? "1 segment" : `${item.segments} segments`}, ${item.units} units of ${item.encoding}`;
  }
  const state = item.way === "in" ? { sending: "sending ○", unsent: "not sent ✗" }[item.status] || "delivered ✓✓" : TICKS[item.status] || item.status;
  const at = item.at ? new Date(item.at).toLocaleTimeString([], { hour: "2-digit", minute: "2-digit" }) : "";
  const small = [state, item.error, at].filter(Boolean).join(" · ");
  if (node.lastChild.textContent !== small) node.lastChild.textContent = small;
  node.lastChild.className = ["failed", "unsent"].includes(item.status) && state.endsWith("✗") ? "wrong" : "";
}

// Words to tap, so that nobody has to think of something first; and the way back for a number that has left.
const STARTERS = ["wtaf a tip calculator", "hey venus", "COMMANDS"];
let tapped;
function taps(body) {
  const left = body.person?.standing === "left";
  const some = left ? ["START"] : body.bubbles.length + sent.length === 0 ? STARTERS : [];
  $("left").hidden = !left;
  const key = some.join();
  if (key === tapped) return;
  tapped = key;
  $("taps").replaceChildren(
    ...some.map((one) => {
      const item = make("li");
      item.append(button("", one, () => text(one)));
      return item;
    }),
  );
}

// ---- what the words being written would cost ----

const { basic, extended } = form.dataset;
function cost() {
  const letters = [...box.value];
  const gsm = letters.every((one) => one === "\n" || basic.includes(one) || extended.includes(one));
  const units = letters.reduce((sum, one) => sum + (gsm ? (extended.includes(one) ? 2 : 1) : one.length), 0);
  const [alone, piece] = gsm ? [160, 153] : [70, 67];
  const segments = units <= alone ? 1 : Math.ceil(units / piece);
  const odd = gsm ? "" : `, because of ${letters.find((one) => one !== "\n" && !basic.includes(one) && !extended.includes(one))}`;
  $("cost").textContent = units ? `${units} of ${segments * (segments > 1 ? piece : alone)} · ${segments} seg · ${gsm ? "GSM-7" : `UCS-2${odd}`}` : "";
  fit(box, 160);
}

// ---- the story ----

const STATE = { queued: "Waiting", running: "At work", done: "Done", failed: "Failed", refused: "Not made" };

function stateOf(name, stage, job) {
  if (stage) return stage.outcome === "ok" ? "done" : stage.outcome === "skipped" ? "skip" : "wrong";
  if (isOver(job)) return "skip";
  return job.stage === name ? "now" : "wait";
}

function story(job, bubbles = []) {
  $("hint").hidden = Boolean(job);
  $("tale").hidden = !job;
  if (!job) return;
  $("state").textContent = STATE[job.status] || job.status;
  $("state").className = job.status;
  const end = job.finished_at ? Date.parse(job.finished_at) : Date.now();
  $("took").textContent = `${job.finished_at ? "in" : "for"} ${took(Math.max(0, end - Date.parse(job.created_at)))}`;
  const ran = new Map(job.stages.map((stage) => [stage.name, stage]));
  const most = Math.max(1, ...job.stages.map((stage) => stage.ms));
  plan.forEach((name, n) => {
    const step = $("steps").children[n] || $("steps").appendChild(make("li"));
    if (!step.firstChild) step.append(make("b", "", name), make("small"), make("i"), make("s"));
    const stage = ran.get(name);
    const state = stateOf(name, stage, job);
    step.className = state;
    const made = stage?.plugin ? [stage.plugin, stage.version].filter(Boolean).join(" ") + (stage.digest ? ` · ${stage.digest.slice(0, 8)}` : "") : "";
    step.children[1].textContent = state === "wrong" ? stage.outcome : made;
    const skipped = stage || job.status === "done" ? "not needed" : "not reached";
    step.children[2].textContent = state === "skip" ? skipped : stage ? took(stage.ms) : state === "now" ? "at work" : "";
    step.children[3].style.width = `${stage && state !== "skip" ? Math.max(0.5, (100 * stage.ms) / most) : 0}%`;
  });
  const { ai } = job;
  $("ai").textContent = ai ? `${ai.provider} · ${ai.model} · ${ai.input_tokens} tokens in, ${ai.output_tokens} out${ai.cost ? ` · $${ai.cost.toFixed(4)}` : ""}` : "";
  const out = bubbles.filter((one) => one.way === "out" && one.job === job.id);
  const segments = out.reduce((sum, one) => sum + (one.segments || 0), 0);
  $("bill").textContent = out.length ? `${out.length === 1 ? "1 text" : `${out.length} texts`} back, ${segments === 1 ? "1 segment" : `${segments} segments`} billed` : "";
  $("id").textContent = `job ${job.id}`;
}

// ---- talking to the engine ----

async function texts(one) {
  const answer = await fetch(`/phone/texts?number=${encodeURIComponent(one)}`, { headers: { accept: "application/json" } });
  if (!answer.ok) throw await refusal(answer);
  return answer.json();
}

let timer;
async function look() {
  clearTimeout(timer);
  const asked = number;
  let busy = sent.some((one) => one.status !== "unsent");
  try {
    const body = await texts(asked);
    if (asked !== number) return;
    note.textContent = "";
    // What was drawn when it was sent is the text that the engine now tells of.
    sent = sent.filter((one) => {
      const there = body.bubbles.find((two) => two.id === one.job);
      if (there && drawn.has(one.id)) {
        drawn.set(there.id, drawn.get(one.id));
        drawn.delete(one.id);
      }
      return !there;
    });
    body.bubbles.forEach(bubble);
    sent.forEach(bubble);
    meet(asked, body);
    taps(body);
    story(body.job, body.bubbles);
    busy = sent.length > 0 || (body.job && !isOver(body.job)) || body.bubbles.some((one) => ["waiting", "sending"].includes(one.status));
  } catch (error) {
    note.textContent = error instanceof TypeError ? "The engine does not answer. This page looks again by itself." : error.message;
  }
  timer = setTimeout(look, document.hidden ? 5_000 : busy ? 250 : 1_000);
}

// The other phones ring too.
async function others() {
  for (const one of kept.numbers.filter((other) => other !== number)) {
    await texts(one).then((body) => meet(one, body)).catch(() => {});
  }
  setTimeout(others, document.hidden ? 10_000 : 3_000);
}

async function text(words) {
  const item = { id: `own-${crypto.getRandomValues(new Uint32Array(2)).join("")}`, way: "in", text: words, status: "sending" };
  sent.push(item);
  low = true;
  bubble(item);
  const sid = `SM${Array.from(crypto.getRandomValues(new Uint8Array(16)), (b) => b.toString(16).padStart(2, "0")).join("")}`;
  const fields = { MessageSid: sid, SmsSid: sid, From: number, To: phone.dataset.to, Body: words, NumMedia: "0", NumSegments: "1" };
  try {
    const answer = await fetch("/sms/webhook", { method: "POST", headers: { accept: "text/xml" }, body: new URLSearchParams(fields) });
    if (!answer.ok) throw await refusal(answer);
    item.job = answer.headers.get("x-wtaf-job");
    item.status = "taken";
  } catch (error) {
    item.status = "unsent";
    note.textContent = error instanceof TypeError ? "The engine does not answer; the text was not sent." : error.message;
    // It stands in the box again, unless something else does by now.
    if (!box.value) box.value = words;
    cost();
  }
  bubble(item);
  look();
}

form.addEventListener("submit", (event) => {
  event.preventDefault();
  const words = box.value.trim();
  if (!words) return;
  box.value = "";
  cost();
  text(words);
});
box.addEventListener("keydown", (event) => {
  if (event.key === "Enter" && !event.shiftKey && !event.isComposing) {
    event.preventDefault();
    form.requestSubmit();
  }
});
box.addEventListener("input", cost);
document.addEventListener("visibilitychange", () => document.hidden || look());

who();
look();
others();
