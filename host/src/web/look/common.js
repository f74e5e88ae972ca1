// What the chat and the phone share; it stands before either in one script.

const $ = (id) => document.getElementById(id);

function make(tag, kind, text) {
  const node = document.createElement(tag);
  if (kind) node.className = kind;
  if (text !== undefined) node.textContent = text;
  return node;
}

function button(kind, text, act) {
  const node = make("button", kind, text);
  node.type = "button";
  node.addEventListener("click", act);
  return node;
}

function took(ms) {
  if (ms < 9.95) return `${ms.toFixed(1)} ms`;
  return ms < 1000 ? `${ms.toFixed(0)} ms` : `${(ms / 1000).toFixed(1)} s`;
}

// As high as its words, within reason.
function fit(box, most) {
  box.style.height = "auto";
  box.style.height = `${Math.min(most, box.scrollHeight + 2)}px`;
}

const OVER = ["done", "failed", "refused"];
const isOver = (job) => OVER.includes(job.status);

// A refusal in its own words, whatever stood in the way of reading it.
async function refusal(answer) {
  const body = await answer.json().catch(() => ({}));
  const words = [body.title, body.detail].filter(Boolean).join(" ");
  return Object.assign(new Error(words || `The engine answered ${answer.status}.`), { again: body.retry_after });
}
