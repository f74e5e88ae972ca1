// The chat: stages fill in, the page appears in its sandbox, a second turn, two strangers, the sheet on a phone, the keyboard alone.

import { DESK, PHONE, asks, framed, made, must, same, test, until } from "./kit.mjs";

await test("chat", async (hands) => {
  const ann = await hands.page("/chat", DESK);
  await asks(ann, "a snake game");
  const steps = ann.locator(".turn").first().locator(".line li");
  await until("the stages are drawn", async () => (await steps.count()) > 0);
  const names = await steps.locator("b").allTextContents();
  same(names, ["coach", "prompt", "ai", "extract", "slug", "publish", "notify"], "the stages by name");
  await made(ann, 1);
  await until("every stage ran", async () => (await steps.evaluateAll((all) => all.every((li) => ["done", "skip"].includes(li.className)))));
  must((await steps.filter({ hasText: /\d (ms|s)$/ }).count()) >= 5, "stages do not say how long they took");
  await hands.shoot(ann, "desk");
  const first = await shown(ann);
  must(/snake/i.test(first.title), `the page's title is ${first.title}`);
  same(await ann.locator("#name").textContent(), first.title, "the bar's title");

  // A second thing, in the same session, by keyboard alone.
  await ann.locator("body").click({ position: { x: 5, y: 400 } });
  await tabTo(ann, "message");
  await ann.keyboard.type("a tip calculator");
  await ann.keyboard.press("Enter");
  await made(ann, 2);
  const second = await shown(ann, first.url);
  must(second.url !== first.url, "the second thing has the first one's address");
  same(second.url.split("/")[3], first.url.split("/")[3], "both are the same person's");
  await ann.locator(".made").first().click();
  await shown(ann, second.url);
  await hands.shoot(ann, "desk-two");

  await strangers(hands, ann);
  await sheet(hands);
});

// What the frame shows: it must be sandboxed without an origin, and its document must have run.
async function shown(page, before) {
  const sandbox = await page.locator("#page").getAttribute("sandbox");
  must(sandbox?.includes("allow-scripts") && !sandbox.includes("allow-same-origin"), `the frame's sandbox is ${sandbox}`);
  const frame = await framed(page, (frame) => frame.url() !== before);
  await frame.waitForLoadState();
  return { url: frame.url(), title: await frame.title() };
}

async function tabTo(page, id) {
  for (let n = 0; n < 30; n += 1) {
    if (await page.evaluate((id) => document.activeElement?.id === id, id)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the keyboard does not reach #${id}`);
}

// Neither sees the other's words, replies or pages, though they ask the same at the same time, and not even with the other's link to the job.
async function strangers(hands, ann) {
  const bob = await hands.page("/chat", DESK);
  same(await bob.locator(".turn").count(), 0, "turns a newcomer sees");
  await Promise.all([asks(ann, "a quiz about the sea"), asks(bob, "a quiz about the sea")]);
  await Promise.all([made(ann, 3), made(bob, 1)]);
  const [hers, his] = await Promise.all([ann, bob].map((page) => page.locator(".made").last().getAttribute("href")));
  must(hers.split("/")[1] !== his.split("/")[1], `two strangers share the name ${hers} ${his}`);
  for (const [page, own] of [[ann, hers], [bob, his]]) await framed(page, (frame) => new URL(frame.url()).pathname === own);
  await ann.reload();
  const said = (page) => page.locator(".said").allTextContents();
  same(await said(ann), ["a snake game", "a tip calculator", "a quiz about the sea"], "what the one said");
  same(await said(bob), ["a quiz about the sea"], "what the other said");

  await bob.goto(ann.url());
  same(await said(bob), ["a quiz about the sea"], "what a job's link tells a stranger");
  // It is shown as anyone may see it, without what only its owner may do.
  same(await bob.locator("#edit:visible, #undo:visible").count(), 0, "buttons that only an owner has");
  await bob.goto(hands.url("/chat"));
  same(await said(bob), ["a quiz about the sea"], "what the other said, later");
}

async function sheet(hands) {
  const page = await hands.page("/chat", PHONE);
  await hands.shoot(page, "phone-empty");
  await asks(page, "a snake game");
  await made(page, 1);
  const live = page.locator("#live");
  await page.locator("#live.up").waitFor();
  await until("the sheet is up", async () => (await live.boundingBox())?.y < 100);
  const handle = page.getByRole("button", { name: "Back to the talk" });
  await handle.waitFor();
  must(await page.locator(".talk").evaluate((talk) => talk.inert), "the talk under the sheet can be reached");
  await hands.shoot(page, "phone-sheet");
  await handle.click({ position: { x: 20, y: 10 } });
  await live.waitFor({ state: "hidden" });
  await hands.shoot(page, "phone-talk");
  await page.locator(".made").click();
  await live.waitFor();
  await page.keyboard.press("Escape");
  await live.waitFor({ state: "hidden" });
}
