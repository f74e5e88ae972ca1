// A stage that fails and is tried again: the chat says so, and ends with the page.
//
// How a job fails is the engine's affair and tested there; here its events are told by hand, then the real ones.

import { DESK, same, test } from "./kit.mjs";

const RAN = { at: "2026-01-01T00:00:00Z", attempt: 1, ms: 5, outcome: "ok" };
const FAILED = { status: "running", stage: "prompt", attempts: 1, stages: [{ ...RAN, name: "coach" }, { ...RAN, name: "prompt" }, { ...RAN, name: "ai", outcome: "ai-unavailable" }] };
const AGAIN = { ...FAILED, stage: "ai", stages: [...FAILED.stages, { ...RAN, name: "prompt", attempt: 2 }] };

await test("again", async (hands) => {
  const page = await (await hands.person(DESK)).newPage();
  const told = [FAILED, AGAIN];
  await page.route("**/api/jobs/*/events", (route) => {
    const job = told.shift();
    if (!job) return route.continue();
    return route.fulfill({ contentType: "text/event-stream", body: `retry: 1500\n\nevent: stage\ndata: ${JSON.stringify(job)}\n\n` });
  });
  // What asking for the job would tell is not the story by hand.
  await page.route(/\/api\/jobs\/[^/]+$/, (route) => (told.length > 0 ? route.abort() : route.continue()));
  await page.goto(hands.url("/chat"));
  await page.getByLabel("Your idea").fill("a snake game");
  await page.getByRole("button", { name: "Make it" }).click();
  await page.getByText("ai did not work out. It is tried again.").waitFor();
  same(await page.locator(".line .wrong b").allTextContents(), ["ai"], "stages in red");
  await hands.shoot(page, "failed");
  await page.getByText("At work, try 2.").waitFor();
  same(await page.locator(".line .now b").allTextContents(), ["ai"], "stages under way");
  await page.locator(".made").waitFor();
  same(await page.locator(".line .wrong").count(), 0, "stages in red at the end");
  hands.forgive(/ERR_FAILED/);
});
