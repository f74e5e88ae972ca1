"""Makes pages fit for phones, and keeps ideas to a length one can read, as a plugin of the role `filter`.

A filter stands between stages: `on = ["idea", "reply", "page"]` of its stage in pipeline.toml says what it is shown. It gives back what it was
given, changed or not, or refuses, in words for the person. What it looks for is in `rules.py`; this file speaks with the host.
"""

import json
from dataclasses import replace

from componentize_py_types import Err
from wit_world import exports
from wit_world.exports.filter import Content_Idea, Content_Page
from wit_world.imports.types import StageError_Refused

import rules


class Filter(exports.Filter):
    def apply(self, ctx, content):
        # The stage's `config` in pipeline.toml. Tell people of each key in plugin.toml.
        longest = json.loads(ctx.config or "{}").get("longest", 2000)
        if isinstance(content, Content_Idea) and len(content.value.text) > longest:
            # Or StageError_BadInput (a fault of the stage before), or StageError_Internal (a fault of this plugin).
            raise Err(StageError_Refused(f"That is a lot at once. Tell it in {longest} letters, please."))
        if isinstance(content, Content_Page):
            return Content_Page(replace(content.value, html=rules.phone_ready(content.value.html)))
        return content
