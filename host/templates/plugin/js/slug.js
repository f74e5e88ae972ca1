// Names for pages: the title's own words, then the same with something behind them.
//
// `propose` is called once a page. The host takes the first of the names that is free, so the best comes first.

// Words that say nothing in a name.
const SMALL = new Set(['a', 'an', 'and', 'for', 'in', 'my', 'of', 'on', 'that', 'the', 'to', 'with']);

export const slug = {
  propose(ctx, order, title, taken) {
    const base = [title, order.text, order.kind].map(nameOf).find(Boolean) ?? 'page';
    const names = [base, `${base}-${nameOf(order.kind) || 'page'}`];
    for (let number = 2; number <= 9; number++) names.push(`${base}-${number}`);
    // A plugin has no dice: chance comes from the seed, so that a job that is run again gives the same names.
    const first = Number(ctx.seed % 9000n);
    for (let step = 0; step < 20; step++) names.push(`${base}-${1000 + ((first + step * 457) % 9000)}`);
    return names.filter((name) => !taken.includes(name));
  },
};

// Up to four telling words, joined by dashes. A name is made of `a-z`, `0-9` and single dashes, and has at most 64 letters.
function nameOf(text = '') {
  const words = text.toLowerCase().split(/[^a-z0-9\u0080-\uffff]+/).map((word) => word.replace(/[^a-z0-9]/g, ''));
  return words.filter((word) => word && word.length <= 12 && !SMALL.has(word)).slice(0, 4).join('-');
}
