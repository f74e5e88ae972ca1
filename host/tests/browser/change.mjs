// A page changed where it was made: edit, a look at an earlier version, undo, remix, share with its code; all of it by keyboard alone.

import { DESK, framed, made, must, same, test, until } from "./kit.mjs";

await test("change", async (hands) => {
  const context = await hands.person(DESK);
  await context.grantPermissions(["clipboard-read", "clipboard-write"]);
  const page = await context.newPage();
  await hands.go(page, "/chat");
  await types(page, "a tip calculator");
  await made(page, 1);
  const first = await framed(page);
  const url = first.url();
  const styles = (frame) => frame.evaluate(() => [...document.querySelectorAll("style")].map((style) => style.textContent).join());
  const before = await styles(first);

  // Edit: the same link, another page in the frame.
  await press(page, "#edit");
  await page.getByText("Changing").waitFor();
  await types(page, "make the background dark blue");
  await made(page, 2);
  same(await page.locator(".said").nth(1).locator("small").textContent(), `Change of ${url.split("/").at(-1)}`, "what the change says it is about");
  const changed = await framed(page, async (frame) => (await styles(frame)) !== before);
  same(changed.url(), url, "the link of the changed page");
  const { height } = await page.locator("#page").boundingBox();
  must(height > DESK.height * 0.7, `the page is the largest thing on the screen, and has ${height} px of it`);
  await hands.shoot(page, "edited");

  // The version before, without changing anything.
  const strip = page.locator("#versions button");
  await until("there are two versions", async () => (await strip.count()) === 2);
  await press(page, "#versions li:first-child button");
  await framed(page, (frame) => frame.url() === `${url}?v=1`);
  await page.getByText("Version 1: a tip calculator").waitFor();
  await hands.shoot(page, "version");
  await press(page, "#newest");
  await framed(page, (frame) => frame.url() === url);

  // Undo: as it was.
  await press(page, "#undo button");
  await page.locator(".told").getByText("Taken back").waitFor();
  await framed(page, async (frame) => frame.url() === url && (await styles(frame)) === before);
  await until("there are three versions", async () => (await strip.count()) === 3);

  // Share: the link, its code, and back to where the keyboard was.
  await press(page, "#share");
  await page.getByRole("dialog", { name: /^Share/ }).waitFor();
  same(await page.locator("#link").textContent(), url.replace("127.0.0.1", "localhost"), "the link to share");
  await until("the code is drawn", () => page.locator("#qr").evaluate((image) => image.complete && image.naturalWidth > 0));
  await hands.shoot(page, "share");
  await press(page, "#copy");
  await page.getByText("Copied").waitFor();
  same(await page.evaluate(() => navigator.clipboard.readText()), url.replace("127.0.0.1", "localhost"), "what was copied");
  await page.keyboard.press("Escape");
  same(await page.evaluate(() => document.activeElement.id), "share", "where the keyboard is");

  // Remix: a page of its own.
  await press(page, "#remix");
  await types(page, "with big buttons");
  await made(page, 4);
  const remix = await framed(page, (frame) => frame.url().split("?")[0] !== url);
  must(remix.url() !== url, "a remix took the place of what it was made from");

  // After a reload the talk says the same.
  const said = await page.locator(".said").allTextContents();
  await page.reload();
  same(await page.locator(".said").allTextContents(), said, "what was said, after a reload");
});

// By keyboard: to the thing, then Enter.
async function press(page, selector) {
  await page.locator(selector).waitFor();
  for (let n = 0; n < 60; n += 1) {
    if (await page.locator(selector).evaluate((node) => node === document.activeElement)) return page.keyboard.press("Enter");
    await page.keyboard.press("Tab");
  }
  throw new Error(`the keyboard does not reach ${selector}`);
}

async function types(page, words) {
  if (!(await page.evaluate(() => document.activeElement?.id === "message"))) {
    for (let n = 0; n < 60 && !(await page.evaluate(() => document.activeElement?.id === "message")); n += 1) await page.keyboard.press("Tab");
  }
  await page.keyboard.type(words);
  await page.keyboard.press("Enter");
}
