import assert from 'node:assert/strict';
import { test } from 'node:test';

import { extract } from './plugin.js';

const ctx = { job: '1', attempt: 1, now: 0n, seed: 7n, config: '{}', extra: [] };
const found = (answer, finished) => extract.extract(ctx, { kind: 'page', text: 'x', extra: [] }, answer, finished);

test('the last of two fences is the page', () => {
  const { val } = found('First:\n```html\n<p>a\n```\nNo, better:\n```html\n<title> B </title><p>b\n```\n', true);
  assert.deepEqual([val[0].html, val[0].title], ['<title> B </title><p>b', 'B']);
});

test('a page that stops is asked on unless there is nothing more', () => {
  assert.equal(found('```html\n<p>half', false).tag, 'cut-off');
  assert.equal(found('```html\n<p>half', true).tag, 'pages');
});

test('words are no page', () => {
  assert.equal(found('Have you tried a clock?', true).tag, 'nothing');
});
