// An AI that writes slowly: the page is drawn while it is written, without its scripts, and gives way to the page itself.
//
// Run as `node stream.mjs BASE_URL WTAF_HOST_BINARY`: it starts an engine of its own, whose AI is a fake here that stops halfway until it is told to go on.

import { startAi, startEngine } from "./engine.mjs";
import { DESK, PHONE, asks, framed, made, must, same, test, until } from "./kit.mjs";

const PAGE = `<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Harbour Bakery</title>
<style>body { margin: 0; background: rgb(255, 240, 220); font: 18px Georgia, serif } h1 { color: rgb(120, 40, 20); padding: 40px }</style></head>
<body onload="ran('a handler')"><h1 onclick="ran('a handler')">Harbour Bakery</h1><script>ran("a script")</script><img src="x" onerror="ran('a handler')">
<iframe src="/chat"></iframe><a href="javascript:ran('a link')">Bread since 1931</a>
<p>${"Sourdough, rye, and buns. ".repeat(30)}</p><p id="last">The end.</p>
<script>document.title = "Harbour Bakery, open";</script></body></html>`;

await test("stream", async (hands) => {
  let goOn;
  const halfway = new Promise((go) => (goOn = go));
  hands.base = await startEngine(hands, process.argv[3], await startAi(hands, PAGE, halfway));
  const [desk, phone] = [await hands.page("/chat", DESK), await hands.page("/chat", PHONE)];
  for (const page of [desk, phone]) await asks(page, "a page for a bakery");

  const draft = await drawn(desk);
  same(await draft.evaluate(() => getComputedStyle(document.querySelector("h1")).color), "rgb(120, 40, 20)", "the colour of the draft");
  same(await draft.locator("script, iframe, [onload], [onclick], [onerror], [href]").count(), 0, "what could act in the draft");
  same(await draft.evaluate(() => origin), "null", "the draft's origin");
  same(await draft.locator("#last").count(), 0, "the end, while it is not written");
  same(await desk.locator(".made").count(), 0, "pages in the talk");
  await desk.getByText("Writing what it shows.").waitFor();
  await hands.shoot(desk, "drawn");

  // Where there is one column, it can be watched, and is not in the way.
  same(await phone.locator("#live.up").count(), 0, "sheets that came up by themselves");
  await phone.getByRole("button", { name: "Watch it" }).click();
  await phone.locator("#live.up").waitFor();
  await drawn(phone);
  await hands.shoot(phone, "drawn-phone");

  goOn();
  for (const page of [desk, phone]) {
    await made(page, 1);
    const frame = await framed(page, async (frame) => (await frame.title()) === "Harbour Bakery, open");
    same(await frame.locator("#last").textContent(), "The end.", "the end of the page");
    await until("the draft is gone", () => page.locator("#peek").isHidden());
  }
  // The scripts of the page itself ran, and complained; those of the draft would have had no name to complain by.
  same(hands.errors.filter((line) => line.includes("/look/draft")), [], "errors in the draft");
  hands.forgive(/ran is not defined|\/x\b|\/chat|frame-src|Framing|img-src|Loading/);
});

// The frame of the draft, once it shows something.
async function drawn(page) {
  await page.locator(".peek.drawn").waitFor();
  return until("the draft is drawn", async () => {
    const frame = page.frames().find((one) => one.url().includes("/look/draft"));
    return frame && (await frame.locator("h1").count()) > 0 && frame;
  });
}
