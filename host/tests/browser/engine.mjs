// An engine and an AI for a test that needs its own, each on a free port, gone with the test.

import { spawn } from "node:child_process";
import { copyFileSync, mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:http";
import { tmpdir } from "node:os";
import { join, resolve } from "node:path";

import { must, until } from "./kit.mjs";

/** An AI by OpenAI's protocol that answers everything with one page: its `base_url`. It waits for `halfway` before it writes the second half. */
export async function startAi(hands, page, halfway) {
  const server = createServer((request, response) => answer(request, response, page, halfway));
  await new Promise((ready) => server.listen(0, "127.0.0.1", ready));
  hands.ends.push(() => server.closeAllConnections());
  return `http://127.0.0.1:${server.address().port}/v1`;
}

async function answer(request, response, page, halfway) {
  request.resume();
  response.writeHead(200, { "content-type": "text/event-stream" });
  const part = (delta, finish_reason = null) =>
    response.write(`data: ${JSON.stringify({ id: "x", object: "chat.completion.chunk", model: "m", choices: [{ index: 0, delta, finish_reason }] })}\n\n`);
  part({ role: "assistant", content: "```html\n" });
  const half = Math.floor(page.length / 2);
  part({ content: page.slice(0, half) });
  await halfway;
  part({ content: page.slice(half) });
  part({ content: "\n```\n" });
  part({}, "stop");
  response.end("data: [DONE]\n\n");
}

/** The shipped engine in an empty folder, with that AI, and with what else is set: its address. */
export async function startEngine(hands, binary, ai, settings = []) {
  const folder = mkdtempSync(join(tmpdir(), "wtaf-browser"));
  copyFileSync(resolve(import.meta.dirname, "../../../pipeline.toml"), join(folder, "pipeline.toml"));
  const provider = `ai=[{ name = "x", kind = "openai", model = "m", base_url = "${ai}", api_key = "k" }]`;
  const all = ["server.listen=127.0.0.1:0", provider, ...settings].flatMap((setting) => ["--set", setting]);
  const engine = spawn(binary, ["run", "pipeline.toml", ...all], {
    cwd: folder,
    env: { PATH: process.env.PATH, WTAF_LOG_FORMAT: "json" },
    stdio: ["ignore", "ignore", "pipe"],
  });
  hands.ends.push(() => {
    engine.kill("SIGKILL");
    rmSync(folder, { recursive: true, force: true, maxRetries: 5 });
  });
  let log = "";
  engine.stderr.on("data", (piece) => (log += piece));
  const ready = await until("the engine is ready", () => {
    must(engine.exitCode === null, `the engine ended: ${log}`);
    return log.split("\n").find((line) => line.includes('"message":"ready"'));
  });
  return JSON.parse(ready).public_url.replace(/\/$/, "");
}
