// A page that means harm, as an AI may write one when somebody asks for it: it reaches nothing of ours, opened by its address or in the chat's frame.
//
// Run as `node hostile.mjs BASE_URL WTAF_HOST_BINARY`: it starts an engine of its own, whose AI is a fake here that answers with that page. To know that the
// traps are real, the same page is first served without its headers, where it must succeed.

import { ALL, PAGE } from "./attack.mjs";
import { startAi, startEngine } from "./engine.mjs";
import { DESK, must, same, test, until } from "./kit.mjs";

await test("hostile", async (hands) => {
  const binary = process.argv[3];
  must(binary, "usage: node hostile.mjs BASE_URL WTAF_HOST_BINARY");
  hands.base = await startEngine(hands, binary, await startAi(hands, PAGE));

  const victim = await hands.page("/chat", DESK);
  await victim.getByLabel("Your idea").fill("a page of secrets");
  await victim.getByRole("button", { name: "Make it" }).click();
  await victim.locator(".made").waitFor();
  const address = new URL(await victim.locator(".made").getAttribute("href"), hands.base).href;
  const job = new URL(victim.url()).searchParams.get("job");
  const known = `${address}?v=1#${job}`;
  const before = await jobs(victim);

  // In the chat's frame. The job is told to it, as if it had guessed.
  const chat = victim.url();
  await framed(victim, known);
  same(await tried(victim), ALL, "what it tried in the chat's frame");
  same(await worked(victim), [], "what worked in the chat's frame");
  same(victim.url(), chat, "where the chat is");
  await hands.shoot(victim, "framed");

  // By its own address, in the same browser with its cookie.
  const open = await victim.context().newPage();
  await open.goto(known);
  same(await tried(open), ALL, "what it tried by its own address");
  same(await worked(open), [], "what worked by its own address");
  await hands.shoot(open, "opened");
  same(await jobs(victim), before, "the victim's jobs");
  same((await victim.context().cookies()).map(({ name }) => name), ["wtaf_session"], "the victim's cookies");
  for (const path of ["/", "/chat", new URL("./", address).pathname.replace(/\/$/, "")]) await quoted(victim, path);

  await bare(hands, victim, known);
  hands.errors = [];
});

// Shows an address in the chat's frame, as a click on its link would.
async function framed(page, address) {
  await page.evaluate((address) => document.getElementById("page").setAttribute("src", address), address);
}

// The newest document at the page's address: the page itself, or the frame in the chat.
async function attacker(page) {
  const frame = page.frames().find((one) => one.url().includes("?v=1"));
  return frame && (await frame.evaluate(() => globalThis.tried && { tried: globalThis.tried, results: globalThis.results }).catch(() => undefined));
}

async function tried(page) {
  return (await until("the attack is through", () => attacker(page))).tried;
}

async function worked(page) {
  return (await attacker(page)).results;
}

// Every job that this browser's session has: a page that could ask in its name would be seen here.
async function jobs(page) {
  const fresh = await page.context().newPage();
  await fresh.goto(new URL("/chat", page.url()).href);
  const ids = await fresh.locator(".turn").evaluateAll((all) => all.map((turn) => turn.dataset.job));
  await fresh.close();
  return ids;
}

// Its title is markup for whoever takes it for such.
async function quoted(page, path) {
  await page.goto(new URL(path, page.url()).href);
  await page.getByText("Secrets", { exact: false }).first().waitFor();
  same(await page.locator(".loot").count(), 0, `elements that a title made on ${path}`);
}

// The traps are real: without our headers and outside of a sandbox the same page gets through.
async function bare(hands, victim, address) {
  const page = await victim.context().newPage();
  await page.route((url) => url.searchParams.has("v"), async (route) => {
    const response = await route.fetch();
    await route.fulfill({ status: 200, contentType: "text/html", body: await response.text() });
  });
  await page.goto(address);
  await tried(page);
  const through = await worked(page);
  for (const name of ["cookie", "storage", "chat by fetch", "job by fetch"]) {
    must(through.includes(name), `the trap "${name}" does not even work where nothing stops it; through: ${through}`);
  }
}
