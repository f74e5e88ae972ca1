import assert from 'node:assert/strict';
import { test } from 'node:test';

import { filter } from './plugin.js';

const apply = (content, config = '{}') =>
  filter.apply({ job: '1', attempt: 1, now: 0n, seed: 7n, config, extra: [] }, content);
const page = (html) => apply({ tag: 'page', val: { audience: 'everyone', html, assets: [], extra: [] } }).val.html;
const idea = { tag: 'idea', val: { text: 'ten letters', source: 'sms', media: [], extra: [] } };

test('a page gets its viewport once', () => {
  const html = page('<html><head lang="en"><title>x</title></head></html>');
  assert.match(html, /<head lang="en"><meta name="viewport"[^>]*><title>/);
  assert.equal(page(html), html);
});

test('a long idea is refused kindly', () => {
  assert.throws(() => apply(idea, '{"longest":5}'), { tag: 'refused' });
  assert.equal(apply(idea), idea);
});
