// Every page of the console on one kind of screen, by day or by night, over two engines at work: one that is well, and one whose AI is away. Nothing sticks
// out, nothing an accessibility checker calls serious, no error in the browser's console. The pictures are for people to look at.
//
// Run as `node console.mjs BASE_URL WTAF_HOST_BINARY SIZE SCHEME`.

import { execFileSync } from "node:child_process";
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { startEngine } from "./engine.mjs";
import { DESK, PHONE, must, same, test, tool, until } from "./kit.mjs";

const [binary, size, colorScheme] = process.argv.slice(3);
const WIDTHS = { phone: [PHONE.width, 360], desk: [DESK.width, 768, 1920] }[size];
// What a texter may try: it is words, wherever it is shown.
const HOSTILE = "wtaf a page about <script>alert(1)</script><img src=x onerror=alert(2)> and +15550199999";

await test("console", async (hands) => {
  must(WIDTHS && ["light", "dark"].includes(colorScheme), "usage: node console.mjs BASE_URL WTAF_HOST_BINARY phone|desk light|dark");
  const { source: axe } = tool("axe-core");
  const viewport = size === "phone" ? PHONE : DESK;
  const context = await hands.person(viewport, { colorScheme, reducedMotion: "reduce" });
  const page = await context.newPage();
  const faults = [];
  const look = async (name) => {
    await page.setViewportSize(viewport);
    await hands.shoot(page, `${name}-${size}-${colorScheme}`, true);
    for (const fault of [...(await small(page)), ...(await checked(page, axe))]) faults.push(`${name}: ${fault}`);
    for (const width of WIDTHS) {
      await page.setViewportSize({ ...viewport, width });
      const over = await page.evaluate(wide);
      if (over) faults.push(`${name} at ${width} px: ${over}`);
    }
    await page.setViewportSize(viewport);
  };

  // Well, and at work.
  await hands.go(page, "/console");
  await look("empty");
  await hands.go(page, "/console/jobs");
  await look("no-jobs");
  const jobs = await Promise.all(Array.from({ length: 12 }, (_, n) => text(hands.base, n, n === 5 ? HOSTILE : `wtaf a tip calculator for ${n} friends`)));
  await until("the jobs are done", async () => (await Promise.all(jobs.map((id) => status(hands.base, id)))).every((one) => one === "done"));
  await hands.go(page, "/console?span=5m");
  await page.getByText("ended well").first().waitFor();
  await look("overview");
  await hands.go(page, "/console?stage=ai");
  await page.getByText("Time in ai").waitFor();
  await page.locator("#chart-1 summary").click();
  await look("stage");
  await hands.go(page, "/console/jobs?status=done");
  same(await page.locator(".jobs tbody tr").count(), jobs.length, "jobs in the list");
  await look("jobs");
  await hands.go(page, `/console/jobs/${jobs[5]}`);
  await page.getByText("compose").first().waitFor();
  must(!(await page.content()).includes("+15550199999"), "a number in a person's words is masked");
  same(await page.locator("main img, main script").count(), 0, "elements made of a person's words");
  await look("story");
  await page.locator("details.call").first().click();
  await page.getByRole("button", { name: "Run" }).click();
  await page.getByText("answers are the same").waitFor();
  await look("replayed");

  // A version on trial, offered by the form.
  const folder = mkdtempSync(join(tmpdir(), "wtaf-console"));
  hands.ends.push(() => rmSync(folder, { recursive: true, force: true }));
  await hands.go(page, "/console/plugins");
  await page.locator("#plugin-1 summary", { hasText: "Offer another version" }).click();
  await page.locator("#file-1").setInputFiles(other(folder, await page.locator("#plugin-1 h2").innerText()));
  await page.locator("#by-1").selectOption("share");
  await page.getByRole("button", { name: "Rehearse and offer it" }).first().click();
  await page.locator("#plugin-1 .report", { hasText: "taken." }).waitFor();
  await look("offered");
  await hands.go(page, "/console/plugins");
  await page.getByText("canary: 10 people in 100").first().waitFor();
  await look("plugins");
  for (const name of ["providers", "people", "queue", "configuration"]) {
    await hands.go(page, `/console/${name}`);
    await page.locator("h1").waitFor();
    await look(name);
  }

  // In trouble.
  const base = await startEngine(hands, binary, "http://127.0.0.1:9/v1", ["queue.max_attempts=1"]);
  const failed = await Promise.all(Array.from({ length: 7 }, (_, n) => text(base, n, n === 5 ? HOSTILE : "wtaf a quiz about the sea")));
  await until("the jobs failed", async () => (await Promise.all(failed.map((id) => status(base, id)))).every((one) => one === "failed"));
  for (const [name, path] of Object.entries({ overview: "", queue: "/queue", providers: "/providers", story: `/jobs/${failed[5]}` })) {
    await page.goto(`${base}/console${path}`);
    await page.locator(".well").waitFor();
    await look(`trouble-${name}`);
  }

  // Behind the token.
  const shut = await startEngine(hands, binary, "http://127.0.0.1:9/v1", ["server.admin_token=a-token-for-a-test"]);
  await page.goto(`${shut}/console/jobs?status=failed`);
  await page.getByLabel("The admin token").waitFor();
  await look("shut");
  await page.getByLabel("The admin token").fill("something else");
  await page.keyboard.press("Enter");
  await page.getByText("That is not the token.").waitFor();
  await page.getByLabel("The admin token").fill("a-token-for-a-test");
  await page.keyboard.press("Enter");
  await page.getByRole("heading", { name: "Jobs" }).waitFor();
  must(page.url().endsWith("/console/jobs?status=failed"), `one comes to where one was going, not to ${page.url()}`);
  same(await page.evaluate(() => document.cookie), "", "what a script sees of the cookie");
  await page.getByRole("button", { name: "Sign out" }).click();
  await page.getByLabel("The admin token").waitFor();
  hands.forgive(/status of (401|403)/);
  same(faults, [], `what is wrong with the console, ${size}, ${colorScheme}`);
});

// Texts it as somebody: the job.
async function text(base, n, body) {
  const form = new URLSearchParams({ From: `+155501040${10 + n}`, Body: body, MessageSid: `SMconsole${n}${Math.random()}`, NumMedia: "0" });
  const response = await fetch(`${base}/sms/webhook`, { method: "POST", body: form });
  same(response.status, 200, "the webhook's answer");
  return response.headers.get("x-wtaf-job");
}

async function status(base, id) {
  return (await (await fetch(`${base}/api/jobs/${id}`)).json()).status;
}

// The same plugin in other bytes: a section that says nothing is added to it.
function other(folder, heading) {
  const file = join(folder, "other.wasm");
  execFileSync(binary, ["plugin", "export", heading.split(/\s/)[0], "--out", file]);
  writeFileSync(file, Buffer.concat([readFileSync(file), Buffer.from([0, 5, 4, 110, 111, 110, 101])]));
  return file;
}

// What sticks out, and how far.
function wide() {
  const { scrollWidth, clientWidth } = document.documentElement;
  if (scrollWidth <= clientWidth) return "";
  const out = [...document.querySelectorAll("main *")].filter((node) => !node.closest(".scroll, pre, svg") && node.getBoundingClientRect().right > clientWidth + 1);
  return `${scrollWidth - clientWidth} px wider than the screen: ${out.slice(0, 3).map((node) => node.outerHTML.slice(0, 90)).join(" | ")}`;
}

// What a thumb must hit is 44 px, words within a sentence excepted.
async function small(page) {
  return page.evaluate(() =>
    [...document.querySelectorAll("button, input:not([type=hidden], [type=range]), select, summary, nav a, .stop > a, .id, .flowing a, .plain")]
      .filter((node) => node.checkVisibility({ visibilityProperty: true }))
      .map((node) => ({ node, box: node.getBoundingClientRect() }))
      .filter(({ box }) => box.height < 43.5 || box.width < 44)
      .map(({ node, box }) => `${node.outerHTML.slice(0, 60)} is ${box.width.toFixed(0)} by ${box.height.toFixed(0)} px`),
  );
}

// Our policy forbids foreign scripts, so the checker comes in through the debugger.
async function checked(page, axe) {
  await page.evaluate(axe);
  const { violations } = await page.evaluate(() => globalThis.axe.run(document));
  return violations
    .filter(({ impact }) => impact === "serious" || impact === "critical")
    .map(({ id, nodes }) => `${id}: ${nodes.slice(0, 4).map(({ target, failureSummary }) => `${target} ${failureSummary}`).join("; ")}`);
}
