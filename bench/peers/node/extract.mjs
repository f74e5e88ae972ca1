// The page in an AI's answer, found as services of this kind find it: with regular expressions, one question at a time.
//
// Reads an answer as one line of JSON and says its page's title; then `extract THREADS MILLISECONDS`, answered by calls a second, median and 99th in a hundred in
// microseconds.
import { createInterface } from "node:readline";

const FENCE = /```(?:[a-z]*)[ \t]*\r?\n([\s\S]*?)\r?\n?```/gi;
const DOCUMENT = /<!doctype html[^>]*>[\s\S]*<\/html>|<html[\s\S]*<\/html>/i;
const OWNER = /<!--\s*wtaf:page\s+owner\s*-->/i;
const VOID = /^(?:area|base|br|col|embed|hr|img|input|link|meta|source|track|wbr)$/i;

/** The longest fenced block that looks like a page, else the answer itself. */
function unfenced(answer) {
  const blocks = [...answer.matchAll(FENCE)].map((found) => found[1]).filter((block) => /<[a-z!]/i.test(block));
  return blocks.sort((a, b) => b.length - a.length)[0] ?? answer;
}

/** Whether it ends in the middle: a script or a tag that is never closed, more elements opened than closed. */
function cutOff(html) {
  if (!/<\/html>\s*$/i.test(html)) return true;
  const markup = html.replace(/<!--[\s\S]*?-->/g, "").replace(/<(script|style|textarea)\b[^>]*>[\s\S]*?<\/\1>/gi, "");
  if (/<(?:script|style)\b/i.test(markup)) return true;
  const open = new Map();
  for (const [, slash, name] of markup.matchAll(/<(\/?)([a-z][a-z0-9-]*)\b[^>]*>/gi)) {
    if (VOID.test(name)) continue;
    const tag = name.toLowerCase();
    open.set(tag, (open.get(tag) ?? 0) + (slash ? -1 : 1));
  }
  return (open.get("html") ?? 0) > 0 || (open.get("body") ?? 0) > 0;
}

function title(html) {
  const found = html.match(/<title[^>]*>([\s\S]*?)<\/title>/i) ?? html.match(/<h1[^>]*>([\s\S]*?)<\/h1>/i);
  return found?.[1].replace(/<[^>]+>/g, "").replace(/&amp;/g, "&").replace(/\s+/g, " ").trim().slice(0, 80);
}

export function extract(answer, finished = true) {
  const text = answer.replace(/^\uFEFF/, "").replace(/\0/g, "");
  const block = unfenced(text);
  const html = (block.match(DOCUMENT)?.[0] ?? block).trim();
  if (!/<[a-z][\s\S]*>/i.test(html)) return { nothing: "no page in the answer" };
  if (!finished && cutOff(html)) return { cutOff: true };
  const complete = !cutOff(html);
  const [everyone, owner] = html.split(OWNER);
  const note = text.replace(FENCE, "").trim().slice(0, 500);
  return { html: everyone, owner, title: title(everyone), complete, note };
}

let answer;
for await (const line of createInterface({ input: process.stdin })) {
  if (answer === undefined) {
    answer = JSON.parse(line);
    console.log(extract(answer).title);
    continue;
  }
  const [, , milliseconds] = line.split(" ");
  const bytes = Buffer.from(answer);
  const times = [];
  const began = performance.now();
  while (performance.now() - began < Number(milliseconds)) {
    const now = performance.now();
    // From the bytes that came over the network, as the plugin has them too.
    extract(bytes.toString("utf8"));
    times.push((performance.now() - now) * 1000);
  }
  const seconds = (performance.now() - began) / 1000;
  times.sort((a, b) => a - b);
  const at = (share) => times[Math.floor(((times.length - 1) * share) / 100)];
  console.log(times.length / seconds, at(50), at(99));
}
