"""Speaks to a server as Twilio's own client does. Arguments: base URL, account, token, from, to, words, status callback."""

import json
import sys

from twilio.http.http_client import TwilioHttpClient
from twilio.rest import Client

base, account, token, sender, to, words, callback = sys.argv[1:]


class Here(TwilioHttpClient):
    """The library's own HTTP client, with another host in the address."""

    def request(self, method, url, *args, **kwargs):
        return super().request(method, url.replace("https://api.twilio.com", base), *args, **kwargs)


client = Client(account, token, http_client=Here())
sent = client.messages.create(to=to, from_=sender, body=words, status_callback=callback)
listed = client.messages.list(to=to, page_size=100, limit=100)
print(json.dumps({"sid": sent.sid, "status": sent.status, "listed": [message.sid for message in listed]}))
