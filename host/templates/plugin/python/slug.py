"""Names for pages, as a plugin of the role `slug`. What is in a name is in `rules.py`; this file speaks with the host."""

from wit_world import exports

import rules


class Slug(exports.Slug):
    def propose(self, ctx, order, title, taken):
        # A plugin has no dice: chance comes from the seed, so that a job that is run again gives the same names.
        return rules.names(title or "", order.text, order.kind, taken, ctx.seed)
