// Signing in by keyboard alone: the number, the code that the phone shows, the chat; the page's link comes to the phone as well.

import { DESK, PHONE, must, same, test, until } from "./kit.mjs";

await test("signin", async (hands) => {
  const number = `+1555${String(Date.now()).slice(-7)}`;
  await texts(hands, number, "COMMANDS");
  await until("the number is known", async () => (await bubbles(hands, number)).some((one) => one.way === "out"));

  const page = await hands.page("/sign-in?to=/chat%3Fidea%3Da%2520tip%2520calculator", DESK);
  same(await focused(page), "phone", "what has the focus");
  await hands.shoot(page, "number");
  await page.keyboard.type("+1555 nonsense");
  await page.keyboard.press("Enter");
  await page.getByRole("alert").waitFor();
  await hands.shoot(page, "no-number");
  hands.forgive(/422/);
  await page.keyboard.type(number);
  await page.keyboard.press("Enter");
  await page.getByLabel("The code, six digits").waitFor();
  same(await focused(page), "code", "what has the focus");
  await hands.shoot(page, "code");
  const code = await until("the code is on the phone", async () => {
    const told = (await bubbles(hands, number)).find((one) => /^\d{6} is your code/.test(one.text || ""));
    return told && told.text.slice(0, 6);
  });
  await page.keyboard.type(code === "000000" ? "000001" : "000000");
  await page.keyboard.press("Enter");
  await page.getByText("That is not the code.").waitFor();
  await hands.shoot(page, "wrong");
  hands.forgive(/403/);
  await page.keyboard.type(code);
  await page.keyboard.press("Enter");
  await page.waitForURL("**/chat?idea=*");

  await tabTo(page, "message");
  await page.keyboard.press("End");
  await page.keyboard.press("Enter");
  const made = page.locator(".made").first();
  await made.waitFor();
  const address = new URL(await made.getAttribute("href"), hands.base).pathname;
  await until("the link is on the phone", async () => (await bubbles(hands, number)).some((one) => one.way === "out" && one.text.includes(address)));

  await page.goto(hands.url("/sign-in"));
  await page.getByRole("heading", { name: /^You are / }).waitFor();
  await hands.shoot(page, "in");
  await page.goto(hands.url(`${address}/owner`));
  await page.getByText("Nothing yet.").waitFor();
  await hands.shoot(page, "owner");
  await page.goto(hands.url("/sign-in"));
  await tabToButton(page, "Sign out");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Sign in with your phone." }).waitFor();
  const small = await hands.page("/sign-in", PHONE);
  await hands.shoot(small, "small");
});

async function texts(hands, from, body) {
  const form = new URLSearchParams({ From: from, Body: body, MessageSid: `SM${Date.now()}`, NumMedia: "0" });
  const answer = await fetch(hands.url("/sms/webhook"), { method: "POST", body: form });
  same(answer.status, 200, "the webhook's answer");
}

async function bubbles(hands, number) {
  const answer = await fetch(hands.url(`/phone/texts?number=${number.slice(1)}`));
  must(answer.ok, `the phone's texts: ${answer.status}`);
  return (await answer.json()).bubbles;
}

function focused(page) {
  return page.evaluate(() => document.activeElement?.id);
}

async function tabTo(page, id) {
  for (let n = 0; n < 30; n += 1) {
    if ((await focused(page)) === id) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the keyboard does not reach #${id}`);
}

async function tabToButton(page, words) {
  for (let n = 0; n < 30; n += 1) {
    if (await page.evaluate((words) => document.activeElement?.textContent === words, words)) return;
    await page.keyboard.press("Tab");
  }
  throw new Error(`the keyboard does not reach ${words}`);
}
