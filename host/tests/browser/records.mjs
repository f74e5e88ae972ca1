// A page that people share: what one leaves, the other sees at once, on a desk and on a phone, with a script and without; and another page sees nothing of it.
//
// Run as `node records.mjs BASE_URL WTAF_HOST_BINARY`: it starts an engine of its own, whose AI is a fake here that answers with that page.

import { startAi, startEngine } from "./engine.mjs";
import { DESK, PHONE, must, same, test, until } from "./kit.mjs";

const PAGE = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><meta name="viewport" content="width=device-width"><title>Guestbook</title>
<meta name="wtaf-shared" content="guestbook scores"><meta name="wtaf-friends" content="list">
<style>body{font:16px/1.5 system-ui;max-width:32rem;margin:2rem auto;padding:0 1rem}input,button{font:inherit;padding:.5rem}</style></head>
<body><h1>Guestbook</h1>
<form method="post" data-wtaf="guestbook"><label>Name <input name="name" required></label> <button>Sign</button></form>
<ul id="lines"></ul>
<form method="post" action="/api/quiet" id="own"><label>Own <input name="own"></label> <button>Mine</button></form>
<script>
own.addEventListener("submit", (event) => { event.preventDefault(); own.dataset.seen = "yes"; });
wtaf.watch("guestbook", (records) => {
  lines.replaceChildren(...records.map(({ data }) => Object.assign(document.createElement("li"), { textContent: data.name })));
});
</script></body></html>`;

// What a promise came to: its value, or its error's code.
const settle = (page, act, more) => page.evaluate(`(${act})(${JSON.stringify(more)}).then((value) => ({ value }), (error) => ({ code: error.code || error.name }))`);

await test("records", async (hands) => {
  const binary = process.argv[3];
  must(binary, "usage: node records.mjs BASE_URL WTAF_HOST_BINARY");
  hands.base = await startEngine(hands, binary, await startAi(hands, PAGE));
  const { address, owner } = await made(hands);

  const ann = await hands.page(address, DESK);
  const bob = await hands.page(address, PHONE);
  await live(hands, ann, bob);
  await friends(ann, bob);
  await oldStyle(ann);
  await offline(hands, ann, bob);
  await lostAnswer(ann, bob);
  await withoutScript(hands, address, ann);
  await otherPage(hands, address, ann);
  await ownersPage(hands, address, owner, ann);
  hands.forgive(/status of 4\d\d|ERR_INTERNET_DISCONNECTED|ERR_FAILED|Content Security Policy|violates|Refused to connect|Fetch API cannot load/);
});

// Asks for a page in the chat: its address, and what its owner's browser holds.
async function made(hands) {
  const chat = await hands.page("/chat", DESK);
  await chat.getByLabel("Your idea").fill("a guestbook");
  await chat.getByRole("button", { name: "Make it" }).click();
  await chat.locator(".made").waitFor();
  const address = new URL(await chat.locator(".made").getAttribute("href"), hands.base).href;
  return { address, owner: await chat.context().storageState() };
}

function lines(page) {
  return page.locator("#lines li").allTextContents();
}

async function sign(page, name) {
  await page.getByLabel("Name").fill(name);
  await page.getByRole("button", { name: "Sign" }).click();
  await page.getByText("Sent.", { exact: true }).waitFor();
}

async function live(hands, ann, bob) {
  await sign(ann, "Ann <b>bold</b>");
  await until("Bob sees Ann's line", async () => (await lines(bob)).length === 1);
  await sign(bob, "Bob");
  await until("Ann sees Bob's line", async () => (await lines(ann)).length === 2);
  same(await lines(ann), ["Bob", "Ann <b>bold</b>"], "what Ann sees");
  same(await ann.locator("#lines b").count(), 0, "markup that a visitor made");
  same(await ann.getByRole("status").first().textContent(), "Sent.", "what is said by the form");
  same(new URL(ann.url()).search, "", "where Ann is");
  await hands.shoot(ann, "desk");
  await hands.shoot(bob, "phone");

  // The page's own script comes first.
  await ann.getByRole("button", { name: "Mine" }).click();
  same(await ann.locator("#own").getAttribute("data-seen"), "yes", "who saw to the page's own form");
  same(await ann.getByRole("status").count(), 1, "forms that say something");
  same(await settle(ann, `() => wtaf.list("quiet")`), { code: "not-shared" }, "reading what is not shared");
  same(await settle(ann, `() => wtaf.save("guestbook", { text: "a".repeat(20000) })`), { code: "too-long" }, "saving too much");
  must(!(await ann.evaluate(() => [...document.scripts].some((script) => script.text.includes("Bearer")))), "the script with the token does not stay in the page");
}

async function friends(ann, bob) {
  const join = (page, name, passcode) => settle(page, `(who) => wtaf.join(who)`, { name, passcode });
  same(await settle(ann, `() => wtaf.list("list")`), { code: "not-joined" }, "reading before joining");
  same(await join(ann, "Ann", "open sesame"), { value: { name: "Ann" } }, "Ann joins");
  same(await join(bob, "ann", "a guess"), { code: "wrong-passcode" }, "Bob guesses");
  same(await join(bob, "Bob", "another one"), { value: { name: "Bob" } }, "Bob joins");
  await bob.evaluate(() => void wtaf.watch("list", (records) => (globalThis.list = records)));
  const { id } = await ann.evaluate(() => wtaf.save("list", { item: "milk" }));
  const seen = async (wanted) => JSON.stringify(await bob.evaluate(() => (globalThis.list || []).map(({ data, by }) => [data.item, by]))) === wanted;
  await until("Bob sees Ann's item", () => seen('[["milk","Ann"]]'));
  await bob.evaluate((id) => wtaf.change("list", id, { item: "oat milk" }), id);
  await until("Bob sees it changed", () => seen('[["oat milk","Ann"]]'));
  await ann.goto("about:blank");
  await ann.goBack();
  same(await ann.evaluate(() => wtaf.me), { name: "Ann" }, "who Ann is when she comes back");
  await ann.evaluate((id) => wtaf.remove("list", id), id);
  await until("Bob sees it gone", () => seen("[]"));
  await ann.evaluate(() => wtaf.leave());
  same(await settle(ann, `() => wtaf.list("list")`), { code: "not-joined" }, "reading after leaving");
}

async function oldStyle(page) {
  const post = `async () => {
    const answer = await fetch("/api/scores", { method: "POST", headers: { "Content-Type": "application/json" }, body: JSON.stringify({ by: "fetch" }) });
    const form = new FormData();
    form.append("by", "xhr");
    const xhr = new XMLHttpRequest();
    xhr.open("POST", "scores");
    const done = new Promise((end) => (xhr.onload = () => end([xhr.status, JSON.parse(xhr.responseText).ok])));
    xhr.send(form);
    return [answer.ok, (await answer.json()).success, await done];
  }`;
  same(await settle(page, post), { value: [true, true, [200, true]] }, "what a page for a server of its own is told");
  const kept = await page.evaluate(async () => (await wtaf.list("scores")).map(({ data }) => data.by));
  same(kept, ["xhr", "fetch"], "what it posted");
}

async function offline(hands, ann, bob) {
  await ann.context().setOffline(true);
  await ann.getByLabel("Name").fill("Lost?");
  await ann.getByRole("button", { name: "Sign" }).click();
  await ann.getByText("Offline: it may not have arrived.").waitFor();
  same(await ann.getByLabel("Name").inputValue(), "Lost?", "what Ann wrote");
  await hands.shoot(ann, "offline");
  await sign(bob, "Bob again");
  await ann.context().setOffline(false);
  await until("Ann sees what she missed", async () => (await lines(ann))[0] === "Bob again");
  await ann.getByRole("button", { name: "Sign" }).click();
  await until("Bob sees Ann's line", async () => (await lines(bob))[0] === "Lost?");
}

// What Ann sends arrives, and she never hears of it: so she sends it again.
async function lostAnswer(ann, bob) {
  const keys = [];
  await ann.route("**/records?in=guestbook", async (route) => {
    if (route.request().method() !== "POST") return route.continue();
    keys.push(route.request().headers()["idempotency-key"]);
    await route.fetch();
    await route.abort();
  });
  await ann.getByLabel("Name").fill("Twice?");
  await ann.getByRole("button", { name: "Sign" }).click();
  await ann.getByText("Offline: it may not have arrived.").waitFor();
  await until("Bob sees the line whose answer was lost", async () => (await lines(bob))[0] === "Twice?");
  await ann.unroute("**/records?in=guestbook");
  await ann.getByRole("button", { name: "Sign" }).click();
  await ann.getByText("Sent.", { exact: true }).waitFor();
  const twice = async () => (await lines(ann)).filter((line) => line === "Twice?").length;
  same([await twice(), keys.length, keys[0]?.length > 9], [1, 1, true], "lines of what was sent twice");
  await sign(ann, "Twice?");
  await until("the same words, meant anew, are another line", async () => (await twice()) === 2);
}

async function withoutScript(hands, address, ann) {
  const plain = await hands.page(address, PHONE, { javaScriptEnabled: false });
  await plain.getByLabel("Name").fill("Plain & simple");
  await plain.getByRole("button", { name: "Sign" }).click();
  await plain.getByText("Sent. Thank you.").waitFor();
  same(plain.url(), `${address}?saved=1`, "where a plain form leads");
  await hands.shoot(plain, "plain");
  await until("Ann sees the plain form's line", async () => (await lines(ann))[0] === "Plain & simple");
}

// A page of somebody else, with the first one's token in its hands.
async function otherPage(hands, address, ann) {
  const other = await hands.page((await made(hands)).address, DESK);
  must(other.url() !== address, "the other page is another one");
  same(await lines(other), [], "what the other page shows");
  const token = await ann.locator("input[name=wtaf_token]").first().getAttribute("value");
  const path = new URL(address).pathname;
  const read = `({ url, token }) => new Promise((yes, no) => {
    const xhr = new XMLHttpRequest();
    Object.assign(xhr, { onload: () => yes(xhr.status), onerror: () => no(new Error("stopped")) });
    xhr.open("GET", url);
    xhr.setRequestHeader("Authorization", "Bearer " + token);
    xhr.send();
  })`;
  const url = new URL(`/api/apps${path}/records?in=guestbook`, address).href;
  same(await settle(other, read, { url, token }), { code: "Error" }, "reading another page's records");
  same(await settle(ann, read, { url, token }), { value: 200 }, "the same from the page itself");
  const its = new URL(`/api/apps${new URL(other.url()).pathname}/records?in=guestbook`, address).href;
  same(await settle(other, read, { url: its, token }), { value: 403 }, "another page's token on its own records");
}

// Its owner, without a script, removes a friend and what is in a collection, and is asked before.
async function ownersPage(hands, address, owner, ann) {
  const page = await hands.page(`${address}/owner`, DESK, { javaScriptEnabled: false, storageState: owner });
  const friends = page.getByRole("region", { name: "Friends who share the page" }).getByRole("listitem");
  const sure = page.getByRole("button", { name: "Remove", exact: true });
  same(await friends.count(), 2, "friends before");
  await page.getByRole("link", { name: "Remove Bob…" }).click();
  await sure.click();
  same(await friends.count(), 1, "friends after");
  await page.getByRole("link", { name: /^guestbook/ }).click();
  await page.getByRole("link", { name: "Remove all of guestbook…" }).click();
  await hands.shoot(page, "sure");
  await page.getByRole("link", { name: "Keep" }).click();
  must((await lines(ann)).length > 0, "who keeps, keeps");
  await page.goBack();
  await sure.click();
  await until("Ann sees an empty book", async () => (await lines(ann)).length === 0);
}
