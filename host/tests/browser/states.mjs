// What the chat says when things are not as they should be: too many, too long, slow, failed, no connection; each with what to do.
//
// How the engine gets there is tested elsewhere; here its answers are told by hand.

import { DESK, PHONE, asks, made, must, same, test } from "./kit.mjs";

const JOB = { id: "01M8000000000000000000000A", source: "web", user: "brave-otter", attempts: 0, url: null, reply: null, error: null, ai: null, created_at: "2026-01-01T00:00:00Z" };
const RAN = { at: "2026-01-01T00:00:00Z", attempt: 1, ms: 5, outcome: "ok" };

await test("states", async (hands) => {
  await many(hands);
  await long(hands);
  await slow(hands);
  await failed(hands);
  await lost(hands);
  await bare(hands);
});

async function open(hands, size = DESK) {
  const page = await (await hands.person(size)).newPage();
  await page.clock.install();
  await hands.go(page, "/chat");
  return page;
}

// The words stay, and the time runs down to where they may be sent again.
async function many(hands) {
  const page = await open(hands);
  await page.route("**/api/chat", (route) =>
    route.fulfill({
      status: 429,
      contentType: "application/problem+json",
      body: JSON.stringify({ code: "queue-full", title: "Too many people are asking at once.", detail: "This request was not taken in.", retry_after: 30 }),
    }),
  );
  await asks(page, "a snake game");
  await page.getByRole("alert").getByText("Too many people are asking at once. This request was not taken in. (30 s)").waitFor();
  same(await page.getByLabel("Your idea").inputValue(), "a snake game", "the words in the box");
  await hands.shoot(page, "many");
  await page.clock.runFor(31_000);
  await page.getByText("You may ask again now.").waitFor();
  await page.unroute("**/api/chat");
  await page.getByRole("button", { name: "Make it" }).click();
  await made(page, 1);
  hands.forgive(/status of 429/);
}

async function long(hands) {
  const page = await open(hands);
  const box = page.getByLabel("Your idea");
  await box.fill("a ".repeat(3_800));
  await page.getByText("400 characters left").waitFor();
  await box.fill("a ".repeat(4_000));
  await page.getByText("That is as long as it gets.").waitFor();
  await hands.shoot(page, "long");
}

// After a minute the person is told that all is well, and after a reload nothing is lost.
async function slow(hands) {
  const page = await open(hands, PHONE);
  const at = { ...JOB, status: "running", stage: "ai", stages: [{ ...RAN, name: "coach" }, { ...RAN, name: "prompt" }] };
  await told(page, at);
  await asks(page, "a snake game");
  await page.locator(".line .now").getByText("ai").waitFor();
  await page.clock.runFor(61_000);
  await page.locator(".told").getByText("Still at it: ai takes its time. You may leave: it will be here when you come back.").waitFor();
  await page.getByRole("status").getByText("Still at it").waitFor();
  await hands.shoot(page, "slow");
}

// It says so, keeps the words, and tries again at a press.
async function failed(hands) {
  const page = await open(hands);
  const error = { code: "ai-unavailable", message: "No AI provider answered. Ask again in a while." };
  await told(page, { ...JOB, status: "failed", stage: "ai", error, stages: [{ ...RAN, name: "coach" }, { ...RAN, name: "ai", outcome: "failed" }] });
  await asks(page, "a snake game");
  await page.locator(".told .wrong").getByText("This one did not work out.").waitFor();
  await hands.shoot(page, "failed");
  await page.unrouteAll();
  await page.getByRole("button", { name: "Try again" }).click();
  await made(page, 2);
  same(await page.locator(".said").allTextContents(), ["a snake game", "a snake game"], "what was said");
}

// No connection while asking: nothing is lost, and the same words sent again are one job.
async function lost(hands) {
  const page = await open(hands);
  const keys = [];
  await page.route("**/api/chat", (route) => {
    keys.push(route.request().headers()["idempotency-key"]);
    return keys.length > 1 ? route.continue() : route.abort("internetdisconnected");
  });
  await asks(page, "a snake game");
  await page.getByRole("alert").getByText("No connection. Your words are still here").waitFor();
  await page.getByRole("button", { name: "Make it" }).click();
  await made(page, 1);
  must(keys[0] && keys[0] === keys[1], `the same words had the keys ${keys}`);
  hands.forgive(/ERR_INTERNET_DISCONNECTED/);
}

// Without scripts: ask, wait, read, and change it with the words that the buttons put into the box.
async function bare(hands) {
  const page = await (await hands.person(DESK, { javaScriptEnabled: false })).newPage();
  await hands.go(page, "/chat");
  await asks(page, "a snake game");
  await page.locator(".made").waitFor();
  await hands.shoot(page, "bare");
  const app = (await page.locator(".made").getAttribute("href")).split("/")[2];
  await page.locator("#edit").click();
  same(await page.getByLabel("Your idea").inputValue(), `EDIT ${app} `, "what the box says");
}

// What the engine says of a job, by hand; what it is called comes from the engine.
async function told(page, job) {
  await page.route("**/api/jobs/*/events", (route) => {
    const name = job.status === "running" ? "stage" : job.status;
    return route.fulfill({ contentType: "text/event-stream", body: `retry: 100000\n\nevent: ${name}\ndata: ${JSON.stringify(job)}\n\n` });
  });
  await page.route(/\/api\/jobs\/[^/]+$/, (route) => route.fulfill({ json: job }));
}
