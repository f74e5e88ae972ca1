// The event stream breaks in the middle of a job: the chat still ends with the page.

import { DESK, must, test, until } from "./kit.mjs";

await test("dropped", async (hands) => {
  await cut(hands);
  await refused(hands);
  await offline(hands);
});

// A stream that breaks after the first stage: what it told stands there, and the next stream goes on after the last event that came.
async function cut(hands) {
  const page = await (await hands.person(DESK)).newPage();
  const later = [];
  let first = true;
  await page.route("**/api/jobs/*/events", async (route) => {
    if (!first) {
      later.push((await route.request().allHeaders())["last-event-id"]);
      return route.continue();
    }
    first = false;
    const events = (await (await route.fetch()).text()).split("\n\n");
    const ran = events.findIndex((event) => /^event: ?stage$/m.test(event) && /"outcome"/.test(event));
    must(ran >= 0 && ran < events.length - 2, `the stream tells of no stage before its end: ${events}`);
    return route.fulfill({ contentType: "text/event-stream", body: `${events.slice(0, ran + 1).join("\n\n")}\n\n` });
  });
  // Asking for the job would tell everything at once, and what is tested here is the stream.
  await page.route(/\/api\/jobs\/[^/]+$/, (route) => (later.length ? route.continue() : route.abort()));
  await page.goto(hands.url("/chat"));
  await asks(page, "a quiz about the moon");
  const states = () => page.locator(".line li").evaluateAll((all) => all.map((li) => li.className));
  await until("the line of stages is half full", async () => {
    const now = await states();
    return now.includes("done") && now.includes("wait");
  });
  await page.locator(".made").waitFor();
  await appears(page);
  must(later.length > 0 && later[0], `it did not go on after the last event it saw: ${JSON.stringify(later)}`);
  hands.forgive(/ERR_FAILED/);
}

// A proxy that lets no stream through: asking now and then does.
async function refused(hands) {
  const page = await (await hands.person(DESK)).newPage();
  let cut = 0;
  await page.route("**/api/jobs/*/events", (route) => {
    cut += 1;
    return route.abort("connectionreset");
  });
  await page.goto(hands.url("/chat"));
  await asks(page, "a snake game");
  await page.locator(".made").waitFor();
  must(cut > 0, "no stream was asked for, so none was cut");
  await appears(page);
  hands.forgive(/ERR_CONNECTION_RESET/);
}

// A train in a tunnel: no stream, no answers, then both again. The first look comes back into the dark.
async function offline(hands) {
  const page = await (await hands.person(DESK)).newPage();
  await page.goto(hands.url("/chat"));
  // Nothing of the job comes through until the tunnel ends.
  await page.route("**/api/jobs/**", (route) => route.abort("internetdisconnected"));
  await asks(page, "a tip calculator");
  await page.locator(".turn").waitFor();
  await page.context().setOffline(true);
  await page.getByText("No connection right now").waitFor();
  await hands.shoot(page, "offline");
  must((await page.locator(".made").count()) === 0, "a page came through while there was no connection");
  await page.unroute("**/api/jobs/**");
  await page.context().setOffline(false);
  await page.locator(".made").waitFor();
  await appears(page);
  hands.forgive(/ERR_INTERNET_DISCONNECTED|ERR_FAILED/);
}

async function asks(page, words) {
  await page.getByLabel("Your idea").fill(words);
  await page.getByRole("button", { name: "Make it" }).click();
}

async function appears(page) {
  await until("the frame shows the page", async () => {
    const frame = page.frames().find((one) => one.parentFrame() === page.mainFrame());
    return frame?.url().startsWith("http") && (await frame.title());
  });
  must(!(await page.locator("#live").getAttribute("data-empty")), "the page is there and the frame counts as empty");
}
