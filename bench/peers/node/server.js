// The webhook as a Node service would have it: Express takes the form, the text becomes a file in queue/, fsynced under another name and then renamed,
// with the folder fsynced; the MessageSid is known by an entry in seen/. Only then is it answered.
//
//     node server.js PORT FOLDER PACKAGES        PACKAGES: the folder in whose node_modules Express is
"use strict";
const { createRequire } = require("node:module");
const crypto = require("node:crypto");
const fs = require("node:fs/promises");
const path = require("node:path");

const [port, folder, packages] = process.argv.slice(2);
const express = createRequire(path.join(path.resolve(packages), "package.json"))("express");

const dirs = Object.fromEntries(["tmp", "seen", "queue"].map((name) => [name, path.join(folder, name)]));

async function syncDir(dir) {
  const handle = await fs.open(dir, "r");
  try {
    await handle.sync();
  } finally {
    await handle.close();
  }
}

async function accept(text) {
  const id = `${Date.now()}-${crypto.randomUUID()}`;
  const seen = path.join(dirs.seen, crypto.createHash("sha256").update(text.MessageSid).digest("hex"));
  const tmp = path.join(dirs.tmp, id);
  const job = { id, created_at: new Date().toISOString(), status: "queued", request: { from: text.From, body: text.Body, delivery: text.MessageSid } };
  const file = await fs.open(tmp, "wx", 0o600);
  try {
    await file.writeFile(JSON.stringify(job, null, 2));
    await file.sync();
  } finally {
    await file.close();
  }
  try {
    await fs.link(tmp, seen);
  } catch (error) {
    if (error.code !== "EEXIST") throw error;
    await fs.unlink(tmp);
    return;
  }
  await syncDir(dirs.seen);
  await fs.rename(tmp, path.join(dirs.queue, `${id}.json`));
  await syncDir(dirs.queue);
}

async function main() {
  for (const dir of Object.values(dirs)) await fs.mkdir(dir, { recursive: true });
  const app = express();
  app.use(express.urlencoded({ extended: false, limit: "64kb" }));
  app.post("/sms/webhook", async (request, response) => {
    if (!request.body?.From || !request.body?.MessageSid) return response.status(422).end();
    try {
      await accept(request.body);
      response.type("text/xml").send("<?xml version=\"1.0\" encoding=\"UTF-8\"?><Response></Response>");
    } catch (error) {
      console.error(error);
      response.status(503).end();
    }
  });
  app.listen(Number(port), "127.0.0.1");
}

main();
