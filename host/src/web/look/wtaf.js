(function (base, token) {
  "use strict";
  // window.wtaf, as docs/records.md has it. `friend` is whom this page speaks for.
  // Under `lost`, what was sent and not answered: sent again as it was, it is the same, and kept once.
  const real = window.fetch.bind(window), lost = {};
  let friend = null, streams = 0;
  try { friend = history.state?.wtaf || null; } catch {}

  const trouble = (code, message) => Object.assign(new Error(message), { code });
  const headers = (more) => ({ Authorization: "Bearer " + token, ...(friend && { "Wtaf-Friend": friend.token }), ...more });
  // Whoever comes back to this page finds their friend again; no other page can. (A reload forgets: an opaque origin has nothing that lasts.)
  function keep(who) {
    friend = who;
    try { history.replaceState({ ...history.state, wtaf: who }, ""); } catch {}
  }
  async function ask(method, path, body) {
    const text = JSON.stringify(body), key = path + text, id = lost[key] || Math.random();
    delete lost[key];
    const more = headers(text && { "Content-Type": "application/json", "Idempotency-Key": id });
    const answer = await real(base + path, { method, headers: more, body: text }).catch(() => {
      lost[key] = id;
      throw trouble("offline", "Offline: it may not have arrived.");
    });
    if (answer.status > 499) lost[key] = id;
    if (answer.status === 204) return null;
    const said = await answer.json().catch(() => ({}));
    if (answer.ok) return said;
    if (said.code === "not-joined") keep(null);
    throw trouble(said.code || "failed", said.title || "That did not work.");
  }
  const at = (name, more = "") => `/records${more}?in=${encodeURIComponent(name || "main")}`;
  function plain(data) {
    if (!data?.getAll) return data;
    const out = {};
    data.forEach((value, key) => {
      if (/^(wtaf_token|data-wtaf)$/.test(key)) return;
      value = value.name || String(value);
      out[key] = key in out ? [].concat(out[key], value) : value;
    });
    return out;
  }

  const api = {
    get me() { return friend && { name: friend.name }; },
    save: (...all) => ask("POST", at(all.length > 1 && all[0]), plain(all.pop())),
    list: async (name, more) => (await ask("GET", at(name) + "&" + new URLSearchParams(more))).records,
    change: (name, id, data) => ask("PUT", at(name, "/" + id), plain(data)),
    remove: (name, id) => ask("DELETE", at(name, "/" + id)),
    async join({ name, passcode }) {
      keep(await ask("POST", "/friends", { name: String(name), passcode: String(passcode) }));
      return api.me;
    },
    leave: () => keep(null),
    watch(name, tell) {
      let seen = -1, cut, timer, over = false;
      async function look() {
        const said = await ask("GET", at(name) + "&changed=" + seen);
        if (!said || over) return;
        seen = said.changes;
        tell(said.records);
      }
      // A stream tells that something changed; where there is none, we look every few seconds.
      async function listen() {
        cut = new AbortController();
        const { ok, body } = await real(base + at(name, "/events"), { headers: headers(), signal: cut.signal });
        if (!ok) throw 0;
        const reader = body.getReader(), words = new TextDecoder();
        let text = "";
        for (;;) {
          const { done, value } = await reader.read();
          if (done || over) return;
          text += words.decode(value, { stream: true });
          const end = text.lastIndexOf("\n\n");
          if (end < 0) continue;
          if (text.includes("data:")) await look();
          text = text.slice(end + 2);
        }
      }
      (async function live() {
        let rest = 3000;
        try {
          await look();
          if (streams < 3 && !over) {
            streams++;
            await listen().finally(() => streams--);
            rest = 300;
          }
        } catch (error) {
          if (/^(not-|no-|wrong-|bad-)/.test(error?.code)) return console.warn("wtaf.watch: " + error.message);
        }
        if (!over) timer = setTimeout(live, rest + Math.random() * 500);
      })();
      return () => {
        over = true;
        clearTimeout(timer);
        cut?.abort();
      };
    },
  };
  window.wtaf = api;

  function named(url) {
    try {
      url = new URL(url || "", location.href);
      const part = url.href.startsWith(base + "/") ? url.searchParams.get("in") : url.pathname.split("/").pop();
      if (/^[\w-]{1,40}$/.test(part) && url.pathname !== location.pathname) return part;
    } catch {}
    return "main";
  }

  // A plain form arrives without leaving the page, unless the page sees to it itself.
  const notes = new WeakMap(), busy = new WeakSet();
  function say(form, words) {
    let note = notes.get(form);
    if (!note?.isConnected) {
      note = document.createElement("p");
      note.setAttribute("role", "status");
      form.after(note);
      notes.set(form, note);
    }
    setTimeout(() => (note.textContent = words), 50);
  }
  window.addEventListener("submit", async (event) => {
    const form = event.target, get = (name) => form.getAttribute(name);
    if (event.defaultPrevented || !/^post$/i.test(get("method"))) return;
    event.preventDefault();
    if (busy.has(form)) return;
    busy.add(form);
    const data = new FormData(form), by = event.submitter;
    if (by?.name) data.append(by.name, by.value);
    say(form, "Sending\u2026");
    try {
      await api.save(get("data-wtaf") || data.get("data-wtaf") || named(get("action")), data);
      HTMLFormElement.prototype.reset.call(form);
      say(form, "Sent.");
    } catch (error) {
      say(form, error.message);
    }
    busy.delete(form);
  });

  // Pages written for a server of their own: what they post to an address beside them is saved.
  function ours(method, url) {
    try { url = new URL(url, location.href); } catch { return; }
    // The engine's own addresses are nobody's server: what is meant for them goes there, and is stopped by the page's policy.
    return /^post$/i.test(method) && url.host === location.host && !/^\/(api\/(apps|chat|jobs|session)|chat|sms)(\/|$)/.test(url.pathname);
  }
  async function posted(url, body) {
    if (typeof body === "string") {
      try { body = JSON.parse(body); } catch { body = new URLSearchParams(body); }
    }
    try {
      const { id, at } = await api.save(named(url), body);
      return [200, { ok: true, success: true, id, at }];
    } catch ({ code, message }) {
      if (code === "offline") throw new TypeError(message);
      return [400, { ok: false, error: message, code }];
    }
  }
  window.fetch = async (what, init) => {
    const url = what?.url || String(what);
    if (!ours(init?.method || what?.method, url)) return real(what, init);
    const [status, said] = await posted(url, init?.body ?? (what.text ? await what.text() : {}));
    return new Response(JSON.stringify(said), { status, headers: { "Content-Type": "application/json" } });
  };
  const { open, send } = XMLHttpRequest.prototype, calls = new WeakMap();
  XMLHttpRequest.prototype.open = function (method, url, ...more) {
    calls.set(this, ours(method, url) && url);
    return open.call(this, method, url, ...(more.length ? more : [true]));
  };
  XMLHttpRequest.prototype.send = async function (body) {
    const url = calls.get(this);
    if (!url) return send.call(this, body);
    const [status, said] = await posted(url, body || {}).catch(() => [0, ""]);
    const text = said && JSON.stringify(said), response = this.responseType === "json" ? said : text;
    const seen = { readyState: 4, status, responseText: text, response };
    for (const key in seen) Object.defineProperty(this, key, { value: seen[key], configurable: true });
    for (const name of ["readystatechange", status ? "load" : "error", "loadend"]) this.dispatchEvent(new Event(name));
  };
})
