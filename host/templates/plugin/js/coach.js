// A coach of few words: `make …` makes a page, `pages` lists them, anything else is told what there is.
//
// `decide` is called with every text and every chat: what to do with it. `say` is called when there is something to tell: the words for it. The
// carriers' own words (STOP and its family) are dealt with by the host before.

const HELP = 'Text MAKE and what you would like, such as: make a page for my band. PAGES lists what you have.';
const STOP = ' Reply STOP to leave.';

export const coach = {
  decide(ctx, request, person, pages, thread) {
    const text = request.text.trim();
    const [, first, rest] = /^(\S*)\s*(.*)$/s.exec(text);
    const word = first.toLowerCase();
    // One who has left is left alone, until they ask to come back.
    if (person.standing === 'left') {
      return word === 'start'
        ? { actions: [action('return')], then: { tag: 'report' } }
        : { actions: [], then: { tag: 'silence', val: 'the person has left' } };
    }
    let then = reply(HELP);
    if ((word === 'make' || word === 'wtaf') && rest) then = order(rest);
    else if (word === 'pages') then = reply(list(pages));
    // In the web chat, plain words are an idea.
    else if (request.source !== 'sms' && rest) then = order(text);
    if (person.standing !== 'unknown') return { actions: [], then };
    // A new person joins by whatever they text first.
    if (then.tag === 'reply' && request.source === 'sms') then = reply(then.val + STOP);
    return { actions: [action('join', names(ctx.seed))], then };
  },

  say(ctx, person, occasion) {
    const values = new Map(occasion.values);
    const value = (name) => values.get(name) ?? '';
    const stop = value('first') === 'true' ? STOP : '';
    switch (occasion.name) {
      case 'accepted':
        return value('kind') === 'chat' ? undefined : `On it. The link comes in about a minute.${stop}`;
      // The words that announce a page end with its link, and hold no other.
      case 'page-live':
      case 'edit-done':
        return `Here it is.${stop}\n${value('url')}`;
      case 'chat':
        return value('words');
      case 'refused':
        return value('why');
      case 'failed':
      case 'no-page':
        return 'That one did not come out. Say it another way, and I will try again.';
      case 'limit':
      case 'busy':
        return 'That is all for now. Try again in a little while.';
      case 'welcome':
      case 'welcome-back':
        return `Good to have you here. ${HELP}${stop}`;
      // Of anything else nothing is said.
      default:
        return undefined;
    }
  },
};

const reply = (words) => ({ tag: 'reply', val: words });

const action = (verb, value) => ({ verb, target: undefined, value, extra: [] });

const order = (text) => ({
  tag: 'order',
  val: { kind: 'page', text, coach: undefined, page: undefined, why: 'everything is a page here', extra: [] },
});

function list(pages) {
  if (!pages.length) return `No pages yet. ${HELP}`;
  return pages.slice(0, 9).map((page, at) => `${at + 1} ${page.title || page.slug}`).join('\n');
}

// What a new person may be called, best first; the host takes the first that is free. A plugin has no dice: chance comes from the seed.
function names(seed) {
  const first = Number(seed % 9000n);
  return Array.from({ length: 20 }, (_, step) => `friend-${1000 + ((first + step * 457) % 9000)}`).join(' ');
}
