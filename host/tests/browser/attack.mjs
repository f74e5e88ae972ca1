// A page that means harm, as an AI may write one when somebody asks for it. It tries everything in `ALL`, on the engine it came from, with the job's id that
// its address carries behind the `#`; then `tried` and `results` are there for the test to read.

export const ALL = ["cookie", "storage", "chat by fetch", "job by fetch", "chat by simple request", "script of ours", "frame of ours", "parent", "top", "form", "popup", "link"];

/** The attack. Every try that works leaves its name in `results`; it says so when all are through. */
function attack(all) {
  const results = [];
  const done = [];
  const id = location.hash.slice(1);
  const api = new URL(location.href).origin;
  const attempt = async (name, act) => {
    try {
      const slow = new Promise((end) => setTimeout(end, 4000, false));
      if (await Promise.race([act(), slow])) results.push(name);
    } catch {
      // It was stopped.
    }
    done.push(name);
  };
  const ask = { method: "POST", headers: { "content-type": "application/json" }, credentials: "include", body: '{"message":"a page that nobody asked for"}' };
  const loaded = (node) => new Promise((yes) => Object.assign(node, { onload: () => yes(true), onerror: () => yes(false) }));
  const put = (tag, more) => document.body.appendChild(Object.assign(document.createElement(tag), more));
  const tries = {
    cookie: () => ((document.cookie = "loot=1; path=/"), document.cookie.includes("loot")),
    // What stands in for localStorage forgets with the tab, so the origin's storage is asked for where nothing stands in.
    storage: () => new Promise((yes, no) => {
      const asked = indexedDB.open("loot");
      asked.onsuccess = () => yes(true);
      asked.onerror = no;
    }),
    // Taken is a 202. A POST to the page's own origin is kept as one of its records instead, and answered as such.
    "chat by fetch": async () => (await fetch(`${api}/api/chat`, ask)).status === 202,
    "job by fetch": async () => (await fetch(`${api}/api/jobs/${id}`, { credentials: "include" })).ok,
    "chat by simple request": async () => {
      const { type, status } = await fetch(`${api}/api/chat`, { ...ask, mode: "no-cors", headers: {} });
      return type === "opaque" || status === 202;
    },
    "script of ours": () => loaded(put("script", { src: `${api}/api/jobs/${id}` })),
    "frame of ours": async () => {
      const frame = put("iframe", { src: `${api}/chat` });
      await loaded(frame);
      return frame.contentDocument.querySelector("#turns") !== null;
    },
    parent: () => parent !== window && parent.document.body !== null,
    top: () => top !== window && ((top.location.href = `${api}/?hijacked`), true),
    form: async () => {
      const frame = put("iframe", { name: "hole" });
      const form = put("form", { action: `${api}/chat`, method: "post", target: "hole" });
      form.append(Object.assign(document.createElement("input"), { name: "message", value: "a page that nobody asked for" }));
      await new Promise((rest) => setTimeout(rest, 200));
      const sent = loaded(frame);
      form.submit();
      await sent;
      return frame.contentDocument.querySelector("#turns") !== null;
    },
    popup: async () => {
      const opened = open(`${api}/chat`);
      await new Promise((rest) => setTimeout(rest, 1500));
      return opened.document.querySelector("#turns") !== null;
    },
    // Words from our own front page are asked at once: a link that pretends to come from there. What comes of it, only the list of jobs tells.
    link: async () => {
      put("a", { href: `${api}/chat?idea=a+page+that+nobody+asked+for`, target: "_blank", rel: "opener", referrerPolicy: "unsafe-url" }).click();
      await new Promise((rest) => setTimeout(rest, 1500));
      return false;
    },
  };
  (async () => {
    for (const name of all) await attempt(name, tries[name]);
    Object.assign(window, { results, tried: done });
    document.title = `through: ${results.join(", ") || "nothing"}`;
  })();
}

export const PAGE = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Secrets <img src=x class=loot></title></head><body><h1>Harmless</h1>
<script>addEventListener("load", () => (${attack})(${JSON.stringify(ALL)}));</script></body></html>`;
