"""What makes a page fit for phones."""

import re

VIEWPORT = '<meta name="viewport" content="width=device-width, initial-scale=1">'


def phone_ready(html):
    """The page, told to be as wide as the screen unless it already is."""
    if re.search('name="?viewport"?', html, re.IGNORECASE):
        return html
    return re.sub(r"<head(\s[^>]*)?>", lambda head: head.group() + VIEWPORT, html, count=1, flags=re.IGNORECASE)
