"""A coach of few words, as a plugin of the role `coach`.

`decide` is called with every text and every chat: what to do with it. `say` is called when there is something to tell: the words for it. The
carriers' own words (STOP and its family) are dealt with by the host before. What is understood and said is in `rules.py`; this file speaks with the
host.
"""

from wit_world import exports
from wit_world.exports.coach import Action, Decision, Outcome_Order, Outcome_Reply, Outcome_Report, Outcome_Silence
from wit_world.imports.types import Order

import rules


class Coach(exports.Coach):
    def decide(self, ctx, request, person, pages, thread):
        titles = [page.title or page.slug for page in pages]
        (what, words), verb = rules.decide(request.text, request.source, person.standing, titles)
        value = " ".join(rules.names(ctx.seed)) if verb == "join" else None
        actions = [Action(verb=verb, target=None, value=value, extra=[])] if verb else []
        return Decision(actions=actions, then=outcome(what, words))

    def say(self, ctx, person, occasion):
        return rules.say(occasion.name, dict(occasion.values))


def outcome(what, words):
    match what:
        case "reply":
            return Outcome_Reply(words)
        case "report":
            return Outcome_Report()
        case "silence":
            return Outcome_Silence(words)
        case _:
            return Outcome_Order(
                Order(kind="page", text=words, coach=None, page=None, why="everything is a page here", extra=[])
            )
