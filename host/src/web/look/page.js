// The page beside the talk: shown in its sandbox, drawn while it is written, its versions, sharing it; on a small screen, a sheet that comes up.

const chat = $("chat");
const apart = "apart" in chat.dataset;
const [live, frame, peek, old, strip, sharing] = ["live", "page", "peek", "old", "versions", "sharing"].map($);
const narrow = matchMedia("(max-width: 899px)");

// What the frame shows: { url, title, own, user, app }, and `known` once the engine told more of it.
let shown;

// Pages live beside us unless they have an origin of their own.
function here(url) {
  const at = new URL(url, location.href);
  return apart ? at.href : at.pathname;
}

function show({ url, title, own }, quietly) {
  const [user, app] = new URL(url, location.href).pathname.split("/").slice(1);
  shown = { url: here(url), title: title || app, own, user, app };
  $("name").textContent = shown.title;
  $("open").href = shown.url;
  $("edit").href = `/chat?draft=EDIT+${app}+`;
  $("remix").href = `/chat?draft=REMIX+${user}/${app}+`;
  $("undo").elements.message.value = `UNDO ${app}`;
  for (const node of live.querySelectorAll(".own")) node.hidden = !own;
  strip.hidden = old.hidden = $("owner").hidden = true;
  drafted = undefined;
  delete live.dataset.empty;
  if (!quietly) frame.src = shown.url;
  learn();
}

// ---- versions ----

async function learn() {
  const asked = shown;
  try {
    const answer = await fetch(`/api/pages/${asked.user}/${asked.app}`, { headers: { accept: "application/json" } });
    if (!answer.ok || asked !== shown) return;
    asked.known = await answer.json();
    asked.title = asked.known.title;
    // It may have moved since: what is pressed is meant for where it is now.
    [asked.user, asked.app] = [asked.known.user, asked.known.app];
    if (drafted === undefined) $("name").textContent = asked.title;
    versions();
  } catch {
    // The page works without its history.
  }
}

// Oldest first, as they came about.
function versions() {
  const all = [...(shown.known.versions || [])].sort((a, b) => a.version - b.version);
  const at = all.findIndex((one) => one.current);
  const undo = $("undo").querySelector("button");
  undo.disabled = (all[at]?.restores ?? all[at]?.version) === all[0]?.version;
  undo.title = undo.disabled ? "There is nothing to take back" : "Take the last change back";
  $("owner").hidden = !shown.known.owner_url;
  $("owner").href = shown.known.owner_url || "";
  strip.hidden = all.length < 2;
  strip.replaceChildren(
    ...all.map((one, n) => {
      const item = make("li");
      const pick = button("", `v${one.version}`, () => look(all, n, at));
      pick.title = one.asked || "";
      pick.setAttribute("aria-label", `Version ${one.version}${one.current ? ", the newest" : ""}`);
      pick.setAttribute("aria-pressed", String(n === at));
      item.append(pick);
      return item;
    }),
  );
  strip.lastElementChild?.scrollIntoView({ block: "nearest", inline: "end" });
}

function look(all, n, at) {
  const { version, asked } = all[n];
  [...strip.querySelectorAll("button")].forEach((one, m) => one.setAttribute("aria-pressed", String(m === n)));
  frame.src = n === at ? shown.url : `${shown.url}?v=${version}`;
  old.hidden = n === at;
  old.firstElementChild.textContent = `Version ${version}${asked ? `: ${asked}` : ""}`;
  // Undo goes back by one change, so only what that leads to is offered.
  const from = all[at].restores ?? all[at].version;
  const target = all.filter((one) => one.version < from).at(-1);
  $("back").hidden = !shown.own || version !== target?.version;
}

$("newest").addEventListener("click", () => {
  frame.src = shown.url;
  versions();
  old.hidden = true;
});

// ---- a page being written ----

// The draft's frame is made when it is first needed: `ready` once it listens, `text` what it is to draw next.
let drafted;
let drawer;

// Where the page begins in what an AI has written so far, or -1: there may be words around it, and a fence.
function begins(text) {
  const whole = text.search(/<!doctype html|<html[\s>]/i);
  return whole >= 0 ? whole : text.search(/<(head|body|style|main|div|section|svg|h1)[\s>]/i);
}

// What is being written right now.
function part(html) {
  const open = (tag) => html.toLowerCase().lastIndexOf(`<${tag}`) > html.toLowerCase().lastIndexOf(`</${tag}`);
  if (open("script")) return "how it behaves";
  return open("style") ? "how it looks" : "what it shows";
}

function draft(text) {
  const html = text.slice(begins(text)).split(/\n(?:`{3,}|~{3,})/)[0];
  const doing = `Writing ${part(html)}`;
  $("name").textContent = doing;
  $("count").textContent = `${html.length.toLocaleString()} characters`;
  $("code").textContent = html.slice(-1_800);
  peek.hidden = false;
  delete live.dataset.empty;
  live.dataset.draft = "";
  drafted = html;
  if (!drawer) drawer = begin();
  drawer.draw();
  return doing;
}

function begin() {
  const node = make("iframe");
  node.title = "The page while it is written";
  node.tabIndex = -1;
  node.inert = true;
  node.setAttribute("aria-hidden", "true");
  node.setAttribute("sandbox", "allow-scripts");
  const drawer = { node, ready: false };
  drawer.draw = () => {
    if (!drawer.ready || drawer.due || drafted === undefined) return;
    node.contentWindow.postMessage(drafted, "*");
    // Calm to look at, and cheap: a few times a second at most.
    drawer.due = setTimeout(() => {
      drawer.due = undefined;
      if (drawer.last !== drafted) drawer.draw();
    }, 350);
    drawer.last = drafted;
  };
  node.addEventListener("load", () => {
    drawer.ready = true;
    drawer.draw();
  });
  // As long as there is nothing to see, the text itself is shown.
  addEventListener("message", (event) => {
    if (event.source === node.contentWindow) peek.classList.toggle("drawn", event.data === true);
  });
  node.src = chat.dataset.draft;
  peek.prepend(node);
  return drawer;
}

function undraft() {
  drafted = undefined;
  peek.hidden = true;
  peek.classList.remove("drawn");
  delete live.dataset.draft;
  if (shown) $("name").textContent = shown.title;
  else live.dataset.empty = "";
}

// The draft stays until the page itself is there.
frame.addEventListener("load", () => drafted === undefined && undraft());

// ---- sharing ----

function link() {
  return shown.known?.url || new URL(shown.url, location.href).href;
}

$("share").addEventListener("click", () => {
  $("sharing-name").textContent = `Share ${shown.title}`;
  $("link").textContent = link();
  $("qr").hidden = false;
  $("qr-none").hidden = true;
  $("qr").src = `/${shown.user}/${shown.app}/qr.svg`;
  $("send").hidden = !navigator.share;
  sharing.showModal();
});
$("qr").addEventListener("error", () => {
  $("qr").hidden = true;
  $("qr-none").hidden = false;
});
$("send").addEventListener("click", () => navigator.share({ title: shown.title, url: link() }).catch(() => {}));
$("copy").addEventListener("click", async ({ currentTarget }) => {
  try {
    await navigator.clipboard.writeText(link());
    currentTarget.textContent = "Copied";
  } catch {
    // Where the clipboard is out of reach, the link is ready to be copied by hand.
    getSelection().selectAllChildren($("link"));
    currentTarget.textContent = "Press Ctrl+C";
  }
  setTimeout(() => (currentTarget.textContent = "Copy link"), 1_500);
});
// A click beside it closes it.
sharing.addEventListener("click", (event) => event.target === sharing && sharing.close());

// ---- the sheet ----

function raise() {
  if (!narrow.matches) return;
  live.classList.add("up");
  $("turns").parentElement.inert = true;
  $("down").focus({ preventScroll: true });
}

function lower() {
  if (!live.classList.contains("up")) return;
  live.classList.remove("up");
  live.style.transform = "";
  $("turns").parentElement.inert = false;
  $("turns").focus({ preventScroll: true });
}

narrow.addEventListener("change", lower);
$("down").addEventListener("click", lower);
addEventListener("keydown", (event) => event.key === "Escape" && !sharing.open && lower());

// Drawn down by its handle.
let grip;
$("bar").addEventListener("pointerdown", (event) => {
  if (narrow.matches && event.isPrimary && !event.target.closest(".tabs")) grip = event.clientY;
});
addEventListener("pointermove", (event) => {
  if (grip !== undefined) live.style.transform = `translateY(${Math.max(0, event.clientY - grip)}px)`;
});
for (const end of ["pointerup", "pointercancel"]) {
  addEventListener(end, (event) => {
    if (grip === undefined) return;
    const far = event.clientY - grip > 96;
    grip = undefined;
    live.style.transform = "";
    if (far) lower();
  });
}

// An iPhone's keyboard covers the page instead of making it smaller.
visualViewport?.addEventListener("resize", () => {
  const covered = narrow.matches && innerHeight - visualViewport.height > 80;
  document.body.style.height = covered ? `${visualViewport.height}px` : "";
});
