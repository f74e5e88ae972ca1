// Every page of ours on one kind of screen, by day or by night: nothing sticks out, no console error, nothing an accessibility checker calls serious.
// The pictures are for people to look at.
//
// Run as `node look.mjs BASE_URL WTAF_HOST_BINARY SIZE SCHEME`: one of four, so that each is short on a busy machine.

import { DESK, PHONE, asks, made, must, same, test, tool, until } from "./kit.mjs";

const [size, colorScheme] = process.argv.slice(4);
// The first is the one whose pictures are kept; on the others, nothing may stick out either.
const WIDTHS = { phone: [PHONE.width, 360], desk: [DESK.width, 768, 1920] }[size];

await test("look", async (hands) => {
  must(WIDTHS && ["light", "dark"].includes(colorScheme), "usage: node look.mjs BASE_URL WTAF_HOST_BINARY phone|desk light|dark");
  const { source: axe } = tool("axe-core");
  const { job, home } = await furnish(hands);
  const places = { front: "/", chat: "/chat", talk: `/chat?job=${job}`, phone: "/phone", gallery: "/gallery", "sign-in": "/sign-in", home, missing: `${home}/no-such-page`, lost: "/no-such-person-here" };
  const viewport = size === "phone" ? PHONE : DESK;
  const page = await (await hands.person(viewport, { colorScheme, reducedMotion: "reduce" })).newPage();
  const faults = [];
  for (const [name, path] of Object.entries(places)) {
    await page.setViewportSize(viewport);
    await hands.go(page, path);
    await settled(page, name);
    await hands.shoot(page, `${name}-${size}-${colorScheme}`);
    for (const fault of [...(await small(page)), ...(await checked(page, axe))]) faults.push(`${name}: ${fault}`);
    for (const width of WIDTHS) {
      await page.setViewportSize({ ...viewport, width });
      for (const fault of await wide(page)) faults.push(`${name} at ${width} px: ${fault}`);
    }
  }
  hands.forgive(/status of 404/);
  same(faults, [], `what is wrong with the look, ${size}, ${colorScheme}`);
});

// A person with some pages: the front page, the home, the phone and the chat have something to show.
async function furnish(hands) {
  const page = await hands.page("/chat", DESK);
  for (const [n, words] of ["a snake game", "a tip calculator for four friends"].entries()) {
    await asks(page, words);
    await made(page, n + 1);
  }
  const job = new URL(page.url()).searchParams.get("job");
  const link = await page.locator(".made").last().getAttribute("href");
  await hands.go(page, "/phone");
  await page.getByLabel("Text", { exact: true }).fill("wtaf a quiz about the sea");
  await page.getByRole("button", { name: "Send" }).click();
  await until("the phone got its page", () => page.locator(".bubbles .card").first().isVisible());
  await page.context().close();
  return { job, home: `/${link.split("/")[1]}` };
}

// What comes after the page itself: the phone's texts, the pages in frames.
async function settled(page, name) {
  if (name === "phone") await page.locator(".bubbles .card").first().waitFor();
  await until(`the pictures on ${name} are drawn`, () => page.evaluate(() => [...document.images].every((one) => one.complete)));
  await until(`the frames on ${name} are drawn`, async () => {
    const states = page.frames().map((frame) => frame.evaluate(() => document.readyState === "complete").catch(() => false));
    return (await Promise.all(states)).every(Boolean);
  });
}

async function wide(page) {
  const over = await page.evaluate(() => document.documentElement.scrollWidth - document.documentElement.clientWidth);
  return over > 0 ? [`${over} px wider than the screen`] : [];
}

// What a thumb must hit is 44 px, words within a sentence excepted.
async function small(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll("button, input:not([type=hidden]), textarea, nav a, .card > a, .made, .plain, .tabs a, .ideas a")]
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
