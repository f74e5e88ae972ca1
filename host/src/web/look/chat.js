// The talk: asks, follows the job's real events, tells how it ended. Without it the form and a reload do the same, slower.

const plan = chat.dataset.plan.split(" ").filter(Boolean);
const previews = "draft" in chat.dataset;
const [turns, empty, form, box, note] = ["turns", "empty", "ask", "message", "note"].map($);
const SLOW = 60_000;

// Someone is signed in, and gets texts.
const me = "me" in chat.dataset;

// Said to those who listen; what is overtaken at once is not worth hearing.
let saying;
function say(words, at = 0) {
  clearTimeout(saying);
  saying = setTimeout(() => ($("status").textContent = words), at);
}

// ---- the thin line of stages ----

function draw(line, job) {
  const ran = new Map((job.stages || []).map((stage) => [stage.name, stage]));
  const over = isOver(job);
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

// ---- what was said ----

// The commands that the buttons send, in human words. The server says the same where it draws the talk (`web/chat.rs`).
function human(text) {
  const [, verb, page, rest] = text.trim().match(/^(\S+)(?:\s(\S+)(?:\s([\s\S]*))?)?$/) || [];
  const what = (rest || "").trim();
  if (verb === "EDIT" && page && what) return { page, about: `Change of ${page}`, words: what };
  if (verb === "REMIX" && page) return { page, about: `Remix of ${page}`, words: what || "As it is" };
  if (verb === "UNDO" && page && !what) return { page, about: page, words: "Take the last change back" };
  return { words: text };
}

function bubble(text) {
  const { about, words } = human(text);
  const node = make("p", "said");
  if (about) node.append(make("small", "", about));
  node.append(words);
  return node;
}

// ---- one job ----

const streams = [];

class Turn {
  constructor(id, said, node) {
    this.id = id;
    this.said = said;
    this.text = "";
    this.node = node || make("li", "turn");
    if (!node) {
      this.node.append(bubble(said), make("ol", "line"), make("div", "told"));
      turns.append(this.node);
    }
    this.line = this.node.querySelector(".line");
    this.told = this.node.querySelector(".told");
  }

  follow() {
    this.words("At work.");
    this.slow = setTimeout(() => this.still(), SLOW);
    this.failures = 0;
    // A browser has six connections for one place: the newest are told as it happens, those before are asked for.
    streams.push(this);
    if (streams.length > 2) streams.shift().poll();
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
    on("page", (job) => (job.url ? this.page(job) : this.look()));
    const ended = (job) => (isOver(job) ? this.update(job) : this.look());
    on("done", ended);
    on("failed", ended);
    source.onerror = () => {
      this.failures += 1;
      // It reconnects by itself and goes on after the last event it saw; when it cannot, asking every two seconds does.
      if (source.readyState === EventSource.CLOSED || this.failures > 3) this.poll();
    };
  }

  poll() {
    if (this.over) return;
    this.source.close();
    clearInterval(this.watch);
    this.watch = setInterval(() => this.look(), 2_000);
    this.look();
  }

  async look() {
    try {
      const answer = await fetch(`/api/jobs/${this.id}`, { headers: { accept: "application/json" } });
      if (!answer.ok) throw new Error(String(answer.status));
      const job = await answer.json();
      if (this.offline) this.words("At work.");
      this.offline = false;
      this.update(job);
    } catch {
      this.offline = true;
      this.words("No connection right now. The job goes on; this page looks again by itself.");
    }
  }

  still() {
    const where = this.stage ? `Still at it: ${this.stage} takes its time.` : "Still at it.";
    const then = me ? "The link will be texted to you, too." : "You may leave: it will be here when you come back.";
    this.words(`${where} ${then}`);
    say(`${where} ${then}`);
  }

  // What the AI writes, as it arrives: a page is drawn beside the talk, words are words.
  stream(job) {
    if (this.over) return;
    if (job.restarted) this.text = "";
    this.text += job.text || "";
    if (!this.text) return;
    const page = begins(this.text) >= 0;
    if (!previews) this.words(`At work. ${this.text.length.toLocaleString()} characters so far.`);
    else if (page) {
      const doing = draft(this.text);
      // There is no second column to watch it grow in.
      if (narrow.matches && !this.peeked) {
        this.told.replaceChildren(make("p", "quiet", `${doing}.`), button("plain", "Watch it", raise));
        this.peeked = true;
      } else if (narrow.matches) this.told.firstChild.textContent = `${doing}.`;
      else this.words(`${doing}.`);
    } else if (!/[<`]/.test(this.text)) {
      this.told.replaceChildren(make("p", "", this.text));
    }
  }

  // Live, though the job may have something left to do.
  page(job) {
    if (this.live) return;
    this.live = true;
    // A sheet that came up by itself would cover what someone is typing.
    const typing = narrow.matches && document.activeElement === box && box?.value;
    show({ url: job.url, title: job.title, own: Boolean(this.said) });
    if (!typing) raise();
  }

  update(job) {
    if (this.over) return;
    this.heard = Date.now();
    draw(this.line, job);
    if (isOver(job)) return this.end(job);
    if (job.stage && job.stage !== this.stage) {
      say(`Now at ${job.stage}.`, 600);
      // What an earlier stage wrote was for the next one, unless it is the page, which may still be continued.
      if (begins(this.text) < 0) this.text = "";
    }
    this.stage = job.stage;
    this.hitch(job);
  }

  // A stage that failed is tried again while the job is not over.
  hitch(job) {
    const last = job.stages?.at(-1);
    const failed = last && !["ok", "skipped"].includes(last.outcome);
    const words = failed ? `${last.name} did not work out. It is tried again.` : job.attempts ? `At work, try ${job.attempts + 1}.` : "";
    if (words && words !== this.hitched) {
      this.words(words);
      this.text = "";
    }
    this.hitched = words;
  }

  end(job) {
    this.over = true;
    clearTimeout(this.slow);
    clearInterval(this.watch);
    this.source.close();
    this.told.replaceChildren();
    if (!job.url) undraft();
    // The link stands below, as a thing to press.
    const reply = (job.reply || "").replace(job.url || "", "").trim();
    if (reply) this.told.append(make("p", "", reply));
    if (job.url) {
      const made = make("a", "made", job.title || job.url);
      made.href = here(job.url);
      opens(made, { url: job.url, title: job.title, own: Boolean(this.said) });
      this.told.append(made);
      this.page(job);
      say(`The page is live: ${job.title || job.url}.`);
    } else if (job.status === "done") this.answered(reply);
    else this.failed(job, reply);
    this.node.scrollIntoView({ block: "end" });
  }

  answered(reply) {
    // Someone who left gets no answer, here as by text.
    if (!reply) this.told.append(make("p", "quiet", "No answer was sent. After STOP, it takes START to come back."));
    say(reply || "No answer was sent.");
    // What was taken back is seen to be back.
    if (shown && human(this.said || "").page === shown.app) show(shown);
  }

  failed(job, reply) {
    const words = job.status === "refused" ? "This one was not made." : "This one did not work out. It is kept, and can be tried again.";
    if (!reply) this.told.append(make("p", "wrong", words));
    if (this.said && form) this.told.append(button("plain", "Try again", () => ask(this.said)));
    this.told.append(make("p", "quiet mono", `job ${job.id}`));
    say(reply || words);
  }

  words(text) {
    if (!this.over) this.told.replaceChildren(make("p", "quiet", text));
    this.peeked = false;
  }
}

function opens(node, page) {
  node.addEventListener("click", (event) => {
    if (event.metaKey || event.ctrlKey || event.shiftKey) return;
    event.preventDefault();
    show(page);
    raise();
  });
}

// ---- asking ----

async function ask(message, typed = false) {
  clearInterval(counting);
  note.textContent = "";
  const send = form.querySelector(":scope > button");
  if (send.disabled) return;
  send.disabled = true;
  try {
    const answer = await fetch("/api/chat", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json", "idempotency-key": key(message) },
      body: JSON.stringify({ message }),
    });
    if (!answer.ok) throw await refusal(answer);
    const { id } = await answer.json();
    pending = undefined;
    taken(id, message, typed);
  } catch (error) {
    const lost = error instanceof TypeError;
    note.textContent = lost ? "No connection. Your words are still here: send them again in a moment." : error.message;
    if (error.again) countdown(error.message, error.again);
  } finally {
    send.disabled = false;
  }
}

function taken(id, message, typed) {
  // What was pressed leaves alone what is being typed.
  if (typed) {
    box.value = "";
    modeOf();
    grow();
  }
  empty.hidden = true;
  lower();
  history.replaceState(null, "", `/chat?job=${id}`);
  // The keyboard on the screen would cover what is to be seen now.
  if (matchMedia("(hover: none)").matches) box.blur();
  else box.focus();
  const turn = new Turn(id, message);
  draw(turn.line, { status: "queued" });
  turn.follow();
  turn.node.scrollIntoView({ block: "end" });
}

// Too many: the words stay, and the time until they may be sent runs down.
let counting;
function countdown(words, seconds) {
  const end = Date.now() + seconds * 1_000;
  const tick = () => {
    const left = Math.ceil((end - Date.now()) / 1_000);
    const time = left > 90 ? `${Math.ceil(left / 60)} min` : `${left} s`;
    note.textContent = left > 0 ? `${words} (${time})` : "You may ask again now.";
    if (left <= 0) clearInterval(counting);
  };
  tick();
  counting = setInterval(tick, seconds > 90 ? 30_000 : 1_000);
}

// The same words sent again after a broken connection are one job.
let pending;
function key(message) {
  if (pending?.message !== message) pending = { message, key: crypto.getRandomValues(new Uint32Array(4)).join("-") };
  return pending.key;
}

const NEAR = 500;
function grow() {
  fit(box, 200);
  const left = box.maxLength - box.value.length;
  $("spare").textContent = left > NEAR ? "" : left > 0 ? `${left} characters left` : "That is as long as it gets.";
}

// ---- what the next words are for: a new page, a change of the one shown, another take on it ----

const MODES = {
  EDIT: { label: "Changing", send: "Change it", like: "Make the buttons bigger and the background blue" },
  REMIX: { label: "Remixing", send: "Remix it", like: "The same, but for cats" },
};
let mode;

function modeOf(verb) {
  mode = verb && { ...MODES[verb], prefix: `${verb} ${verb === "EDIT" ? shown.app : `${shown.user}/${shown.app}`}` };
  $("mode").hidden = !mode;
  $("mode").firstElementChild.textContent = mode ? `${mode.label} ${shown.title}` : "";
  form.querySelector(":scope > button").textContent = mode?.send || "Make it";
  box.placeholder = mode?.like || placeholder;
  box.required = verb !== "REMIX";
  if (!verb) return;
  lower();
  box.focus();
}

const placeholder = box?.placeholder;
if (form) {
  form.addEventListener("submit", (event) => {
    event.preventDefault();
    const words = box.value.trim();
    const message = [mode?.prefix, words].filter(Boolean).join(" ");
    if (words || !box.required) ask(message, true);
  });
  box.addEventListener("keydown", (event) => {
    if (event.key === "Enter" && !event.shiftKey && !event.isComposing && !narrow.matches) {
      event.preventDefault();
      form.requestSubmit();
    }
    if (event.key === "Escape" && mode) modeOf();
  });
  box.addEventListener("input", grow);
  $("mode").lastElementChild.addEventListener("click", () => {
    modeOf();
    box.focus();
  });
  $("ideas").addEventListener("click", (event) => {
    const idea = event.target.closest("a");
    if (!idea) return;
    event.preventDefault();
    ask(idea.textContent);
  });
  for (const [id, verb] of [["edit", "EDIT"], ["remix", "REMIX"]]) {
    $(id).addEventListener("click", (event) => {
      event.preventDefault();
      modeOf(verb);
    });
  }
  const undo = (event) => {
    event.preventDefault();
    ask(`UNDO ${shown.app}`);
  };
  $("undo").addEventListener("submit", undo);
  $("back").addEventListener("click", undo);
}

// ---- what the page came with ----

for (const node of turns.querySelectorAll(".turn")) {
  const said = node.dataset.said;
  const made = node.querySelector(".made");
  if (made) opens(made, { url: made.href, title: made.textContent, own: Boolean(said) });
  node.querySelector(".again")?.addEventListener("submit", (event) => {
    if (!form) return;
    event.preventDefault();
    ask(said);
  });
  if (!OVER.includes(node.dataset.status)) new Turn(node.dataset.job, said, node).follow();
}
turns.lastElementChild?.scrollIntoView({ block: "end" });
if (!("empty" in live.dataset)) show({ url: $("open").href, title: $("name").textContent, own: !$("edit").hidden }, true);

// Words typed on our own front page go off at once; words in a link from elsewhere wait for a hand.
const idea = new URLSearchParams(location.search).get("idea");
if (form && idea) {
  history.replaceState(null, "", "/chat");
  if (document.referrer && new URL(document.referrer).origin === location.origin) ask(idea.trim());
}
