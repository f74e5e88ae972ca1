// Finds the page in what an AI said: the last fenced one, else a bare document.
//
// `extract` is called when an answer has come. `finished` is whether the provider said that it is complete: where it is not, `cut-off` has the host
// ask for the rest and call again with all of it.

export const extract = {
  extract(ctx, order, answer, finished) {
    if (order.kind === 'chat') {
      const words = answer.trim();
      return words ? { tag: 'reply', val: words } : { tag: 'nothing', val: 'the AI said nothing' };
    }
    // There is nothing more to be had: what can be saved is saved.
    const isLast = new Map(ctx.extra).get('last') === 'true';
    const [html, whole] = documentIn(answer);
    if (!whole && !finished && !isLast) return { tag: 'cut-off' };
    return html === undefined ? { tag: 'nothing', val: 'no page in the answer' } : { tag: 'pages', val: [draft(html)] };
  },
};

// The document in an answer, and whether its end is there.
function documentIn(answer) {
  const fence = answer.lastIndexOf('```html\n');
  if (fence >= 0) {
    const inside = answer.slice(fence + '```html\n'.length);
    const end = inside.indexOf('\n```');
    return end >= 0 ? [inside.slice(0, end), true] : [inside, false];
  }
  const start = answer.search(/<!doctype html|<html/i);
  if (start < 0) return [undefined, false];
  const end = answer.toLowerCase().lastIndexOf('</html>');
  return end > start ? [answer.slice(start, end + '</html>'.length), true] : [answer.slice(start), false];
}

function draft(html) {
  const title = /<title>([^<]*)<\/title>/i.exec(html)?.[1].trim();
  return { audience: 'everyone', title: title || undefined, html, assets: [], extra: [] };
}
