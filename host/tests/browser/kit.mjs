// The kit of the browser tests: a real Chromium, pages of two sizes, screenshots, clear words where something fails.
//
// A test is `await test("name", async ({ base, page, ... }) => { ... })` in a file of its own, run as `node file.mjs BASE_URL`; it ends the process, with 0 only
// when everything it says held and no page it opened logged an error.

import { mkdirSync, readFileSync } from "node:fs";
import { createRequire } from "node:module";
import { join, resolve } from "node:path";

const target = resolve(import.meta.dirname, "../../../target");
const tools = process.env.WTAF_TEST_TOOLS || join(target, "test-tools");
const artefacts = process.env.WTAF_TEST_ARTEFACTS || join(target, "test-artefacts");
const chromium = process.env.WTAF_TEST_CHROMIUM || "/usr/bin/chromium";
// A folder with a stylesheet and scripts to look at before they are built into the engine, such as host/src/web/look.
const look = process.env.WTAF_TEST_LOOK;
const QUIET =
  "--no-sandbox --disable-gpu --disable-quic --no-first-run --disable-background-networking --disable-component-update --disable-sync";

export const PHONE = { width: 390, height: 844 };
export const DESK = { width: 1280, height: 800 };

/** For everything that has to happen: the machine may be busy with a hundred other tests. */
export const PATIENCE = 120_000;

/** For a whole script, far above what it takes on a machine that is busy with all that: only a script that hangs ends by it. */
const IN_ALL = 900_000;

// What took how long, told where a test fails: a slow machine and a fault look different in it.
const began = Date.now();
const times = [];
function took(words, since) {
  const now = Date.now();
  times.push(`${((now - began) / 1000).toFixed(1)} s: ${words} took ${((now - since) / 1000).toFixed(1)} s`);
}

/** A package of the folder of tools. */
export function tool(name) {
  try {
    return createRequire(join(resolve(tools), "x.js"))(name);
  } catch (error) {
    throw new Error(`this test needs ${name}, which is not in ${tools}: run scripts/test, which installs it (${error.code})`);
  }
}

/** Fails unless it holds. */
export function must(holds, words) {
  if (!holds) throw new Error(words);
}

/** Fails unless both are the same. */
export function same(got, wanted, words) {
  const [a, b] = [got, wanted].map((value) => JSON.stringify(value));
  must(a === b, `${words}: got ${a}, wanted ${b}`);
}

// Whatever goes wrong outside of the test's own awaits, and a test that hangs: both end it in order, so that nothing it started is left behind.
const stuck = new Promise((_, fail) => {
  process.on("uncaughtException", fail);
  setTimeout(fail, IN_ALL, new Error(`not through within ${IN_ALL / 1000} s`)).unref();
});
stuck.catch(() => {});

/** Asks until the answer is there (truthy), and gives it. */
export async function until(words, ask) {
  const since = Date.now();
  const end = since + PATIENCE;
  for (;;) {
    const answer = await ask();
    if (answer) {
      took(`waiting until ${words}`, since);
      return answer;
    }
    must(Date.now() < end, `waited ${PATIENCE / 1000} s in vain until ${words}`);
    await new Promise((wake) => setTimeout(wake, 50));
  }
}

/** Runs one test with a browser of its own. `act` is given the kit's hands: see `Hands`. */
export async function test(name, act) {
  let browser;
  const hands = new Hands(name);
  try {
    const { chromium: driver } = tool("playwright-core");
    browser = await driver.launch({ executablePath: chromium, args: QUIET.split(" ") });
    hands.browser = browser;
    took("starting the browser", began);
    await Promise.race([act(hands), stuck]);
    must(hands.errors.length === 0, `${hands.errors.length} errors in the console`);
    console.log(`${name}: held, in ${((Date.now() - began) / 1000).toFixed(1)} s`);
  } catch (error) {
    process.exitCode = 1;
    console.error(`${name}: ${error.stack || error}`);
    took("all of it", began);
    for (const line of times) console.error(line);
    for (const line of [...new Set(hands.errors)].slice(0, 10)) console.error(`console: ${line}`);
    await hands.shootAll("failed").catch(() => {});
  } finally {
    await browser?.close().catch(() => {});
    for (const end of hands.ends.reverse()) await end();
    process.exit();
  }
}

/** Asks for something in the chat, as a person does. */
export async function asks(page, words, button = "Make it") {
  await page.getByLabel("Your idea").fill(words);
  await page.getByRole("button", { name: button }).click();
}

/** Waits until the talk's turn of this number (from 1) has its page. */
export async function made(page, turns) {
  await page.locator(".turn").nth(turns - 1).locator(".made").waitFor();
  same(await page.locator(".turn").count(), turns, "turns in the talk");
}

/** The document in the chat's frame, once there is one that `fits`. */
export function framed(page, fits = () => true) {
  return until("the frame shows the page", async () => {
    const frame = await (await page.locator("#page").elementHandle()).contentFrame();
    return frame?.url().startsWith("http") && (await frame.title().catch(() => "")) && (await fits(frame)) && frame;
  });
}

/** What a test does things with. */
class Hands {
  constructor(name) {
    this.name = name;
    this.base = (process.argv[2] || "").replace(/\/$/, "");
    this.errors = [];
    this.pages = [];
    this.ends = [];
  }

  /** A person's browser: cookies of its own. */
  async person(size = DESK, more = {}) {
    const small = size.width < 600;
    const context = await this.browser.newContext({ viewport: size, isMobile: small, hasTouch: small, deviceScaleFactor: 1, ...more });
    context.setDefaultTimeout(PATIENCE);
    context.on("page", (page) => this.listen(page));
    if (look) {
      await context.route("**/look/*", (route) => {
        const [stem, , kind] = new URL(route.request().url()).pathname.split("/").pop().split(".");
        const parts = { "chat.js": ["common", "page", "chat"], "phone.js": ["common", "phone"], "style.css": ["style"], "console.css": ["console"], "console.js": ["console"] }[`${stem}.${kind}`];
        if (!parts) return route.continue();
        const body = parts.map((part) => readFileSync(join(look, `${part}.${kind}`), "utf8")).join("");
        return route.fulfill({ body, contentType: kind === "js" ? "text/javascript" : "text/css" });
      });
    }
    return context;
  }

  /** A page in a browser of its own. */
  async page(path, size = DESK, more = {}) {
    const page = await (await this.person(size, more)).newPage();
    await this.go(page, path);
    return page;
  }

  async go(page, path) {
    const since = Date.now();
    await page.goto(this.url(path));
    took(`opening ${path}`, since);
  }

  url(path) {
    return new URL(path, this.base).href;
  }

  listen(page) {
    this.pages.push(page);
    page.on("pageerror", (error) => this.errors.push(`${page.url()}: ${error.message}`));
    page.on("console", (said) => said.type() === "error" && this.errors.push(`${page.url()}: ${said.text()} (${said.location().url})`));
  }

  /** Takes note of the errors so far, and forgets those that a test meant to cause. */
  forgive(which) {
    this.errors = this.errors.filter((line) => !which.test(line));
  }

  /** A picture for people, `NAME-what.png`. */
  async shoot(page, what, whole = false) {
    const since = Date.now();
    mkdirSync(artefacts, { recursive: true });
    await page.screenshot({ path: join(artefacts, `${this.name}-${what}.png`), fullPage: whole });
    took(`the picture ${what}`, since);
  }

  async shootAll(what) {
    for (const [n, page] of this.pages.entries()) if (!page.isClosed()) await this.shoot(page, `${what}-${n}`);
  }
}
