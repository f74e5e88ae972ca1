import assert from 'node:assert/strict';
import { test } from 'node:test';

import { slug } from './plugin.js';

const ctx = { job: '1', attempt: 1, now: 0n, seed: 7n, config: '{}', extra: [] };
const names = (title, taken = []) => slug.propose(ctx, { kind: 'game', text: '' }, title, taken);

test('the title names the page', () => {
  assert.deepEqual(names('The Snake of the Nile!').slice(0, 2), ['snake-nile', 'snake-nile-game']);
});

test('what is taken is left out', () => {
  assert.equal(names('Snake', ['snake', 'snake-game'])[0], 'snake-2');
});

test('a title without a plain letter leaves the kind', () => {
  assert.equal(names('…!')[0], 'game');
});
