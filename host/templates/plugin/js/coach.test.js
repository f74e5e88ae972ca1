import assert from 'node:assert/strict';
import { test } from 'node:test';

import { coach } from './plugin.js';

const ctx = { job: '1', attempt: 1, now: 0n, seed: 7n, config: '{}', extra: [] };
const decide = (text, standing = 'active') =>
  coach.decide(ctx, { text, source: 'sms', media: [], extra: [] }, { standing }, [], []);

test('make makes a page of what follows', () => {
  assert.equal(decide('Make  a page for my band').then.val.text, 'a page for my band');
});

test('a new person joins and is told how to leave', () => {
  const { actions, then } = decide('hello', 'unknown');
  assert.equal(actions[0].verb, 'join');
  assert.match(then.val, /STOP to leave\.$/);
});

test('one who has left is left alone', () => {
  assert.equal(decide('make a page', 'left').then.tag, 'silence');
  assert.equal(decide('START', 'left').actions[0].verb, 'return');
});

test('a page is announced with its link last', () => {
  const said = coach.say(ctx, {}, { name: 'page-live', values: [['url', 'https://x.example/y']] });
  assert.match(said, /\nhttps:\/\/x\.example\/y$/);
});
