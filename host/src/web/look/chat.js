// The chat, live: asks, follows the job's real events, shows the page. Without it the form and a reload do the same, slower.

const $ = (id) => document.getElementById(id);
const chat = $("chat");
const plan = chat.dataset.plan.split(" ").filter(Boolean);
const apart = "apart" in chat.dataset;
const [turns, empty, form, box, note, live] = ["turns", "empty", "ask", "message", "note", "live"].map($);
const narrow = matchMedia("(max-width: 899px)");

function make(tag, kind, text) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  return node;
}

// Pages live beside us unless they have an origin of their own.
function here(url) {
  const at = new URL(url, location.href);
  return apart ? at.href : at.pathname + at.search;
}

function took(ms) {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

function say(words) {
  $("status").textContent = words;
}

// ---- the thin line of stages ----

function draw(line, job) {
  const ran = new Map((job.stages || []).map((stage) => [stage.name, stage]));
  const over = ["done", "failed", "refused"].includes(job.status);
  const last = job.stages?.at(-1)?.name;
  plan.forEach((name, n) => {
    const step = line.children[n] || line.appendChild(make("li"));
    if (!step.firstChild) step.append(make("b", "", name), make("i"));
    const stage = ran.get(name);
    let state = "wait";
    if (job.stage === name && last !== name && !over) state = "now";
    else if (stage) state = stage.outcome === "ok" ? "done" : stage.outcome === "skipped" ? "skip" : "wrong";
    else if (over) state = "skip";
    else if (job.stage === name) state = "now";
    if (step.className !== state) step.className = state;
    step.lastChild.textContent = state === "done" || state === "wrong" ? took(stage.ms) : "";
  });
}

// ---- the page ----

function show(job) {
  const url = here(job.url);
  $("name").textContent = job.title || url;
  $("open").href = url;
  $("open").dataset.link = job.url;
  $("page").src = url;
  $("peek").hidden = true;
  delete live.dataset.empty;
  if (narrow.matches) live.classList.add("up");
}

function peek(text, total) {
  const code = $("code");
  code.textContent = (code.textContent + text).slice(-1500);
  $("count").textContent = `${total.toLocaleString()} characters so far`;
  $("peek").hidden = false;
  live.dataset.empty = "";
}

// ---- one job ----

class Turn {
  constructor(id, said, node) {
    this.id = id;
    this.chars = 0;
    this.node = node || make("li", "turn");
    if (!node) {
      this.node.append(make("p", "said", said), make("ol", "line"), make("div", "told"));
      turns.append(this.node);
    }
    this.line = this.node.querySelector(".line");
    this.told = this.node.querySelector(".told");
  }

  follow() {
    this.words("At work.");
    this.slow = setTimeout(() => this.words("Still at it. You may leave: it will be here when you come back."), 60_000);
    this.begin = Date.now();
    this.failures = 0;
    this.listen();
    // Streams are sometimes swallowed on their way; a look now and then makes up for it.
    this.watch = setInterval(() => Date.now() - this.heard > 5_000 && this.look(), 5_000);
    this.heard = Date.now();
  }

  listen() {
    const source = (this.source = new EventSource(`/api/jobs/${this.id}/events`));
    const on = (name, act) =>
      source.addEventListener(name, (event) => {
        this.heard = Date.now();
        this.failures = 0;
        let data = {};
        try {
          data = JSON.parse(event.data);
        } catch {
          return this.look();
        }
        act(data);
      });
    on("stage", (job) => (Array.isArray(job.stages) ? this.update(job) : this.look()));
    on("text", (job) => this.stream(job));
    on("page", (job) => (job.url ? show(job) : this.look()));
    const ended = (job) => (["done", "failed", "refused"].includes(job.status) ? this.update(job) : this.look());
    on("done", ended);
    on("failed", ended);
    source.onerror = () => {
      this.failures += 1;
      // It reconnects by itself and goes on after the last event it saw; when it cannot, asking every two seconds does.
      if (source.readyState === EventSource.CLOSED || this.failures > 3) this.poll();
    };
  }

  poll() {
    this.source.close();
    clearInterval(this.watch);
    this.watch = setInterval(() => this.look(), 2_000);
    this.look();
  }

  async look() {
    try {
      const answer = await fetch(`/api/jobs/${this.id}`, { headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      this.update(await answer.json());
      if (this.offline) this.words("At work.");
      this.offline = false;
    } catch {
      this.offline = true;
      this.words("No connection right now. The job goes on; this page looks again by itself.");
    }
  }

  stream(job) {
    const text = job.text || job.delta || "";
    this.chars = job.chars || this.chars + text.length;
    if (!this.chars) return;
    peek(text, this.chars);
    // There is no second column to watch it grow in.
    if (narrow.matches) this.words(`At work. ${this.chars.toLocaleString()} characters so far.`);
  }

  update(job) {
    if (this.over) return;
    this.heard = Date.now();
    draw(this.line, job);
    if (["done", "failed", "refused"].includes(job.status)) return this.end(job);
    if (job.stage && job.stage !== this.stage) say(`Now at ${job.stage}.`);
    this.stage = job.stage;
    this.hitch(job);
  }

  // A stage that failed is tried again while the job is not over.
  hitch(job) {
    const last = job.stages?.at(-1);
    const failed = last && !["ok", "skipped"].includes(last.outcome);
    const words = failed ? `${last.name} did not work out. It is tried again.` : job.attempts ? `At work, try ${job.attempts + 1}.` : "";
    if (words && words !== this.hitched) this.words(words);
    this.hitched = words;
  }

  end(job) {
    this.over = true;
    clearTimeout(this.slow);
    clearInterval(this.watch);
    this.source.close();
    this.told.replaceChildren();
    $("peek").hidden = true;
    $("code").textContent = "";
    // The link stands below, as a thing to press.
    const reply = (job.reply || "").replace(job.url || "", "").trim();
    if (reply) this.told.append(make("p", "", reply));
    if (job.url) {
      const link = make("a", "made", job.title || job.url);
      link.href = here(job.url);
      link.addEventListener("click", (event) => open(event, job));
      this.told.append(link);
      show(job);
      say(`The page is live: ${job.title || job.url}.`);
    } else if (job.status === "done") {
      say(job.reply || "Done.");
    } else {
      if (!job.reply) {
        const words = job.status === "refused" ? "This one was not made." : "This one did not work out. It is kept, and can be tried again.";
        this.told.append(make("p", "wrong", words));
      }
      this.told.append(make("p", "quiet mono", `job ${job.id}`));
      say("It was not made.");
    }
    if (!job.url && $("page").src && $("page").getAttribute("src")) delete live.dataset.empty;
    this.node.scrollIntoView({ block: "end" });
  }

  words(text) {
    if (!this.over) this.told.replaceChildren(make("p", "quiet", text));
  }
}

function open(event, job) {
  if (event.metaKey || event.ctrlKey || event.shiftKey) return;
  event.preventDefault();
  show(job);
}

// ---- asking ----

async function ask(message) {
  note.textContent = "";
  const button = form.querySelector("button");
  if (button.disabled) return;
  button.disabled = true;
  box.focus();
  try {
    const answer = await fetch("/api/chat", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", "idempotency-key": key(message) },
      body: JSON.stringify({ message }),
    });
    const body = await answer.json();
    if (!answer.ok) {
      note.textContent = [body.title, body.detail].filter(Boolean).join(" ");
      return;
    }
    pending = undefined;
    box.value = "";
    grow();
    empty.hidden = true;
    history.replaceState(null, "", `/chat?job=${body.id}`);
    // The keyboard on the screen would cover what is to be seen now.
    if (matchMedia("(hover: none)").matches) box.blur();
    const turn = new Turn(body.id, message);
    draw(turn.line, { status: "queued" });
    turn.follow();
    turn.node.scrollIntoView({ block: "end" });
  } catch {
    note.textContent = "No connection. Your words are still here: send them again in a moment.";
  } finally {
    button.disabled = false;
  }
}

// The same words sent again after a broken connection are one job.
let pending;
function key(message) {
  if (pending?.message !== message) pending = { message, key: crypto.getRandomValues(new Uint32Array(4)).join("-") };
  return pending.key;
}

function grow() {
  box.rows = Math.min(8, Math.max(2, box.value.split("\n").length));
}

if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const message = box.value.trim();
    if (message) ask(message);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !narrow.matches) {
      event.preventDefault();
      form.requestSubmit();
    }
  });
  box.addEventListener("input", grow);
  $("ideas").addEventListener("click", (event) => {
    const idea = event.target.closest("a");
    if (!idea) return;
    event.preventDefault();
    ask(idea.textContent);
  });
}

$("down").addEventListener("click", () => live.classList.remove("up"));
addEventListener("keydown", (event) => event.key === "Escape" && live.classList.remove("up"));
$("copy").addEventListener("click", async (event) => {
  const link = new URL($("open").dataset.link || $("open").href, location.href).href;
  const button = event.currentTarget;
  try {
    await navigator.clipboard.writeText(link);
    button.textContent = "Copied";
  } catch {
    prompt("The link:", link);
  }
  setTimeout(() => (button.textContent = "Copy link"), 1_500);
});

// ---- what the page came with ----

for (const node of turns.querySelectorAll(".turn")) {
  const made = node.querySelector(".made");
  if (made) made.addEventListener("click", (event) => open(event, { url: made.href, title: made.textContent }));
  if (["queued", "running"].includes(node.dataset.status)) new Turn(node.dataset.job, "", node).follow();
}
turns.lastElementChild?.scrollIntoView({ block: "end" });

// Words typed on our own front page go off at once; words in a link from elsewhere wait for a hand.
const idea = new URLSearchParams(location.search).get("idea");
if (form && idea) {
  history.replaceState(null, "", "/chat");
  if (document.referrer && new URL(document.referrer).origin === location.origin) ask(idea.trim());
}
