// A text sent from /phone: an acknowledgement, then the page's link, and the page works.

import { PHONE, same, test, until } from "./kit.mjs";

await test("phone", async (hands) => {
  const context = await hands.person(PHONE);
  // A number that nobody texted from yet. Frames without an origin have no storage, and no phone.
  await context.addInitScript((number) => origin !== "null" && localStorage.setItem("number", number), `+1555${String(Date.now()).slice(-7)}`);
  const page = await context.newPage();
  await page.goto(hands.url("/phone"));
  await page.getByLabel("Text", { exact: true }).fill("wtaf a tip calculator for four friends");
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator(".mine", { hasText: "for four friends" }).waitFor();
  const theirs = page.locator(".theirs");
  await theirs.first().waitFor();
  same(await theirs.first().locator("p a").count(), 0, "links in the acknowledgement");
  await hands.shoot(page, "acknowledged");

  const link = theirs.nth(1).locator("p a");
  await link.waitFor();
  same(await theirs.count(), 2, "texts that came back");
  await page.getByText("Done", { exact: true }).waitFor();
  await until("the preview of the page is in view", () => page.locator(".bubbles .card").isVisible());
  await hands.shoot(page, "live");

  const [shown] = await Promise.all([page.context().waitForEvent("page"), link.click()]);
  await shown.waitForLoadState();
  await works(shown);
  await hands.shoot(shown, "page");
  await shares(await (await fetch(shown.url())).text());
});

// It computes, for the four it was told of, and for five when one more comes.
async function works(page) {
  const each = page.locator("#each");
  same(await page.locator("#n").textContent(), "4", "friends that it splits between");
  await page.getByLabel("The bill").fill("100");
  await page.getByRole("button", { name: "20%" }).click();
  same(await each.textContent(), "$30.00", "what each pays of 100 and a fifth");
  await page.getByRole("button", { name: "One person more" }).click();
  same(await each.textContent(), "$24.00", "what each pays with a fifth friend");
}

function shares(html) {
  const tags = ["<title>", 'property="og:title"', 'property="og:description"', 'property="og:type"', 'property="og:url"', 'name="twitter:card"', 'name="viewport"'];
  for (const tag of [...tags, 'name="description"']) same(html.split(tag).length - 1, 1, `times that ${tag} is in the page`);
}
