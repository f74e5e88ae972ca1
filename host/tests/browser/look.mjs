// Every page of ours, on a phone and on a desk, by day and by night: nothing sticks out, no console error, nothing an accessibility checker calls serious.
// The pictures are for people to look at.

import { DESK, PHONE, same, test, tool, until } from "./kit.mjs";

await test("look", async (hands) => {
  const { source: axe } = tool("axe-core");
  const { job, home } = await furnish(hands);
  const places = { front: "/", chat: "/chat", signin: "/sign-in", talk: `/chat?job=${job}`, phone: "/phone", home, missing: `${home}/no-such-page`, lost: "/no-such-person-here" };
  const faults = [];
  for (const [size, viewport] of Object.entries({ phone: PHONE, desk: DESK })) {
    for (const colorScheme of ["light", "dark"]) {
      const context = await hands.person(viewport, { colorScheme, reducedMotion: "reduce" });
      const page = await context.newPage();
      for (const [name, path] of Object.entries(places)) {
        await page.goto(hands.url(path), { waitUntil: "networkidle" });
        await hands.shoot(page, `${name}-${size}-${colorScheme}`);
        const where = `${name}, ${size}, ${colorScheme}`;
        for (const fault of [...(await wide(page)), ...(await small(page)), ...(await checked(page, axe))]) faults.push(`${where}: ${fault}`);
      }
      await context.close();
    }
  }
  hands.forgive(/status of 404/);
  same(faults, [], "what is wrong with the look");
});

// A person with some pages: the front page, the home, the phone and the chat have something to show.
async function furnish(hands) {
  const page = await hands.page("/chat", DESK);
  for (const [n, words] of ["a snake game", "a tip calculator for four friends"].entries()) {
    await page.getByLabel("Your idea").fill(words);
    await page.getByRole("button", { name: "Make it" }).click();
    await page.locator(".turn").nth(n).locator(".made").waitFor();
  }
  const job = new URL(page.url()).searchParams.get("job");
  const link = await page.locator(".made").last().getAttribute("href");
  await page.goto(hands.url("/phone"));
  await page.getByLabel("Text", { exact: true }).fill("wtaf a quiz about the sea");
  await page.getByRole("button", { name: "Send" }).click();
  await until("the phone got its page", () => page.locator(".bubbles .card").first().isVisible());
  await page.context().close();
  return { job, home: `/${link.split("/")[1]}` };
}

async function wide(page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return over > 0 ? [`${over} px wider than the screen`] : [];
}

// What a thumb must hit is 44 px, words within a sentence excepted.
async function small(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll("button, input, textarea, nav a, .card > a, .made, .ideas a, .bar a, .offers a")]
      .map((node) => ({ node, box: (node.closest(".card") || node).getBoundingClientRect() }))
      .filter(({ node, box }) => node.checkVisibility({ visibilityProperty: true }) && (box.height < 44 || box.width < 44))
      .map(({ node, box }) => `${node.outerHTML.slice(0, 60)} is ${box.width.toFixed(0)} by ${box.height.toFixed(0)} px`),
  );
}

// Our policy forbids foreign scripts, so the checker comes in through the debugger. Pages in frames are their makers' own.
async function checked(page, axe) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document, { iframes: false }));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
}
