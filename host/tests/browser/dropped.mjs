// The event stream breaks in the middle of a job: the chat still ends with the page.

import { DESK, must, test, until } from "./kit.mjs";

await test("dropped", async (hands) => {
  await refused(hands);
  await offline(hands);
});

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
