// The event stream breaks in the middle of a job: the chat still ends with the page.

import { DESK, asks, framed, must, test, until } from "./kit.mjs";

await test("dropped", async (hands) => {
  await cut(hands);
  await refused(hands);
  await offline(hands);
});

// A stream that breaks after the first stage: what it told stands there, and the next stream goes on after the last event that came.
async function cut(hands) {
  const page = await (await hands.person(DESK)).newPage();
  const stream = "**/api/jobs/*/events";
  await page.goto(hands.url("/chat"));
  await deaf(page);
  // Where anything is routed, the browser hides the header that is looked for below.
  await page.context().unrouteAll();
  await page.route(stream, async (route) => {
    const events = (await (await route.fetch()).text()).split("\n\n");
    const ran = events.findIndex((event) => /^event: ?stage$/m.test(event) && /"outcome"/.test(event));
    must(ran >= 0 && ran < events.length - 2, `the stream tells of no stage before its end: ${events}`);
    await route.fulfill({ contentType: "text/event-stream", body: `${events.slice(0, ran + 1).join("\n\n")}\n\n` });
    await page.unroute(stream);
  });
  const streams = [];
  page.on("response", async (response) => {
    if (!response.url().endsWith("/events")) return;
    streams.push((await response.request().allHeaders())["last-event-id"]);
    if (streams.length > 1) await page.evaluate(() => (globalThis.deaf = false));
  });
  await asks(page, "a quiz about the moon");
  const states = () => page.locator(".line li").evaluateAll((all) => all.map((li) => li.className));
  await until("the line of stages is half full", async () => {
    const now = await states();
    return now.includes("done") && now.includes("wait");
  });
  await hands.shoot(page, "cut");
  await page.locator(".made").waitFor();
  await appears(page);
  must(Number(streams[1]) > 0, `it did not go on after the last event it saw: ${JSON.stringify(streams)}`);
}

// Until told otherwise, asking for the job fails: it would tell everything at once, and what is tested is the stream.
async function deaf(page) {
  await page.evaluate(() => {
    const { fetch } = globalThis;
    globalThis.deaf = true;
    globalThis.fetch = (url, more) => (globalThis.deaf && String(url).includes("/api/jobs/") ? Promise.reject(new TypeError("deaf")) : fetch(url, more));
  });
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

async function appears(page) {
  await framed(page);
  must((await page.locator("#live").getAttribute("data-empty")) === null, "the page is there and the frame counts as empty");
}
