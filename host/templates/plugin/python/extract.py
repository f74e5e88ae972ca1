"""Finds the page in what an AI said, as a plugin of the role `extract`.

`extract` is called when an answer has come. `finished` is whether the provider said that it is complete: where it is not, `Found_CutOff` has the
host ask for the rest and call again with all of it. What it looks for is in `rules.py`; this file speaks with the host.
"""

from wit_world import exports
from wit_world.exports.extract import Found_CutOff, Found_Nothing, Found_Pages, Found_Reply
from wit_world.imports.types import PageDraft

import rules


class Extract(exports.Extract):
    def extract(self, ctx, order, answer, finished):
        if order.kind == "chat":
            words = answer.strip()
            return Found_Reply(words) if words else Found_Nothing("the AI said nothing")
        # There is nothing more to be had: what can be saved is saved.
        is_last = dict(ctx.extra).get("last") == "true"
        html, whole = rules.document(answer)
        if not whole and not finished and not is_last:
            return Found_CutOff()
        if html is None:
            return Found_Nothing("no page in the answer")
        return Found_Pages([PageDraft(audience="everyone", title=rules.title(html), html=html, assets=[], extra=[])])
