// A text sent from /phone: an acknowledgement, then the page's link, and the page works.

import { PHONE, same, test, until } from "./kit.mjs";

await test("phone", async (hands) => {
  const context = await hands.person(PHONE);
  const page = await context.newPage();
  await hands.go(page, "/phone");
  // Numbers that nobody texted from yet.
  const [ann, bob] = [await fresh(page), await fresh(page)];
  await pick(page, ann);
  await text(page, "wtaf a tip calculator for four friends");
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
  await shown.close();

  await costs(hands, page);
  await leaves(hands, page);
  await rings(page, bob, ann);
  await unsent(hands, page);
});

async function text(page, words) {
  await page.getByLabel("Text", { exact: true }).fill(words);
  await page.getByRole("button", { name: "Send" }).click();
  await page.locator(".mine p").getByText(words, { exact: true }).last().waitFor();
}

// One more phone: its number.
async function fresh(page) {
  await page.getByRole("button", { name: "Add a phone" }).click();
  return page.locator(".who [aria-pressed=true]").getAttribute("title");
}

async function pick(page, number) {
  await page.locator(`.who [title="${number}"]`).click();
  await page.locator(`.who [title="${number}"][aria-pressed=true]`).waitFor();
}

// Every text tells what it is billed as, and the words tell it before they are sent.
async function costs(hands, page) {
  const margins = await page.locator(".row i").allTextContents();
  same(margins, ["1 segGSM-7", "1 segGSM-7", "1 segGSM-7"], "what the texts cost");
  const cost = page.locator("#cost");
  const words = page.getByLabel("Text", { exact: true });
  await words.fill("a".repeat(160));
  same(await cost.textContent(), "160 of 160 · 1 seg · GSM-7", "the price of 160 letters");
  await words.fill("a".repeat(161));
  same(await cost.textContent(), "161 of 306 · 2 seg · GSM-7", "the price of 161 letters");
  await words.fill("it’s");
  same(await cost.textContent(), "4 of 70 · 1 seg · UCS-2, because of ’", "the price of a curly quote");
  await hands.shoot(page, "cost");
  await words.fill("");
}

// STOP is seen, and START is one tap away.
async function leaves(hands, page) {
  await text(page, "STOP");
  await page.getByText("This number texted STOP.").waitFor();
  await hands.shoot(page, "left");
  await page.getByRole("button", { name: "START", exact: true }).click();
  await page.getByText("This number texted STOP.").waitFor({ state: "hidden" });
  await page.locator(".mine p", { hasText: "START" }).waitFor();
}

// What comes to another number is marked there until it is looked at; neither sees the other's talk.
async function rings(page, one, other) {
  await pick(page, one);
  same(await page.locator(".bubbles li").count(), 0, "texts on a new phone");
  await pick(page, other);
  // Sent by hand, so that nothing comes back before the other phone is in view.
  const sent = await page.evaluate(async (From) => {
    const body = new URLSearchParams({ From, Body: "wtaf a snake game", MessageSid: `SM${Date.now()}`, NumMedia: "0" });
    return (await fetch("/sms/webhook", { method: "POST", body })).status;
  }, one);
  same(sent, 200, "the answer to the text");
  same(await page.locator(".bubbles p", { hasText: "snake" }).count(), 0, "the other's texts on this phone");
  await page.locator(`.who [title="${one}"]`).getByText("2 unread").waitFor();
  await pick(page, one);
  await page.locator(".bubbles .card").waitFor();
  await until("nothing is unread", async () => (await page.locator(".badge").count()) === 0);
}

// The engine is away: the text says so, and its words are back in the box.
async function unsent(hands, page) {
  await page.route("**/sms/webhook", (route) => route.abort("connectionrefused"));
  await text(page, "wtaf a quiz about nothing");
  await page.locator(".mine small.wrong", { hasText: "not sent" }).waitFor();
  same(await page.getByLabel("Text", { exact: true }).inputValue(), "wtaf a quiz about nothing", "the words in the box");
  await hands.shoot(page, "unsent");
  hands.forgive(/ERR_CONNECTION_REFUSED/);
}

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
