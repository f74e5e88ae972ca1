"""Tells an AI what page is wanted, in your own house style, as a plugin of the role `prompt`.

`compose` is called once a page. The words are in `rules.py`; this file speaks with the host.
"""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.prompt import AiCall, Message, Part_Text, Role
from wit_world.imports.types import StageError_BadInput

import rules


class Prompt(exports.Prompt):
    def compose(self, ctx, order, person, thread, material):
        if not order.text.strip():
            # Or StageError_Refused (in words for the person), or StageError_Internal (a fault of this plugin).
            raise Err(StageError_BadInput("an order without words"))
        # The stage's `config` in pipeline.toml. Tell people of each key in plugin.toml.
        style = json.loads(ctx.config or "{}").get("style")
        talk = [(turn.coach is not None, turn.text) for turn in thread]
        said = rules.messages(order.kind, order.text, style, talk, dict(material).get("page"))
        is_chat = order.kind == "chat"
        return AiCall(
            messages=[Message(role=Role[role], content=[Part_Text(text)]) for role, text in said],
            modality="text",
            temperature=None,
            max_output_tokens=500 if is_chat else None,
            extra=[("purpose", "chat" if is_chat else "page"), ("kind", order.kind)],
        )
