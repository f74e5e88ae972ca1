import assert from 'node:assert/strict';
import { test } from 'node:test';

import { prompt } from './plugin.js';

const ctx = { job: '1', attempt: 1, now: 0n, seed: 7n, config: '{"style":"Neon."}', extra: [] };
const compose = (kind, text, material = []) => prompt.compose(ctx, { kind, text, extra: [] }, {}, [], material);
const textOf = (message) => message.content[0].val;

test("the style comes first and the person's words last", () => {
  const { messages } = compose('game', 'snake');
  assert.match(textOf(messages[0]), /House style: Neon\.$/);
  assert.equal(textOf(messages.at(-1)), 'snake');
});

test('an edit shows the page that is there', () => {
  assert.match(textOf(compose('edit', 'make it blue', [['page', '<p>Old']]).messages[1]), /<p>Old/);
});

test("an order without words is somebody else's fault", () => {
  assert.throws(() => compose('page', ' '), { tag: 'bad-input' });
});
