// Puts a footer, a colour and meta tags on every page.
//
// What it adds stands between two comments. A page that comes back for an edit already has it: the old is taken out before the new is put in, so it is
// never there twice, and a changed config reaches old pages with their next edit.

const BEGIN = '<!--brand-->';
const END = '<!--/brand-->';

// The keys of the stage's `config`.
const KEYS = ['footer', 'link', 'colour', 'meta'];

export const filter = {
  apply(ctx, content) {
    const brand = read(ctx.config);
    // Ideas and replies pass as they are.
    if (content.tag !== 'page') return content;
    const bare = unbranded(content.val.html);
    return { tag: 'page', val: { ...content.val, html: withFooter(withMeta(bare, brand), brand) } };
  },
};

// The config, checked: a slip in it is told to the operator, and does not end up on a page.
function read(config) {
  const brand = JSON.parse(config || '{}');
  const unknown = Object.keys(brand).find((key) => !KEYS.includes(key));
  if (unknown) wrong(`unknown key \`${unknown}\` (known: ${KEYS.join(', ')})`);
  const { footer, link, colour, meta = {} } = brand;
  if (link !== undefined && !/^https?:\/\/[^\s]+$/.test(link)) wrong('`link` begins with http:// or https://');
  if (link !== undefined && footer === undefined) wrong('`link` needs a `footer` to stand on');
  if (colour !== undefined && !/^(#[0-9a-f]{3,8}|[a-z]+)$/i.test(colour)) wrong('`colour` is #rrggbb, or a CSS name');
  return { footer, link, colour, meta };
}

function wrong(why) {
  throw { tag: 'internal', val: `config of this stage: ${why}` };
}

// The page without what this plugin put there before.
function unbranded(html) {
  let out = '';
  let from = 0;
  for (;;) {
    const begin = html.indexOf(BEGIN, from);
    const end = begin < 0 ? -1 : html.indexOf(END, begin);
    if (end < 0) return out + html.slice(from);
    out += html.slice(from, begin);
    from = end + END.length;
  }
}

// Meta tags at the end of the head; a page without one has them at its very end, where browsers find some of them still.
function withMeta(html, { colour, meta }) {
  const named = Object.entries(colour === undefined ? meta : { 'theme-color': colour, ...meta });
  const tags = named.map(([name, value]) => `<meta name="${escaped(name)}" content="${escaped(value)}">`).join('');
  return before(html, '</head', tags);
}

function withFooter(html, { footer, link, colour = '#f4f4f4' }) {
  if (footer === undefined) return html;
  const words = link === undefined ? escaped(footer) : `<a href="${escaped(link)}" style="color:inherit">${escaped(footer)}</a>`;
  const style = `background:${colour};color:${isDark(colour) ? '#fff' : '#222'};padding:.75rem 1rem;text-align:center;font:14px/1.4 system-ui,sans-serif`;
  return before(html, '</body', `<footer style="${style}">${words}</footer>`);
}

// Puts something before the last of these closing tags (a script may hold another in a string), else behind everything.
function before(html, tag, what) {
  if (!what) return html;
  const at = html.toLowerCase().lastIndexOf(tag);
  const place = at < 0 ? html.length : at;
  return html.slice(0, place) + BEGIN + what + END + html.slice(place);
}

// Whether white reads better on it than black. A name tells nothing of how dark it is: then it is taken for light.
function isDark(colour) {
  const digits = /^#([0-9a-f]{3}|[0-9a-f]{6})$/i.exec(colour)?.[1];
  if (!digits) return false;
  const long = digits.length === 3 ? [...digits].map((digit) => digit + digit).join('') : digits;
  const [red, green, blue] = [0, 2, 4].map((at) => parseInt(long.slice(at, at + 2), 16));
  return (red * 299 + green * 587 + blue * 114) / 1000 < 128;
}

function escaped(text) {
  const names = { '&': '&amp;', '<': '&lt;', '>': '&gt;', '"': '&quot;', "'": '&#39;' };
  return String(text).replace(/[&<>"']/g, (sign) => names[sign]);
}
