import assert from 'node:assert/strict';
import { test } from 'node:test';

import { filter } from './plugin.js';

const CONFIG = { footer: 'Otter & Sons', link: 'https://otter.example', colour: '#123', meta: { author: 'Otter "O"' } };
const PAGE = '<html><head><title>x</title></head><body><p>Hello</p></body></html>';

const apply = (content, config = CONFIG) =>
  filter.apply({ job: '1', attempt: 1, now: 0n, seed: 7n, config: JSON.stringify(config), extra: [] }, content);
const branded = (html, config) =>
  apply({ tag: 'page', val: { audience: 'everyone', html, assets: [], extra: [] } }, config).val.html;

test('a page gets footer, colour and meta tags', () => {
  const html = branded(PAGE);
  assert.match(html, /<footer style="background:#123;color:#fff[^"]*"><a href="https:\/\/otter\.example"[^>]*>Otter &amp; Sons<\/a><\/footer><!--\/brand--><\/body>/);
  assert.match(html, /<meta name="theme-color" content="#123"><meta name="author" content="Otter &quot;O&quot;"><!--\/brand--><\/head>/);
});

test('it is never doubled, and a changed config takes the place of the old', () => {
  const once = branded(PAGE);
  assert.equal(branded(once), once);
  assert.equal(branded(branded(once, { footer: 'New' })), once);
  assert.equal(branded(once, {}), PAGE);
});

test('a closing tag in a script is not the end of the page', () => {
  const html = branded('<body><script>let x = "</body>"</script></body>');
  assert.match(html, /<\/script><!--brand--><footer/);
});

test('a page without head or body is branded at its end', () => {
  assert.match(branded('<p>Hello', { footer: 'x' }), /^<p>Hello<!--brand--><footer .*<\/footer><!--\/brand-->$/);
});

test('ideas and replies pass as they are', () => {
  const reply = { tag: 'reply', val: 'Hello' };
  assert.equal(apply(reply), reply);
});

test("a slip in the config is the operator's to mend", () => {
  for (const config of [{ foter: 'x' }, { footer: 'x', link: 'javascript:alert(1)' }, { colour: 'red;}' }, { link: 'https://x.example' }]) {
    assert.throws(() => branded(PAGE, config), { tag: 'internal' });
  }
});
