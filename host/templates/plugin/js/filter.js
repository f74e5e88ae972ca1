// Makes pages fit for phones, and keeps ideas to a length one can read.
//
// A filter stands between stages: `on = ["idea", "reply", "page"]` of its stage in pipeline.toml says what it is shown. It gives back what it was
// given, changed or not, or refuses, in words for the person.

const VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">';

export const filter = {
  apply(ctx, content) {
    // The stage's `config` in pipeline.toml. Tell people of each key in plugin.toml.
    const { longest = 2000 } = JSON.parse(ctx.config || '{}');
    switch (content.tag) {
      case 'idea':
        if ([...content.val.text].length > longest) {
          // One of `refused`, `bad-input` (a fault of the stage before) and `internal` (a fault of this plugin).
          throw { tag: 'refused', val: `That is a lot at once. Tell it in ${longest} letters, please.` };
        }
        return content;
      case 'page':
        return { tag: 'page', val: { ...content.val, html: phoneReady(content.val.html) } };
      default:
        return content;
    }
  },
};

// The page, told to be as wide as the screen unless it already is.
function phoneReady(html) {
  if (/name="?viewport"?/i.test(html)) return html;
  return html.replace(/<head(\s[^>]*)?>/i, (head) => head + VIEWPORT);
}
