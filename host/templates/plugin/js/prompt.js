// Tells an AI what page is wanted, in your own house style.
//
// `compose` is called once a page. Text that stays the same goes first and the person's words go last, unchanged: providers remember a beginning
// they have seen before, and charge less for it.

const PAGE =
  'You make one web page: a single, whole HTML document with its style and script inside, in one ```html fence, and nothing else.';
const CHAT = 'You are a kind and witty coach. Answer in three sentences at most, in plain words.';

export const prompt = {
  compose(ctx, order, person, thread, material) {
    // One of `bad-input` (a fault of the stage before), `refused` (in words for the person) and `internal` (a fault of this plugin).
    if (!order.text.trim()) throw { tag: 'bad-input', val: 'an order without words' };
    const isChat = order.kind === 'chat';
    const messages = [says('system', isChat ? CHAT : system(ctx, order))];
    const page = new Map(material).get('page');
    if (isChat) {
      messages.push(...thread.map((turn) => says(turn.coach === undefined ? 'user' : 'assistant', turn.text)));
    } else if (page !== undefined) {
      // An edit or a remix begins with a page that is there.
      messages.push(says('user', 'The page as it is now:\n\n```html\n' + page + '\n```'));
      messages.push(says('assistant', 'I have it. What shall I change?'));
    }
    messages.push(says('user', order.text));
    return {
      messages,
      modality: 'text',
      temperature: undefined,
      maxOutputTokens: isChat ? 500 : undefined,
      extra: [['purpose', isChat ? 'chat' : 'page'], ['kind', order.kind]],
    };
  },
};

function system(ctx, order) {
  // The stage's `config` in pipeline.toml. Tell people of each key in plugin.toml.
  const { style = 'Calm colours, large type, and room to breathe.' } = JSON.parse(ctx.config || '{}');
  return `${PAGE}\n\nWhat it is: a ${order.kind}.\n\nHouse style: ${style}`;
}

const says = (role, text) => ({ role, content: [{ tag: 'text', val: text }] });
