"""Names pages like a haiku's middle line. The line itself is in `haiku.py`; this file speaks with the host."""

import json

from componentize_py_types import Err
from wit_world import exports
from wit_world.imports.types import StageError_Internal

import haiku


class Slug(exports.Slug):
    def propose(self, ctx, order, title, taken):
        config = json.loads(ctx.config or "{}")
        try:
            season, count = haiku.settings(config, ctx.now)
        except ValueError as error:
            raise Err(StageError_Internal(f"config of this stage: {error}"))
        return haiku.names(ctx.seed, season, count, title or order.text, taken)
