"""Signs webhooks with Twilio's own library. Reads [{"token", "url", "form": [[name, value], ...]}, ...], prints the signatures as a JSON list."""

import json
import sys

from twilio.request_validator import RequestValidator


class Form(dict):
    """A form whose names may repeat, in the shape the library knows from web frameworks."""

    def __init__(self, pairs):
        super().__init__(pairs)
        self.pairs = pairs

    def getlist(self, name):
        return [value for key, value in self.pairs if key == name]


calls = json.load(sys.stdin)
print(json.dumps([RequestValidator(call["token"]).compute_signature(call["url"], Form(call["form"])) for call in calls]))
